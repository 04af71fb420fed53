/** The header of a run: the task, how it stands, what it used of what it may, what can be done. */

import { atWork, costOf, editAtWork, elapsed, usageOf } from "../fold.js";
import { criticalSteps, parallelism, totalSteps } from "../fold/stages.js";
import { h, replace, setProp, setText } from "../dom.js";
import { count, dollars, duration, oneLine, tokens, whole } from "../format.js";
import { createMark } from "../icons.js";
import { exportMenu } from "./export.js";
import { progressBar } from "./progress.js";
import { standingOf } from "./standing.js";

/** The header of a run. */
export function headerView(store, context) {
  const title = h("h1", { class: "run-title" });
  const mark = createMark("running", "loading");
  const why = h("span", { class: "run-why" });
  const mode = h("span", { class: "run-mode" });
  const models = h("span", { class: "muted" });
  const facts = createFacts();
  const menu = exportMenu(store, context);
  const actions = h("div", { class: "row run-actions" });
  const capacity = h("span", { class: "run-capacity", hidden: true });
  const bar = progressBar(capacity);
  let offered = "";

  function update(state) {
    const now = nowOf(store);
    const standing = standingOf(state, store);
    setText(title, titleOf(state, store));
    title.title = state.task?.text.slice(0, 2_000) ?? "";
    mark.set(standing.is, standing.word);
    setText(why, standing.why);
    setText(mode, state.mode ? `${state.mode}: ${oneLine(state.modeReason, 300)}` : "");
    setText(models, modelsOf(state));
    facts.update(state, now);
    bar.update(atWork(state));
    showCapacity(state);
    showActions(standing);
    menu.update(state);
  }

  function showCapacity({ capacity: found }) {
    capacity.hidden = found.size === 0;
    const parts = [...found].map(([name, most]) => `${oneLine(name, 60)} admits ${most} at once`);
    setText(capacity, parts.join(" · "));
  }

  function showActions(standing) {
    const wanted = context.controls.offered("root", standing);
    if (wanted.join() === offered) return;
    offered = wanted.join();
    replace(
      actions,
      wanted.map((name) => context.controls.button(name, "root")),
      menu.element,
    );
  }

  replace(actions, menu.element);
  return {
    element: h(
      "header",
      { class: "run-head" },
      h("div", { class: "run-top" }, title, actions),
      h("p", { class: "run-line" }, mark.element, why, mode, models),
      facts.element,
      bar.element,
    ),
    update,
    destroy: () => menu.destroy?.(),
  };
}

/** The clock while the run goes on, else the time of the last event that is shown. */
function nowOf(store) {
  return store.isLive && !store.over ? Date.now() / 1000 : store.state.lastAt;
}

function titleOf(state, store) {
  const edit = editAtWork(state);
  if (edit?.wish) return `Edit ${edit.number}: ${oneLine(edit.wish, 300)}`;
  return state.task ? oneLine(state.task.text, 400) : store.run;
}

function modelsOf({ model, subagentModel }) {
  const isOther = subagentModel && subagentModel !== model;
  return [model, isOther && subagentModel]
    .filter(Boolean)
    .map((each) => oneLine(each, 60))
    .join(" + ");
}

/** The figures, each with its limit and a line that shows how much of it is used. */
function createFacts() {
  const entries = {};
  const element = h("dl", { class: "facts" });
  for (const [name, words] of FACTS) {
    const parts = { value: h("span"), of: h("span", { class: "fact-of" }), line: h("i") };
    parts.meter = h(
      "span",
      { class: "fact-meter", "aria-hidden": "true", hidden: true },
      parts.line,
    );
    entries[name] = parts;
    element.append(
      h(
        "div",
        { class: "fact" },
        h("dt", null, words),
        h("dd", null, parts.value, parts.of),
        parts.meter,
      ),
    );
  }

  function show(name, value, used = 0, limit = null, ceiling = "") {
    const { value: text, of, meter, line } = entries[name];
    setText(text, value);
    setText(of, limit ? ` of ${ceiling}` : "");
    meter.hidden = !limit;
    if (!limit) return;
    const share = Math.min(1, used / limit);
    setProp(line, "vars", { "--share": share.toFixed(3) });
    setProp(meter, "data-near", share > 0.9 ? "true" : null);
  }

  return {
    element,
    update(state, now) {
      const limits = state.task?.limits ?? {};
      const [seconds, cost, usage] = [elapsed(state, now), costOf(state), usageOf(state)];
      const used = usage.input_tokens + usage.output_tokens;
      const [steps, critical] = [totalSteps(state.stages), criticalSteps(state.stages)];
      show("time", duration(seconds), seconds, limits.wall_s, duration(limits.wall_s));
      const usd = cost === null ? null : limits.usd;
      show("cost", dollars(cost), cost, usd, dollars(usd));
      show("tokens", tokens(used), used, limits.tokens, tokens(limits.tokens ?? 0));
      show("steps", whole(steps), steps, limits.steps, whole(limits.steps ?? 0));
      show(
        "critical",
        whole(critical),
        critical,
        limits.critical_steps,
        whole(limits.critical_steps ?? 0),
      );
      const hasStages = state.stages.stages.size > 0;
      show("parallel", hasStages ? `${parallelism(state.stages).toFixed(1)}×` : "–");
      show("agents", agentsOf(state));
    },
  };
}

const FACTS = [
  ["time", "Time"],
  ["cost", "Cost"],
  ["tokens", "Tokens"],
  ["steps", "Steps"],
  ["critical", "Critical steps"],
  ["parallel", "Parallel"],
  ["agents", "Sub-agents"],
];

function agentsOf({ stages, width }) {
  const number = stages.steps.size;
  if (!number) return width ? `0 of about ${whole(width)}` : "0";
  const inStages = `in ${count(stages.stages.size, "stage")}`;
  return `${whole(number)} ${inStages}, ${whole(stages.maxInFlight)} at once`;
}
