/** One line of a grid: its cells are made once and changed in place. */

import { h, setProp, setText } from "../dom.js";

/**
 * The row of a line.
 * @param {Object[]} columns
 * @param {{draw: function(Object, Object): Object, place: {line: string, column: string}}} options
 *   `draw` gives what a cell shows, `place` is where Tab leads
 */
export function createLine(columns, { draw, place }) {
  const cells = columns.map((column, index) => createCell(column, index));
  const element = h("tr", null, cells.map((cell) => cell.element));
  return {
    element,
    update(line, index) {
      setProp(element, "aria-rowindex", index + 2);
      setProp(element, "data-line", line.key);
      setProp(element, "class", line.row ? "" : "grid-missing");
      cells.forEach((cell, at) => {
        const isPlace = line.key === place.line && columns[at].name === place.column;
        cell.update(draw(line, columns[at]), isPlace);
      });
    },
  };
}

function createCell(column, index) {
  const text = h("span", { class: "cut" });
  const mark = h("span", { class: "cell-mark", "aria-hidden": "true" });
  const words = h("span", { class: "visually-hidden" });
  const element = h(column.isKey ? "th" : "td", {
    scope: column.isKey ? "row" : null,
    class: [column.type === "number" && "num", index === 0 && "grid-first"],
    "data-column": column.name, "aria-colindex": index + 1,
  }, h("span", { class: "cell" }, text, mark, words));
  return {
    element,
    update(shown, isPlace) {
      setText(text, shown.text);
      setText(mark, shown.mark);
      setText(words, shown.words);
      setProp(element, "title", shown.text || null);
      setProp(element, "data-state", shown.state);
      setProp(element, "data-changed", shown.isChanged);
      setProp(element, "data-shown", shown.isOpen);
      setProp(element, "tabindex", isPlace ? 0 : -1);
    },
  };
}
