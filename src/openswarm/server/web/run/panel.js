/** The panel beside the table: one cell, missing row or column, and the form for a new value. */

import { h, replace, setProp, setText } from "../dom.js";
import { clean } from "../format.js";
import { icon } from "../icons.js";
import { columnFacts } from "./cell.js";
import { cellForm, cellView, columnView, missingView, signOf } from "./details.js";

/**
 * The panel.
 * @param {{context: Object, actions: Object, onclose: function(): void}} options
 *   `actions` carries edits of rows and columns out
 * @returns {Object} {element, show, edit, focus, hide, isOpen, isEditing, place}; `show` takes
 *   {table, line, column, before, agent, why}, and shows the column where there is no line
 */
export function createPanel({ context, actions, onclose }) {
  const title = h("h2", { tabindex: -1, class: "panel-title" });
  const about = h("p", { class: "muted small cut" });
  const body = h("div", { class: "panel-body stack" });
  const close = h("button", { type: "button", class: "button-icon", "aria-label": "Close the panel",
    onclick: onclose }, icon("close"));
  const element = h("aside", { class: "panel cell-panel", "aria-label": "Details", hidden: true,
    onkeydown: keyed },
    h("div", { class: "panel-top" }, h("div", { class: "grow" }, about, title), close), body);
  let shown = null;
  let sign = "";

  function keyed(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onclose();
  }

  function show(what) {
    const now = signOf(what);
    shown = what;
    if (now === sign) return;
    sign = now;
    setProp(element, "hidden", false);
    const { line, column } = what;
    setText(about, line ? (column.isKey || !line.row ? "Row" : clean(line.name)) : "Column");
    setText(title, line && (column.isKey || !line.row) ? clean(line.name) : column.name);
    const view = line ? (line.row ? cellView : missingView) : columnView;
    replace(body, view(what, { actions, openAgent: context.openAgent, edit }));
  }

  /** A form in the place of the value. */
  function edit() {
    if (!shown?.line?.row || shown.why) return void (shown?.why && context.toast.say(shown.why));
    const form = cellForm(shown, actions, () => {
      sign = "";
      show(shown);
      onclose({ back: true });
    });
    replace(body, form.element, columnFacts(shown.column));
    form.control.focus();
    form.control.select?.();
  }

  return {
    element,
    show,
    edit,
    focus: () => title.focus(),
    isOpen: () => !element.hidden,
    isEditing: () => Boolean(body.querySelector(".cell-form")),
    place: () => shown && { line: shown.line?.key ?? "", column: shown.column.name },
    hide() {
      shown = null;
      sign = "";
      setProp(element, "hidden", true);
      replace(body);
    },
  };
}
