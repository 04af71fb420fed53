/** A question about a finished run: asked, paid for and answered apart from the run. */

import { runPath, sentence } from "../api.js";
import { h, replace, setProp, setText } from "../dom.js";
import { dollars } from "../format.js";

/**
 * A form for a question and what came of it.
 * @param {function({text: string, citations: Object[]}): Node} proseOf
 */
export function askBox(store, context, proseOf) {
  const field = h("input", { class: "input", type: "text", maxlength: 4000, required: true });
  const send = h("button", { type: "submit", class: "button" }, "Ask");
  const answer = h("div", { class: "ask-answer", "aria-live": "polite" });
  const form = h(
    "form",
    { class: "stack" },
    h("label", { class: "field" }, h("span", { class: "label" }, "Ask about this run"), field),
    h("div", { class: "row" }, send),
    answer,
  );
  const element = h("section", { class: "panel panel-pad", hidden: true }, form);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    setProp(send, "disabled", true);
    setText(answer, "Reading the run …");
    try {
      const said = await context.api.post(runPath(store.run, "ask"), { question: field.value });
      const cost = said.cost_usd === null ? "" : `It cost ${dollars(said.cost_usd)}.`;
      replace(answer, proseOf(said), h("p", { class: "hint" }, cost));
    } catch (error) {
      replace(answer, h("p", { class: "error" }, sentence(error)));
    }
    setProp(send, "disabled", false);
  });

  return {
    element,
    update(state) {
      element.hidden = !(store.over && store.isLive && state.outcome);
    },
  };
}
