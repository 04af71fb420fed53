"""The answer and its table: which cells a statement rests on, and statements that no cell supports.

A model may name a cell as `[[row | column]]`; a statement that has a row's name and a value of that
row is recognised without it. Both become `[c1]`, `[c2]`, …. A statement with a number, or a name,
that stands in no cell is marked `[no cell]`. A fold over answer and table: nothing is asked.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from openswarm.core.contract import Contract, fold_key
from openswarm.core.normalise import normalise
from openswarm.core.result import Citation
from openswarm.core.table import Row, Table

NO_CELL = "[no cell]"
MAX_ANSWER_CHARS = 200_000
"""A longer answer is left as it is."""

_MARK = re.compile(r"\s*\[\[([^\[\]|\n]{1,400})\|([^\[\]|\n]{1,100})\]\]")
_LATE_MARKS = re.compile(rf"([.!?]+)((?:{_MARK.pattern.replace('(', '(?:')})+)")
"""Marks that stand after the full stop of the statement that they belong to."""
_STATEMENT = re.compile(r"[^.!?\n]*(?:[.!?](?!\s|$)[^.!?\n]*)*(?:[.!?]+|\n|$)")
_NUMBER = re.compile(r"\d(?:[\d.,'\u00a0\u2009\u202f]*\d)?")
_NAME = re.compile(r"(?<![\w.])[^\W\d_][\w'’-]*")
_GROUPED = re.compile(r"[,'\u00a0\u2009\u202f]")
_MIN_VALUE_CHARS = 2
_MARKUP = str.maketrans("", "", "*`")
"""What Markdown puts around words."""


class CitedAnswer(NamedTuple):
    """An answer with its marks."""

    text: str
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()


def cited_answer(answer: str, table: Table | None, task: str = "") -> CitedAnswer:
    """The answer with marks for cells and for statements without one.

    Without a table it stays as it is. Names that the task itself uses need no cell.
    """
    if table is None or not answer or len(answer) > MAX_ANSWER_CHARS:
        return CitedAnswer(_MARK.sub("", answer) if table is None else answer)
    citer = _Citer(_Lookup(table, task))
    settled = _LATE_MARKS.sub(r"\2\1", answer)
    parts = [citer.statement(match[0]) for match in _STATEMENT.finditer(settled) if match[0]]
    return CitedAnswer("".join(parts), tuple(citer.citations), tuple(citer.unsupported))


@dataclass(slots=True)
class _Citer:
    lookup: "_Lookup"
    citations: list[Citation] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def statement(self, text: str) -> str:
        """One statement, its marks in their place."""
        named = [self.lookup.cell(m[1], m[2]) for m in _MARK.finditer(text)]
        words = _MARK.sub("", text)
        cells = [cell for cell in named if cell is not None]
        cells += [cell for cell in self.lookup.cells_in(words) if cell not in cells]
        marks = [f"[{self._cite(row, column)}]" for row, column in cells]
        if None in named or self.lookup.unsupported(words):
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


def _with_marks(words: str, marks: str) -> str:
    """The marks go before the full stop, as a reader expects them."""
    if not marks:
        return words
    body = words.rstrip()
    end = len(body) - len(body.rstrip(".!?"))
    stop = body[len(body) - end :]
    return f"{body[: len(body) - end].rstrip()} {marks}{stop}{words[len(body) :]}"


Found = tuple[Row, str]
"""A row, and the column of a cell of it."""


class _Lookup:
    """What stands in a table, by words and numbers."""

    def __init__(self, table: Table, task: str) -> None:
        self.contract: Contract = table.contract
        self._rows = {fold_key(row.name(table.contract)): row for row in table.rows}
        self._by_first_word: dict[str, list[str]] = defaultdict(list)
        for name in self._rows:
            if name:
                self._by_first_word[name.split()[0]].append(name)
        cells = [cell for row in table.rows for cell in row.cells.values()]
        texts = [cell.value for cell in cells] + [cell.raw for cell in cells]
        texts += [task, *(f"{c.name} {c.definition} {c.unit}" for c in table.contract.columns)]
        texts += [table.contract.notes, *(row.name(table.contract) for row in table.rows)]
        self._words = {fold_key(word) for text in texts for word in _NAME.findall(text)}
        self._numbers = {_plain(number) for text in texts for number in _NUMBER.findall(text)}
        filled = sum(bool(cell.value) for cell in cells)
        counts = (len(table.rows), len(table.contract.columns), len(cells), filled)
        self._numbers.update(map(str, counts))

    def cell(self, row: str, column: str) -> Found | None:
        """The cell that a mark names, if it is there and has a value."""
        found = self._rows.get(fold_key(row))
        names = {fold_key(name): name for name in self.contract.names}
        name = names.get(fold_key(column))
        if found is None or name is None or not found.cells[name].value:
            return None
        return found, name

    def cells_in(self, statement: str) -> Iterator[Found]:
        """The cells of rows that a statement names, the values of which it says."""
        folded = f" {_spaced(statement)} "
        numbers = {_plain(number) for number in _NUMBER.findall(statement)}
        for row in self._named_rows(folded):
            for column in self.contract.asked:
                value = row.cells[column.name].value
                if column.type == "number":
                    said = value in numbers or any(
                        normalise(n, column).value == value for n in numbers if value
                    )
                else:
                    said = len(value) >= _MIN_VALUE_CHARS and f" {_spaced(value)} " in folded
                if value and said:
                    yield row, column.name

    def _named_rows(self, folded: str) -> Iterator[Row]:
        found: dict[str, None] = {}
        for word in folded.split():
            for name in self._by_first_word.get(word, ()):
                if f" {_spaced(name)} " in folded:
                    found[name] = None
        return (self._rows[name] for name in found)

    def unsupported(self, statement: str) -> bool:
        """Whether it has a number or a name that stands in no cell, nor in the task."""
        if any(_plain(number) not in self._numbers for number in _NUMBER.findall(statement)):
            return True
        return any(fold_key(name) not in self._words for name in _names_in(statement))


def _names_in(statement: str) -> Iterator[str]:
    """Words that are written with a capital where a sentence would not ask for one."""
    words = list(_NAME.finditer(statement))
    for word in words[1:]:
        if word[0][0].isupper():
            yield word[0].removesuffix("'s").removesuffix("’s")


def _plain(number: str) -> str:
    """A number for comparison, its thousands together."""
    return _GROUPED.sub("", number).rstrip(".")


def _spaced(text: str) -> str:
    """The folded words with single spaces between them and no marks around them."""
    words = text.translate(_MARKUP).split()
    return " ".join(word for part in words if (word := fold_key(part).removesuffix("'s")))
