/** Fields of forms: label, control, hint, and beside it what is wrong with what was typed. */

import { h, setProp, setText } from "./dom.js";

let serial = 0;

/**
 * A field around a control.
 * @param {{label: string, control: HTMLElement, hint?: string, wide?: boolean}} options
 * @returns {{element: HTMLElement, control: HTMLElement, fail: function(string): void}} `fail`
 *   shows a sentence beside the field, '' takes it away.
 */
export function field({ label, control, hint = "", wide = false }) {
  const id = `field-${++serial}`;
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  setProp(control, "id", id);
  setProp(control, "aria-describedby", [hint && `${id}-hint`, error.id].filter(Boolean).join(" "));
  const element = h(
    "div",
    { class: ["field", wide && "field-wide"] },
    h("label", { class: "label", for: id }, label),
    control,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    error,
  );
  return {
    element,
    control,
    fail(text) {
      setText(error, text);
      setProp(error, "hidden", !text);
      setProp(control, "aria-invalid", text ? "true" : null);
    },
  };
}

/** A line of text. */
export function lineOf(value, props = {}) {
  return h("input", { class: "input", type: "text", autocomplete: "off", ...props, value });
}

/** Several lines of text. */
export function linesOf(value, rows, props = {}) {
  return h("textarea", { class: "input", rows, ...props, value });
}

/**
 * A choice of one.
 * @param {string} value
 * @param {Array<string|[string, string]>} options a value, or a value and its words
 */
export function choiceOf(value, options, props = {}) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const select = h(
    "select",
    { class: "input", ...props },
    pairs.map(([name, words]) => optionOf(name, words)),
  );
  select.value = pairs.some(([name]) => name === value) ? value : (pairs[0]?.[0] ?? "");
  return select;
}

/** A box to tick, with its words. */
export function tickOf(checked, words, props = {}) {
  const control = h("input", { type: "checkbox", ...props, checked });
  return { element: h("label", { class: "check" }, control, h("span", null, words)), control };
}

/** An option; as an attribute its value counts where it is empty too. */
function optionOf(value, words) {
  const option = h("option", null, words);
  option.setAttribute("value", value);
  return option;
}
