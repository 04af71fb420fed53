/** What keys and the pointer do in a grid. Knows places by line and column, and draws nothing. */

/** The line of the heads of columns. */
export const HEAD = "head";
const PAGE_ROWS = 12;
const MOVES = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-PAGE_ROWS, 0], PageDown: [PAGE_ROWS, 0], Home: [0, -Infinity], End: [0, Infinity],
};

/**
 * The listeners of a grid.
 * @param {Object} hands
 * @param {function(Element): ({line: string, column: string}|null)} hands.placeOf
 * @param {function(Object): void} hands.focus
 * @param {function(number[], boolean): void} hands.move takes rows down and columns to the right,
 *   and whether Control is held
 * @param {function(Object, {key: boolean}): void} hands.onopen
 * @param {function(Object): void} hands.onedit
 * @param {function(): void} hands.onescape
 */
export function gridInput({ placeOf, focus, move, onopen, onedit, onescape }) {
  let first = null;

  function onclick(event) {
    const found = event.detail > 1 ? null : placeOf(event.target);
    if (!found || String(getSelection())) return;
    first = found;
    focus(found);
    onopen(found, { key: false });
  }

  /** The first press may have opened a panel and moved the cells: it says which one is meant. */
  function ondblclick() {
    if (!first || first.line === HEAD) return;
    getSelection().removeAllRanges();
    focus(first);
    onedit(first);
  }

  function onkeydown(event) {
    const found = placeOf(event.target);
    if (!found || event.altKey || event.metaKey) return;
    const isEdit = event.key === "F2" && found.line !== HEAD;
    if (MOVES[event.key]) move(MOVES[event.key], event.ctrlKey);
    else if (event.key === "Enter" || event.key === " ") onopen(found, { key: true });
    else if (isEdit) onedit(found);
    else if (event.key === "Escape") onescape();
    else return;
    event.preventDefault();
  }

  return { onclick, ondblclick, onkeydown };
}
