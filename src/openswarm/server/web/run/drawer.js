/** One agent in full: facts, what it said and did, and what can be done to it. */

import { aboutOf, actionOf } from "../fold/agents.js";
import { h, replace, setText } from "../dom.js";
import { dollars, duration, moment, oneLine, tokens, whole } from "../format.js";
import { createMark, icon } from "../icons.js";
import { transcriptView } from "./transcript.js";

/**
 * Opens the drawer of an agent. The focus stays in it until it is closed, and goes back then.
 * @param {string} path
 * @param {function(): void} onclose
 * @returns {{close: function(): void, update: function(Object): void}}
 */
export function openAgentDrawer(store, context, path, onclose) {
  const mark = createMark("queued");
  const why = h("p", { class: "drawer-why", hidden: true });
  const about = h("p", { class: "drawer-about" });
  const facts = factList();
  const actions = h("div", { class: "row" });
  const steer = steerBox(store, context, path);
  const transcript = transcriptView(store, context, path);
  const close = h(
    "button",
    { type: "button", class: "button-icon drawer-close", "aria-label": `Close ${path}` },
    icon("close"),
  );
  let offered = null;

  const dialog = context.dialog.open({
    title: path,
    side: true,
    body: [
      close,
      h(
        "div",
        { class: "drawer-head" },
        about,
        h("p", { class: "row" }, mark.element, actions),
        why,
        facts.element,
        steer.element,
      ),
      transcript.element,
    ],
    onclose() {
      transcript.destroy();
      onclose();
    },
  });
  close.addEventListener("click", () => dialog.close());

  function update(state) {
    const agent = state.agents.get(path);
    if (!agent) return setText(about, "It is not there yet at this moment.");
    setText(about, oneLine(aboutOf(agent, state.mode || undefined), 300));
    mark.set(agent.outcome ?? agent.state);
    why.hidden = !agent.why;
    setText(why, agent.why);
    facts.update(agent, state);
    showActions();
    transcript.update(agent);
  }

  function showActions() {
    const wanted = context.controls.offered(path).filter((name) => name !== "steer");
    if (wanted.join() !== offered) {
      offered = wanted.join();
      replace(
        actions,
        wanted.map((name) => small(context.controls.button(name, path))),
      );
    }
    steer.element.hidden = store.over || !context.controls.offered(path).includes("steer");
  }

  update(store.state);
  transcript.load();
  return { close: () => dialog.close(), update };
}

function small(button) {
  button.classList.add("button-small");
  return button;
}

function factList() {
  const values = {};
  const element = h("dl", { class: "facts facts-small" });
  for (const [name, words] of FACTS) {
    values[name] = h("dd");
    element.append(h("div", { class: "fact" }, h("dt", null, words), values[name]));
  }
  return {
    element,
    update(agent, state) {
      const { usage } = agent;
      setText(values.name, agent.name || "–");
      setText(values.stage, agent.path.startsWith("root/") ? String(agent.stage) : "–");
      setText(values.steps, whole(agent.steps));
      setText(values.tools, whole(agent.toolCalls));
      setText(values.input, tokens(usage.input_tokens));
      setText(values.cached, tokens(usage.cached_tokens));
      setText(values.output, tokens(usage.output_tokens));
      setText(values.cost, dollars(agent.costUsd));
      setText(values.started, moment(agent.startedAt) || "–");
      const until = agent.endedAt ?? state.lastAt;
      setText(values.took, agent.startedAt ? duration(until - agent.startedAt) : "–");
      setText(values.action, oneLine(actionOf(agent), 200));
    },
  };
}

const FACTS = [
  ["name", "Configuration"],
  ["stage", "Stage"],
  ["started", "Started"],
  ["took", "Took"],
  ["steps", "Steps"],
  ["tools", "Tool calls"],
  ["input", "Tokens in"],
  ["cached", "From cache"],
  ["output", "Tokens out"],
  ["cost", "Cost"],
  ["action", "Last action"],
];

function steerBox(store, context, path) {
  const field = h("textarea", {
    class: "input",
    rows: 2,
    maxlength: 4000,
    "aria-label": `What to tell ${path}`,
    placeholder: "Tell it something; it reads it before its next turn",
  });
  const send = h("button", { type: "submit", class: "button" }, "Steer");
  const element = h("form", { class: "steer", hidden: true }, field, send);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await context.controls.act("steer", path, field.value)) field.value = "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
  });
  return { element };
}
