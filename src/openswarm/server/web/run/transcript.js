/** What an agent was told, said and did: asked for when it is looked at, the newest turns first. */

import { runPath, sentence } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { clean, dollars, moment, oneLine, tokens } from "../format.js";

const PAGE = 40;
const FOLDED_CHARS = 1_200;
const AGAIN_MS = 1_500;
const ROLES = { assistant: "said", tool: "tool", user: "was told", openswarm: "openswarm" };

/** The transcript of an agent, which follows it while it works. */
export function transcriptView(store, context, path) {
  const earlier = h(
    "button",
    { type: "button", class: "button button-small", hidden: true, onclick: showEarlier },
    "Show earlier turns",
  );
  const opening = h("div", { class: "stack" });
  const list = h("ol", { class: "turns" });
  const note = h("p", { class: "muted", role: "status" }, "Reading …");
  const writing = h("p", { class: "turn-writing", hidden: true });
  const element = h(
    "section",
    { class: "transcript", "aria-label": `Transcript of ${path}` },
    h("h3", null, "Transcript"),
    opening,
    earlier,
    list,
    writing,
    note,
  );
  let turns = [];
  let from = 0;
  let steps = -1;
  let timer = 0;

  async function load() {
    timer = 0;
    try {
      const query = `?agent=${encodeURIComponent(path)}`;
      show(await context.api.get(runPath(store.run, "transcript") + query));
      setText(note, turns.length ? "" : "It has not said anything yet.");
    } catch (error) {
      setText(note, sentence(error));
    }
  }

  function show(transcript) {
    const isFirst = turns.length === 0;
    const before = turns.length;
    turns = transcript.turns;
    if (isFirst) {
      from = Math.max(0, turns.length - PAGE);
      replace(
        opening,
        folded("Brief", transcript.brief),
        folded("System prompt", transcript.system),
      );
    }
    const shown = Math.max(from, before);
    list.append(...turns.slice(shown).map((turn) => turnItem(turn, store, context)));
    showRest();
  }

  function showEarlier() {
    const first = Math.max(0, from - PAGE);
    list.prepend(...turns.slice(first, from).map((turn) => turnItem(turn, store, context)));
    from = first;
    showRest();
  }

  function showRest() {
    earlier.hidden = from === 0;
    setText(earlier, `Show ${Math.min(PAGE, from)} earlier turns of ${from}`);
  }

  return {
    element,
    load,
    /** Asks for the rest when the agent went on. */
    update(agent) {
      const words = store.isLive ? (store.writing.get(path) ?? "") : "";
      writing.hidden = !words;
      setText(writing, clean(words));
      const now = store.live.agents.get(path) ?? agent;
      const done = now.steps + now.toolCalls + (now.endedAt ?? 0);
      if (steps >= 0 && done !== steps && !timer) timer = setTimeout(load, AGAIN_MS);
      steps = done;
    },
    destroy: () => clearTimeout(timer),
  };
}

function turnItem(turn, store, context) {
  const { role, text, reasoning, calls = [], images = [], name } = turn;
  const used = turn.tokens ? `${tokens(turn.tokens.input + turn.tokens.output)} tokens` : "";
  const cost = typeof turn.cost_usd === "number" ? dollars(turn.cost_usd) : "";
  return h(
    "li",
    { class: ["turn", `turn-${role}`, turn.ok === false && "turn-failed"] },
    h(
      "p",
      { class: "turn-head small muted" },
      h("strong", null, role === "tool" ? oneLine(name, 80) : (ROLES[role] ?? role)),
      turn.ok === false && h("span", { class: "error" }, "failed"),
      h("span", { class: "grow" }),
      [used, cost, moment(turn.at)].filter(Boolean).join(" · "),
    ),
    reasoning &&
      h(
        "details",
        null,
        h("summary", { class: "small muted" }, "Reasoning"),
        h("pre", null, clean(reasoning)),
      ),
    text && longText(text, role === "tool"),
    calls.map(callItem),
    images.map((image) => pictureOf(image, store, context)),
    turn.cut && h("p", { class: "hint" }, "It is longer; the rest is in the journal."),
  );
}

function callItem({ name, arguments: given }) {
  return h(
    "div",
    { class: "call" },
    h("span", { class: "call-name" }, oneLine(name, 80)),
    longText(readable(given)),
  );
}

/** JSON with room to breathe; what is no JSON stays as it is. */
function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function longText(text, isTool = false) {
  const shown = clean(text);
  if (shown.length <= FOLDED_CHARS && !(isTool && shown.split("\n").length > 12))
    return h("pre", null, shown);
  const first = shown.slice(0, 240).split("\n").slice(0, 3).join("\n");
  return h(
    "details",
    { class: "long" },
    h("summary", null, h("pre", null, `${first} …`)),
    h("pre", null, shown),
  );
}

function folded(title, text) {
  if (!text) return null;
  return h(
    "details",
    { class: "turn" },
    h("summary", { class: "small" }, title),
    h("pre", null, clean(text)),
  );
}

function pictureOf({ media_type: type, blob }, store, context) {
  const image = h("img", { class: "turn-image", alt: "What the agent was shown", hidden: true });
  const path = `${runPath(store.run, "blobs", blob)}?type=${encodeURIComponent(type)}`;
  context.api.bytes(path).then(
    ({ blob: bytes }) => {
      image.src = URL.createObjectURL(bytes);
      image.onload = () => URL.revokeObjectURL(image.src);
      image.hidden = false;
    },
    () => image.remove(),
  );
  return image;
}
