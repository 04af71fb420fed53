/** The rows of the tree: the orchestrator, its stages, their sub-agents, who works beside them. */

import { isSubAgent } from "../fold/agents.js";
import { standing } from "../icons.js";
import { STANDINGS } from "./progress.js";

const COMPARE = {
  agent: (one, other) => comparePaths(one.path, other.path),
  about: (one, other) => one.label.localeCompare(other.label),
  state: (one, other) => rank(one) - rank(other),
  outcome: (one, other) => rank(one) - rank(other),
  steps: (one, other) => one.steps - other.steps,
  tools: (one, other) => one.toolCalls - other.toolCalls,
  tokens: (one, other) => tokensOf(one) - tokensOf(other),
  cost: (one, other) => (one.costUsd ?? -1) - (other.costUsd ?? -1),
};

/** Input and output tokens of an agent. */
export function tokensOf({ usage }) {
  return usage.input_tokens + usage.output_tokens;
}

/**
 * The rows in their order.
 * @param {Map<string, Object>} agents
 * @param {{text: string, standing: string, sort: string, descending: boolean,
 *   closed: Set<string>}} options `standing` and `sort` may be ''
 * @returns {{items: Object[], shown: number}} of each row its key, level, place among its siblings
 *   and its agent, or of a stage its agents; `shown` counts the agents
 */
export function treeItems(agents, options) {
  const matching = [...agents.values()].filter((agent) => matches(agent, options));
  const beside = matching.filter((agent) => agent.path !== "root" && !isSubAgent(agent.path));
  const stages = stagesOf(matching.filter((agent) => isSubAgent(agent.path)));
  const root = agents.get("root");
  const items = [];
  const before = root ? 1 : stages.length;
  const top = before + beside.length;
  if (root) {
    const isOpen = !options.closed.has("root");
    const size = top;
    items.push({
      key: "root",
      level: 1,
      agent: root,
      isOpen: stages.length ? isOpen : null,
      size,
      place: 1,
    });
    if (isOpen) addStages(items, stages, options, 2);
  } else {
    addStages(items, stages, options, 1, beside.length); // a given table has no orchestrator
  }
  ordered(beside, options).forEach((agent, index) => {
    const place = before + index + 1;
    items.push({ key: agent.path, level: 1, agent, isOpen: null, size: top, place });
  });
  return { items, shown: matching.length };
}

function addStages(items, stages, options, level, others = 0) {
  stages.forEach(({ key, stage, generation, agents }, index) => {
    const isOpen = !options.closed.has(key);
    const at = { level, size: stages.length + others, place: index + 1 };
    items.push({ key, stage, generation, agents, isOpen, ...at });
    if (!isOpen) return;
    ordered(agents, options).forEach((agent, place) => {
      const below = { level: level + 1, size: agents.length, place: place + 1, parent: key };
      items.push({ key: agent.path, agent, isOpen: null, ...below });
    });
  });
}

function stagesOf(agents) {
  const found = new Map();
  for (const agent of agents) {
    const key = `stage/${agent.generation}/${agent.stage}`;
    const { stage, generation } = agent;
    if (!found.has(key)) found.set(key, { key, stage, generation, agents: [] });
    found.get(key).agents.push(agent);
  }
  return [...found.values()];
}

function ordered(agents, { sort, descending }) {
  if (!sort) return agents;
  const sorted = [...agents].sort(COMPARE[sort]);
  return descending ? sorted.reverse() : sorted;
}

function matches(agent, { text, standing: wanted }) {
  if (wanted && standing(agent.state, agent.outcome) !== wanted) return false;
  if (!text) return true;
  const { path, name, label, item, lastAction, why } = agent;
  return [path, name, label, item, lastAction, why].join("\n").toLowerCase().includes(text);
}

function rank({ state, outcome }) {
  return STANDINGS.indexOf(standing(state, outcome));
}

function comparePaths(one, other) {
  const number = (path) => Number(path.slice(path.lastIndexOf("/") + 1)) || 0;
  return number(one) - number(other);
}
