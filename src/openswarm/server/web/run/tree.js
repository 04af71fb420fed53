/** The tab of all agents: a treegrid that is filtered, sorted and walked with the keyboard. */

import { criticalPath } from "../fold/stages.js";
import { h, setProp } from "../dom.js";
import { virtualRows } from "../virtual.js";
import { treeFilter, treeHead } from "./tree_head.js";
import { treeItems } from "./tree_items.js";
import { treeRow } from "./tree_row.js";
import { walkTree } from "./tree_keys.js";

const ROW_HEIGHT = 36;

/** The tree of a run. */
export function treeView(store, context) {
  const options = { text: "", standing: "", sort: "", descending: false, closed: new Set() };
  const look = {
    writing: store.writing,
    isActive: (key) => key === active,
    isCritical: () => false,
    mode: "swarm",
  };
  let active = "root";
  let items = [];

  const filter = treeFilter(options, () => update(store.state));
  const head = treeHead(options, () => update(store.state));
  const body = h("tbody", { role: "rowgroup" });
  const grid = h(
    "table",
    { class: "data tree", role: "treegrid", "aria-label": "Agents of the run" },
    head.element,
    body,
  );
  const scroller = h("div", { class: "scroller tree-scroller" }, grid);
  const nothing = h("p", { class: "empty-state", hidden: true }, "No agent fits the filter.");
  const rows = virtualRows({
    scroller,
    body,
    rowHeight: ROW_HEIGHT,
    key: (item) => item.key,
    create: () => treeRow(look),
    spacer: "tr",
  });

  function update(state) {
    const paths = new Set(criticalPath(state.stages).map((entry) => entry.path));
    look.mode = state.mode || "swarm";
    look.isCritical = (path) => paths.has(path);
    const found = treeItems(state.agents, options);
    items = found.items;
    if (!items.some((item) => item.key === active)) active = items[0]?.key ?? "";
    const hadFocus = body.contains(document.activeElement);
    rows.show(items);
    if (hadFocus && !body.contains(document.activeElement)) {
      rows.element(active)?.focus({ preventScroll: true }); // its row was folded away
    }
    setProp(grid, "aria-rowcount", String(items.length + 1));
    filter.update(state, found.shown);
    nothing.hidden = items.length > 0 || state.seq === 0;
  }

  function activate(index) {
    const item = items[index];
    if (!item) return;
    const before = active;
    active = item.key;
    rows.reveal(index);
    for (const key of [before, active]) {
      const row = rows.element(key);
      if (row) setProp(row, "tabindex", key === active ? "0" : "-1");
    }
    rows.element(active)?.focus({ preventScroll: true });
  }

  function toggle(item, isOpen = !item.isOpen) {
    if (item.isOpen === null || item.isOpen === isOpen) return;
    if (isOpen) options.closed.delete(item.key);
    else options.closed.add(item.key);
    update(store.state);
  }

  function open(item) {
    if (item.agent) context.openAgent(item.agent.path);
    else toggle(item);
  }

  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW_HEIGHT) - 2);
    walkTree(event, { items, active, page, activate, toggle, open });
  });
  body.addEventListener("click", (event) => {
    const key = event.target.closest?.("tr[data-key]")?.dataset.key;
    const index = items.findIndex((item) => item.key === key);
    if (index < 0) return;
    activate(index);
    if (event.target.closest(".twist")) toggle(items[index]);
    else open(items[index]);
  });

  return {
    element: h(
      "div",
      { class: "tree-view" },
      filter.element,
      h("div", { class: "panel tree-panel" }, scroller, nothing),
    ),
    update,
    destroy: rows.destroy,
  };
}
