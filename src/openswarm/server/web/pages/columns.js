/** The columns of a table as a form: one row a column. */

import { arrange, h, setProp } from "../dom.js";
import { choiceOf, lineOf, tickOf } from "../fields.js";
import { icon } from "../icons.js";
import { TYPES, emptyColumn } from "./contract.js";

const FIELDS = ["name", "type", "definition", "unit"];

/**
 * The editor.
 * @param {Object[]} columns changed in place
 * @param {function(): void} changed
 * @returns {{element: HTMLElement}}
 */
export function columnsEditor(columns, changed) {
  const list = h("ol", { class: "columns-list" });
  const lines = new Map();
  const add = h("button", { type: "button", class: "button button-small", onclick: () => {
    columns.push(emptyColumn());
    draw();
    lines.get(columns.at(-1)).focus();
    changed();
  } }, icon("plus"), "Add a column");

  function remove(column) {
    const at = columns.indexOf(column);
    columns.splice(at, 1);
    draw();
    (lines.get(columns[Math.min(at, columns.length - 1)]) ?? add).focus();
    changed();
  }

  function draw() {
    const made = columns.map((column, index) => {
      if (!lines.has(column)) lines.set(column, columnLine(column, { changed, remove }));
      lines.get(column).number(index + 1);
      return lines.get(column).element;
    });
    for (const column of lines.keys()) if (!columns.includes(column)) lines.delete(column);
    arrange(list, made);
    setProp(list, "hidden", made.length === 0);
  }

  draw();
  return { element: h("div", { class: "stack" }, list, h("div", null, add)) };
}

function columnLine(column, { changed, remove }) {
  const name = lineOf(column.name, { maxlength: 80, placeholder: "Name" });
  const type = choiceOf(column.type, TYPES);
  const definition = lineOf(column.definition, { maxlength: 1000, placeholder: "What it means" });
  const unit = lineOf(column.unit, { maxlength: 200 });
  const controls = { name, type, definition, unit };
  const ticks = [["key", "Key"], ["required", "Required"], ["source", "With source"]].map(
    ([field, words]) => {
      const { element, control } = tickOf(column[field], words);
      control.addEventListener("change", () => {
        column[field] = control.checked;
        changed();
      });
      return { element, control, words };
    });
  const away = h("button", { type: "button", class: "button-icon",
    onclick: () => remove(column) }, icon("close"));

  function read() {
    for (const field of FIELDS) column[field] = controls[field].value;
    fitUnit();
    changed();
  }

  function fitUnit() {
    const takes = { number: "Unit, such as km2", enum: "Options: open | closed" }[type.value];
    setProp(unit, "placeholder", takes ?? "");
    setProp(unit, "hidden", !takes);
    if (!takes) column.unit = unit.value = "";
  }

  for (const control of Object.values(controls)) control.addEventListener("input", read);
  fitUnit();
  return {
    element: h("li", { class: "column-line" }, name, type, definition, away,
      h("div", { class: "column-more" }, unit, ticks.map((tick) => tick.element))),
    focus: () => name.focus(),
    number(index) {
      setProp(name, "aria-label", `Name of column ${index}`);
      setProp(type, "aria-label", `Type of column ${index}`);
      setProp(definition, "aria-label", `Definition of column ${index}`);
      setProp(unit, "aria-label", `Unit or options of column ${index}`);
      setProp(away, "aria-label", `Remove column ${index}`);
      for (const { control, words } of ticks) {
        setProp(control, "aria-label", `${words}, column ${index}`);
      }
    },
  };
}
