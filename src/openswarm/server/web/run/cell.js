/** What is known of one cell: value, evidence, who found it, what else was said. */

import { h } from "../dom.js";
import { clean, isAddress } from "../format.js";
import { icon } from "../icons.js";
import { STATES, cellIn, conflictAt, kindOf, shownValue } from "./values.js";

const CONFIDENCES = {
  high: "high: the quote shows the value",
  medium: "medium: the quote does not show the value as it is written",
  low: "low: unverified or disputed",
};

/**
 * The evidence of a cell.
 * @param {{table: Object, line: Object, column: Object, before: Object|null,
 *   openAgent: function(string): void, use: (function(string): void)|null}} options `before` is the
 *   cell before the last edit where it changed; `use` sets another value, null where none can be
 * @returns {HTMLElement[]}
 */
export function cellFacts({ table, line, column, before, openAgent, use }) {
  const cell = cellIn(line.row, column.name);
  const conflict = conflictAt(table, line, column.name);
  const [mark, word, meaning] = STATES[cell.state] ?? STATES.empty;
  return [
    h("p", { class: ["panel-value", !cell.value && "muted"] },
      valueText(cell.value, column) || "nothing found"),
    h("p", { class: "panel-state", "data-state": cell.state },
      mark && h("span", { class: "cell-mark", "aria-hidden": "true" }, mark),
      h("b", null, word), " ", h("span", { class: "muted" }, meaning)),
    before && h("p", { class: "panel-before" }, "Before the last edit: ",
      before.value ? h("s", null, valueText(before.value, column)) : h("i", null, "nothing")),
    evidence(cell, openAgent, cell.raw !== cell.value),
    conflict && conflictFacts(conflict, column, openAgent, use),
    columnFacts(column),
  ].filter(Boolean);
}

/** What a column means. */
export function columnFacts(column) {
  const rules = [kindOf(column), column.nullable === false && "required",
    column.needs_source && "counts only with a source"].filter(Boolean).join(", ");
  if (!rules && !column.definition && !column.example) return null;
  return h("div", { class: "panel-column" },
    column.definition && h("p", null, clean(column.definition)),
    column.example && h("p", { class: "muted small" }, `For example: ${clean(column.example)}`),
    rules && h("p", { class: "muted small" }, rules));
}

function evidence(cell, openAgent, withRaw) {
  const facts = [
    withRaw && cell.raw && ["As handed in", clean(cell.raw)],
    cell.source && ["Source", sourceOf(cell.source)],
    cell.quote && ["Quote", h("blockquote", { class: "quoted" }, clean(cell.quote))],
    cell.agent && ["By", byWhom(cell, openAgent)],
    cell.confidence && cell.agent !== "user" && ["Confidence", CONFIDENCES[cell.confidence]],
  ].filter(Boolean);
  return facts.length > 0 && h("dl", { class: "pairs pairs-tall" },
    facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

function sourceOf(source) {
  const words = clean(source);
  if (!isAddress(source)) return words;
  return h("a", { href: source, target: "_blank", rel: "noopener noreferrer" }, words);
}

function byWhom({ agent, step }, openAgent) {
  if (agent === "user") return "a person";
  return [
    h("button", { type: "button", class: "link-button", onclick: () => openAgent(agent) }, agent),
    step ? `, step ${step}` : "",
  ];
}

function conflictFacts(conflict, column, openAgent, use) {
  return h("div", { class: "panel-conflict" },
    h("h3", null, icon("damaged"), "Sub-agents disagree"),
    h("p", { class: "muted" }, `Rule: ${clean(conflict.rule)}`),
    h("ul", null, conflict.others.map((other) => {
      const cell = cellIn({ cells: { it: other } }, "it");
      return h("li", null,
        h("p", { class: "row" }, h("b", null, valueText(cell.value, column) || "nothing"),
          use && cell.value && h("button", { type: "button", class: "button button-small",
            "aria-label": `Use this: ${cell.value}`, onclick: () => use(cell.value) },
            "Use this")),
        evidence(cell, openAgent, false));
    })));
}

function valueText(value, column) {
  return clean(shownValue(value, column));
}
