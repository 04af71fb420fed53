/** The list of runs, newest first: what each came to and cost. Refreshed while one is at work. */

import { h, replace, setProp, setText } from "../dom.js";
import { runPath, sentence } from "../api.js";
import { clean, count, dollars, moment, oneLine, tokens, whole } from "../format.js";
import { createMark, icon } from "../icons.js";
import { choiceOf } from "../fields.js";
import { virtualRows } from "../virtual.js";

const PAGE = 200;
const ROW_HEIGHT = 44;
const ALIVE_MS = 2_000;
const IDLE_MS = 15_000;
const OUTCOMES = [
  "running", "completed", "partial", "failed", "cancelled", "empty", "interrupted", "damaged",
];

/**
 * The page.
 * @param {Object} context as the router hands it to every page
 * @returns {{element: HTMLElement, title: string, destroy: function(): void}}
 */
export function runsPage(context) {
  const feed = createFeed(context.api, draw);
  const list = createList(context, remove);
  const text = h("input", { class: "input", type: "search", placeholder: "Filter by task or id",
    "aria-label": "Filter by task or id", oninput: draw });
  const outcome = choiceOf("", [["", "Any outcome"], ...OUTCOMES],
    { "aria-label": "Outcome", onchange: draw });
  const shown = h("p", { class: "small muted", role: "status" });
  const trouble = h("div", { class: "banner banner-bad", role: "alert", hidden: true });
  const older = h("button", { type: "button", class: "button", hidden: true,
    onclick: () => feed.older().catch(failed) }, "Show older runs");
  const filters = h("div", { class: "runs-filters" }, text, outcome, shown);
  const nothing = h("div", { class: "panel empty-state", hidden: true });

  const failed = (error) => context.toast.fail(sentence(error));

  async function remove(run) {
    if (!(await context.dialog.confirm(deletion(run)))) return;
    try {
      await feed.remove(run);
      context.toast.say("The run is deleted.");
      text.focus();
    } catch (error) {
      failed(error);
    }
  }

  function draw() {
    const { runs, more, error, loaded } = feed.state();
    const wanted = fitting(runs, text.value, outcome.value);
    const all = count(runs.length, "run");
    setText(shown, runs.length === wanted.length ? all : `${whole(wanted.length)} of ${all}`);
    setText(trouble, error ? sentence(error) : "");
    setProp(trouble, "hidden", !error);
    setProp(filters, "hidden", runs.length === 0);
    setProp(nothing, "hidden", wanted.length > 0 || !loaded);
    setProp(list.element, "hidden", wanted.length === 0);
    setProp(older, "hidden", !more);
    if (!nothing.hidden) replace(nothing, ...(runs.length ? unfit(clear) : first()));
    list.show(wanted);
  }

  function clear() {
    text.value = outcome.value = "";
    draw();
    text.focus();
  }

  feed.refresh();
  return {
    element: h("div", { class: "stack" },
      h("div", { class: "page-head" }, h("h1", null, "Runs"), newRun()),
      trouble, filters, nothing, list.element, older),
    title: "Runs",
    destroy() {
      feed.destroy();
      list.destroy();
    },
  };
}

/** The runs as the server knows them: asked again while the page is open, more often at work. */
function createFeed(api, changed) {
  const state = { runs: [], more: false, error: null, loaded: false };
  let timer = 0;
  let gone = false;

  async function refresh() {
    clearTimeout(timer);
    try {
      const page = await api.get(`/api/runs?limit=${PAGE}`);
      const known = state.runs.findIndex((run) => run.run_id === page.runs.at(-1)?.run_id);
      const before = page.more && known >= 0 ? state.runs.slice(known + 1) : [];
      if (before.length === 0) state.more = page.more;
      Object.assign(state, { runs: [...page.runs, ...before], error: null, loaded: true });
    } catch (error) {
      state.error = error;
    }
    if (gone) return;
    changed();
    const isAlive = state.runs.some((run) => run.outcome === "running");
    timer = setTimeout(refresh, isAlive ? ALIVE_MS : IDLE_MS);
  }

  const seen = () => void (document.visibilityState === "visible" && refresh());
  document.addEventListener("visibilitychange", seen);
  return {
    state: () => state,
    refresh,
    async older() {
      const last = encodeURIComponent(state.runs.at(-1).run_id);
      const page = await api.get(`/api/runs?limit=${PAGE}&before=${last}`);
      const known = new Set(state.runs.map((run) => run.run_id));
      state.runs = [...state.runs, ...page.runs.filter((run) => !known.has(run.run_id))];
      state.more = page.more;
      changed();
    },
    async remove(run) {
      await api.remove(runPath(run.run_id));
      state.runs = state.runs.filter((other) => other.run_id !== run.run_id);
      changed();
    },
    destroy() {
      gone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

function deletion(run) {
  return {
    title: "Delete this run?",
    text: h("div", { class: "stack" }, h("p", { class: "quoted" }, oneLine(run.task, 160)),
      h("p", { class: "muted" }, "Its journal, table and files go for good.")),
    verb: "Delete",
    danger: true,
  };
}

/** The runs whose task, id or reason has the words, and that ended so. */
function fitting(runs, words, outcome) {
  const wanted = words.trim().toLowerCase();
  return runs.filter((run) =>
    (!outcome || run.outcome === outcome) &&
    (!wanted || `${run.task}\n${run.run_id}\n${run.why ?? ""}`.toLowerCase().includes(wanted)));
}

function newRun() {
  return h("a", { class: "button button-primary", href: "#/new" }, icon("plus"), "New run");
}

function first() {
  return [
    h("h2", null, "No runs yet"),
    h("p", null, "Give a task, and watch its sub-agents work on it."),
    h("p", { class: "empty-action" }, newRun()),
    h("p", { class: "small" }, "In a terminal: ",
      h("code", null, 'openswarm run "Who won the Fields Medal in 2022, and for what?"')),
  ];
}

function unfit(clear) {
  return [
    h("h2", null, "No run fits the filter"),
    h("p", { class: "empty-action" },
      h("button", { type: "button", class: "button", onclick: clear }, "Clear the filter")),
  ];
}

/** The table of runs: arrows move between rows, Enter opens one. */
function createList({ navigate }, remove) {
  const head = [["Outcome"], ["Task"], ["Mode"], ["Sub-agents", "num"], ["Tokens", "num"],
    ["Cost", "num"], ["Started", "num"]];
  const body = h("tbody", { onkeydown: move });
  const element = h("div", { class: "panel scroller runs-scroller" },
    h("table", { class: "data runs-table" },
      h("caption", { class: "visually-hidden" }, "Runs, newest first"),
      h("thead", null, h("tr", null,
        head.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)),
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions")))),
      body));
  const rows = virtualRows({
    scroller: element, body, rowHeight: ROW_HEIGHT, spacer: "tr", key: (run) => run.run_id,
    create: (run) => createRow(run, { navigate, remove }),
  });

  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".run-link")) return;
    event.preventDefault();
    const items = rows.items();
    const at = items.findIndex((run) => run.run_id === event.target.dataset.run) + step;
    if (at < 0 || at >= items.length) return;
    rows.reveal(at);
    rows.element(items[at].run_id)?.querySelector(".run-link").focus({ preventScroll: true });
  }

  return {
    element,
    show: (runs) => rows.show(runs),
    destroy: () => rows.destroy(),
  };
}

function createRow(run, { navigate, remove }) {
  let current = run;
  const address = `#/run/${encodeURIComponent(run.run_id)}`;
  const state = createMark(run.outcome);
  const link = h("a", { class: "run-link cut", href: address, "data-run": run.run_id });
  const cells = ["mode", "num", "num", "num", "num"].map((kind) => h("td", { class: kind }));
  const away = h("button", { type: "button", class: "button-icon row-action",
    onclick: () => remove(current) }, icon("close"));
  const element = h("tr", { onclick: open }, h("td", { class: "run-outcome" }, state.element),
    h("td", { class: "run-task" }, link), cells, h("td", { class: "run-action" }, away));

  function open(event) {
    if (event.target.closest("a, button") || String(getSelection())) return;
    navigate(address);
  }

  return {
    element,
    update(next) {
      current = next;
      const alive = next.outcome === "running";
      const task = oneLine(next.task, 300) || next.run_id;
      state.set(next.outcome);
      setProp(state.element, "title", clean(next.why) || null);
      setText(link, task);
      setProp(link, "title", task);
      const agents = next.sub_agents ? whole(next.sub_agents) : "–";
      const values = [next.mode || "–", agents, tokens(next.tokens ?? 0), dollars(next.cost_usd),
        moment(next.started_at)];
      values.forEach((value, index) => setText(cells[index], value));
      away.disabled = alive;
      setProp(away, "aria-label", `Delete the run: ${task.slice(0, 80)}`);
      setProp(away, "title", alive ? "It is at work; stop it first" : "Delete");
    },
  };
}
