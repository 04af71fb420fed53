/** What is said while the connection is lost. */

import { h, setText } from "../dom.js";
import { icon } from "../icons.js";

/** A banner about the connection, hidden while all is well. */
export function connectionBanner(store) {
  const words = h("span", { class: "grow" });
  const element = h(
    "div",
    { class: "banner banner-warn", role: "status", hidden: true },
    icon("damaged"),
    words,
  );
  let since = 0;
  let timer = 0;

  /** A connection that comes back at once is not worth a word. */
  function show() {
    const isLost = store.connection === "lost";
    element.hidden = !isLost || Date.now() - since < 700;
    setText(
      words,
      isLost ? "The connection is lost. What is shown may be old; trying again …" : "",
    );
  }

  return {
    element,
    update() {
      if (store.connection !== "lost") since = 0;
      else if (!since) {
        since = Date.now();
        timer = setTimeout(show, 750);
      }
      show();
    },
    destroy: () => clearTimeout(timer),
  };
}
