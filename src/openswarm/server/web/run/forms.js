/** The dialogs in which an edit is put into words: a column, rows, a choice of rows. */

import { h, replace, setProp, setText } from "../dom.js";
import { count } from "../format.js";
import { choiceOf, field, lineOf, linesOf } from "../fields.js";
import { TYPES } from "../pages/contract.js";

const SHOWN = 200;

/**
 * A form in a dialog.
 * @param {{open: Function}} dialog
 * @param {{title: string, fields: Object[], verb: string, send: function(): (string|void)}} options
 *   `send` gives a sentence where what was typed cannot be used
 */
export function formDialog(dialog, { title, fields, verb, send }) {
  const said = h("p", { class: "error", role: "alert", hidden: true });
  const no = h("button", { type: "button", class: "button" }, "Cancel");
  const form = h("form", { class: "stack", novalidate: true, onsubmit: submit },
    fields.map((entry) => entry.element ?? entry), said,
    h("div", { class: "dialog-actions" }, no,
      h("button", { type: "submit", class: "button button-primary" }, verb)));
  const opened = dialog.open({ title, body: form });

  function submit(event) {
    event.preventDefault();
    const wrong = send();
    if (!wrong) return opened.close();
    setText(said, wrong);
    setProp(said, "hidden", false);
  }

  no.addEventListener("click", opened.close);
  form.querySelector("input, textarea")?.focus();
}

/** A new column. `done` is given a `Column` and the name of the one that it stands after. */
export function columnForm(dialog, names, done) {
  const name = field({ label: "Name", control: lineOf("", { maxlength: 80 }) });
  const type = field({ label: "Type", control: choiceOf("text", TYPES, { oninput: fit }) });
  const definition = field({ label: "Definition",
    control: linesOf("", 2, { maxlength: 1000 }),
    hint: "What every sub-agent is told." });
  const unit = field({ label: "Unit", control: lineOf("", { maxlength: 80 }) });
  const options = field({ label: "Options",
    control: lineOf("", { placeholder: "open | closed" }) });
  const after = field({ label: "After",
    control: choiceOf("", [["", "the last column"], ...names]) });

  function fit() {
    setProp(unit.element, "hidden", type.control.value !== "number");
    setProp(options.element, "hidden", type.control.value !== "enum");
  }

  function send() {
    const column = { name: name.control.value.trim(), type: type.control.value,
      definition: definition.control.value.trim() };
    if (!column.name) return "Give the column a name.";
    if (column.type === "number" && unit.control.value.trim()) {
      column.unit = unit.control.value.trim();
    }
    if (column.type === "enum") {
      column.options = options.control.value.split("|").map((o) => o.trim()).filter(Boolean);
      if (column.options.length < 2) return "Give at least two options.";
    }
    done(column, after.control.value);
  }

  fit();
  formDialog(dialog, { title: "Add a column", verb: "Add",
    fields: [name, type, unit, options, definition, after], send });
}

/** Names of rows, one a line. `done` is given them; `least` of them are needed. */
export function rowsForm(dialog, { title, label, hint, verb, least = 1 }, done) {
  const names = field({ label, control: linesOf("", 5), hint });
  formDialog(dialog, { title, verb, fields: [names], send() {
    const found = names.control.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (found.length < least) return `Give at least ${count(least, "name")}.`;
    done(found);
  } });
}

/**
 * A choice of rows that are there.
 * @param {{open: Function}} dialog
 * @param {{title: string, verb: string, names: string[], chosen?: string[], least: number,
 *   more?: Object[]}} options `more` are fields below
 * @param {function(string[]): void} done
 */
export function pickForm(dialog, { title, verb, names, chosen = [], least, more = [] }, done) {
  const picked = new Set(chosen);
  const search = lineOf("", { type: "search", placeholder: "Filter", "aria-label": "Filter rows",
    oninput: draw });
  const list = h("ul", { class: "pick-list" });
  const shown = h("p", { class: "small muted", role: "status" });

  function draw() {
    const words = search.value.trim().toLowerCase();
    const fitting = names.filter((name) => name.toLowerCase().includes(words));
    replace(list, fitting.slice(0, SHOWN).map((name) => {
      const box = h("input", { type: "checkbox", checked: picked.has(name), onchange() {
        if (box.checked) picked.add(name);
        else picked.delete(name);
        tell(fitting.length);
      } });
      return h("li", null, h("label", { class: "check" }, box, h("span", null, name)));
    }));
    tell(fitting.length);
  }

  function tell(number) {
    const rest = number > SHOWN ? `, the first ${SHOWN} of ${count(number, "row")} shown` : "";
    setText(shown, `${count(picked.size, "row")} chosen${rest}`);
  }

  draw();
  formDialog(dialog, { title, verb, fields: [search, list, shown, ...more], send() {
    if (picked.size < least) return `Choose at least ${count(least, "row")}.`;
    done(names.filter((name) => picked.has(name)));
  } });
}
