/** Light or dark: as the system says, until somebody chooses. */

import { h, setProp } from "./dom.js";
import { icon } from "./icons.js";

const KEPT = "openswarm-theme";

/** A button that turns light to dark and back; what was chosen is kept. */
export function themeButton() {
  const button = h(
    "button",
    { type: "button", class: "button-icon", onclick: turn },
    icon("theme"),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function show(theme) {
    setProp(document.documentElement, "data-theme", theme || null);
    const isDark = theme ? theme === "dark" : dark.matches;
    setProp(button, "aria-label", isDark ? "Use light colours" : "Use dark colours");
    button.title = button.getAttribute("aria-label");
    return isDark;
  }

  function turn() {
    const wanted = show(localStorage.getItem(KEPT)) ? "light" : "dark";
    localStorage.setItem(KEPT, wanted);
    show(wanted);
  }

  dark.addEventListener("change", () => show(localStorage.getItem(KEPT)));
  show(localStorage.getItem(KEPT));
  return button;
}
