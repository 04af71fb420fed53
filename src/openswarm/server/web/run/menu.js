/** A menu behind a button: closed by Escape, by a choice, by a click elsewhere. */

import { h, setProp } from "../dom.js";
import { icon } from "../icons.js";

/**
 * The menu.
 * @param {string} label
 * @param {Array<{words: string, hint?: string, onchoose: function(): void}>} entries
 * @returns {{element: HTMLElement, setDisabled: function(boolean[]): void}} `setDisabled` takes
 *   whether each entry can be chosen no more, in order
 */
export function createMenu(label, entries, { id } = {}) {
  const summary = h("summary", { class: "button" }, label, icon("down"));
  const buttons = entries.map(({ words, hint, onchoose }) =>
    h("button", { type: "button", class: "button", onclick: () => {
      close();
      onchoose();
    } }, h("span", null, words), hint && h("span", { class: "hint" }, hint)));
  const element = h("details", { class: "menu", id, onkeydown: keys, onfocusout: left },
    summary, h("div", { class: "menu-items" }, buttons));
  const outside = (event) => void (element.contains(event.target) || (element.open = false));
  element.addEventListener("toggle", () => {
    if (element.open) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
  });

  function close() {
    element.open = false;
    summary.focus();
  }

  function left(event) {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) element.open = false;
  }

  function keys(event) {
    if (event.key === "Escape" && element.open) {
      event.stopPropagation();
      return close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    element.open = true;
    const usable = buttons.filter((button) => !button.disabled);
    const at = usable.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : usable.length - 1) : at + step;
    usable.at(next % usable.length)?.focus();
  }

  return {
    element,
    setDisabled(flags) {
      buttons.forEach((button, index) => {
        if (button.disabled !== flags[index]) button.disabled = flags[index];
      });
      setProp(summary, "data-empty", flags.every(Boolean));
    },
  };
}
