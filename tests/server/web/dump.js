/** The state of a run as plain data, in the form that `dumped.py` gives Python's folds. */

import { apply, costOf, editAtWork, elapsed, emptyState, subAgents, usageOf } from "./fold.js";
import { createReplay } from "./fold/replay.js";
import { criticalPath, criticalSteps, parallelism, totalSteps } from "./fold/stages.js";
import { rowsOf } from "./fold/table.js";

/** The state after each event. */
export function dumpEach(events) {
  const state = emptyState();
  return events.map((event) => dump(apply(state, event)));
}

/** The state at these sequence numbers, in this order, as the scrubber goes there. */
export function dumpAt(events, numbers) {
  const replay = createReplay();
  for (const event of events) replay.push(event);
  return numbers.map((seq) => dump(replay.at(seq)));
}

function dump(state) {
  const { table, stages } = state;
  return {
    seq: state.seq,
    run: state.runId,
    task: state.task?.text ?? null,
    models: [state.model, state.subagentModel],
    tools: state.tools,
    mode: [state.mode, state.modeReason],
    ended: ending(state),
    sandbox: state.sandbox,
    times: [state.startedAt, state.lastAt, state.workedS, state.workingSince, elapsed(state)],
    capacity: Object.fromEntries(state.capacity),
    approvals: [...state.approvals.keys()],
    denied: state.denied.map((asked) => asked.id),
    artifacts: state.artifacts.map((kept) => kept.name),
    changes: state.changes.length,
    limits_hit: state.limitsHit.length,
    agents: [...state.agents.values()].map(agent),
    sub_agents: subAgents(state).map(({ path }) => path),
    usage: usage(usageOf(state)),
    cost: costOf(state),
    edit: editAtWork(state)?.number ?? null,
    generations: state.generations.map((each) => [each.number, each.undone, ...ending(each)]),
    contract: table.contract && [
      table.contract.columns.map(({ name }) => name),
      table.contract.key,
    ],
    rows: rowsOf(table).map(({ cells }) => Object.entries(cells).map(cell)),
    keys: [...table.placed.keys()].map(JSON.parse),
    base: [...table.base.keys()].map(JSON.parse),
    before: [...table.before.keys()].map(JSON.parse),
    expected: [...table.expected],
    generation: table.generation,
    conflicts: [...table.conflicts.values()].map((each) => [
      each.key,
      each.column,
      each.kept.value,
      each.others.map(({ value }) => value),
      each.rule,
    ]),
    stages: [...stages.stages].map(([stage, paths]) => [stage, [...paths]]),
    steps: [stages.mainSteps, criticalSteps(stages), totalSteps(stages), stages.maxInFlight],
    parallelism: parallelism(stages),
    critical_path: criticalPath(stages).map(({ path }) => path),
  };
}

function ending({ outcome, why, answer, failures }) {
  const failed = failures.map((each) => [each.agent, each.boundary, each.kind, each.message]);
  return [outcome, why, [answer.text ?? "", answer.blob ?? ""], failed];
}

function agent(each) {
  const { path, name, item, label, state, outcome, why, steps, toolCalls, costUsd } = each;
  const { lastAction, assignedAt, startedAt, endedAt, stage, generation } = each;
  const standing = [state, outcome, why, steps, toolCalls, costUsd, lastAction];
  const times = [assignedAt, startedAt, endedAt];
  return [path, name, item, label, ...standing, usage(each.usage), ...times, stage, generation];
}

function cell([name, { value, source, quote, agent: by, confidence, state }]) {
  return [name, value, source, quote, by, confidence, state];
}

function usage(sum) {
  return [sum.input_tokens, sum.output_tokens, sum.cached_tokens, sum.written_tokens];
}
