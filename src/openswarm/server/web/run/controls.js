/** What can be done to a run and its agents: steer, cancel, kill, retry, resume. */

import { runPath, sentence } from "../api.js";
import { h } from "../dom.js";

const WORDS = {
  steer: "Steer",
  cancel: "Cancel",
  kill: "Kill",
  retry: "Retry row",
  resume: "Resume",
};
const RESUMED = new Set(["partial", "cancelled", "failed", "interrupted"]);

/**
 * The controls of a run.
 * @returns {{offered: function(string, Object): string[], button: function(string, string):
 *   HTMLElement, act: function(string, string, string=): Promise<boolean>}}
 */
export function createControls(store, context) {
  const { api, toast, dialog } = context;
  const nameOf = (path) => (path === "root" ? "the run" : path);

  async function post(verb, body, said) {
    try {
      const answer = await api.post(runPath(store.run, verb), body);
      toast.say(answer.seq === null ? `${said} The run has not answered yet.` : said);
      return true;
    } catch (error) {
      toast.fail(sentence(error));
      return false;
    }
  }

  const acts = {
    async steer(path, given) {
      const title = `Steer ${nameOf(path)}`;
      const hint = "It reads this before its next turn.";
      const question = { title, label: "What to tell it", verb: "Send", lines: 4, hint };
      const text = given ?? (await dialog.prompt(question));
      if (!text?.trim()) return false;
      return post("steer", { agent: path, text: text.trim() }, `Told ${nameOf(path)}.`);
    },
    async cancel(path) {
      const text = "It gets one turn to hand back what it has.";
      const sure = { title: `Cancel ${nameOf(path)}?`, text, verb: "Cancel it", danger: true };
      if (!(await dialog.confirm(sure))) return false;
      return post("cancel", { agent: path }, `Cancelled ${nameOf(path)}.`);
    },
    async kill(path) {
      const text = "It stops at once, and what it was working on is lost.";
      const sure = { title: `Kill ${nameOf(path)}?`, text, verb: "Kill it", danger: true };
      if (!(await dialog.confirm(sure))) return false;
      return post("kill", { agent: path }, `Killed ${nameOf(path)}.`);
    },
    async retry(path) {
      const row = store.live.agents.get(path)?.item;
      const operations = [{ op: "retry_row", row }];
      const done = await post("edits", { operations }, `Working on ${row} again.`);
      if (done) store.follow();
      return done;
    },
    async resume() {
      const done = await post("resume", {}, "The run goes on.");
      if (done) store.follow();
      return done;
    },
  };

  return {
    /** What can be done to an agent as it stands. */
    offered(path, standing = {}) {
      const agent = store.live.agents.get(path);
      if (!store.over) {
        const isAtWork = path === "root" || (agent && agent.state !== "done");
        return isAtWork && store.connection !== "refused" ? ["steer", "cancel", "kill"] : [];
      }
      if (path === "root") return store.isLive && RESUMED.has(standing.is) ? ["resume"] : [];
      return agent?.item && store.live.table.contract ? ["retry"] : [];
    },
    button(name, path) {
      const isFirst = name === "resume" && !store.live.outcome;
      const kind = name === "kill" ? "button-danger" : isFirst && "button-primary";
      const label = `${WORDS[name]} ${nameOf(path)}`;
      const props = { type: "button", class: ["button", kind], "aria-label": label };
      return h("button", { ...props, onclick: () => acts[name](path) }, WORDS[name]);
    },
    act: (name, path, text) => acts[name](path, text),
  };
}
