/** The application: the bar, the routes (`#/runs`, `#/new`, `#/run/ID/TAB`), the token. */

import { createApi } from "./api.js";
import { confirmDialog, openDialog, promptDialog } from "./dialog.js";
import { h, replace, setProp } from "./dom.js";
import { themeButton } from "./theme.js";
import { createToasts } from "./toast.js";
import { hasToken, keepToken, keptToken, takeTokenFromAddress, tokenPage } from "./token.js";

const toasts = createToasts();
const links = { runs: link("#/runs", "Runs"), new: link("#/new", "New run") };
const main = h("main", { id: "main", tabindex: "-1" });
const api = createApi({ token: keptToken, refused: askForToken });
const context = {
  api,
  navigate: (hash) => void (location.hash = hash),
  toast: { say: toasts.say, fail: toasts.fail },
  dialog: { open: openDialog, confirm: confirmDialog, prompt: promptDialog },
  info: onceWell(() => api.get("/api/info")),
};
let page = null;
let shown = 0;

/** Where an address leads: {name, run, tab}. */
function routeOf(hash) {
  const [name, run, tab] = hash.replace(/^#\/?/, "").split("/");
  if (name === "run" && run) return { name, run: decodeURIComponent(run), tab: tab ?? "" };
  return { name: name === "new" ? "new" : "runs", run: "", tab: "" };
}

async function show() {
  const route = routeOf(location.hash);
  for (const [name, element] of Object.entries(links)) {
    setProp(element, "aria-current", name === route.name ? "page" : null);
  }
  if (route.name === "run" && page?.run === route.run) return page.showTab(route.tab);
  const number = ++shown;
  const made = await makePage(route);
  if (number !== shown) return made.destroy();
  mount(made);
}

async function makePage({ name, run, tab }) {
  if (name === "run") return (await import("./run/page.js")).runPage(context, run, tab);
  if (name === "new") return (await import("./pages/new.js")).newPage(context);
  return (await import("./pages/runs.js")).runsPage(context);
}

function mount(made) {
  page?.destroy();
  page = made;
  replace(main, made.element);
  setProp(main, "class", made.fills ? "fills" : "");
  document.title = made.title ? `${made.title} – openswarm` : "openswarm";
  if (made.focus) made.focus();
  else main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function askForToken() {
  if (page?.asks) return;
  shown += 1;
  const refused = Boolean(keptToken());
  mount(
    tokenPage({
      refused,
      onToken(token) {
        keepToken(token);
        page.asks = false;
        start();
      },
    }),
  );
}

async function start() {
  try {
    await context.info();
  } catch (error) {
    if (error.status === 401) return;
  }
  show();
}

function link(href, words) {
  return h("a", { href }, words);
}

/** Calls once and keeps the answer; what failed is asked for again. */
function onceWell(ask) {
  let answer = null;
  return () => {
    answer ??= ask().catch((error) => {
      answer = null;
      throw error;
    });
    return answer;
  };
}

takeTokenFromAddress();
document
  .getElementById("app")
  .append(
    h(
      "header",
      { class: "bar" },
      h("a", { class: "brand", href: "#/runs" }, "openswarm"),
      h("nav", { "aria-label": "Pages" }, links.runs, links.new),
      themeButton(),
    ),
    main,
    toasts.element,
  );
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is the route
  main.focus();
});
addEventListener("hashchange", () => {
  if (hasToken(location.hash)) {
    takeTokenFromAddress();
    if (page) page.asks = false;
    start();
  } else show();
});
start();
