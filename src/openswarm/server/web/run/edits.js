/**
 * Edits of a finished table: when they are possible, what one would come to, and carrying it out.
 * An edit that costs calls or takes something away is shown before it is done.
 */

import { h } from "../dom.js";
import { runPath, sentence } from "../api.js";
import { clean } from "../format.js";
import { listOf, openWish, planText } from "./wish.js";

/**
 * The edits of a run.
 * @returns {{whyNot: function(): string, canUndo: function(): boolean,
 *   last: function(): (Object|undefined), wish: function(): void, undo: function(): Promise<void>,
 *   apply: function(Object[], {ask: boolean, failed: function(Error): void}=): Promise<boolean>}}
 *   `apply` gives whether the edit was begun
 */
export function createEdits(store, context) {
  const path = (...parts) => runPath(store.run, ...parts);

  /** Why the table cannot be edited now; '' where it can. */
  function whyNot() {
    if (busy()) return busy();
    return store.live.outcome ? "" : "The run was interrupted. Resume it to edit its table.";
  }

  /** Why nothing can be done to the table now, an interrupted edit be undone neither. */
  function busy() {
    if (!store.live.table.contract) return "This run has no table.";
    if (!store.isLive) return "This is a moment of the past. Go back to live to edit the table.";
    if (store.connection === "connected") {
      return "The run is at work. The table can be edited when it is over.";
    }
    if (store.over) return "";
    return store.connection === "lost"
      ? "The connection is lost. Nothing can be edited until it is back."
      : "The run is being read.";
  }

  const toasted = (error) => context.toast.fail(sentence(error));

  async function apply(operations, { ask = false, failed = toasted } = {}) {
    try {
      const plan = await context.api.post(path("edits", "preview"), { operations });
      if ((ask || plan.cells > 0) && !(await confirm(plan))) return false;
      await begin({ operations }, plan);
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  }

  function confirm(plan) {
    return context.dialog.confirm({
      title: "Carry out this edit?", text: planText(plan), verb: "Carry out",
    });
  }

  async function begin(body, plan) {
    await context.api.post(path("edits"), body);
    const words = plan.describe.map(clean).join("; ");
    context.toast.say(plan.cells ? `At work: ${words}.` : `Done: ${words}.`);
    store.follow();
  }

  function wish() {
    openWish(context.dialog, {
      ask: (asked, signal) => context.api.post(path("edits", "preview"), asked, { signal }),
      carryOut: begin,
    });
  }

  /** The last edit that was not taken back. */
  function last() {
    return store.live.generations.findLast((generation) => !generation.undone);
  }

  async function undo() {
    const { number } = last();
    const facts = store.facts?.generations?.find((each) => each.number === number);
    const words = facts?.operations?.map(clean) ?? [];
    const sure = await context.dialog.confirm({
      title: `Undo edit ${number}?`,
      text: h("div", { class: "stack" }, listOf(words),
        h("p", { class: "muted" }, "Table and answer become what they were before it.")),
      verb: "Undo",
    });
    if (!sure) return;
    try {
      await context.api.post(path("undo"), {});
      context.toast.say(`Edit ${number} is undone.`);
      store.follow();
    } catch (error) {
      toasted(error);
    }
  }

  return { whyNot, apply, wish, undo, canUndo: () => Boolean(last()) && !busy(), last };
}
