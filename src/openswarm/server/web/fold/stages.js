/**
 * Stages and critical steps as a fold over the events of a run: the main steps, and of each stage
 * the longest sub-agent. A step is one reply of a model.
 */

const ASKED = "ask/";

/** Stages before the first event. */
export function emptyStages() {
  return {
    mainSteps: 0,
    /** Stage → paths of its sub-agents, in the order of assignment. */
    stages: new Map(),
    /** Path of a sub-agent → its steps. */
    steps: new Map(),
    maxInFlight: 0,
    inFlight: new Set(),
  };
}

/** Stages that go on by themselves from here. */
export function copyStages(stages) {
  return {
    ...stages,
    stages: new Map([...stages.stages].map(([stage, paths]) => [stage, [...paths]])),
    steps: new Map(stages.steps),
    inFlight: new Set(stages.inFlight),
  };
}

/** Takes one event. */
export function applyToStages(stages, event) {
  const { type, agent } = event;
  const isSub = agent.startsWith("root/");
  if (type === "model_replied") {
    if (isSub) stages.steps.set(agent, (stages.steps.get(agent) ?? 0) + 1);
    else if (!agent.startsWith(ASKED)) stages.mainSteps += 1;
  } else if (type === "task_assigned" && isSub) {
    const stage = event.stage ?? 0;
    if (!stages.stages.has(stage)) stages.stages.set(stage, []);
    stages.stages.get(stage).push(agent);
    if (!stages.steps.has(agent)) stages.steps.set(agent, 0);
  } else if (type === "admitted" && isSub) {
    stages.inFlight.add(agent);
    stages.maxInFlight = Math.max(stages.maxInFlight, stages.inFlight.size);
  } else if (type === "report_received" || type === "requeued") stages.inFlight.delete(agent);
}

/** Steps on the longest path, with a slot for every sub-agent. */
export function criticalSteps(stages) {
  return stages.mainSteps + longestSum(stages);
}

/** What one agent after the other would have taken. */
export function totalSteps(stages) {
  return stages.mainSteps + sum(stages.steps.values());
}

/** Steps of sub-agents over the sum of the longest; 1 when there were none. */
export function parallelism(stages) {
  const longest = longestSum(stages);
  return longest ? sum(stages.steps.values()) / longest : 1;
}

/** The longest sub-agent of each stage, in order. @returns {{stage, path, steps}[]} */
export function criticalPath(stages) {
  return [...stages.stages].map(([stage, paths]) => {
    let longest = paths[0];
    for (const path of paths) {
      if (stages.steps.get(path) > stages.steps.get(longest)) longest = path;
    }
    return { stage, path: longest, steps: stages.steps.get(longest) };
  });
}

function longestSum(stages) {
  return sum(criticalPath(stages).map((entry) => entry.steps));
}

function sum(numbers) {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
