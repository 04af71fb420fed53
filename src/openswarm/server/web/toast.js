/** Short messages at the lower edge: said politely, gone by themselves, errors stay longer. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 5_000;
const ERROR_MS = 12_000;
const MOST = 4;

/**
 * The place where messages appear.
 * @returns {{element: HTMLElement, say: function(string): void, fail: function(string): void}}
 */
export function createToasts() {
  const element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

  function show(text, isError) {
    const close = h(
      "button",
      { type: "button", class: "button-icon", "aria-label": "Dismiss this message" },
      icon("close"),
    );
    const toast = h(
      "div",
      { class: ["toast", isError && "toast-error"] },
      icon(isError ? "failed" : "completed"),
      h("p", null, text),
      close,
    );
    const timer = setTimeout(() => toast.remove(), isError ? ERROR_MS : SHOWN_MS);
    close.addEventListener("click", () => {
      clearTimeout(timer);
      toast.remove();
    });
    stayOnTop(element);
    element.append(toast);
    while (element.children.length > MOST) element.firstChild.remove();
  }

  return { element, say: (text) => show(text, false), fail: (text) => show(text, true) };
}

/** Inside the dialog that is open: whatever is outside of it can be neither clicked nor heard. */
function stayOnTop(element) {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  const host = dialog ?? document.body;
  if (element.parentElement === host) return;
  host.append(element);
  dialog?.addEventListener("close", () => document.body.append(element), { once: true });
}
