/** How a whole run stands, in one word and one sentence. */

/**
 * The word: an outcome, `running`, `suspended` where it waits for a person, `interrupted` where
 * nobody works on it and it has no answer.
 * @returns {{is: string, word: string, why: string}}
 */
export function standingOf(state, store) {
  if (state.outcome) return { is: state.outcome, word: state.outcome, why: state.why };
  if (state.approvals.size && !(store.over && store.isLive)) {
    return { is: "suspended", word: "waits for you", why: "" };
  }
  if (store.over && store.isLive && state.seq > 0) {
    const why = "nobody works on it; it can be resumed";
    return { is: "interrupted", word: "interrupted", why };
  }
  return { is: "running", word: state.seq ? "running" : "loading", why: "" };
}
