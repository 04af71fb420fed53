/** All sub-agents as one bar: each its share, by how it stands, with the numbers in words. */

import { h, setProp } from "../dom.js";
import { whole } from "../format.js";
import { createMark, standing } from "../icons.js";

/** The order in which shares stand. */
export const STANDINGS = [
  "completed",
  "partial",
  "empty",
  "cancelled",
  "failed",
  "running",
  "stopping",
  "suspended",
  "queued",
];

/** How many agents stand how. @returns {Map<string, number>} in the order of `STANDINGS` */
export function countStandings(agents) {
  const found = new Map(STANDINGS.map((name) => [name, 0]));
  for (const { state, outcome } of agents) {
    const name = standing(state, outcome);
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

/** The bar; hidden where there are no sub-agents. `beside` stands at the end of its words. */
export function progressBar(beside) {
  const parts = new Map(
    STANDINGS.map((name) => [
      name,
      { share: h("i", { "data-is": name, hidden: true }), mark: createMark(name) },
    ]),
  );
  const shares = [...parts.values()].map((part) => part.share);
  const marks = [...parts.values()].map((part) => part.mark.element);
  const element = h(
    "div",
    { class: "progress", hidden: true },
    h("div", { class: "progress-bar", "aria-hidden": "true" }, shares),
    h("p", { class: "progress-words small" }, marks, h("span", { class: "grow" }), beside),
  );
  return {
    element,
    update(agents) {
      element.hidden = agents.length === 0;
      for (const [name, number] of countStandings(agents)) {
        const { share, mark } = parts.get(name);
        share.hidden = mark.element.hidden = number === 0;
        setProp(share, "vars", { "--share": number });
        mark.set(name, `${whole(number)} ${name}`);
      }
    },
  };
}

/** `3 running, 2 completed`. */
export function standingWords(agents) {
  return [...countStandings(agents)]
    .filter(([, number]) => number)
    .map(([name, number]) => `${whole(number)} ${name}`)
    .join(", ");
}
