/**
 * The questions that wait for a person: each keeps its place until it is answered, and no other
 * ever takes it, so that an answer cannot land on another question.
 */

import { h, replace, setProp, setText } from "../dom.js";
import { runPath, sentence } from "../api.js";
import { clean, count, oneLine } from "../format.js";

const ANSWERS = [
  ["allow", "Allow", "y", "button button-primary"],
  ["always", "Always allow", "a", "button"],
  ["deny", "Deny", "n", "button button-danger"],
];
const SAID = { allow: "allowed", always: "allowed from now on", deny: "denied" };
/** A question takes no answer before it has been on the screen for so long. */
const SEEN_MS = 400;

/**
 * The bar.
 * @returns {{element: HTMLElement, update: function(Object): void, destroy: function(): void}}
 */
export function approvalsBar(store, context) {
  const items = new Map();
  let asked = null;
  const said = h("span", { role: "status" });
  const head = h("h2", { class: "approvals-head" }, said);
  const list = h("ol", { class: "approvals-list" });
  const element = h("section", { class: "approvals", "aria-label": "Questions that wait",
    hidden: true, onmouseleave: tidy, onfocusout: () => setTimeout(tidy) }, head, list);

  async function answer(item, verdict) {
    item.busy(true);
    item.said = SAID[verdict];
    try {
      const path = runPath(store.run, "approvals", item.asked.id);
      await context.api.post(path, { answer: verdict });
      item.close();
      (next(item) ?? document.getElementById("run-panel"))?.focus();
    } catch (error) {
      item.busy(false);
      item.said = "answered elsewhere";
      context.toast.fail(sentence(error));
    }
    tidy();
  }

  /** The question to go on with: the first that waits. */
  function next(item) {
    const waiting = [...items.values()].filter((other) => other !== item && !other.closed);
    return waiting[0];
  }

  function update() {
    const questions = store.live.approvals;
    const wanted = store.over ? [] : [...questions.values()];
    const key = wanted.map(({ id }) => id).join();
    if (key === asked) return;
    asked = key;
    for (const question of wanted) {
      if (items.has(question.id)) continue;
      const item = createItem(question, { answer, openAgent: context.openAgent });
      items.set(question.id, item);
      list.append(item.element);
    }
    const open = new Set(wanted.map(({ id }) => id));
    for (const [id, item] of items) if (!open.has(id)) item.close();
    tidy();
  }

  /** Takes answered questions away when nobody is at work here: nothing moves under a pointer. */
  function tidy() {
    const waiting = [...items.values()].filter((item) => !item.closed).length;
    const verb = waiting === 1 ? "waits" : "wait";
    setText(said, waiting ? `${count(waiting, "question")} ${verb} for you` : "No question waits");
    const isUsed = element.matches(":hover") || element.contains(document.activeElement);
    if (!isUsed || waiting === 0) {
      for (const [id, item] of items) {
        if (!item.closed) continue;
        item.element.remove();
        items.delete(id);
      }
    }
    setProp(element, "hidden", waiting === 0);
  }

  return { element, update, destroy: () => items.clear() };
}

function createItem(asked, { answer, openAgent }) {
  const item = { asked, closed: false, said: "answered elsewhere" };
  const about = `${asked.tool} for ${asked.agent}`;
  const buttons = ANSWERS.map(([verdict, words, key, kind]) =>
    h("button", { type: "button", class: [kind, "button-small"], disabled: true,
      "aria-label": `${words}: ${about}`, "aria-keyshortcuts": key, title: `${words} (${key})`,
      onclick: () => answer(item, verdict) }, words));
  const actions = h("div", { class: "approval-actions" }, buttons);
  const element = h("li", { class: "approval", tabindex: -1, onkeydown: keys },
    h("div", { class: "approval-what" },
      h("p", null,
        h("button", { type: "button", class: "link-button", onclick: () => openAgent(asked.agent) },
          asked.agent),
        " asks to use ", h("b", null, asked.tool),
        asked.directory &&
          h("span", { class: "muted" }, " in ", h("code", null, clean(asked.directory)))),
      commandOf(asked.command)),
    actions);
  setTimeout(() => item.closed || busy(false), SEEN_MS);

  function busy(isBusy) {
    for (const button of buttons) button.disabled = isBusy;
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("details")) return;
    const found = ANSWERS.find(([, , key]) => key === event.key);
    if (!found || buttons[0].disabled || item.closed) return;
    event.preventDefault();
    answer(item, found[0]);
  }

  return Object.assign(item, {
    element,
    busy,
    focus: () => element.focus(),
    close() {
      if (item.closed) return;
      item.closed = true;
      replace(actions, h("span", { class: "muted" }, item.said));
      setProp(element, "data-closed", true);
    },
  });
}

/** The command, whole: a long one behind its first line. */
function commandOf(command) {
  const text = clean(command);
  const lines = text.split("\n").length;
  if (lines <= 6 && text.length <= 600) return h("pre", { class: "approval-command" }, text);
  return h("details", { class: "approval-long" },
    h("summary", null, h("code", { class: "cut" }, oneLine(text, 160)),
      h("span", { class: "muted small" }, `all ${count(lines, "line")}`)),
    h("pre", { class: "approval-command" }, text));
}
