/**
 * What is typed into the form of a new run: kept over a reload, turned into a request. No DOM.
 */

import { columnsText } from "./contract.js";

const KEPT = "openswarm.draft";
export const LIMIT_NAMES = ["max_subagents", "max_parallel", "usd", "tokens", "wall_s"];

const FILE_TOOLS = new Set(["files", "read", "write", "edit", "glob", "grep"]);

/** A form in which nothing is typed. */
export function emptyDraft() {
  return {
    task: "", mode: "auto", attachments: [],
    columnsAs: "rows", columns: [], columnsWords: "", sheet: [], complete: false, conflicts: "",
    over: "", documents: [],
    model: "", subagentModel: "", effort: "",
    tools: [], roots: "", rules: [],
    limits: {},
  };
}

/** What was typed before a reload; an empty form where nothing was, or it cannot be read. */
export function loadDraft(storage = sessionStorage) {
  const draft = emptyDraft();
  try {
    const kept = JSON.parse(storage.getItem(KEPT)) ?? {};
    for (const name of Object.keys(draft)) {
      if (isLike(kept[name], draft[name])) draft[name] = kept[name];
    }
  } catch {
    return emptyDraft();
  }
  return draft;
}

/** Keeps what is typed. */
export function saveDraft(draft, storage = sessionStorage) {
  try {
    storage.setItem(KEPT, JSON.stringify(draft));
  } catch {
    // a full storage must not keep anybody from typing
  }
}

/** Forgets what was typed. */
export function forgetDraft(storage = sessionStorage) {
  storage.removeItem(KEPT);
}

/**
 * The request that the form stands for.
 * @returns {{request: Object, problems: Object<string, string>}} `problems` says by field what
 *   cannot be sent as it is.
 */
export function requestOf(draft) {
  const problems = {};
  const request = { task: draft.task.trim(), mode: draft.mode };
  if (!request.task) problems.task = "Say what is to be done.";
  const put = (name, value) => {
    if (value?.length) request[name] = value;
  };
  put("model", draft.model);
  put("subagent_model", draft.subagentModel);
  put("effort", draft.effort);
  put("attachments", draft.attachments.map((file) => file.id));
  put("over", [...linesIn(draft.over), ...draft.documents.map((file) => file.id)]);
  put("tools", draft.tools);
  put("roots", worksOnFiles(draft.tools) ? linesIn(draft.roots) : []);
  putTable(draft, request, problems);
  putPolicy(draft, request, problems);
  putLimits(draft, request, problems);
  return { request, problems };
}

function putTable(draft, request, problems) {
  const { text, key, problem } = draft.columnsAs === "rows"
    ? columnsText(draft.columns)
    : { text: draft.columnsWords.trim(), key: [], problem: "" };
  if (problem) problems.columns = problem;
  if (text) request.columns = text;
  if (key.length) request.key = key;
  if (draft.sheet[0]) request.table = draft.sheet[0].id;
  if (!text && !draft.sheet[0]) return;
  if (draft.complete) request.complete = true;
  if (draft.conflicts) request.on_conflict = draft.conflicts;
}

function putPolicy(draft, request, problems) {
  const rules = draft.rules.filter((rule) => rule.tool.trim());
  if (rules.length === 0) return;
  const policy = Object.fromEntries(rules.map((rule) => [rule.tool.trim(), rule.verdict]));
  if (Object.keys(policy).length < rules.length) problems.policy = "Two rules name one tool.";
  request.policy = policy;
}

function putLimits(draft, request, problems) {
  const limits = {};
  for (const name of LIMIT_NAMES) {
    const typed = (draft.limits[name] ?? "").replaceAll(",", "").trim();
    if (!typed) continue;
    const number = Number(typed);
    const isWhole = name === "usd" || name === "wall_s" || Number.isInteger(number);
    const least = name === "max_subagents" ? 0 : Number.MIN_VALUE;
    if (!Number.isFinite(number) || number < least || !isWhole) {
      problems[name] = isWhole ? "A number above 0." : "A whole number.";
    } else limits[name] = name === "wall_s" ? number * 60 : number;
  }
  if (Object.keys(limits).length) request.limits = limits;
}

function isLike(value, pattern) {
  if (Array.isArray(pattern)) return Array.isArray(value);
  return typeof value === typeof pattern && value !== null;
}

/** Whether one of the tools needs folders to work in. */
export function worksOnFiles(tools) {
  return tools.some((tool) => FILE_TOOLS.has(tool));
}

function linesIn(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
