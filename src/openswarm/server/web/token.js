/**
 * The token of the server: taken from the address once, kept for this tab, asked for where there
 * is none.
 */

import { h } from "./dom.js";

const KEPT = "openswarm-token";
const IN_FRAGMENT = /(^#|[?&])token=([^&]*)&?/;

/** The token that is kept, or ''. */
export function keptToken() {
  return sessionStorage.getItem(KEPT) ?? "";
}

/** Keeps a token for this tab. */
export function keepToken(token) {
  sessionStorage.setItem(KEPT, token);
}

/** Whether a fragment has a token in it. */
export function hasToken(fragment) {
  return IN_FRAGMENT.test(fragment);
}

/** Takes a token out of the address (`#token=…`, `#/run/ID?token=…`) and keeps it. */
export function takeTokenFromAddress() {
  const found = IN_FRAGMENT.exec(location.hash);
  if (!found) return;
  try {
    keepToken(decodeURIComponent(found[2]));
  } catch {
    keepToken(found[2]);
  }
  const rest = location.hash.replace(IN_FRAGMENT, "$1").replace(/[?&#]$/, "");
  history.replaceState(null, "", rest || "#/runs");
}

/**
 * The page that asks for a token.
 * @param {{refused: boolean, onToken: function(string): void}} options
 */
export function tokenPage({ refused, onToken }) {
  const field = h("input", {
    class: "input mono",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-invalid": refused ? "true" : null,
    "aria-describedby": "token-hint",
  });
  const form = h(
    "form",
    { class: "panel panel-pad stack token" },
    h("h1", null, refused ? "The server does not take this token" : "This server asks for a token"),
    h(
      "p",
      { class: "muted", id: "token-hint" },
      "openswarm prints its address with the token when it starts. Open that address, ",
      "or paste the token here.",
    ),
    h("label", { class: "field" }, h("span", { class: "label" }, "Token"), field),
    h("div", null, h("button", { type: "submit", class: "button button-primary" }, "Continue")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = field.value.trim().replace(/^.*token=/, "");
    if (token) onToken(token);
  });
  const focus = () => field.focus();
  return { element: form, title: "Token", asks: true, focus, destroy() {} };
}
