/**
 * Calls of the server: the token in every one, and errors as sentences that say what to do.
 */

/** What the server refused, or could not be asked. `status` is 0 where there was no answer. */
export class ApiError extends Error {
  constructor(message, { status = 0, type = "", code = "", retryAfter = 0 } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = type;
    this.code = code;
    /** Seconds after which to try again; 0 where the server did not say. */
    this.retryAfter = retryAfter;
  }
}

/**
 * The calls.
 * @param {{token: function(): string, refused: function(): void}} access `refused` is told when
 *   the server does not take the token.
 */
export function createApi({ token, refused }) {
  /** @returns {Promise<Response>} an answer that is well. Rejects with `ApiError`. */
  async function call(method, path, { body, headers = {}, signal } = {}) {
    const sent = { ...headers };
    if (token()) sent.Authorization = `Bearer ${token()}`;
    let response;
    try {
      response = await fetch(path, { method, body, headers: sent, signal, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("The server does not answer. Is openswarm serve still running?");
    }
    if (response.ok) return response;
    const failure = await failureOf(response);
    if (response.status === 401) refused();
    throw failure;
  }

  const json = (body) => ({
    body: JSON.stringify(body ?? {}),
    headers: { "Content-Type": "application/json" },
  });

  return {
    /** @returns {Promise<Object>} */
    get: async (path, options) => (await call("GET", path, options)).json(),
    /** @returns {Promise<Object>} */
    post: async (path, body, options) =>
      (await call("POST", path, { ...json(body), ...options })).json(),
    /** Deletes; gives nothing. */
    remove: async (path) => void (await call("DELETE", path)),
    /** Uploads one `File`. @returns {Promise<{id: string, filename: string, bytes: number}>} */
    upload: async (file, purpose = "assistants") => {
      const form = new FormData();
      form.append("purpose", purpose);
      form.append("file", file, file.name);
      return (await call("POST", "/v1/files", { body: form })).json();
    },
    /** The bytes of a path, and the name that the server gives the file ('' for none). */
    bytes: async (path) => {
      const response = await call("GET", path);
      return { blob: await response.blob(), name: fileName(response) };
    },
    /** The text of a path. */
    text: async (path) => (await call("GET", path)).text(),
    /** An event stream from after event `after` on. @returns {Promise<Response>} */
    stream: (path, after, signal) =>
      call("GET", path, {
        signal,
        headers: { Accept: "text/event-stream", "Last-Event-ID": String(after) },
      }),
  };
}

/** The path of a run in the API: `runPath("r1", "events")`. */
export function runPath(run, ...parts) {
  return ["/api/runs", ...[run, ...parts].map(encodeURIComponent)].join("/");
}

/** What went wrong, as a sentence for people. */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text ? text[0].toUpperCase() + text.slice(1) : "Something went wrong.";
}

async function failureOf(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // what is not JSON says nothing that could be shown
  }
  const message = typeof error.message === "string" ? error.message : ordinary(response.status);
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return new ApiError(retryAfter ? `${message} (try again in ${retryAfter} s)` : message, {
    status: response.status,
    type: String(error.type ?? ""),
    code: String(error.code ?? ""),
    retryAfter,
  });
}

function ordinary(status) {
  const known = {
    401: "The server does not take the token.",
    404: "The server does not know that.",
    413: "That is more than the server takes.",
    429: "The server has too much to do; try again in a moment.",
    503: "The server is shutting down.",
  };
  return known[status] ?? `The server answered with status ${status}.`;
}

function fileName(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header);
  try {
    if (encoded) return decodeURIComponent(encoded[1]);
  } catch {
    return "";
  }
  return /filename="?([^";]+)"?/i.exec(header)?.[1] ?? "";
}
