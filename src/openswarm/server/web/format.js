/** Numbers, times and text as people read them. Pure; knows no DOM. */

const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u200b\\u200e\\u200f" +
    "\\u061c\\u202a-\\u202e\\u2060-\\u2069\\ufeff]",
  "g",
);
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const CENTS = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const JSON_KEY = /"([A-Za-z_]\w*)":\s*/g;

/** The text in one line of at most `limit` characters, without what cannot be seen. */
export function oneLine(text, limit = 200) {
  const folded = clean(String(text ?? "").slice(0, 8 * limit))
    .replace(/\s+/g, " ")
    .trim();
  return folded.length > limit ? `${folded.slice(0, limit - 1)}…` : folded;
}

/** The text without characters that hide or turn around what stands there. */
export function clean(text) {
  return String(text ?? "").replace(HIDDEN, "");
}

/** A call as people read it: its JSON without outer braces and quoted keys. */
export function callWords(call, limit = 200) {
  const line = oneLine(call, limit);
  const at = line.indexOf("{");
  if (at < 0) return line;
  return (
    line.slice(0, at) +
    line
      .slice(at + 1)
      .replace(/}$/, "")
      .replace(JSON_KEY, "$1: ")
  );
}

/** `1 row`, `2 rows`, `1,200 rows`. */
export function count(number, noun, plural = `${noun}s`) {
  return `${whole(number)} ${number === 1 ? noun : plural}`;
}

/** `1,200`. */
export function whole(number) {
  return WHOLE.format(number);
}

/** Tokens in at most five characters: `950`, `18.2k`, `1.3M`. */
export function tokens(number) {
  if (number < 1_000) return String(number);
  if (number < 99_950) return `${(number / 1_000).toFixed(1)}k`;
  if (number < 999_950) return `${(number / 1_000).toFixed(0)}k`;
  return `${(number / 1_000_000).toFixed(1)}M`;
}

/** Money; what has no price is a dash. */
export function dollars(amount) {
  if (amount === null || amount === undefined) return "–";
  if (amount > 0 && amount < 0.01) return `$${amount.toFixed(4)}`;
  return `$${CENTS.format(amount)}`;
}

/** `0:07`, `12:30`, `1:02:03`, from seconds. */
export function duration(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A short span on a scale: `40 ms`, `7 s`, `2 min 30 s`. */
export function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** `640 B`, `12 kB`, `3.4 MB`. */
export function size(bytes) {
  let amount = bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (amount < 1000) return `${amount.toFixed(amount >= 10 || unit === "B" ? 0 : 1)} ${unit}`;
    amount /= 1000;
  }
  return `${amount.toFixed(amount >= 10 ? 0 : 1)} GB`;
}

/** When something was, from seconds since the epoch: `14:05` today, else `3 Mar, 14:05`. */
export function moment(at, now = Date.now() / 1000) {
  if (!at) return "";
  const [then, today] = [new Date(at * 1000), new Date(now * 1000)];
  const time = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === today.toDateString()) return time;
  const day = { day: "numeric", month: "short" };
  if (then.getFullYear() !== today.getFullYear()) day.year = "numeric";
  return `${then.toLocaleDateString("en-GB", day)}, ${time}`;
}

/** Whether text is an address that may be linked. */
export function isAddress(text) {
  return /^https?:\/\/[^\s"<>]+$/i.test(text ?? "");
}
