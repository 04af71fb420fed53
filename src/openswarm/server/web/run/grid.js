/**
 * The cells of a table on the screen: a grid with one stop of the Tab key, moved in by arrows.
 * Knows what a line and a column are, and nothing of runs or edits.
 */

import { h, setProp } from "../dom.js";
import { virtualRows } from "../virtual.js";
import { HEAD, gridInput } from "./grid_input.js";
import { createLine } from "./grid_row.js";

const ROW_HEIGHT = 36;

/**
 * The grid.
 * @param {Object} options
 * @param {string} options.label what the table is, for screen readers
 * @param {function(Object, Object): Object} options.draw gives what a cell of a line and a column
 *   shows: {text, mark, words, state, isChanged, isOpen}
 * @param {function({line: string, column: string}, {key: boolean}): void} options.onopen a place
 *   was pressed or Enter was; `line` is HEAD for the head of a column
 * @param {function(Object): void} options.onedit
 * @param {function(Object): void} options.onmove
 * @param {function(): void} options.onescape
 */
export function createGrid({ label, draw, onopen, onedit, onmove, onescape }) {
  const columnsGroup = h("colgroup");
  const headRow = h("tr", { "aria-rowindex": 1 });
  const body = h("tbody");
  const table = h("table", { class: "data grid", role: "grid", "aria-label": label,
    ...gridInput({ placeOf, focus, move, onopen, onedit, onescape }), onfocusin: focused },
    columnsGroup, h("thead", null, headRow), body);
  const element = h("div", { class: "scroller grid-scroller" }, table);
  const place = { line: HEAD, column: "" };
  let columns = [];
  let lines = [];
  let heads = [];
  let layout = "";
  const rows = virtualRows({
    scroller: element, body, rowHeight: ROW_HEIGHT, spacer: "tr",
    key: (line) => `${layout}\n${line.key}`,
    create: () => createLine(columns, { draw, place }),
  });
  const scrolled = () => requestAnimationFrame(setStops);
  element.addEventListener("scroll", scrolled, { passive: true });

  function show(nextColumns, nextLines, widths) {
    lines = nextLines;
    if (columns !== nextColumns) setColumns(nextColumns);
    setWidths(widths);
    setProp(table, "aria-rowcount", lines.length + 1);
    setProp(table, "aria-colcount", columns.length);
    if (!columns.some(({ name }) => name === place.column)) place.column = columns[0]?.name ?? "";
    if (place.line !== HEAD && indexOf(place.line) < 0) place.line = lines[0]?.key ?? HEAD;
    rows.show(lines);
    setStops();
  }

  function setColumns(next) {
    columns = next;
    layout = JSON.stringify(columns.map(({ name, isKey }) => [name, isKey]));
    heads = columns.map(createHead);
    headRow.replaceChildren(...heads);
    columnsGroup.replaceChildren(...columns.map(() => h("col")));
  }

  function setWidths(widths) {
    widths.forEach((width, index) =>
      setProp(columnsGroup.children[index], "vars", { "--w": `${width}ch` }));
    setProp(table, "vars", { "--total": `${widths.reduce((sum, width) => sum + width, 0)}ch` });
  }

  function indexOf(key) {
    return lines.findIndex((line) => line.key === key);
  }

  function cellAt({ line, column }) {
    const at = columns.findIndex(({ name }) => name === column);
    if (line === HEAD) return heads[at];
    return rows.element(`${layout}\n${line}`)?.children[at];
  }

  /** Exactly one cell can be reached with Tab; where it is out of sight, the head of its column. */
  function setStops() {
    const isDrawn = Boolean(place.line !== HEAD && cellAt(place));
    for (const head of heads) {
      const isStop = !isDrawn && head.dataset.column === place.column;
      setProp(head, "tabindex", isStop ? 0 : -1);
    }
  }

  function placeOf(target) {
    const cell = target.closest?.("[data-column]");
    if (!cell) return null;
    const line = cell.closest("thead") ? HEAD : cell.parentElement.dataset.line;
    return { line, column: cell.dataset.column };
  }

  function focused(event) {
    const found = placeOf(event.target);
    if (!found || (found.line === place.line && found.column === place.column)) return;
    const before = cellAt(place);
    if (before) setProp(before, "tabindex", -1);
    Object.assign(place, found);
    setProp(cellAt(place), "tabindex", 0);
    setStops();
    onmove({ ...place });
  }

  function move(step, isFar) {
    const row = place.line === HEAD ? -1 : indexOf(place.line);
    const column = columns.findIndex(({ name }) => name === place.column);
    const last = { row: lines.length - 1, column: columns.length - 1 };
    const next = stepped({ row, column }, last, step, isFar);
    focus({ line: next.row < 0 ? HEAD : lines[next.row].key, column: columns[next.column].name });
  }

  /** Brings a place into sight and gives it the focus. */
  function focus(wanted) {
    if (wanted.line !== HEAD) {
      const index = indexOf(wanted.line);
      if (index < 0) return;
      rows.reveal(index);
    }
    const cell = cellAt(wanted);
    if (!cell) return;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  return {
    element,
    show,
    focus,
    place: () => ({ ...place }),
    destroy: () => rows.destroy(),
  };
}

/** Where a step leads: not beyond the last cell, and no higher than the head, which is row -1. */
function stepped({ row, column }, last, [down, right], isFar) {
  const isEnd = !Number.isFinite(right);
  const wanted = isFar && isEnd ? (right > 0 ? last.row : 0) : row + down;
  return {
    row: Math.max(-1, Math.min(last.row, wanted)),
    column: Math.max(0, Math.min(last.column, column + right)),
  };
}

function createHead(column, index) {
  return h("th", { scope: "col", tabindex: -1, "data-column": column.name,
    class: [column.type === "number" && "num", index === 0 && "grid-first"],
    "aria-colindex": index + 1, title: column.definition || null },
    h("span", { class: "cut" }, column.name),
    column.kind && h("span", { class: "grid-kind" }, column.kind));
}
