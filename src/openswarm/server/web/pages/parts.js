/** The parts of the form of a new run: task and mode, and below them what can be folded away. */

import { h, setProp, setText } from "../dom.js";
import { count } from "../format.js";
import { choiceOf, field, linesOf, tickOf } from "../fields.js";
import { icon } from "../icons.js";
import { limitChoice, modeChoice, modelChoice, toolChoice } from "./choices.js";
import { columnsEditor } from "./columns.js";
import { columnsText } from "./contract.js";
import { uploads } from "./uploads.js";

const POLICIES = [
  ["", "What most sub-agents say (default)"],
  ["first", "What the first sub-agent says"],
  ["keep-both", "Both stay, marked"],
  ["recheck", "Another sub-agent decides"],
];

/**
 * All that can be said of a run, in the order in which it matters.
 * @param {Object} api
 * @param {Object} draft changed in place
 * @param {Object} info what the server offers
 * @param {function(): void} changed
 * @returns {{element: Array, fields: Object<string, {fail: function(string): void}>,
 *   mode: Object, sum: function(): void, focus: function(): void,
 *   unfold: function(string[]): void}} `sum` writes what each folded part has in it.
 */
export function createParts(api, draft, info, changed) {
  const task = field({
    label: "Task",
    control: linesOf(draft.task, 5, { class: "input task-input",
      placeholder: "What is to be found out or done?", oninput: (event) => {
        draft.task = event.target.value;
        changed();
      } }),
  });
  const files = uploads({ api, files: draft.attachments, label: "Attach files", changed });
  const mode = modeChoice(draft, info.modes, changed);
  const table = tablePart(api, draft, changed);
  const corpus = corpusPart(api, draft, info, changed);
  const tools = toolChoice(draft, info, changed);
  const models = modelChoice(draft, info, changed);
  const limits = limitChoice(draft, info, changed);
  const sections = [
    section("Table", table, () => tableSum(draft)),
    section("Documents", corpus, () => documentSum(draft)),
    section("Tools", tools, () => draft.tools.join(", ") || "none"),
    section("Models", models, () => draft.model || info.model || ""),
    section("Limits", limits, () => limitSum(draft, info)),
  ];
  const fields = Object.assign({ task, mode }, ...sections.map((part) => part.fields));
  const sum = () => sections.forEach((part) => part.sum());
  sum();
  return {
    element: [
      h("div", { class: "panel panel-pad stack" }, task.element, files.element, mode.element),
      sections.map((part) => part.element),
    ],
    fields,
    mode,
    sum,
    focus: () => task.control.focus(),
    unfold: (names) => sections.forEach((part) => part.unfold(names)),
  };
}

/** A part that can be folded away; its line says what is chosen in it. */
function section(title, { element: body, fields }, sumOf) {
  const words = h("span", { class: "muted cut" });
  const element = h("details", { class: "panel section" },
    h("summary", null, icon("open"), h("h2", null, title), words),
    h("div", { class: "section-body" }, body));
  return {
    element,
    fields,
    sum: () => setText(words, sumOf()),
    unfold(names) {
      if (names.some((name) => name in fields)) element.open = true;
    },
  };
}

function tablePart(api, draft, changed) {
  const words = field({
    label: "Columns as text",
    control: linesOf(draft.columnsWords, 3, { class: "input mono",
      placeholder: "country; capital: name of the city; area (number, km2): total area",
      oninput: (event) => {
        draft.columnsWords = event.target.value;
        fit();
        changed();
      } }),
    hint: "name (type, unit, required, with source): definition. The first column is the key.",
  });
  const editor = columnsEditor(draft.columns, changed);
  const error = h("p", { class: "error", hidden: true });
  const other = h("button", { type: "button", class: "button button-small",
    onclick: turn });
  const sheet = uploads({ api, files: draft.sheet, several: false, changed,
    accept: ".csv,.tsv,.xlsx,.json,.parquet", label: "A table to fill" });
  const complete = tickOf(draft.complete, "Work once more on what is missing at the end");
  const conflicts = choiceOf(draft.conflicts, POLICIES);
  complete.control.addEventListener("change", () => {
    draft.complete = complete.control.checked;
    changed();
  });
  conflicts.addEventListener("change", () => {
    draft.conflicts = conflicts.value;
    changed();
  });

  function turn() {
    if (draft.columnsAs === "rows") {
      draft.columnsWords = words.control.value = columnsText(draft.columns).text;
    }
    draft.columnsAs = draft.columnsAs === "rows" ? "text" : "rows";
    fit();
    changed();
  }

  function fit() {
    const isText = draft.columnsAs === "text";
    const typed = draft.columnsWords.trim();
    setProp(other, "hidden", isText && typed && typed !== columnsText(draft.columns).text);
    setProp(words.element, "hidden", !isText);
    setProp(editor.element, "hidden", isText);
    setText(other, isText ? "Columns as rows" : "Columns as text");
  }

  fit();
  return {
    element: h("div", { class: "stack" },
      h("div", { class: "columns-head" }, h("p", { class: "hint" },
        "With columns, every sub-agent is given the same definitions and hands in rows, each " +
        "value with its source. Without, the orchestrator decides."), other),
      editor.element, words.element, error, sheet.element,
      field({ label: "Where sub-agents disagree", control: conflicts }).element,
      complete.element),
    fields: {
      columns: { fail(text) {
        setText(error, text);
        setProp(error, "hidden", !text);
      } },
      table: { fail: sheet.fail },
    },
  };
}

function corpusPart(api, draft, info, changed) {
  const over = field({
    label: "Paths and addresses",
    control: linesOf(draft.over, 3, { class: "input mono", oninput: (event) => {
      draft.over = event.target.value;
      changed();
    } }),
    hint: info.folders?.length
      ? `One a line, inside of ${info.folders.join(", ")}.`
      : "One a line. This server may read no folders; upload the documents.",
  });
  const documents = uploads({ api, files: draft.documents, label: "Upload documents", changed });
  const add = (folder) => {
    const lines = over.control.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.includes(folder)) lines.push(folder);
    draft.over = over.control.value = lines.join("\n");
    changed();
  };
  return {
    element: h("div", { class: "stack" }, over.element,
      info.folders?.length > 0 && h("div", { class: "row" }, info.folders.map((folder) =>
        h("button", { type: "button", class: "button button-small mono",
          onclick: () => add(folder) }, icon("plus"), folder))),
      documents.element),
    fields: { over },
  };
}

function tableSum(draft) {
  if (draft.sheet[0]) return draft.sheet[0].filename;
  const words = draft.columnsAs === "text" ? draft.columnsWords : columnsText(draft.columns).text;
  const number = words.split(";").filter((part) => part.trim()).length;
  return number ? count(number, "column") : "none given";
}

function documentSum(draft) {
  const number = draft.documents.length + draft.over.split("\n").filter((l) => l.trim()).length;
  return number ? count(number, "source") : "none";
}

function limitSum(draft, info) {
  const of = (name) => draft.limits[name] || info.limits?.defaults?.[name];
  return [of("max_subagents") && count(Number(of("max_subagents")), "sub-agent"),
    of("usd") && `$${of("usd")}`].filter(Boolean).join(", ");
}
