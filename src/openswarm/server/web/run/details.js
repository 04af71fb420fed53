/** What the panel shows of a cell, a missing row or a column, with what can be done to it. */

import { h } from "../dom.js";
import { sentence } from "../api.js";
import { clean, count } from "../format.js";
import { choiceOf, field, lineOf } from "../fields.js";
import { createMark, standing } from "../icons.js";
import { cellFacts, columnFacts } from "./cell.js";
import { STATES, cellIn, conflictAt } from "./values.js";

/**
 * A cell with its evidence.
 * @param {Object} what {table, line, column, before, why} as the panel is given it
 * @param {{actions: Object, openAgent: function(string): void, edit: function(): void}} hands
 */
export function cellView(what, { actions, openAgent, edit }) {
  const { table, line, column, before, why } = what;
  const use = why ? null : (value) => actions.set(line, column, value);
  return [
    cellFacts({ table, line, column, before, openAgent, use }),
    h("div", { class: "panel-actions" }, cellButtons(what, actions, edit),
      h("h3", null, column.isKey ? "This row" : `Row ${clean(line.name)}`),
      rowButtons(what, actions)),
    note(why),
  ];
}

/** A row that was assigned, and is not there. */
export function missingView({ line, agent, why }, { actions, openAgent }) {
  const state = agent && createMark(standing(agent.state, agent.outcome)).element;
  return [
    h("p", { class: "muted" }, "This row was assigned, and nothing of it is there."),
    agent && h("p", { class: "row" },
      h("button", { type: "button", class: "link-button", onclick: () => openAgent(agent.path) },
        agent.path),
      state, agent.why && h("span", { class: "muted" }, clean(agent.why))),
    h("div", { class: "panel-actions row" },
      button("Try again", why, () => actions.retryRow(line))),
    note(why),
  ];
}

/** A column: what it means, and how many of its cells are in which state. */
export function columnView({ table, column, why }, { actions }) {
  return [
    columnFacts(column),
    h("p", null, columnSum(table, column)),
    h("div", { class: "panel-actions row" },
      button("Rename", why, () => actions.rename(column)),
      button("Unlock all", why, () => actions.unlockColumn(column)),
      !column.isKey && button("Drop", why, () => actions.drop(column),
        { class: "button-danger" })),
    note(why),
  ];
}

/**
 * A form for the value of a cell.
 * @param {{line: Object, column: Object}} what
 * @param {Object} actions
 * @param {function(): void} done is told when the form has done its work, or was given up
 */
export function cellForm({ line, column }, actions, done) {
  const { value } = cellIn(line.row, column.name);
  const { element, control, fail } = field({ label: "New value",
    control: inputOf(column, value), hint: "The cell is locked: no later work changes it." });
  const form = h("form", { class: "stack cell-form", onsubmit: save, onkeydown: escape },
    element,
    h("div", { class: "row" },
      h("button", { type: "submit", class: "button button-primary button-small" }, "Save"),
      h("button", { type: "button", class: "button button-small", onclick: done }, "Cancel")));

  async function save(event) {
    event.preventDefault();
    const failed = (error) => fail(sentence(error));
    if (control.value === value) done();
    else if (await actions.set(line, column, control.value, { failed })) done();
  }

  function escape(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    done();
  }

  return { element: form, control };
}

/** All that a view depends on, as text: it is drawn anew only when that is another. */
export function signOf({ table, line, column, before, agent, why }) {
  const of = line ? [line.key, cellIn(line.row, column.name), conflictAt(table, line, column.name)]
    : [columnSum(table, column)];
  return JSON.stringify([...of, column, before, agent?.state, agent?.outcome, agent?.why, why]);
}

function cellButtons({ line, column, why }, actions, edit) {
  const { state } = cellIn(line.row, column.name);
  return h("div", { class: "row" },
    button("Edit", why, edit, { title: "Edit (F2)" }),
    !column.isKey && button("Try again", why || (state === "locked" && "The cell is locked"),
      () => actions.retryCell(line, column), { "aria-label": "Try again: this cell" }),
    state === "locked" && button("Unlock", why, () => actions.unlock(line, column)));
}

function rowButtons({ line, why }, actions) {
  const hasLocked = Object.values(line.row.cells).some((cell) => cell.state === "locked");
  return h("div", { class: "row" },
    button("Try again", why, () => actions.retryRow(line),
      { "aria-label": "Try again: this row" }),
    button("Split", why, () => actions.split(line)),
    button("Join", why, () => actions.join(line)),
    hasLocked && button("Unlock", why, () => actions.unlockRow(line),
      { "aria-label": "Unlock: this row" }),
    button("Remove", why, () => actions.remove([line.name]), { class: "button-danger" }));
}

/** How many cells of a column are in which state. */
function columnSum(table, column) {
  const counts = new Map();
  for (const { row } of table.placed.values()) {
    const { state } = cellIn(row, column.name);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const parts = Object.keys(STATES).filter((state) => counts.has(state))
    .map((state) => `${counts.get(state)} ${STATES[state][1]}`);
  return `${count(table.placed.size, "cell")}: ${parts.join(", ") || "none"}`;
}

function inputOf(column, value) {
  const props = { maxlength: 400 };
  if (column.type === "boolean") return choiceOf(value, [["", "nothing"], "yes", "no"], props);
  if (column.type === "enum" && (!value || column.options.includes(value))) {
    return choiceOf(value, [["", "nothing"], ...column.options], props);
  }
  return lineOf(value, props);
}

function button(words, why, onclick, { class: kind, ...props } = {}) {
  return h("button", { type: "button", class: ["button button-small", kind],
    disabled: Boolean(why), title: why || null, onclick, ...props }, words);
}

function note(why) {
  return why && h("p", { class: "hint" }, why);
}
