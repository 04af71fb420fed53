/** One row of the tree, made once and changed in place: an agent, or a stage of them. */

import { aboutOf, actionOf } from "../fold/agents.js";
import { h, setProp, setText } from "../dom.js";
import { count, dollars, oneLine, tokens, whole } from "../format.js";
import { createMark, icon } from "../icons.js";
import { standingWords } from "./progress.js";
import { tokensOf } from "./tree_items.js";

/** The columns: name, words, and whether it holds figures. */
export const COLUMNS = [
  ["agent", "Agent"],
  ["about", "About"],
  ["state", "State"],
  ["outcome", "Outcome"],
  ["steps", "Steps", true],
  ["tools", "Tools", true],
  ["tokens", "Tokens", true],
  ["cost", "Cost", true],
  ["action", "Last action"],
];

const MARKS = new Set(["state", "outcome"]);

/**
 * The row of an item of `treeItems`.
 * @param {{writing: Map<string, string>, isActive: function(string): boolean,
 *   isCritical: function(string): boolean}} view
 */
export function treeRow(view) {
  const twist = h("span", { class: "twist" }, icon("open"));
  const path = h("span", { class: "tree-path" });
  const critical = h("span", { class: "tag", hidden: true }, "critical");
  const state = createMark("queued");
  const outcome = createMark("empty", "");
  const cells = Object.fromEntries(
    COLUMNS.map(([name, , isFigure]) => [
      name,
      h("td", {
        role: "gridcell",
        class: [`col-${name}`, isFigure && "num", !MARKS.has(name) && "cut"],
      }),
    ]),
  );
  cells.agent.append(twist, path);
  cells.about.append(h("span", { class: "cut" }), critical);
  cells.state.append(state.element);
  cells.outcome.append(outcome.element);
  const parts = { cells, path, critical, state, outcome, about: cells.about.firstChild };
  const element = h("tr", { role: "row", class: "tree-row" }, Object.values(cells));
  return {
    element,
    update(item, index) {
      setProp(element, "data-key", item.key);
      setProp(element, "aria-level", String(item.level));
      setProp(element, "aria-rowindex", String(index + 2));
      setProp(element, "aria-setsize", String(item.size));
      setProp(element, "aria-posinset", String(item.place));
      setProp(element, "aria-expanded", item.isOpen === null ? null : String(item.isOpen));
      setProp(element, "tabindex", view.isActive(item.key) ? "0" : "-1");
      if (item.agent) showAgent(parts, item.agent, view);
      else showStage(parts, item);
    },
  };
}

function showAgent({ cells, path, about, critical, state, outcome }, agent, view) {
  setText(path, agent.path);
  setText(about, oneLine(aboutOf(agent, view.mode), 120));
  critical.hidden = !view.isCritical(agent.path);
  state.set(agent.state);
  outcome.element.hidden = !agent.outcome;
  outcome.set(agent.outcome ?? "empty");
  setText(cells.steps, agent.steps ? whole(agent.steps) : "");
  setText(cells.tools, agent.toolCalls ? whole(agent.toolCalls) : "");
  setText(cells.tokens, agent.steps ? tokens(tokensOf(agent)) : "");
  setText(cells.cost, agent.costUsd === null ? "" : dollars(agent.costUsd));
  setText(cells.action, oneLine(actionOf(agent, view.writing.get(agent.path)), 160));
}

function showStage({ cells, path, about, critical, state, outcome }, item) {
  const { agents } = item;
  const sum = (value) => agents.reduce((total, agent) => total + value(agent), 0);
  const isDone = agents.every((agent) => agent.state === "done");
  setText(path, item.generation ? `Edit ${item.generation}` : `Stage ${item.stage}`);
  setText(about, count(agents.length, "sub-agent"));
  critical.hidden = true;
  state.set(isDone ? "done" : "running");
  outcome.element.hidden = true;
  setText(cells.steps, whole(sum((agent) => agent.steps)));
  setText(cells.tools, whole(sum((agent) => agent.toolCalls)));
  setText(cells.tokens, tokens(sum(tokensOf)));
  const hasCost = agents.some((agent) => agent.costUsd !== null);
  setText(cells.cost, hasCost ? dollars(sum((agent) => agent.costUsd ?? 0)) : "");
  setText(cells.action, standingWords(agents));
}
