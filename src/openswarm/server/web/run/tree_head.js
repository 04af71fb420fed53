/** What stands above the rows of the tree: the filter, and the head whose columns sort. */

import { h, setProp, setText } from "../dom.js";
import { count } from "../format.js";
import { icon } from "../icons.js";
import { STANDINGS, countStandings } from "./progress.js";
import { COLUMNS } from "./tree_row.js";

/** Columns that begin with the first of the alphabet; figures begin with the largest. */
const WORDS = new Set(["agent", "about", "state", "outcome"]);

/** The filter of the tree; writes into `options` and tells `changed`. */
export function treeFilter(options, changed) {
  const text = h("input", {
    type: "search",
    class: "input",
    placeholder: "Filter agents",
    "aria-label": "Filter agents by text",
    oninput: () => {
      options.text = text.value.trim().toLowerCase();
      changed();
    },
  });
  const choices = new Map(
    [["", "Any state"], ...STANDINGS.map((name) => [name, name])].map(([name, words]) => [
      name,
      h("option", { value: name }, words),
    ]),
  );
  const select = h(
    "select",
    {
      class: "input",
      "aria-label": "Filter agents by state or outcome",
      onchange: () => {
        options.standing = select.value;
        changed();
      },
    },
    [...choices.values()],
  );
  const number = h("span", { class: "muted small" });
  return {
    element: h(
      "div",
      { class: "view-tools" },
      h("div", { class: "search-field" }, icon("search"), text),
      select,
      number,
    ),
    update(state, shown) {
      const found = countStandings(state.agents.values());
      for (const [name, choice] of choices) {
        if (name) setText(choice, `${name} (${found.get(name)})`);
      }
      const all = state.agents.size;
      setText(number, shown < all ? `${shown} of ${count(all, "agent")}` : count(all, "agent"));
    },
  };
}

/** The head of the tree: a button a column sorts by it, turns the order around, lets go of it. */
export function treeHead(options, changed) {
  const cells = COLUMNS.map(([name, words, isFigure]) => {
    const props = { scope: "col", role: "columnheader", class: [`col-${name}`, isFigure && "num"] };
    if (name === "action") return h("th", props, words);
    const button = h(
      "button",
      { type: "button", class: "sort", onclick: () => sortBy(name) },
      words,
    );
    return h("th", { ...props, "data-sort": name }, button);
  });

  function sortBy(name) {
    const first = !WORDS.has(name);
    if (options.sort !== name) Object.assign(options, { sort: name, descending: first });
    else if (options.descending === first) options.descending = !first;
    else Object.assign(options, { sort: "", descending: false });
    const order = options.descending ? "descending" : "ascending";
    for (const cell of cells) {
      setProp(cell, "aria-sort", cell.dataset.sort === options.sort ? order : null);
    }
    changed();
  }

  const row = h("tr", { role: "row", "aria-rowindex": "1" }, cells);
  return { element: h("thead", { role: "rowgroup" }, row) };
}
