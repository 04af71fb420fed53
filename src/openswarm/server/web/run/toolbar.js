/** What stands above a table: filters by words and by state, the edits, and why there are none. */

import { h, setProp, setText } from "../dom.js";
import { count, whole } from "../format.js";
import { icon } from "../icons.js";
import { createMenu } from "./menu.js";
import { CHANGED, MISSING, STATES, stateOf } from "./values.js";

/** What rows can be picked by. */
const CHIPS = [...Object.keys(STATES).filter((state) => state !== "filled"), CHANGED, MISSING];

/**
 * The bar.
 * @param {{edits: Object, actions: Object, onfilter: function(string, string): void}} options
 *   `onfilter` takes a state (or CHANGED, MISSING, '') and words in lower case
 * @returns {{element: HTMLElement, show: function(Object, string): void,
 *   tell: function(number, number): void, clear: function(): void}}
 */
export function createToolbar({ edits, actions, onfilter }) {
  const search = h("input", { type: "search", class: "input table-search", placeholder: "Filter",
    "aria-label": "Filter the rows", oninput: () => tellFilter() });
  const parts = new Map(CHIPS.map((name) => [name, createChip(name, () =>
    tellFilter(name === chosen ? "" : name))]));
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Show rows with" },
    [...parts.values()].map((chip) => chip.element));
  const shown = h("p", { class: "small muted", role: "status" });
  const reason = h("p", { class: "small muted table-why", id: "edits-why" });
  const wish = h("button", { type: "button", class: "button", "aria-describedby": reason.id,
    onclick: edits.wish }, "Edit in words");
  const undo = h("button", { type: "button", class: "button", "aria-describedby": reason.id,
    onclick: edits.undo }, icon("undo"), "Undo");
  const entries = [
    ["Complete what is missing", actions.complete], ["Try what failed again", actions.retryFailed],
    ["Add a column", actions.addColumn], ["Add rows", actions.addRows],
    ["Join rows", () => actions.join(null)], ["Remove rows", actions.removeRows],
    ["Unlock all cells", actions.unlockAll], ["Write the answer anew", actions.reword],
  ];
  const menu = createMenu("Edit", entries.map(([words, onchoose]) => ({ words, onchoose })));
  const element = h("div", { class: "table-bar" },
    h("div", { class: "row grow" }, search, shown, chips),
    h("div", { class: "row" }, undo, wish, menu.element), reason);
  let chosen = "";

  function tellFilter(next = chosen) {
    chosen = next;
    onfilter(chosen, search.value.trim().toLowerCase());
  }

  function show(known, filter) {
    setText(reason, known.why);
    setProp(reason, "hidden", !known.why);
    wish.disabled = Boolean(known.why);
    undo.disabled = !edits.canUndo();
    setProp(undo, "hidden", !edits.last());
    menu.setDisabled(entries.map(() => Boolean(known.why)));
    drawChips(countStates(known), filter, known);
  }

  /** A chip stays the same element, so that a press on it is never lost to a redraw. */
  function drawChips(counts, filter, known) {
    for (const [name, chip] of parts) {
      const number = counts[name] ?? 0;
      const words = { [CHANGED]: `changed by edit ${known.generation}`,
        [MISSING]: number === 1 ? "missing row" : "missing rows" }[name] ?? STATES[name][1];
      setText(chip.words, `${whole(number)} ${words}`);
      setProp(chip.element, "aria-pressed", String(name === filter));
      setProp(chip.element, "hidden", !number && name !== filter);
    }
  }

  return {
    element,
    show,
    tell: (number, all) => setText(shown, number === all ? count(all, "row")
      : `${whole(number)} of ${count(all, "row")}`),
    clear() {
      search.value = "";
      tellFilter("");
    },
  };
}

function createChip(name, onclick) {
  const [mark, , meaning] = STATES[name] ?? ["", "", null];
  const words = h("span");
  const element = h("button", { type: "button", class: "chip", "data-state": name, title: meaning,
    hidden: true, onclick },
    mark && h("span", { class: "cell-mark", "aria-hidden": "true" }, mark), words);
  return { element, words };
}

/** How many cells are in each state, and how many the last edit changed. */
function countStates({ lines, columns, table, changed }) {
  const counts = { [CHANGED]: 0, [MISSING]: 0 };
  for (const line of lines) {
    if (!line.row) counts[MISSING] += 1;
    else for (const { name } of columns) {
      const state = stateOf(table, line, name);
      counts[state] = (counts[state] ?? 0) + 1;
      if (changed(line.key, name)) counts[CHANGED] += 1;
    }
  }
  return counts;
}
