/** The table of a run: its cells with their marks, a panel for one of them, and edits. */

import { h, replace, setProp } from "../dom.js";
import { keyOfName } from "../fold/keys.js";
import { createActions } from "./actions.js";
import { createEdits } from "./edits.js";
import { createGrid } from "./grid.js";
import { HEAD } from "./grid_input.js";
import { createPanel } from "./panel.js";
import { cellShown, fits } from "./shown.js";
import { createToolbar } from "./toolbar.js";
import { NO_TABLE, readTable } from "./values.js";

/**
 * The view.
 * @returns {{element: HTMLElement, update: function(Object): void, destroy: function(): void,
 *   openCell: function(string, string): void}} `openCell` takes the name of a row and a column
 */
export function tableView(store, context) {
  const edits = createEdits(store, context);
  const actions = createActions({ edits, dialog: context.dialog, table: () => ({
    names: known.lines.filter((line) => line.row).map((line) => line.name),
    columns: known.columns,
  }) });
  const panel = createPanel({ context, actions, onclose: closePanel });
  const grid = createGrid({ label: "Table of the run", draw, onopen, onedit, onmove,
    onescape: () => closePanel() });
  const bar = createToolbar({ edits, actions, onfilter: filterBy });
  const nothing = h("div", { class: "empty-state panel" });
  const main = h("div", { class: "table-main" },
    h("div", { class: "panel table-panel" }, grid.element), panel.element);
  const element = h("div", { class: "table-view" }, bar.element, main, nothing);
  let known = NO_TABLE;
  let seen = "";
  let filter = { state: "", words: "" };
  let waiting = null;

  function update(state) {
    const why = edits.whyNot();
    const { table } = state;
    const now = [table.version, table.generation, store.isLive, why,
      known.hasMissing && state.version].join();
    if (now === seen && known.table === table) return;
    seen = now;
    known = readTable(state, known, why);
    setProp(bar.element, "hidden", !table.contract);
    setProp(main, "hidden", !table.contract);
    setProp(nothing, "hidden", Boolean(table.contract));
    if (!table.contract) {
      closePanel();
      return replace(nothing, noTable(state));
    }
    bar.show(known, filter.state);
    drawLines();
    if (waiting) openWaiting();
    else if (panel.isOpen() && !panel.isEditing()) showPlace(panel.place());
  }

  function drawLines() {
    const wanted = known.lines.filter((line) => fits(known, line, filter));
    grid.show(known.columns, wanted, known.widths);
    bar.tell(wanted.length, known.lines.length);
  }

  function filterBy(state, words) {
    filter = { state, words };
    drawLines();
    bar.show(known, state);
  }

  function draw(line, column) {
    const open = panel.place();
    const isOpen = open?.line === line.key && open.column === column.name;
    return { ...cellShown(known, line, column), isOpen };
  }

  function showPlace(place) {
    const column = known.columns.find(({ name }) => name === place?.column);
    const line = place && known.lines.find(({ key }) => key === place.line);
    if (!column || (!line && place.line !== HEAD && place.line !== "")) return closePanel();
    panel.show({ table: known.table, line, column, why: known.why,
      before: line?.row ? known.changed(line.key, column.name) : null,
      agent: line && known.agents.get(line.key) });
    setProp(main, "data-open", true);
    drawLines();
  }

  function onopen(place, { key }) {
    showPlace(place);
    if (key) panel.focus();
  }

  function onedit(place) {
    showPlace(place);
    panel.edit();
  }

  function onmove(place) {
    if (panel.isOpen() && !panel.isEditing()) showPlace(place);
  }

  function closePanel(how) {
    const isInside = panel.element.contains(document.activeElement);
    if (how?.back) return void grid.focus(grid.place());
    panel.hide();
    setProp(main, "data-open", null);
    drawLines();
    if (isInside) grid.focus(grid.place());
  }

  function openCell(row, column) {
    waiting = { row, column };
    if (known.table?.contract) openWaiting();
  }

  /** Shows a cell that was asked for by the name of its row, as soon as it is there. */
  function openWaiting() {
    const { row, column } = waiting;
    waiting = null;
    const key = JSON.stringify(keyOfName(known.table.contract, row));
    const line = known.lines.find((each) => each.key === key);
    if (!line) return;
    if (!fits(known, line, filter)) bar.clear();
    grid.focus({ line: line.key, column });
    onopen({ line: line.key, column }, { key: true });
  }

  return { element, update, openCell, destroy: () => grid.destroy() };
}

function noTable(state) {
  const isOver = state.outcome !== null;
  return [
    h("h2", null, isOver ? "This run has no table" : "No table yet"),
    h("p", null, isOver ? "Its answer stands under Answer."
      : "It appears as soon as its columns are declared."),
  ];
}
