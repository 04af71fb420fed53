"""The answer and its table: which cells a statement rests on, and statements that no cell supports.

A model may name a cell as `[[row | column]]`; a statement that has a row's name and a value of that
row is recognised without it. Both become `[c1]`, `[c2]`, …. A statement with a number that stands
in no cell of the rows that it names, or with a name that stands in no cell at all, is marked
`[no cell]`. A fold over answer and table: nothing is asked.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from openswarm.core.contract import Column, Contract, fold_key
from openswarm.core.result import Citation
from openswarm.core.table import Row, Table
from openswarm.swarm.said import Number, Said, dates_in, names_in, numbers_in, said_in, words_of

NO_CELL = "[no cell]"
MAX_ANSWER_CHARS = 200_000
"""A longer answer is left as it is."""
MAX_STATEMENT_CHARS = 1_000
"""A longer statement is looked at in parts, so that the work grows with the answer alone."""

_SPACE = r"(?:(?<!\s)\s+)?"
_MARK = re.compile(rf"{_SPACE}\[\[([^\[\]|\n]{{1,400}})\|([^\[\]|\n]{{1,100}})\]\]")
_MARKS = re.compile(r"(?:\s*\[\[[^\[\]|\n]{1,400}\|[^\[\]|\n]{1,100}\]\])+")
_OWN = re.compile(rf"{_SPACE}\[(?:c\d+|no cell)\]")
"""Our marks, written by a model."""
_STOP = re.compile(r"[.!?]+")
_BEFORE = re.compile(r"[\w.]*$")
_ABBREVIATION = re.compile(
    r"(?:.*\.)?(?:[^\W\d_]|vs|approx|ca|cf|dr|mr|mrs|ms|prof|st|no|fig|vol|etc|est|jr|sr|inc|ltd|co|al)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"\s*(?:>\s?|[-*+•]\s+|\d{1,4}[.)]\s+)*")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_TABLE_LINE = re.compile(r"\s*\|.*\|\s*")
_RULE_LINE = re.compile(r"\s*\|[\s:|-]+\|\s*")
_CODE = re.compile(r"`[^`\n]*`")
_ADDRESS = re.compile(r"\]\([^()\s]*\)|https?://[^\s)>\]]+|<[a-zA-Z/][^<>\n]{0,200}>")
_EMPHASIS = re.compile(r"[*~`]+|(?<!\w)_+|_+(?!\w)")
_MIN_VALUE_CHARS = 2


class CitedAnswer(NamedTuple):
    """An answer with its marks."""

    text: str
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()


def cited_answer(answer: str, table: Table | None, known_words: str = "") -> CitedAnswer:
    """The answer with marks for cells and for statements without one.

    Without a table it stays as it is, marks taken out. `known_words` need no cell.
    """
    if len(answer) > MAX_ANSWER_CHARS:
        return CitedAnswer(answer)
    if table is None or not answer:
        return CitedAnswer(_MARK.sub("", answer))
    citer = _Citer(_Lookup(table, known_words))
    lines = _OWN.sub("", answer).split("\n")
    fence, parts = "", []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
            parts.append(line)
        elif fence or _RULE_LINE.fullmatch(line):
            parts.append(line)
        else:
            heads = line.lstrip().startswith("#") or bool(_RULE_LINE.fullmatch(after))
            parts.append(citer.line(line, judged=not heads))
    return CitedAnswer("\n".join(parts), tuple(citer.citations), tuple(citer.unsupported))


@dataclass(slots=True)
class _Citer:
    lookup: "_Lookup"
    citations: list[Citation] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def line(self, line: str, *, judged: bool) -> str:
        """One line, each statement with its marks. A line of a table is one statement."""
        if _TABLE_LINE.fullmatch(line):
            return self._statement(line, judged=judged)
        lead = _LEAD.match(line)
        at = lead.end() if lead else 0
        statements = _statements(line, at)
        return line[:at] + "".join(self._statement(text, judged=judged) for text in statements)

    def _statement(self, text: str, *, judged: bool) -> str:
        named = [self.lookup.cell(m[1], m[2]) for m in _MARK.finditer(text)]
        words = _MARK.sub("", text)
        said = _EMPHASIS.sub(" ", _ADDRESS.sub(" ", words))
        cells = [cell for cell in named if cell is not None]
        rows = list(self.lookup.rows_named(said))
        cells += self.lookup.cells_in(said, words, rows)
        cells = _once(cells)
        marks = [f"[{self._cite(row, column)}]" for row, column in cells]
        shown = _EMPHASIS.sub(" ", _ADDRESS.sub(" ", _CODE.sub(" ", words)))
        rows += [row for row, _ in cells if all(row is not known for known in rows)]
        if None in named or (judged and self.lookup.unsupported(shown, rows)):
            marks.append(NO_CELL)
            self.unsupported.append(" ".join(words.split()))
        return _with_marks(words, " ".join(marks))

    def _cite(self, row: Row, column: str) -> str:
        name = row.name(self.lookup.contract)
        number = self._numbers.setdefault((name, column), len(self._numbers) + 1)
        if number > len(self.citations):
            cell = row.cells[column]
            self.citations.append(Citation(number=number, row=name, column=column, cell=cell))
        return self.citations[number - 1].mark


def _once(cells: Sequence["Found"]) -> list["Found"]:
    return list({(id(row), column): (row, column) for row, column in cells}.values())


def _statements(line: str, start: int) -> Iterator[str]:
    """The statements of a line from `start` on, each with the marks after its full stop."""
    for stop in _STOP.finditer(line, start):
        if stop.start() < start or not _ends(line, stop):
            continue
        late = _MARKS.match(line, stop.end())
        end = late.end() if late else stop.end()
        yield from _pieces(line[start:end])
        start = end
    yield from _pieces(line[start:])


def _ends(line: str, stop: re.Match[str]) -> bool:
    """Whether a stop ends a statement."""
    after = line[stop.end() : stop.end() + 40].lstrip()
    if after and line[stop.end()] not in " \t[":
        return False
    if stop[0] != "." or not after:
        return True
    before = _BEFORE.search(line[max(0, stop.start() - 12) : stop.start()])
    assert before is not None
    return not (after[0].islower() or _ABBREVIATION.fullmatch(before[0]))


def _pieces(text: str) -> Iterator[str]:
    while len(text) > MAX_STATEMENT_CHARS:
        cut = max(text.rfind(" ", 1, MAX_STATEMENT_CHARS), text.rfind("]]", 1, MAX_STATEMENT_CHARS))
        opened = text.rfind("[[", 0, cut)
        if opened > max(0, text.rfind("]]", 0, cut)):
            cut = opened  # a mark is not cut in two
        cut = cut if cut > 0 else MAX_STATEMENT_CHARS
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _with_marks(words: str, marks: str) -> str:
    """The marks go before the full stop, or into the last cell of a line of a table."""
    if not marks:
        return words
    body = words.rstrip()
    ends = "|" if _TABLE_LINE.fullmatch(body) else ".!?"
    text = body.rstrip(ends)
    stop = body[len(text) :]
    gap = " " if ends == "|" else ""
    return f"{text.rstrip()} {marks}{gap}{stop}{words[len(body) :]}"


Found = tuple[Row, str]
"""A row, and the column of a cell of it."""


class _Facts(NamedTuple):
    """What the cells of one row say."""

    numbers: frozenset[Decimal]
    dates: frozenset[str]
    """Each with its month and its year alone."""


class _Lookup:
    """What stands in a table, by words and numbers."""

    def __init__(self, table: Table, known_words: str) -> None:
        self.contract: Contract = table.contract
        self._named = {fold_key(row.name(table.contract)): row for row in table.rows}
        self._by_key = {row.key(table.contract): row for row in table.rows}
        self._columns = {fold_key(name): name for name in self.contract.names}
        self._parts: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)
        self._part_words: dict[int, list[set[tuple[str, ...]]]] = {}
        for row in table.rows:
            self._index(row)
        self._facts: dict[int, _Facts] = {id(row): _facts(row) for row in table.rows}
        columns = self.contract.columns
        texts = [known_words, table.contract.notes]
        texts += [f"{c.name} {c.definition} {c.unit} {' '.join(c.options)}" for c in columns]
        texts += [other for alias in table.contract.aliases for other in alias.others]
        self._known = _facts_of(texts)
        cells = [cell for row in table.rows for cell in row.cells.values()]
        filled = sum(bool(cell.value) for cell in cells)
        self._counts = (len(table.rows), len(columns), len(cells), filled)
        every = [*texts, *(t for cell in cells for t in (cell.value, cell.raw))]
        self._words = {word for text in every for word in words_of(text)}
        self._dates = frozenset(d for facts in self._facts.values() for d in facts.dates)
        self._all = frozenset(n for facts in self._facts.values() for n in facts.numbers)
        self._sorted = sorted(self._all)

    def _index(self, row: Row) -> None:
        names = [row.cells[name].value for name in self.contract.key]
        spellings: list[set[tuple[str, ...]]] = []
        for name in names:
            others = [o for a in self.contract.aliases
                      if fold_key(a.name) == fold_key(name) for o in a.others]  # fmt: skip
            spellings.append({t for n in (name, *others) if (t := tuple(words_of(n)))})
        self._part_words[id(row)] = spellings
        for spelling in spellings[0]:
            self._parts[spelling].append(row)
        for spelling in (s for part in spellings for s in part):
            self._lengths[spelling[0]].add(len(spelling))
            self._parts.setdefault(spelling, [])

    def cell(self, row: str, column: str) -> Found | None:
        """The cell that a mark names, if it is there and has a value."""
        found = self._named.get(fold_key(row)) or self._by_key.get(self._key(row))
        name = self._columns.get(fold_key(column))
        if found is None or name is None or not found.cells[name].value:
            return None
        return found, name

    def _key(self, row: str) -> tuple[str, ...]:
        width = len(self.contract.key)
        return self.contract.fold(tuple(row.split("/")) if width > 1 else (row,))

    def rows_named(self, said: str) -> Iterator[Row]:
        """The rows of which all parts of the key are in a statement; the longest name counts."""
        words = words_of(said)
        found: dict[tuple[str, ...], None] = {}
        at = 0
        while at < len(words):
            lengths = sorted(self._lengths.get(words[at], ()), reverse=True)
            spans = (tuple(words[at : at + length]) for length in lengths)
            span = next((span for span in spans if span in self._parts), None)
            if span is not None:
                found[span] = None
            at += len(span) if span else 1
        for span in found:
            for row in self._parts[span]:
                if all(part & found.keys() for part in self._part_words[id(row)]):
                    yield row

    def cells_in(self, said: str, words: str, rows: Iterable[Row]) -> Iterator[Found]:
        """The cells of these rows the values of which a statement says."""
        facts = said_in(said)
        for row in rows:
            for column in self.contract.asked:
                value = row.cells[column.name].value
                if value and self._says(facts, value, column, row, words):
                    yield row, column.name

    def _says(self, said: Said, value: str, column: Column, row: Row, words: str) -> bool:
        match column.type:
            case "boolean":
                return False  # yes and no are said for many reasons
            case "number":
                own = _decimal(value)
                return own is not None and any(_is(own, number) for number in said.numbers)
            case "date":
                return value in said.dates or any(value.startswith(f"{d}-") for d in said.dates)
            case "url":
                return value in words
            case _:
                return len(value) >= _MIN_VALUE_CHARS and self._says_words(said, value, row)

    def _says_words(self, said: Said, value: str, row: Row) -> bool:
        """Whether the words of a value are there, and are not just the row's name."""
        wanted = f" {' '.join(words_of(value))} "
        if not wanted.strip() or wanted not in said.words:
            return False
        names = [f" {' '.join(s)} " for part in self._part_words[id(row)] for s in part]
        taken = sum(said.words.count(name) for name in names if wanted in name and wanted != name)
        return said.words.count(wanted) > taken + (wanted in names)

    def unsupported(self, said: str, rows: Sequence[Row]) -> bool:
        """Whether a statement has a number that stands in no cell of these rows, or of all where
        there is none, or a name that stands nowhere."""
        dates, rest = dates_in(said)
        facts = [self._facts[id(row)] for row in rows] or None
        for day in dates:
            pool = [f.dates for f in facts] if facts else [self._dates]
            if not any(day in known for known in (*pool, self._known.dates)):
                return True
        if any(not self._supported(number, facts) for number in numbers_in(rest)):
            return True
        return any(
            word not in self._words
            for name in names_in(said)
            for word in words_of(name.removesuffix("'s").removesuffix("’s"))
        )

    def _supported(self, number: Number, facts: Sequence[_Facts] | None) -> bool:
        readings = number.readings
        if readings & self._known.numbers or any(r in self._counts for r in readings):
            return True
        if number.counts and any(0 <= r <= max(self._counts) for r in readings):
            return True
        if facts is not None:
            return any(_is(own, number) for f in facts for own in f.numbers)
        return bool(readings & self._all) or any(self._near(r, number.slack) for r in readings)

    def _near(self, value: Decimal, slack: Decimal) -> bool:
        at = bisect_left(self._sorted, value - slack)
        return bool(slack) and at < len(self._sorted) and self._sorted[at] <= value + slack


def _is(own: Decimal, number: Number) -> bool:
    return own in number.readings or bool(
        number.slack and any(abs(own - r) <= number.slack for r in number.readings)
    )


def _decimal(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _facts(row: Row) -> _Facts:
    return _facts_of([t for cell in row.cells.values() for t in (cell.value, cell.raw) if t])


def _facts_of(texts: Iterable[str]) -> _Facts:
    numbers: set[Decimal] = set()
    dates: set[str] = set()
    for text in dict.fromkeys(texts):
        found, rest = dates_in(text)
        for day in found:
            dates |= {day, day[:7], day[:4]}
            numbers.add(Decimal(day[:4]))
        for number in numbers_in(rest):
            numbers |= number.readings
        if (own := _decimal(text)) is not None:
            numbers.add(own)
    return _Facts(frozenset(numbers), frozenset(dates))
