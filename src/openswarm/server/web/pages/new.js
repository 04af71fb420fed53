/** A new run: the form, what it would take, and the start. What is typed survives a reload. */

import { h, replace, setProp, setText } from "../dom.js";
import { sentence } from "../api.js";
import { count } from "../format.js";
import { emptyDraft, forgetDraft, loadDraft, requestOf, saveDraft } from "./draft.js";
import { createParts } from "./parts.js";
import { NOT_USABLE, NO_TASK, createPreview, priceOf } from "./preview.js";

/** What stands before the words of an error: `limits.usd: `, `over[3]: `. */
const FIELD_NAME = /^[a-z_]+(\[\d+\]|\.[a-z_]+)*: /;
/** Words at the beginning of an error, and the field that they are about. */
const ALIASES = { column: "columns", key: "columns", corpus: "over" };

/**
 * The page.
 * @param {Object} context as the router hands it to every page
 * @returns {{element: HTMLElement, title: string, destroy: function(): void}}
 */
export function newPage(context) {
  const body = h("div", null, h("p", { class: "muted" }, "Loading…"));
  const element = h("div", { class: "stack" },
    h("div", { class: "page-head" }, h("h1", null, "New run")), body);
  let form = null;
  let gone = false;
  context.info().then(
    (info) => {
      if (gone) return;
      form = createForm(context, info);
      replace(body, form.element);
      form.focus();
    },
    (error) => replace(body, h("div", { class: "banner banner-bad" }, sentence(error))),
  );
  return {
    element,
    title: "New run",
    destroy() {
      gone = true;
      form?.destroy();
    },
  };
}

function createForm(context, info) {
  const draft = loadDraft();
  const parts = createParts(context.api, draft, info, changed);
  const top = h("div", { class: "banner banner-bad", role: "alert", hidden: true });
  const start = h("button", { type: "submit", class: "button button-primary" }, "Start");
  const preview = createPreview({ api: context.api, choose: parts.mode.set, modes: info.modes,
    failed: (error) => show({}, error) });
  const element = h("form", { class: "new-form", novalidate: true, onsubmit: submit,
    onkeydown: hotkey },
    h("div", { class: "stack" }, parts.element),
    h("aside", { class: "new-side" }, h("div", { class: "panel panel-pad stack" },
      preview.element, top,
      h("div", { class: "start" }, start, h("span", { class: "hint" }, "Ctrl+Enter")),
      h("button", { type: "button", class: "button button-quiet button-small",
        onclick: clear }, "Clear the form"))));

  function changed() {
    saveDraft(draft);
    parts.sum();
    const { request, problems } = requestOf(draft);
    const { task: missing, ...rest } = problems;
    show(rest, null);
    const isWrong = Object.keys(rest).length > 0;
    preview.ask(missing || isWrong ? null : request, missing ? NO_TASK : NOT_USABLE);
  }

  /** Puts what is wrong beside its field, what belongs to none above the button. */
  function show(problems, error) {
    const all = { ...problems };
    const place = error && placeOf(error, parts.fields);
    if (place) all[place] = sentence(error.message.replace(FIELD_NAME, ""));
    for (const [name, part] of Object.entries(parts.fields)) part.fail(all[name] ?? "");
    setText(top, error && !place ? sentence(error) : "");
    setProp(top, "hidden", !error || Boolean(place));
    parts.unfold(Object.keys(all));
  }

  async function submit(event) {
    event?.preventDefault();
    const { request, problems } = requestOf(draft);
    show(problems, null);
    const wrong = Object.keys(problems)[0];
    if (wrong || start.disabled) return void parts.fields[wrong]?.control?.focus();
    start.disabled = true;
    try {
      const { ask, estimate } = await preview.now(request);
      if (!ask || (await context.dialog.confirm(question(estimate)))) await begin(request);
    } catch (error) {
      if (error.name !== "AbortError") show({}, error);
    }
    start.disabled = false;
  }

  async function begin(request) {
    const { run_id: run } = await context.api.post("/api/runs", request);
    forgetDraft();
    context.navigate(`#/run/${encodeURIComponent(run)}`);
  }

  function hotkey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    submit();
  }

  async function clear() {
    const sure = await context.dialog.confirm({ title: "Clear the form?",
      text: "Everything that is typed here goes.", verb: "Clear", danger: true });
    if (!sure) return;
    Object.assign(draft, emptyDraft());
    forgetDraft();
    const fresh = createForm(context, info);
    preview.destroy();
    element.replaceWith(fresh.element);
    fresh.focus();
  }

  if (requestOf(draft).request.task) changed();
  return { element, focus: parts.focus, destroy: preview.destroy };
}

/** The field that an error names at its beginning: `limits.usd: …`; '' for none. */
function placeOf(error, fields) {
  const found = /^([a-z_]+)(?:\.([a-z_]+))?/i.exec(error.message);
  const names = [found?.[2], found?.[1], ALIASES[found?.[1]?.toLowerCase()]];
  return names.find((name) => name && name in fields) ?? "";
}

function question(estimate) {
  const agents = estimate.sub_agents && `take about ${count(estimate.sub_agents, "sub-agent")}`;
  const cost = estimate.usd !== null && `cost ${priceOf(estimate)}`;
  const unpriced = cost ? "" : " What it costs is not known: the model has no price.";
  return {
    title: "Start this run?",
    text: `It would ${[agents, cost].filter(Boolean).join(" and ")}.${unpriced}`,
    verb: "Start",
  };
}
