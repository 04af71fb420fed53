/** Parts of the form of a new run: mode, models, tools with their policy, limits. */

import { arrange, h, setProp, setText } from "../dom.js";
import { choiceOf, field, lineOf, linesOf, tickOf } from "../fields.js";
import { icon } from "../icons.js";
import { LIMIT_NAMES, worksOnFiles } from "./draft.js";

const MODES = {
  auto: "openswarm reads the task and chooses the mode. It says why before anything starts, and " +
    "you can choose another.",
  instant: "One call without reasoning, for what a model knows by itself.",
  thinking: "One call with reasoning, for what has to be thought through and needs no tools.",
  agent: "One agent with tools, step by step. For work whose steps need each other.",
  swarm: "An orchestrator splits the task, and sub-agents work on the parts at once.",
};
const SETS = ["web", "python", "shell", "files", "http", "mcp"];
const VERDICTS = [["ask", "asks first"], ["allow", "runs"], ["deny", "is refused"]];
const EFFORTS = [["", "As the model does (default)"], "low", "medium", "high", "max"];
const LIMITS = {
  max_subagents: ["Sub-agents, at most", "in all"],
  max_parallel: ["At once, at most", "all of them by default"],
  usd: ["Dollars", "where the model has a price"],
  tokens: ["Tokens", "input and output"],
  wall_s: ["Minutes", "from start to answer"],
};

/**
 * The mode, as a row of radio buttons.
 * @returns {{element: HTMLElement, set: function(string): void, fail: function(string): void}}
 */
export function modeChoice(draft, modes, changed) {
  const words = h("p", { class: "hint", id: "mode-words" });
  const error = h("p", { class: "error", hidden: true });
  const inputs = modes.map((mode) =>
    h("input", { type: "radio", name: "mode", value: mode, "aria-describedby": words.id,
      onchange: () => set(mode) }));
  const element = h("fieldset", { class: "field" },
    h("legend", { class: "label" }, "Mode"),
    h("div", { class: "segments" },
      inputs.map((input) => h("label", { class: "segment" }, input, h("span", null, input.value)))),
    words, error);

  function show() {
    for (const input of inputs) input.checked = input.value === draft.mode;
    setText(words, MODES[draft.mode] ?? "");
  }

  function set(mode) {
    draft.mode = mode;
    show();
    changed();
  }

  show();
  return { element, set, fail: (text) => failBeside(error, text) };
}

/** The models, of those that the server offers. */
export function modelChoice(draft, info, changed) {
  const choose = (name, label, first) => {
    const control = choiceOf(draft[name], [["", first], ...info.models], {
      onchange: () => {
        draft[name] = control.value;
        changed();
      },
    });
    return field({ label, control });
  };
  const standard = info.model || info.models[0] || "The server's choice";
  const model = choose("model", "Model", `${standard} (default)`);
  const subagent = choose("subagentModel", "Model of sub-agents", "The server's choice (default)");
  const effort = choiceOf(draft.effort, EFFORTS, {
    onchange: () => {
      draft.effort = effort.value;
      changed();
    },
  });
  const reasons = field({ label: "How much it reasons", control: effort });
  return {
    element: h("div", { class: "columns-2" }, model.element, subagent.element, reasons.element),
    fields: { model, subagent_model: subagent, effort: reasons },
  };
}

/** The tools: sets first, single ones below; folders of the file tools; the policy. */
export function toolChoice(draft, info, changed) {
  const roots = field({
    label: "Folders that the file tools may work in",
    control: linesOf(draft.roots, 2, { oninput: (event) => {
      draft.roots = event.target.value;
      changed();
    } }),
    hint: "One a line. Changes are merged back when you allow it.",
  });
  const tool = ({ name, description }) => {
    const { element, control } = tickOf(draft.tools.includes(name),
      [h("b", null, name), h("span", { class: "hint" }, description)]);
    control.addEventListener("change", () => {
      draft.tools = draft.tools.filter((other) => other !== name);
      if (control.checked) draft.tools.push(name);
      show();
      changed();
    });
    return element;
  };
  const show = () => setProp(roots.element, "hidden", !worksOnFiles(draft.tools));
  const [sets, single] = [[], []];
  for (const entry of info.tools) (SETS.includes(entry.name) ? sets : single).push(entry);
  const error = h("p", { class: "error", hidden: true });
  const policy = policyRules(draft, info.tools, changed);
  show();
  return {
    element: h("div", { class: "stack" },
      h("div", { class: "checks" }, sets.map(tool)),
      single.length > 0 && h("details", { class: "more" }, h("summary", null, "Single tools"),
        h("div", { class: "checks" }, single.map(tool))),
      error, roots.element, policy.element),
    fields: { tools: { fail: (text) => failBeside(error, text) }, roots, policy },
  };
}

/** What tools may do without asking: rules by name or pattern. */
function policyRules(draft, tools, changed) {
  const names = h("datalist", { id: "tool-names" }, tools.map(({ name }) =>
    h("option", { value: name })));
  const list = h("ul", { class: "rules" });
  const lines = new Map();
  const error = h("p", { class: "error", hidden: true });
  const add = h("button", { type: "button", class: "button button-small", onclick: () => {
    draft.rules.push({ tool: "", verdict: "ask" });
    draw();
    lines.get(draft.rules.at(-1)).querySelector("input").focus();
  } }, icon("plus"), "Add a rule");

  function line(rule) {
    const tool = lineOf(rule.tool, { list: names.id, placeholder: "fetch, mcp__calendar__*",
      "aria-label": "Tool or pattern", oninput: () => write("tool", tool.value) });
    const verdict = choiceOf(rule.verdict, VERDICTS, { "aria-label": "What happens to a call",
      onchange: () => write("verdict", verdict.value) });
    const write = (name, value) => {
      rule[name] = value;
      changed();
    };
    return h("li", { class: "rule" }, tool, verdict,
      h("button", { type: "button", class: "button-icon", "aria-label": "Remove this rule",
        onclick: () => remove(rule) }, icon("close")));
  }

  function remove(rule) {
    draft.rules.splice(draft.rules.indexOf(rule), 1);
    draw();
    add.focus();
    changed();
  }

  function draw() {
    for (const rule of draft.rules) if (!lines.has(rule)) lines.set(rule, line(rule));
    arrange(list, draft.rules.map((rule) => lines.get(rule)));
    setProp(list, "hidden", draft.rules.length === 0);
  }

  draw();
  return {
    element: h("div", { class: "field" }, h("h3", { class: "label" }, "Policy"),
      h("p", { class: "hint" }, "Without a rule, a call that changes something outside of the " +
        "run asks first, and any other runs."),
      names, list, h("div", null, add), error),
    fail: (text) => failBeside(error, text),
  };
}

/** The limits; what is left empty is the server's default, which stands in the field. */
export function limitChoice(draft, info, changed) {
  const fields = {};
  for (const name of LIMIT_NAMES) {
    const [label, hint] = LIMITS[name];
    const set = info.limits?.defaults?.[name];
    const standard = name === "wall_s" && set ? set / 60 : set;
    const control = lineOf(draft.limits[name] ?? "", {
      inputmode: "decimal",
      placeholder: standard === null || standard === undefined ? "no limit" : String(standard),
      oninput: () => {
        draft.limits[name] = control.value;
        changed();
      },
    });
    fields[name] = field({ label, control, hint });
  }
  const elements = LIMIT_NAMES.map((name) => fields[name].element);
  return { element: h("div", { class: "columns-limits" }, elements), fields };
}

function failBeside(element, text) {
  setText(element, text);
  setProp(element, "hidden", !text);
}
