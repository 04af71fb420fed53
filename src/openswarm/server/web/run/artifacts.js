/** Files that tools made: images and pages can be looked at, all can be saved. */

import { runPath, sentence } from "../api.js";
import { h, replace } from "../dom.js";
import { oneLine, size } from "../format.js";
import { icon } from "../icons.js";

const IMAGE = /^image\/(png|jpeg|gif|webp|avif)$/;
const PAGE = /^text\/html/;
const TEXT = /^(text\/|application\/json)/;
const MOST_TEXT = 200_000;

/** The list of a run's artifacts; hidden where there are none. */
export function artifactList(store, context) {
  const list = h("ul", { class: "plain-list" });
  const element = h(
    "section",
    { class: "panel panel-pad", hidden: true },
    h("h2", null, "Files"),
    list,
  );
  let shown = 0;
  return {
    element,
    update({ artifacts }) {
      if (artifacts.length === shown) return;
      shown = artifacts.length;
      element.hidden = shown === 0;
      replace(
        list,
        artifacts.map((each) => artifactItem(each, store, context)),
      );
    },
  };
}

function artifactItem(artifact, store, context) {
  const name = oneLine(artifact.name, 120);
  const canShow = [IMAGE, PAGE, TEXT].some((kind) => kind.test(artifact.media_type));
  const act = (verb) => async () => {
    try {
      const { blob } = await context.api.bytes(blobPath(store.run, artifact));
      if (verb === "save") saveBlob(blob, artifact.name);
      else await show(blob, artifact, context);
    } catch (error) {
      context.toast.fail(sentence(error));
    }
  };
  const button = (verb, words) =>
    h(
      "button",
      {
        type: "button",
        class: "button button-small",
        "aria-label": `${words} ${name}`,
        onclick: act(verb),
      },
      words,
    );
  return h(
    "li",
    { class: "row" },
    icon("file"),
    h("span", { class: "grow cut" }, name),
    h("span", { class: "muted small" }, `${artifact.agent}, ${size(artifact.size)}`),
    canShow && button("show", "Show"),
    button("save", "Save"),
  );
}

function blobPath(run, { blob, media_type: type }) {
  const served = IMAGE.test(type) ? `?type=${encodeURIComponent(type)}` : "";
  return `${runPath(run, "blobs", blob)}${served}`;
}

/** Gives the user a file of these bytes. */
export function saveBlob(blob, name) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

async function show(blob, { name, media_type: type }, context) {
  const isPicture = IMAGE.test(type);
  if (!isPicture && !PAGE.test(type)) {
    const text = (await blob.text()).slice(0, MOST_TEXT);
    return context.dialog.open({
      title: name,
      body: h("pre", { class: "code", tabindex: "0" }, text),
      wide: true,
    });
  }
  const url = URL.createObjectURL(new Blob([blob], { type: isPicture ? type : "text/html" }));
  const body = isPicture
    ? h("img", { class: "artifact-image", src: url, alt: name })
    : h("iframe", { class: "artifact-page", src: url, sandbox: "", title: name });
  return context.dialog.open({
    title: name,
    body,
    wide: true,
    onclose: () => URL.revokeObjectURL(url),
  });
}
