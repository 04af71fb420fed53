/**
 * One run in the browser: its events, the state that is shown (live, or a moment of the past), the
 * connection. Whoever is subscribed is told at most once an animation frame.
 */

import { runPath } from "./api.js";
import { createFeed } from "./feed.js";
import { createReplay } from "./fold/replay.js";

const KEPT_CHARS = 2_000;
/** What is live is drawn thirty times a second: more is not seen, and costs a busy page dearly. */
const BETWEEN_MS = 30;

/**
 * The store of a run; `start` begins to follow it, `stop` ends that.
 * @param {{api: Object, run: string}} options
 */
export function createStore({ api, run }) {
  const replay = createReplay();
  const listeners = new Set();
  const writing = new Map();
  let frame = 0;
  let drawnAt = 0;
  let shownSeq = null;

  const store = {
    run,
    /** The fold of all events. */
    live: replay.live,
    /** What is shown. */
    state: replay.live,
    isLive: true,
    connection: "connecting",
    /** Why the server refused to show the run, or null. */
    refused: null,
    /** The server's snapshot of the run: who runs it, the answer with its citations; or null. */
    facts: null,
    /** Path → the end of what the agent writes just now. */
    writing,
    /** How far long work is that comes between the turns. */
    progress: "",
    /** Nothing works on the run now. */
    get over() {
      return store.connection === "over";
    },
    get events() {
      return replay.events;
    },
    get gaps() {
      return feed.gaps();
    },
    seqAtTime: replay.seqAtTime,
    next: replay.next,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Shows the state after an event; null shows what is live. */
    seek(seq) {
      shownSeq = seq;
      changed();
    },
    /** Follows the run again after work on it was begun. */
    follow: () => feed.start(),
    refreshFacts,
    start() {
      feed.start();
      refreshFacts();
    },
    stop() {
      feed.stop();
      if (frame) cancelAnimationFrame(frame);
      listeners.clear();
    },
  };

  const feed = createFeed({
    open: (after, signal) => api.stream(runPath(run, "events"), after, signal),
    onEvent(event) {
      replay.push(event);
      if (event.type === "model_replied" || event.type === "report_received") {
        writing.delete(event.agent);
        store.progress = "";
      }
      changed();
    },
    onTick(tick) {
      takeTick(store, tick);
      changed();
    },
    onEnd() {
      writing.clear();
      store.progress = "";
      refreshFacts();
    },
    onStatus(status, failure = null) {
      store.connection = status;
      store.refused = status === "refused" ? failure : null;
      changed();
    },
  });

  function changed() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw(now) {
    frame = 0;
    if (store.isLive && shownSeq === null && now - drawnAt < BETWEEN_MS) return changed();
    drawnAt = now;
    store.isLive = shownSeq === null;
    store.state = store.isLive ? replay.live : replay.at(shownSeq);
    for (const listener of [...listeners]) listener(store.state);
  }

  async function refreshFacts() {
    try {
      store.facts = await api.get(runPath(run));
    } catch {
      return; // the stream says what is wrong with the connection or the run
    }
    changed();
  }

  return store;
}

function takeTick(store, { agent, kind, text = "" }) {
  if (kind === "progress") store.progress = text;
  else if (kind === "restart") store.writing.delete(agent);
  else if (kind === "text") {
    const before = store.writing.get(agent) ?? "";
    store.writing.set(agent, (before + text).slice(-KEPT_CHARS));
  }
}
