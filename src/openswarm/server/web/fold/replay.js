/**
 * All events of a run that came, and the state after any of them. Every so many events a copy of
 * the state is kept, so that going to any moment folds a few hundred events at most.
 */

import { apply, copyState, emptyState } from "../fold.js";

const EVERY = 400;
const NO_TEXT = { text: "", blob: "" };
/** What no fold reads, and transcripts are asked for: it would only fill the memory. */
const LONG = {
  agent_created: ["system_prompt"],
  task_assigned: ["system", "brief"],
  documents_opened: ["text"],
  model_replied: ["text", "reasoning"],
  tool_returned: ["text"],
  page_fetched: ["text"],
  context_compacted: ["conversation"],
  report_received: ["text"],
};

/** The events of a run. `push` takes the next; `at(seq)` gives the state after one. */
export function createReplay() {
  const events = [];
  const live = emptyState();
  const kept = [];
  let cursor = null;

  /** How many events there are up to and with `seq`. */
  function countUpTo(seq) {
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (events[middle].seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    live,
    events,
    push(event) {
      const slim = withoutTexts(event);
      events.push(slim);
      apply(live, slim);
      if (events.length % EVERY === 0) kept.push(copyState(live));
    },
    /** The state after event `seq`; it is only good until it is asked for the next one. */
    at(seq) {
      const count = countUpTo(seq);
      const start = Math.floor(count / EVERY);
      const goesOn = cursor && cursor.count <= count && cursor.count >= start * EVERY;
      if (!goesOn) {
        const state = start ? copyState(kept[start - 1]) : emptyState();
        cursor = { state, count: start * EVERY };
      }
      while (cursor.count < count) apply(cursor.state, events[cursor.count++]);
      return cursor.state;
    },
    /** The last event that was at or before this time; the first where none was. */
    seqAtTime(time) {
      let [low, high] = [0, events.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (events[middle].at <= time) low = middle + 1;
        else high = middle;
      }
      return events[Math.max(0, low - 1)]?.seq ?? 0;
    },
    /** The event that comes after `seq`, or undefined. */
    next: (seq) => events[countUpTo(seq)],
  };
}

function withoutTexts(event) {
  const long = LONG[event.type];
  if (!long) return event;
  const slim = { ...event };
  for (const name of long) slim[name] = NO_TEXT;
  if (slim.calls) slim.calls = slim.calls.map(({ name }) => ({ name }));
  if (event.type === "report_received") slim.rows = [];
  return slim;
}
