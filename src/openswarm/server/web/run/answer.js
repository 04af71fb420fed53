/** The tab of the answer: its text with marks that open cells, what failed, what was made. */

import { runPath, sentence } from "../api.js";
import { h, replace, setProp, setText } from "../dom.js";
import { oneLine } from "../format.js";
import { createMark } from "../icons.js";
import { artifactList } from "./artifacts.js";
import { askBox } from "./ask.js";
import { prose } from "./prose.js";
import { standingOf } from "./standing.js";

/** The answer of a run. */
export function answerView(store, context) {
  const mark = createMark("running");
  const why = h("span", { class: "muted" });
  const text = h("div", { class: "answer-text" });
  const failures = section("What failed");
  const changes = section("Files that were changed");
  const artifacts = artifactList(store, context);
  const ask = askBox(store, context, proseOf);
  let shown = null;
  let failed = "";
  let changed = "";

  function update(state) {
    const standing = standingOf(state, store);
    mark.set(standing.is, standing.word);
    setText(why, standing.why);
    showText(state);
    if (failed !== (failed = listKey(state.failures))) {
      failures.show(state.failures.map((failure) => failureItem(failure, context)));
    }
    if (changed !== (changed = listKey(state.changes))) {
      changes.show(state.changes.map((each) => changeItem(each, context)));
    }
    artifacts.update(state);
    ask.update(state);
  }

  function showText(state) {
    const wanted = wantedText(state, store);
    if (wanted.key === shown) return;
    shown = wanted.key;
    setProp(text, "aria-busy", wanted.blob ? "true" : null);
    if (wanted.blob) return loadText(wanted);
    replace(text, wanted.text ? proseOf(wanted) : h("p", { class: "muted" }, wanted.hint));
  }

  async function loadText({ key, blob }) {
    let made;
    try {
      const path = `${runPath(store.run, "blobs", blob)}?type=text/plain`;
      made = proseOf({ text: await context.api.text(path) });
    } catch (error) {
      made = h("p", { class: "error" }, sentence(error));
    }
    if (shown === key) replace(text, made);
    setProp(text, "aria-busy", null);
  }

  /** A text with marks: `citations` say which cell each stands for. */
  function proseOf({ text: words, citations = [] }) {
    const cells = new Map(citations.map((each) => [`c${each.number}`, each]));
    return prose(words, {
      cite(name) {
        const cited = cells.get(name);
        return cited ? cellButton(name, cited.row, cited.column, context) : null;
      },
      cell: (row, column) => cellButton(oneLine(column, 40), row, column, context),
    });
  }

  return {
    element: h(
      "div",
      { class: "answer" },
      h(
        "article",
        { class: "panel answer-main", "aria-label": "Answer" },
        h("p", { class: "row" }, mark.element, why),
        text,
      ),
      h(
        "div",
        { class: "stack" },
        artifacts.element,
        failures.element,
        changes.element,
        ask.element,
      ),
    ),
    update,
    destroy() {},
  };
}

/** What is to be read: the cited answer of the server, or what the journal has of that moment. */
function wantedText(state, store) {
  const { facts, writing } = store;
  const isLast = store.isLive && state.outcome && facts?.outcome && facts.as_of_seq === state.seq;
  if (isLast && facts.answer) {
    return { key: `facts ${facts.as_of_seq}`, text: facts.answer, citations: facts.citations };
  }
  const { text = "", blob = "" } = state.outcome ? state.answer : {};
  if (blob) return { key: `blob ${blob}`, blob };
  if (text) return { key: `text ${state.generations.length} ${text}`, text };
  const draft = store.isLive && state.agents.size === 1 ? (writing.get("root") ?? "") : "";
  const hint = state.outcome ? "There is no answer." : "The answer stands here when it is written.";
  return { key: `draft ${draft}`, text: draft, hint };
}

function cellButton(words, row, column, context) {
  const label = `${words}: the cell ${column} of ${row}`;
  const onclick = () => context.openCell(row, column);
  return h(
    "button",
    { type: "button", class: "cite", "aria-label": label, title: `${row}, ${column}`, onclick },
    words,
  );
}

function section(title) {
  const list = h("ul", { class: "plain-list" });
  const element = h(
    "section",
    { class: "panel panel-pad", hidden: true },
    h("h2", null, title),
    list,
  );
  return {
    element,
    show(items) {
      element.hidden = items.length === 0;
      replace(list, items);
    },
  };
}

function failureItem({ agent, boundary, kind, message }, context) {
  return h(
    "li",
    null,
    agentButton(agent, context),
    " ",
    h("span", { class: "tag" }, [boundary, kind].filter(Boolean).join(" / ")),
    h("p", { class: "small" }, oneLine(message, 600)),
  );
}

function changeItem({ agent, root, changed, conflicts }, context) {
  return h(
    "li",
    null,
    agentButton(agent, context),
    ` in ${oneLine(root, 200)}`,
    h("p", { class: "small mono" }, oneLine(changed.join(", "), 2_000)),
    conflicts.length > 0 &&
      h(
        "p",
        { class: "small error" },
        `left alone, as others changed them: ${oneLine(conflicts.join(", "), 2_000)}`,
      ),
  );
}

/** A button that opens the drawer of an agent. */
export function agentButton(path, context) {
  return h(
    "button",
    { type: "button", class: "link", onclick: () => context.openAgent(path) },
    path,
  );
}

function listKey(list) {
  return list.map((each) => `${each.agent} ${each.seq ?? each.message}`).join("\n");
}
