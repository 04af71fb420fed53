/**
 * Names of rows: when two spellings are one thing. The same rules as the contract of a run has.
 */

const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const OUTER = /^[ .,;:'"()[\]]+|[ .,;:'"()[\]]+$/g;
const MARKS = [
  [/[\u2018\u2019]/g, "'"],
  [/[\u201c\u201d]/g, '"'],
  [/\u00ad/g, ""],
  [/[\u2010-\u2015\u2212]/g, "-"],
];
const SEPARATOR = " / ";
// Cherokee folds to upper case, and a dotless i to itself.
const CHEROKEE_UPPER = /[\u13a0-\u13f5]/;
const CHEROKEE_LOWER = /[\uab70-\uabbf\u13f8-\u13fd]/;

/** A key for comparison: case, spaces, typographic marks and outer punctuation do not count. */
export function foldKey(value) {
  let plain = value.normalize("NFKC");
  for (const [mark, typed] of MARKS) plain = plain.replace(mark, typed);
  return caseFold(plain).replace(SPACE, " ").replace(OUTER, "");
}

/** The folded values of a row's key columns. @returns {string[]} */
export function keyOf(contract, row) {
  return foldAll(
    contract,
    contract.key.map((name) => valueOf(row, name)),
  );
}

/** A row's key as it is shown. */
export function rowName(contract, row) {
  return contract.key.map((name) => valueOf(row, name)).join(SEPARATOR);
}

/** The key of a row's name; that of the whole name where it has other parts than the key. */
export function keyOfName(contract, name) {
  const parts = contract.key.length > 1 ? name.split(SEPARATOR) : [name];
  const fits = parts.length === contract.key.length;
  return foldAll(contract, fits ? parts.map((part) => part.trim()) : [name]);
}

/** The cell of a column, or undefined. */
export function cellOf(row, column) {
  return Object.hasOwn(row.cells, column) ? row.cells[column] : undefined;
}

function valueOf(row, column) {
  return cellOf(row, column)?.value ?? "";
}

function foldAll(contract, values) {
  const folded = values.map(foldKey);
  if (!contract.aliases?.length) return folded;
  const known = spellings(contract);
  return folded.map((entry) => known.get(entry) ?? entry);
}

const KNOWN = new WeakMap();

/** What each spelling stands for. Aliases that share a spelling are one, under the last name. */
function spellings(contract) {
  if (KNOWN.has(contract)) return KNOWN.get(contract);
  const known = new Map();
  for (const alias of contract.aliases) {
    const name = foldKey(alias.name);
    const folded = new Set([name, ...alias.others.map(foldKey)]);
    const groups = new Set([...folded].map((entry) => known.get(entry) ?? entry));
    for (const [entry, group] of known) if (groups.has(group)) known.set(entry, name);
    for (const entry of folded) known.set(entry, name);
  }
  KNOWN.set(contract, known);
  return known;
}

function caseFold(text) {
  let folded = "";
  for (const character of text) folded += foldCharacter(character);
  return folded;
}

function foldCharacter(character) {
  if (character === "\u0131" || CHEROKEE_UPPER.test(character)) return character;
  if (CHEROKEE_LOWER.test(character)) return character.toUpperCase();
  const lower = character.toLowerCase();
  if (lower !== character) return lower.length > 1 ? lower : foldCharacter(lower);
  const upper = character.toUpperCase();
  return upper === character ? character : lowered(upper);
}

/** Letter by letter, so that a sigma is the same wherever it stands. */
function lowered(text) {
  let lower = "";
  for (const character of text) lower += character.toLowerCase();
  return lower;
}
