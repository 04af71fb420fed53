/**
 * Long lists: above a number of rows only those in sight are in the document. Rows are made once
 * an item and changed in place, so that focus and selection stay where they are.
 */

import { arrange, h } from "./dom.js";

const OVERSCAN = 12;

/**
 * A list of rows of one height.
 * @param {Object} options
 * @param {HTMLElement} options.scroller what scrolls
 * @param {HTMLElement} options.body the parent of the rows, such as a `tbody`
 * @param {number} options.rowHeight pixels
 * @param {function(*): string} options.key what identifies an item
 * @param {function(*): {element: HTMLElement, update: function(*, number): void}} options.create
 *   makes the row of an item; `update` is called with the item and its index whenever it is drawn
 * @param {number} [options.above] so many rows are shown whole
 * @param {"tr"|"div"} [options.spacer] what stands for the rows that are out of sight
 * @returns {{show: function(Array): void, redraw: function(): void, reveal: function(number): void,
 *   element: function(string): (HTMLElement|undefined), items: function(): Array,
 *   destroy: function(): void}}
 */
export function virtualRows({
  scroller,
  body,
  rowHeight,
  key,
  create,
  above = 200,
  spacer = "div",
}) {
  let items = [];
  let frame = 0;
  const rows = new Map();
  const spacers = [];
  /** Measured when it changes, not when rows are drawn: that would lay the page out twice. */
  const sight = { top: 0, height: 0 };

  function measure() {
    sight.top = Math.max(0, scroller.scrollTop - offsetOf(body, scroller));
    sight.height = scroller.clientHeight;
    redraw();
  }

  /** The indexes to draw: what is in sight, and the row that has the focus. */
  function wanted() {
    if (items.length <= above) return items.map((_, index) => index);
    const { top, height } = sight;
    const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + OVERSCAN);
    const indexes = [];
    for (let index = first; index < last; index += 1) indexes.push(index);
    const focused = focusedIndex();
    if (focused >= 0 && focused < first) indexes.unshift(focused);
    else if (focused >= last) indexes.push(focused);
    return indexes;
  }

  function focusedIndex() {
    const active = document.activeElement;
    if (!active || !body.contains(active)) return -1;
    const found = [...rows].find(([, row]) => row.element.contains(active));
    return found ? items.findIndex((item) => key(item) === found[0]) : -1;
  }

  function draw() {
    frame = 0;
    const children = [];
    const drawn = new Set();
    let next = 0;
    let gaps = 0;
    for (const index of wanted()) {
      if (index > next) children.push(gap(gaps++, index - next));
      const item = items[index];
      const name = key(item);
      let row = rows.get(name);
      if (!row) rows.set(name, (row = create(item)));
      row.update(item, index);
      drawn.add(name);
      children.push(row.element);
      next = index + 1;
    }
    if (next < items.length) children.push(gap(gaps, items.length - next));
    arrange(body, children);
    for (const name of [...rows.keys()]) if (!drawn.has(name)) rows.delete(name);
  }

  function gap(number, height) {
    const made = (spacers[number] ??= makeSpacer(spacer));
    made.style.setProperty("--gap", `${height * rowHeight}px`);
    return made;
  }

  function redraw() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  scroller.addEventListener("scroll", measure, { passive: true });
  const watch = new ResizeObserver(measure);
  watch.observe(scroller);

  return {
    show(next) {
      items = next;
      if (frame) cancelAnimationFrame(frame);
      draw();
    },
    redraw,
    reveal(index) {
      const top = offsetOf(body, scroller) + index * rowHeight;
      const header = stickyHeight(scroller);
      if (top - header < scroller.scrollTop) scroller.scrollTop = top - header;
      else if (top + rowHeight > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = top + rowHeight - scroller.clientHeight;
      }
      measure();
      draw();
    },
    element: (name) => rows.get(name)?.element,
    items: () => items,
    destroy() {
      if (frame) cancelAnimationFrame(frame);
      scroller.removeEventListener("scroll", measure);
      watch.disconnect();
    },
  };
}

function makeSpacer(tag) {
  // one cell: with a colspan beyond the columns a table would make more of them
  const inner = tag === "tr" ? h("td") : null;
  return h(tag, { class: "gap", "aria-hidden": "true" }, inner);
}

function offsetOf(body, scroller) {
  const [inner, outer] = [body.getBoundingClientRect(), scroller.getBoundingClientRect()];
  return inner.top - outer.top + scroller.scrollTop - scroller.clientTop;
}

function stickyHeight(scroller) {
  return scroller.querySelector("thead")?.offsetHeight ?? 0;
}
