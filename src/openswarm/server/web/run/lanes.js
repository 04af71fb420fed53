/** One lane of the timeline, made once and changed in place; and the line of the critical path. */

import { aboutOf } from "../fold/agents.js";
import { h, setProp, setText } from "../dom.js";
import { count, duration, oneLine, span } from "../format.js";
import { createMark, standing } from "../icons.js";

/**
 * The lane of an item of `treeItems`.
 * @param {{scale: Object, now: number, critical: Map<string, Object>, isActive: function(string):
 *   boolean}} look changed in place before each drawing
 */
export function lane(look) {
  const mark = createMark("queued", "");
  const name = h("span", { class: "lane-name cut" });
  const button = h("button", { type: "button", class: "lane-label" }, mark.element, name);
  const wait = h("i", { class: "lane-wait" });
  const work = h("i", { class: "lane-work" });
  const note = h("span", { class: "lane-note small" });
  const track = h("div", { class: "lane-track", "aria-hidden": "true" }, wait, work, note);
  const element = h("div", { class: "lane", role: "listitem" }, button, track);
  const parts = { element, mark, name, button, wait, work, note };
  return {
    element,
    update(item) {
      setProp(element, "data-key", item.key);
      setProp(button, "tabindex", look.isActive(item.key) ? "0" : "-1");
      if (item.agent) showAgent(parts, item, look);
      else showStage(parts, item, look);
    },
  };
}

function showAgent({ element, mark, name, button, wait, work, note }, item, look) {
  const { agent } = item;
  const is = standing(agent.state, agent.outcome);
  const { assigned, started, ended, isOpen } = timesOf(agent, look);
  const critical = look.critical.get(agent.path);
  setProp(element, "data-is", is);
  setProp(element, "class", ["lane", critical && "lane-critical", item.level === 1 && "lane-main"]);
  mark.element.hidden = false;
  mark.set(is, "");
  setText(name, laneName(agent));
  setProp(button, "aria-label", detailOf(agent, look));
  place(wait, assigned, started, look.scale);
  place(work, started, ended, look.scale);
  setProp(work, "data-open", isOpen ? "true" : null);
  setText(note, critical ? `longest, ${count(critical.steps, "step")}` : "");
  setProp(note, "vars", { "--x": percent(ended, look.scale) });
  setProp(note, "data-left", ended / look.scale.total > 0.8 ? "true" : null);
}

function showStage({ element, mark, name, button, wait, work, note }, item, look) {
  const times = item.agents.map((agent) => timesOf(agent, look));
  const first = Math.min(...times.map((each) => each.assigned));
  const last = Math.max(...times.map((each) => each.ended));
  const words = item.generation ? `Edit ${item.generation}` : `Stage ${item.stage}`;
  const number = count(item.agents.length, "sub-agent");
  setProp(element, "data-is", "stage");
  setProp(element, "class", "lane lane-stage");
  mark.element.hidden = true;
  setText(name, words);
  setProp(button, "aria-label", `${words}, ${number}, took ${span(last - first)}`);
  place(wait, first, last, look.scale);
  place(work, 0, 0, look.scale);
  setText(note, "");
}

/** What is said of an agent when its lane is pointed at. */
export function detailOf(agent, look) {
  const { assigned, started, ended, isOpen } = timesOf(agent, look);
  const critical = look.critical.get(agent.path);
  const parts = [
    laneName(agent),
    standing(agent.state, agent.outcome),
    agent.startedAt && `started at ${duration(started)}`,
    started - assigned > 0.5 && `after waiting ${span(started - assigned)}`,
    agent.startedAt && `${isOpen ? "works for" : "took"} ${span(ended - started)}`,
    count(agent.steps, "step"),
    critical && "the longest of its stage",
  ];
  return parts.filter(Boolean).join(", ");
}

/**
 * The way of the critical path over the lanes, as the `d` of an SVG path in a box of 1,000 by the
 * height of all lanes.
 */
export function criticalLine(items, look, height) {
  const lanes = new Map(items.map((item, index) => [item.key, (index + 0.5) * height]));
  const root = lanes.get("root");
  if (root === undefined || look.critical.size === 0) return "";
  const x = (seconds) => ((seconds / look.scale.total) * 1000).toFixed(2);
  const points = [`M0 ${root}`];
  for (const { agent } of look.critical.values()) {
    const y = lanes.get(agent?.path);
    if (y === undefined) continue;
    const { assigned, ended } = timesOf(agent, look);
    points.push(`H${x(assigned)}`, `V${y}`, `H${x(ended)}`, `V${root}`);
  }
  return [...points, "H1000"].join("");
}

function timesOf(agent, { scale, now }) {
  const assigned = scale.at(agent.assignedAt || agent.startedAt || now);
  const started = agent.startedAt ? scale.at(agent.startedAt) : null;
  const isOpen = agent.endedAt === null;
  const ended = scale.at(agent.endedAt ?? now);
  return { assigned, started: started ?? ended, ended, isOpen };
}

function laneName(agent) {
  const short = agent.path.replace(/^root\//, "");
  const about = agent.path === "root" ? "" : aboutOf(agent);
  return oneLine(`${short} ${about}`, 80);
}

function place(bar, from, to, scale) {
  bar.hidden = to <= from;
  setProp(bar, "vars", { "--x": percent(from, scale), "--w": percent(to - from, scale) });
}

function percent(seconds, scale) {
  return `${((seconds / scale.total) * 100).toFixed(3)}%`;
}
