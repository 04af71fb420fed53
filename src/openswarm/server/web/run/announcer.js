/** What a screen reader hears of a run that goes on: one sentence, at most every five seconds. */

import { costOf, subAgents } from "../fold.js";
import { h, setText } from "../dom.js";
import { count, dollars } from "../format.js";
import { standingOf } from "./standing.js";

const EVERY_MS = 5_000;

/** A polite live region. */
export function createAnnouncer(store) {
  const element = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  let saidAt = 0;
  let timer = 0;

  function say() {
    timer = 0;
    saidAt = Date.now();
    setText(element, summary(store.state, store));
  }

  return {
    element,
    update() {
      if (timer || !store.isLive) return;
      timer = setTimeout(say, Math.max(0, EVERY_MS - (Date.now() - saidAt)));
    },
    destroy: () => clearTimeout(timer),
  };
}

/** The run in one sentence. */
export function summary(state, store) {
  const agents = subAgents(state);
  const done = agents.filter((agent) => agent.state === "done").length;
  const failed = agents.filter((agent) => agent.outcome === "failed").length;
  const cost = costOf(state);
  const parts = [
    `Run ${standingOf(state, store).word}`,
    agents.length && `${done} of ${count(agents.length, "sub-agent")} done`,
    failed && `${failed} failed`,
    state.table.contract && count(state.table.placed.size, "row"),
    state.approvals.size && `${count(state.approvals.size, "question")} for you`,
    cost !== null && dollars(cost),
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}
