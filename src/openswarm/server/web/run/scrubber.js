/** Any moment of a run: a slider over its events, playing, and back to what is live. */

import { elapsed } from "../fold.js";
import { h, setProp, setText } from "../dom.js";
import { duration, whole } from "../format.js";
import { icon } from "../icons.js";

const SPEEDS = [1, 4, 16, 64];
const LONGEST_PAUSE_S = 1;

/** The scrubber of a run. */
export function scrubberView(store) {
  const slider = h("input", {
    type: "range",
    class: "scrub-slider",
    min: "0",
    max: "0",
    step: "1",
    "aria-label": "Moment of the run",
    oninput: () => goTo(Number(slider.value)),
  });
  const play = h("button", { type: "button", class: "button-icon", onclick: togglePlay });
  const speed = h(
    "select",
    { class: "input scrub-speed", "aria-label": "Speed of playing" },
    SPEEDS.map((each) => h("option", { value: each, selected: each === 16 }, `${each}×`)),
  );
  const where = h("output", { class: "scrub-where small muted" });
  const live = h(
    "button",
    { type: "button", class: "button button-small scrub-live", onclick: goLive },
    h("span", { class: "scrub-dot", "aria-hidden": "true" }),
    "Live",
  );
  const player = createPlayer(store, () => Number(speed.value), goLive);

  function goTo(seq) {
    player.stop();
    store.seek(seq >= store.live.seq ? null : seq);
  }

  function goLive() {
    player.stop();
    store.seek(null);
  }

  function togglePlay() {
    if (player.isPlaying()) player.stop();
    else player.start(store.isLive ? 0 : store.state.seq);
    show(store.state);
  }

  function show(state) {
    const head = store.live.seq;
    setProp(slider, "max", String(head));
    setProp(slider, "value", String(store.isLive ? head : state.seq));
    setProp(slider, "vars", { "--share": head ? (store.isLive ? 1 : state.seq / head) : 0 });
    const words = `event ${whole(state.seq)} of ${whole(head)}, ${duration(elapsed(state))}`;
    setText(where, words);
    setProp(slider, "aria-valuetext", words);
    setText(live.lastChild, store.over ? "End" : "Live");
    setProp(live, "aria-pressed", String(store.isLive));
    showPlay(play, player.isPlaying());
  }

  showPlay(play, false);
  return {
    element: h(
      "div",
      { class: "scrub", role: "group", "aria-label": "Replay" },
      play,
      slider,
      where,
      speed,
      live,
    ),
    update: show,
    destroy: player.stop,
  };
}

function showPlay(button, isPlaying) {
  const name = isPlaying ? "pause" : "play";
  if (button.dataset.shows === name) return;
  button.dataset.shows = name;
  button.replaceChildren(icon(name));
  setProp(button, "aria-label", isPlaying ? "Pause" : "Play the run from here");
}

/** Goes through the events as they came, so many times faster, long pauses cut short. */
function createPlayer(store, speed, onEnd) {
  let frame = 0;
  let time = 0;
  let before = 0;
  let at = 0;

  function step(now) {
    const next = store.next(at);
    if (!next) return onEnd();
    time += ((now - before) / 1000) * speed();
    before = now;
    const longest = LONGEST_PAUSE_S * speed();
    if (next.at - time > longest) time = next.at - longest;
    const seq = store.seqAtTime(time);
    if (seq > at) store.seek((at = seq));
    frame = requestAnimationFrame(step);
  }

  return {
    isPlaying: () => frame !== 0,
    start(seq) {
      const first = store.next(seq);
      if (!first) return;
      time = first.at;
      before = performance.now();
      store.seek((at = first.seq));
      frame = requestAnimationFrame(step);
    },
    stop() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}
