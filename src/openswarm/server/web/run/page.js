/** The page of a run: its header, what waits for a person, the tabs, the scrubber. */

import { sentence } from "../api.js";
import { h, replace, setProp } from "../dom.js";
import { oneLine } from "../format.js";
import { createStore } from "../store.js";
import { createAnnouncer } from "./announcer.js";
import { answerView } from "./answer.js";
import { approvalsBar } from "./approvals.js";
import { connectionBanner } from "./connection.js";
import { createControls } from "./controls.js";
import { openAgentDrawer } from "./drawer.js";
import { headerView } from "./header.js";
import { scrubberView } from "./scrubber.js";
import { tableView } from "./table.js";
import { createTabs } from "./tabs.js";
import { timelineView } from "./timeline.js";
import { treeView } from "./tree.js";

const TICK_MS = 1_000;
const VIEWS = { tree: treeView, table: tableView, timeline: timelineView, answer: answerView };

/**
 * The page of one run.
 * @param {Object} appContext
 * @param {string} run the id
 * @param {string} tab `tree`, `table`, `timeline`, `answer`, or '' for the first
 */
export function runPage(appContext, run, tab) {
  const store = createStore({ api: appContext.api, run });
  const context = { ...appContext, openAgent, openCell };
  context.controls = createControls(store, context);
  const panel = h("div", { class: "run-panel", role: "tabpanel", id: "run-panel", tabindex: "-1" });
  const tabs = createTabs({
    run,
    panel,
    onTab: (name) => context.navigate(`#/run/${run}/${name}`),
  });
  const always = [
    headerView(store, context),
    connectionBanner(store, context),
    approvalsBar(store, context),
    tabs,
    scrubberView(store),
    createAnnouncer(store),
  ];
  const [header, banner, approvals, , scrubber, announcer] = always;
  const views = {};
  let shown = "";
  let drawer = null;

  function view(name) {
    return (views[name] ??= VIEWS[name](store, context));
  }

  function showTab(wanted) {
    const name = Object.hasOwn(VIEWS, wanted) ? wanted : "tree";
    if (name !== shown) {
      shown = name;
      tabs.select(name);
      setProp(panel, "data-tab", name);
      replace(panel, view(name).element);
    }
    view(name).update(store.state);
  }

  function openAgent(path) {
    drawer?.close();
    drawer = openAgentDrawer(store, context, path, () => (drawer = null));
  }

  function openCell(row, column) {
    drawer?.close();
    context.navigate(`#/run/${run}/table`);
    showTab("table");
    view("table").openCell?.(row, column);
  }

  const element = h(
    "div",
    { class: "run" },
    header.element,
    banner.element,
    approvals.element,
    tabs.element,
    panel,
    scrubber.element,
    announcer.element,
  );

  function update(state) {
    if (store.refused) return replace(element, refusal(store.refused));
    for (const part of always) part.update(state);
    view(shown).update(state);
    drawer?.update(state);
    const title = state.task ? oneLine(state.task.text, 60) : run;
    document.title = `${title} – openswarm`;
  }

  store.subscribe(update);
  showTab(tab);
  store.start();
  const clock = setInterval(() => {
    if (store.isLive && !store.over && !store.refused) update(store.state);
  }, TICK_MS);

  return {
    element,
    run,
    title: run,
    fills: true,
    showTab,
    store,
    destroy() {
      clearInterval(clock);
      store.stop();
      drawer?.close();
      for (const part of [...always, ...Object.values(views)]) part.destroy?.();
    },
  };
}

function refusal(error) {
  return h(
    "div",
    { class: "empty-state panel" },
    h("h1", null, "This run cannot be shown"),
    h("p", null, sentence(error)),
    h("p", null, h("a", { href: "#/runs" }, "All runs")),
  );
}
