/** An edit in words, and what any edit would come to, as it is shown before it is carried out. */

import { h, replace, setProp, setText } from "../dom.js";
import { sentence } from "../api.js";
import { clean, count } from "../format.js";
import { linesOf } from "../fields.js";

/**
 * A dialog for an edit in words: what it would do is shown in it, then it is carried out.
 * @param {{open: Function}} dialog
 * @param {{ask: function(Object, AbortSignal): Promise<Object>,
 *   carryOut: function(Object, Object): Promise<void>}} hands `ask` gives the plan of a wish, and
 *   is given up where the dialog is closed before
 */
export function openWish(dialog, { ask, carryOut }) {
  let plan = null;
  const words = linesOf("", 3, { maxlength: 4000, "aria-label": "What is to be changed",
    placeholder: "Add the currency of each country, and drop the area", oninput: forget,
    onkeydown: hotkey });
  const shown = h("div", { class: "wish-plan", role: "status" });
  const go = h("button", { type: "submit", class: "button button-primary" });
  const no = h("button", { type: "button", class: "button" }, "Cancel");
  const form = h("form", { class: "stack", onsubmit: step }, words, shown,
    h("div", { class: "dialog-actions" }, no, go));
  const left = new AbortController();
  const opened = dialog.open({ title: "Edit in words", body: form, onclose: () => left.abort() });

  function forget() {
    plan = null;
    replace(shown);
    setText(go, "Show what it would do");
  }

  async function step(event) {
    event.preventDefault();
    const asked = { wish: words.value.trim() };
    if (!asked.wish) return void words.focus();
    busy(true);
    try {
      if (plan) {
        await carryOut(asked, plan);
        return opened.close();
      }
      replace(shown, h("p", { class: "muted" }, "A model reads it…"));
      plan = await ask(asked, left.signal);
      replace(shown, planText(plan));
      setText(go, "Carry out");
    } catch (error) {
      forget();
      replace(shown, h("p", { class: "error" }, sentence(error)));
    }
    busy(false);
  }

  function hotkey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !go.disabled) {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  function busy(isBusy) {
    setProp(go, "disabled", isBusy);
    setProp(words, "readonly", isBusy);
  }

  no.addEventListener("click", opened.close);
  forget();
  words.focus();
}

/** What an edit would come to, for people. */
export function planText({ describe, changes, cells, rows }) {
  const work = cells
    ? `Sub-agents would work on ${count(cells, "cell")} in ${count(rows, "row")}.`
    : "No sub-agent has to work for it.";
  return h("div", { class: "stack plan" }, listOf(describe), listOf(changes, "muted small"),
    h("p", null, h("b", null, work)));
}

/** Lines as a list; nothing where there are none. */
export function listOf(lines, kind) {
  return lines?.length > 0 && h("ul", { class: ["plan-list", kind] },
    lines.map((line) => h("li", null, clean(line))));
}
