/**
 * What a run would be and cost, asked of the server while the task is typed. Owns the request's
 * pace and order: the last thing typed wins.
 */

import { h, replace, setProp, setText } from "../dom.js";
import { clean, count, dollars, span, tokens, whole } from "../format.js";

const PAUSE_MS = 500;
/** What stands where there is nothing to estimate. */
export const NO_TASK = "Write a task to see what it would take.";
export const NOT_USABLE = "No estimate: what is asked cannot be used yet.";

/**
 * The panel.
 * @param {{api: Object, choose: function(string): void, modes: string[],
 *   failed: function(Error|null): void}} options `choose` takes another mode; `failed` is told
 *   what the server refused, null when nothing is wrong.
 * @returns {{element: HTMLElement, ask: function(Object|null, string=): void,
 *   now: function(Object): Promise<Object>}} `ask` shows the estimate of a request soon, or for
 *   null these words; `now` gives it at once.
 */
export function createPreview({ api, choose, modes, failed }) {
  let timer = 0;
  let flight = null;
  let known = { text: "", answer: null };
  const head = h("p", { class: "preview-head", "aria-live": "polite" });
  const body = h("div", { class: "stack" });
  const element = h("section", { class: "preview", "aria-label": "Preview" }, head, body);

  async function now(request) {
    const text = JSON.stringify(request);
    if (known.answer && known.text === text) return known.answer;
    flight?.abort();
    flight = new AbortController();
    const { signal } = flight;
    const answer = await api.post("/api/preview", request, { signal });
    known = { text, answer };
    return answer;
  }

  async function look(request) {
    setProp(element, "aria-busy", "true");
    try {
      show(await now(request), request);
      failed(null);
    } catch (error) {
      if (error.name === "AbortError") return;
      blank(NOT_USABLE);
      failed(error);
    }
    setProp(element, "aria-busy", null);
  }

  function blank(words) {
    setText(head, words);
    setProp(head, "class", "preview-head muted");
    replace(body);
  }

  function show(answer, request) {
    const { mode, width, reason, estimate } = answer;
    const agents = estimate?.sub_agents ?? width;
    setProp(head, "class", "preview-head");
    setText(head, agents ? `${mode} · ${count(agents, "sub-agent")}` : mode);
    const others = modes.filter((name) => name !== mode && name !== "auto");
    replace(body,
      reason && h("p", { class: "muted" }, clean(reason)),
      estimate && figures(estimate),
      request.mode === "auto" && h("div", { class: "row" },
        h("span", { class: "small muted" }, "Rather"),
        others.map((name) => h("button", { type: "button", class: "button button-small",
          "aria-label": `Run as ${name} instead`, onclick: () => choose(name) }, name))));
  }

  blank(NO_TASK);
  return {
    element,
    now,
    ask(request, words = "") {
      clearTimeout(timer);
      flight?.abort();
      if (!request) {
        setProp(element, "aria-busy", null);
        blank(words);
      } else timer = setTimeout(() => look(request), PAUSE_MS);
    },
    destroy() {
      clearTimeout(timer);
      flight?.abort();
    },
  };
}

/** The cost of an estimate in words: a range where there is one. */
export function priceOf(estimate) {
  const { usd, usd_low: low, usd_high: high } = estimate;
  if (usd === null || usd === undefined) return "no price known";
  const [from, to] = [dollars(low ?? usd), dollars(high ?? usd)];
  return from === to ? from : `${from} to ${to}`;
}

function figures(estimate) {
  const facts = [
    ["Cost", priceOf(estimate)],
    ["Time", `about ${span(estimate.wall_s)}`],
    ["Tokens", `about ${tokens(Math.round(estimate.tokens))}`],
    ["Steps", `about ${whole(estimate.steps)}`],
  ];
  return h("dl", { class: "pairs" },
    facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}
