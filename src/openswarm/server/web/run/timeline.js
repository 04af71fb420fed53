/** The tab of the timeline: a lane an agent by stage, and the critical path drawn over them. */

import { criticalPath, criticalSteps } from "../fold/stages.js";
import { h, setProp, setText, svg } from "../dom.js";
import { count } from "../format.js";
import { virtualRows } from "../virtual.js";
import { createAxis } from "./axis.js";
import { criticalLine, detailOf, lane } from "./lanes.js";
import { timeScale } from "./scale.js";
import { treeItems } from "./tree_items.js";

const LANE_HEIGHT = 26;
/** The same as `--label` in the style. */
const LABEL_WIDTH = 200;
const ALL = { text: "", standing: "", sort: "", descending: false, closed: new Set() };
const MOST_ZOOM = 64;

/** The timeline of a run. */
export function timelineView(store, context) {
  const look = { scale: null, now: 0, critical: new Map(), isActive: (key) => key === active };
  let active = "root";
  let items = [];
  let zoom = 1;

  const line = svg("path", { class: "critical-line", "vector-effect": "non-scaling-stroke" });
  const overlay = svg(
    "svg",
    { class: "lanes-over", preserveAspectRatio: "none", "aria-hidden": "true" },
    line,
  );
  const body = h("div", { class: "lanes", role: "list", "aria-label": "Agents by stage" });
  const inner = h("div", { class: "lanes-inner" }, h("div", { class: "lanes-box" }, body, overlay));
  const scroller = h("div", { class: "scroller panel timeline-scroller" }, inner);
  const axis = createAxis(scroller, LABEL_WIDTH);
  inner.prepend(axis.element);
  const detail = h("p", { class: "timeline-detail small muted cut", "aria-hidden": "true" });
  const tools = createTools(setZoom);
  const rows = virtualRows({
    scroller,
    body,
    rowHeight: LANE_HEIGHT,
    key: (item) => item.key,
    create: () => lane(look),
  });

  function update(state) {
    look.now =
      store.isLive && !store.over ? Math.max(Date.now() / 1000, state.lastAt) : state.lastAt;
    look.scale = timeScale(state, look.now);
    const path = criticalPath(state.stages);
    look.critical = new Map(
      path.map((entry) => [entry.path, { ...entry, agent: state.agents.get(entry.path) }]),
    );
    items = treeItems(state.agents, ALL).items;
    if (!items.some((item) => item.key === active)) active = "root";
    rows.show(items);
    const height = items.length * LANE_HEIGHT;
    setProp(overlay, "viewBox", `0 0 1000 ${Math.max(1, height)}`);
    setProp(line, "d", criticalLine(items, look, LANE_HEIGHT));
    axis.update(look.scale.total, zoom);
    tools.update(state, zoom);
  }

  function setZoom(wanted, around = 0.5) {
    const before = zoom;
    zoom = Math.min(MOST_ZOOM, Math.max(1, wanted));
    const middle = scroller.scrollLeft + scroller.clientWidth * around;
    setProp(inner, "vars", { "--zoom": zoom });
    scroller.scrollLeft = (middle * zoom) / before - scroller.clientWidth * around;
    update(store.state);
  }

  function activate(index) {
    if (!items[index]) return;
    active = items[index].key;
    rows.reveal(index);
    rows.element(active)?.querySelector("button").focus({ preventScroll: true });
  }

  function itemOf(event) {
    const key = event.target.closest?.(".lane")?.dataset.key;
    return items.findIndex((item) => item.key === key);
  }

  function showDetail(event) {
    const item = items[itemOf(event)];
    if (item) setText(detail, item.agent ? detailOf(item.agent, look) : "");
  }

  body.addEventListener("keydown", (event) => {
    const at = items.findIndex((item) => item.key === active);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    activate(to);
  });
  body.addEventListener("click", (event) => {
    const index = itemOf(event);
    if (index < 0) return;
    active = items[index].key;
    if (items[index].agent) context.openAgent(items[index].agent.path);
  });
  body.addEventListener("mouseover", showDetail);
  body.addEventListener("focusin", showDetail);
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = scroller.getBoundingClientRect();
      setZoom(zoom * (event.deltaY < 0 ? 1.25 : 0.8), (event.clientX - box.left) / box.width);
    },
    { passive: false },
  );

  tools.element.append(detail);
  return {
    element: h("div", { class: "timeline-view" }, tools.element, scroller),
    update,
    destroy() {
      rows.destroy();
      axis.destroy();
    },
  };
}

function createTools(setZoom) {
  let zoom = 1;
  const button = (words, label, wanted) =>
    h(
      "button",
      {
        type: "button",
        class: "button button-small",
        "aria-label": label,
        onclick: () => setZoom(wanted(zoom)),
      },
      words,
    );
  const out = button("−", "Zoom out", (now) => now / 1.5);
  const fit = button("Fit", "Fit the whole run", () => 1);
  const path = h("span", { class: "legend legend-critical small" });
  return {
    element: h(
      "div",
      { class: "view-tools" },
      h(
        "div",
        { class: "button-group", role: "group", "aria-label": "Zoom" },
        out,
        fit,
        button("+", "Zoom in", (now) => now * 1.5),
      ),
      path,
    ),
    update(state, now) {
      zoom = now;
      setProp(out, "disabled", zoom <= 1);
      setProp(fit, "disabled", zoom <= 1);
      setText(path, `critical path, ${count(criticalSteps(state.stages), "step")}`);
    },
  };
}
