/**
 * Modal dialogs on the browser's own `<dialog>`: it traps the focus and gives it back.
 */

import { h } from "./dom.js";

let serial = 0;

/**
 * Opens a dialog.
 * @param {{title: string, body: Node|Node[], actions?: Node[], wide?: boolean, side?: boolean,
 *   onclose?: function(): void}} options `side` makes it a drawer at the right edge.
 * @returns {{element: HTMLDialogElement, close: function(): void}}
 */
export function openDialog({ title, body, actions = [], wide = false, side = false, onclose }) {
  const before = document.activeElement;
  const id = `dialog-${++serial}`;
  const element = h(
    "dialog",
    { class: ["dialog", wide && "dialog-wide", side && "drawer"], "aria-labelledby": id },
    h("h2", { class: "dialog-title", id }, title),
    h("div", { class: "dialog-body" }, body),
    actions.length > 0 && h("div", { class: "dialog-actions" }, actions),
  );
  element.addEventListener("close", () => {
    element.remove();
    // the browser gave the focus back at once; whoever has moved on since keeps it
    const isNowhere = document.activeElement === document.body;
    if (isNowhere && before?.isConnected) before.focus({ preventScroll: true });
    onclose?.();
  });
  element.addEventListener("mousedown", (event) => {
    if (event.target === element && isOutside(element, event)) element.close();
  });
  document.body.append(element);
  element.showModal();
  return { element, close: () => element.close() };
}

/**
 * Asks before something is done.
 * @param {{title: string, text: string|Node, verb: string, danger?: boolean}} question
 * @returns {Promise<boolean>} whether it is to be done
 */
export function confirmDialog({ title, text, verb, danger = false }) {
  return new Promise((resolve) => {
    let answer = false;
    const yes = h(
      "button",
      { type: "button", class: ["button", danger ? "button-danger" : "button-primary"] },
      verb,
    );
    const no = h("button", { type: "button", class: "button", autofocus: danger }, "Cancel");
    const dialog = openDialog({
      title,
      body: typeof text === "string" ? h("p", null, text) : text,
      actions: [no, yes],
      onclose: () => resolve(answer),
    });
    yes.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    no.addEventListener("click", () => dialog.close());
    (danger ? no : yes).focus();
  });
}

/**
 * Asks for one line or more of text.
 * @param {{title: string, label: string, value?: string, verb?: string, lines?: number,
 *   hint?: string, maxlength?: number}} question
 * @returns {Promise<string|null>} the text; null where it was given up
 */
export function promptDialog({
  title,
  label,
  value = "",
  verb = "Save",
  lines = 1,
  hint = "",
  maxlength = 4000,
}) {
  return new Promise((resolve) => {
    let answer = null;
    const field =
      lines > 1
        ? h("textarea", { class: "input", rows: lines, maxlength, value })
        : h("input", { class: "input", type: "text", maxlength, value, autocomplete: "off" });
    const no = h("button", { type: "button", class: "button" }, "Cancel");
    const yes = h("button", { type: "submit", class: "button button-primary" }, verb);
    const form = h(
      "form",
      { class: "stack" },
      h("label", { class: "field" }, h("span", { class: "label" }, label), field),
      hint && h("p", { class: "hint" }, hint),
      h("div", { class: "dialog-actions" }, no, yes),
    );
    const dialog = openDialog({ title, body: form, onclose: () => resolve(answer) });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = field.value;
      dialog.close();
    });
    no.addEventListener("click", () => dialog.close());
    field.focus();
    field.select?.();
  });
}

function isOutside(element, event) {
  const box = element.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
