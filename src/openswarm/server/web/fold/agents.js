/** One agent after the other as it stands: what each event says of the agent that it is about. */

import { callWords } from "../format.js";

const SHOWN_CALLS = 3;

/** Whether a path is that of a sub-agent. */
export function isSubAgent(path) {
  return path.startsWith("root/");
}

/** The agent of a path, made where it is new. */
export function agentOf(state, path) {
  let agent = state.agents.get(path);
  if (!agent) state.agents.set(path, (agent = newAgent(path)));
  return agent;
}

/** No tokens. */
export function noUsage() {
  return { input_tokens: 0, output_tokens: 0, cached_tokens: 0, written_tokens: 0 };
}

/** Adds one usage to a sum. */
export function addUsage(sum, usage) {
  sum.input_tokens += usage.input_tokens ?? 0;
  sum.output_tokens += usage.output_tokens ?? 0;
  sum.cached_tokens += usage.cached_tokens ?? 0;
  sum.written_tokens += usage.written_tokens ?? 0;
}

/** An agent that goes on by itself from here. */
export function copyAgent(agent) {
  return { ...agent, usage: { ...agent.usage } };
}

/** Takes one event about an agent; other events change nothing. */
export function applyToAgent(state, event) {
  CHANGES[event.type]?.(state, event);
}

/** The last action of an agent as people read it. */
export function actionOf(agent, writing = "") {
  const isOff = agent.state === "suspended" || (agent.outcome && agent.outcome !== "completed");
  if (agent.why && isOff) return agent.why;
  return writing ? `writes: ${writing.slice(-120)}` : callWords(agent.lastAction);
}

/** What an agent is about: its label, else its item, else its name; the root has what it is. */
export function aboutOf(agent, mode = "swarm") {
  const root = mode === "swarm" ? "orchestrator" : "agent";
  return agent.label || agent.item || agent.name || (agent.path === "root" ? root : "");
}

function newAgent(path) {
  return {
    path,
    name: "",
    item: "",
    label: "",
    state: "queued",
    outcome: null,
    why: "",
    /** Of a suspended one: when it goes on, in seconds since the epoch; 0 where it is not known. */
    until: 0,
    steps: 0,
    toolCalls: 0,
    usage: noUsage(),
    costUsd: null,
    lastAction: "",
    assignedAt: 0,
    startedAt: null,
    endedAt: null,
    stage: 0,
    generation: 0,
  };
}

const CHANGES = {
  task_assigned(state, event) {
    const agent = agentOf(state, event.agent);
    agent.name = event.name ?? "";
    agent.item = event.item ?? "";
    agent.stage = event.stage ?? 0;
    agent.label = event.label || agent.item;
    agent.generation = state.table.generation;
    agent.assignedAt = event.at;
    if (!isSubAgent(event.agent)) {
      agent.state = "running";
      agent.startedAt = event.at;
    }
  },
  resumed(state, event) {
    if (state.outcome === null) return;
    Object.assign(state, { outcome: null, why: "", answer: { text: "", blob: "" } });
    Object.assign(agentOf(state, event.agent), { state: "running", outcome: null, endedAt: null });
  },
  admitted(state, event) {
    const agent = agentOf(state, event.agent);
    Object.assign(agent, { state: "running", why: "", until: 0 });
    agent.startedAt = agent.startedAt || event.at;
  },
  requeued(state, event) {
    const until = event.wait_s ? event.at + event.wait_s : 0;
    Object.assign(agentOf(state, event.agent), { state: "suspended", why: event.reason, until });
  },
  model_replied(state, event) {
    const agent = paid(state, event);
    agent.steps += 1;
    if (agent.state === "suspended") agent.state = "running";
    if (event.agent !== "root" && !isSubAgent(event.agent)) {
      Object.assign(agent, { state: "done", outcome: "completed", endedAt: event.at });
    }
    const names = (event.calls ?? []).slice(0, SHOWN_CALLS).map((call) => call.name);
    agent.lastAction = names.length ? `calls ${names.join(", ")}` : "answers";
  },
  context_compacted: paid,
  tool_called(state, event) {
    const agent = agentOf(state, event.agent);
    agent.toolCalls += 1;
    agent.lastAction = `${event.name} ${event.brief ?? ""}`.trim();
  },
  tool_returned(state, event) {
    const agent = agentOf(state, event.agent);
    if (!event.ok) agent.lastAction = `${event.name} failed`;
  },
  limit_hit(state, event) {
    state.limitsHit.push(event);
    agentOf(state, event.agent).state = "stopping";
  },
  cancelled(state, event) {
    agentOf(state, event.agent).state = "stopping";
  },
  report_received(state, event) {
    const agent = agentOf(state, event.agent);
    const { outcome, why = "" } = event;
    Object.assign(agent, { state: "done", outcome, why, endedAt: event.at });
    if (state.generations.length && agent.item) {
      // a second try is what counts
      const itemOf = (path) => state.agents.get(path)?.item ?? "";
      state.failures = state.failures.filter((each) => itemOf(each.agent) !== agent.item);
    }
    if (event.failure) state.failures.push(event.failure);
  },
};

function paid(state, event) {
  const agent = agentOf(state, event.agent);
  addUsage(agent.usage, event.usage ?? {});
  if (typeof event.cost_usd === "number") agent.costUsd = (agent.costUsd ?? 0) + event.cost_usd;
  return agent;
}
