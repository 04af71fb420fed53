/**
 * The events of a run as they come: server-sent events read with fetch, so that the token goes in a
 * header. Goes on after the last event that came when the connection is lost, and misses none.
 */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8_000;
const SILENT_MS = 35_000;

/**
 * Reads frames from text that may be split anywhere.
 * @param {function({id: string, event: string, data: string}): void} onFrame
 * @returns {function(string): void} takes the next piece of text
 */
export function createParser(onFrame) {
  let rest = "";
  let frame = { id: "", event: "message", data: [] };

  function line(text) {
    if (text === "") {
      const { id, event, data } = frame;
      if (data.length) onFrame({ id, event, data: data.join("\n") });
      frame = { id: "", event: "message", data: [] };
      return;
    }
    const at = text.indexOf(":");
    const name = at < 0 ? text : text.slice(0, at);
    const value = at < 0 ? "" : text.slice(at + 1).replace(/^ /, "");
    if (name === "data") frame.data.push(value);
    else if (name === "event") frame.event = value;
    else if (name === "id") frame.id = value;
  }

  return (text) => {
    rest += text;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const each of lines) line(each);
  };
}

/**
 * Follows a run.
 * @param {Object} options
 * @param {function(number, AbortSignal): Promise<Response>} options.open asks for the events after
 *   a sequence number
 * @param {function(Object): void} options.onEvent the next event, each once and in order
 * @param {function(Object): void} options.onTick a sign of life: {agent, kind, text}
 * @param {function(Object): void} options.onEnd the run is over, or nobody runs it
 * @param {function(string, *=): void} options.onStatus `connecting`, `connected`, `lost`, `over`
 *   or `refused`, the last two with the reason
 * @param {number} [options.firstWaitMs] after a lost connection, doubled each time
 * @returns {{start: function(): void, stop: function(): void, last: function(): number,
 *   gaps: function(): number}} `gaps` counts the times that an event was missing and was fetched
 */
export function createFeed({
  open,
  onEvent,
  onTick,
  onEnd,
  onStatus,
  firstWaitMs = FIRST_WAIT_MS,
}) {
  let last = 0;
  let gaps = 0;
  let wait = firstWaitMs;
  let running = null;

  function take(frame, life) {
    const data = parsed(frame.data);
    if (data === null) return;
    if (frame.event === "tick") onTick(data);
    else if (frame.event === "end") {
      life.ended = true;
      onEnd(data);
    } else if (frame.event === "message" && Number.isInteger(data.seq)) {
      if (data.seq <= last) return;
      if (data.seq > last + 1) throw new Gap();
      last = data.seq;
      onEvent(data);
    }
  }

  async function connect(life) {
    const attempt = new AbortController();
    life.abort = () => attempt.abort();
    let timer = setTimeout(life.abort, SILENT_MS);
    try {
      const response = await open(last, attempt.signal);
      onStatus("connected");
      const decoder = new TextDecoder();
      const parse = createParser((frame) => take(frame, life));
      const reader = response.body.getReader();
      while (!life.ended) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(life.abort, SILENT_MS);
        wait = firstWaitMs;
        parse(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
      attempt.abort();
    }
  }

  async function follow(life) {
    onStatus("connecting");
    while (!life.ended) {
      let failure = null;
      try {
        await connect(life);
      } catch (error) {
        failure = error;
      }
      if (life.ended) break;
      if (failure instanceof Gap) gaps += 1;
      if (failure?.status === 401 || failure?.status === 404) {
        running = null;
        return onStatus("refused", failure);
      }
      onStatus("lost", failure);
      await pause(wait * (0.75 + Math.random() / 2), life);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
    if (running === life) {
      running = null;
      onStatus("over");
    }
  }

  return {
    start() {
      if (running) return;
      wait = firstWaitMs;
      running = { ended: false, abort: () => {}, wake: () => {} };
      follow(running);
    },
    stop() {
      const life = running;
      running = null;
      if (!life) return;
      life.ended = true;
      life.abort();
      life.wake();
    },
    last: () => last,
    gaps: () => gaps,
  };
}

class Gap extends Error {}

function parsed(text) {
  try {
    const data = JSON.parse(text);
    return data !== null && typeof data === "object" ? data : null;
  } catch {
    return null;
  }
}

function pause(milliseconds, life) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    life.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
