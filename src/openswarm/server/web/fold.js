/**
 * What is known of a run, as a fold over its events. Pure: events go in, the state comes out.
 *
 * The same fold as that of the terminal, `show` and resume; a test compares the two event by event.
 */

import { addUsage, agentOf, applyToAgent, copyAgent, isSubAgent, noUsage } from "./fold/agents.js";
import { applyToStages, copyStages, emptyStages } from "./fold/stages.js";
import { applyToTable, copyTable, emptyTable } from "./fold/table.js";

const NO_ANSWER = { text: "", blob: "" };
const BEGINS = new Set(["run_started", "resumed", "generation_started"]);

/** A run before its first event. */
export function emptyState() {
  return {
    seq: 0,
    runId: "",
    task: null,
    model: "",
    subagentModel: "",
    tools: [],
    mode: "",
    modeReason: "",
    /** How many sub-agents were expected; 0 where none were. */
    width: 0,
    agents: new Map(),
    failures: [],
    limitsHit: [],
    /** Questions that wait for an answer, by id, oldest first. */
    approvals: new Map(),
    denied: [],
    artifacts: [],
    changes: [],
    sandbox: "",
    /** Resource → what it admits at once. */
    capacity: new Map(),
    outcome: null,
    why: "",
    answer: NO_ANSWER,
    startedAt: 0,
    lastAt: 0,
    workedS: 0,
    /** When the work began that has no answer yet; null where nothing works. */
    workingSince: null,
    /** Closed stretches of work, [from, to] in seconds since the epoch. */
    spells: [],
    generations: [],
    table: emptyTable(),
    stages: emptyStages(),
  };
}

/** A state that goes on by itself from here. */
export function copyState(state) {
  return {
    ...state,
    agents: new Map([...state.agents].map(([path, agent]) => [path, copyAgent(agent)])),
    failures: [...state.failures],
    limitsHit: [...state.limitsHit],
    approvals: new Map(state.approvals),
    denied: [...state.denied],
    artifacts: [...state.artifacts],
    changes: [...state.changes],
    spells: [...state.spells],
    capacity: new Map(state.capacity),
    generations: state.generations.map((generation) => ({ ...generation })),
    table: copyTable(state.table),
    stages: copyStages(state.stages),
  };
}

/** Takes one event; changes the state and gives it. */
export function apply(state, event) {
  if (BEGINS.has(event.type)) clock(state, state.lastAt, event.at);
  state.seq = event.seq;
  state.lastAt = event.at;
  state.runId ||= event.run;
  applyToTable(state.table, event);
  applyToStages(state.stages, event);
  applyToAgent(state, event);
  CHANGES[event.type]?.(state, event);
  return state;
}

/** Seconds of work, up to `now` (seconds since the epoch) or to the last event. */
export function elapsed(state, now = state.lastAt) {
  if (state.workingSince === null) return state.workedS;
  return state.workedS + Math.max(0, now - state.workingSince);
}

/** The sub-agents, in the order in which they were assigned. */
export function subAgents(state) {
  return [...state.agents.values()].filter((agent) => isSubAgent(agent.path));
}

/** The edit that is at work, or null. */
export function editAtWork(state) {
  const last = state.generations.at(-1);
  return last && state.workingSince !== null && !last.undone ? last : null;
}

/** The sub-agents; while an edit is at work, those of the edit. */
export function atWork(state) {
  const edit = editAtWork(state);
  const every = subAgents(state);
  return edit ? every.filter((agent) => agent.generation === edit.number) : every;
}

/** The tokens of the whole tree. */
export function usageOf(state) {
  const sum = noUsage();
  for (const agent of state.agents.values()) addUsage(sum, agent.usage);
  return sum;
}

/** The dollars of the whole tree; null when nothing in it has a price. */
export function costOf(state) {
  let cost = null;
  for (const agent of state.agents.values()) {
    if (agent.costUsd !== null) cost = (cost ?? 0) + agent.costUsd;
  }
  return cost;
}

/** Work ended at `until`, and begins again at `since`. */
function clock(state, until, since) {
  if (state.workingSince !== null) {
    state.workedS += Math.max(0, until - state.workingSince);
    state.spells.push([state.workingSince, until]);
  }
  state.workingSince = since;
}

const CHANGES = {
  run_started(state, event) {
    state.task = event.task;
    state.tools = event.tools ?? [];
    state.model = event.model;
    state.subagentModel = event.subagent_model;
    state.startedAt = event.at;
  },
  mode_chosen(state, event) {
    Object.assign(state, { mode: event.mode, modeReason: event.why, width: event.width ?? 0 });
  },
  tools_opened(state, event) {
    if (state.sandbox !== "none") state.sandbox = event.sandbox ?? "";
  },
  capacity_changed(state, event) {
    state.capacity.set(event.resource, event.capacity);
  },
  approval_asked(state, event) {
    state.approvals.set(event.id, event);
    suspendOrGoOn(state, event.agent);
  },
  approval_given(state, event) {
    const asked = state.approvals.get(event.id);
    state.approvals.delete(event.id);
    if (event.answer === "deny" && asked) state.denied.push(asked);
    suspendOrGoOn(state, event.agent);
  },
  artifact_kept(state, event) {
    state.artifacts.push(event);
  },
  changes_merged(state, event) {
    state.changes.push(event);
  },
  generation_started(state, event) {
    const { outcome, why, answer, failures } = state;
    const { number, operations, wish = "", limits = null, at: startedAt } = event;
    const ended = { outcome, why, answer, failures: [...failures] };
    const started = { number, operations, wish, limits, startedAt };
    state.generations.push({ ...started, ...ended, undone: false });
    Object.assign(state, { outcome: null, why: "" });
  },
  undone(state, event) {
    clock(state, state.lastAt, null);
    for (const generation of [...state.generations].reverse()) {
      if (generation.number < event.generation || generation.undone) continue;
      generation.undone = true;
      const { outcome, why, answer, failures } = generation;
      Object.assign(state, { outcome, why, answer, failures: [...failures] });
    }
  },
  failed(state, { agent, boundary, kind, message }) {
    state.failures.push({ agent, boundary, kind, message });
  },
  answered(state, { outcome, why = "", text, agent, at }) {
    clock(state, at, null);
    Object.assign(state, { outcome, why, answer: text });
    Object.assign(agentOf(state, agent), { state: "done", outcome, endedAt: at });
  },
};

function suspendOrGoOn(state, path) {
  const agent = agentOf(state, path);
  const waits = [...state.approvals.values()].find((asked) => asked.agent === path);
  if (waits) {
    Object.assign(agent, { state: "suspended", why: `approval ${waits.id}: ${waits.tool}` });
  } else if (agent.state === "suspended") Object.assign(agent, { state: "running", why: "" });
}
