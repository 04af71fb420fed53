"""A fact: what a column of a task asks, and how its values are compared.

Owns the contracts of tasks that ask facts about entities, and how a number is read out of a text.
Knows no corpus.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from openswarm.core.columns import keyed
from openswarm.core.contract import Column, Contract, make_column
from openswarm.evals.task import ColumnCheck

FactType = Literal["text", "number"]

_NUMBER = re.compile(
    r"\s*(?P<sign>[-−]?)\$?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>\.\d+)?(?![\d,.]*\d)"
    r"(?!\s*(?:million|billion|trillion)\b)"
)
_TEXT_CHECK = ColumnCheck(preprocess=("norm_str",), metrics=("exact_match",))


@dataclass(frozen=True)
class Fact:
    """A fact that an entity may have."""

    name: str
    """The column."""
    phrase: str
    """What a question calls it, with the unit of a number; also the column's definition."""
    type: FactType = "number"
    unit: str = ""

    @property
    def column(self) -> Column:
        """The column of a contract."""
        unit = self.unit if self.type == "number" else ""
        return make_column(name=self.name, definition=self.phrase, type=self.type, unit=unit)

    @property
    def check(self) -> ColumnCheck:
        """Numbers must be equal, texts equal up to case and white space."""
        if self.type == "text":
            return _TEXT_CHECK
        return ColumnCheck(preprocess=("extract_number",), metrics=("number_near",), criterion=0.0)


def contract_for(key: str, meaning: str, facts: Sequence[Fact]) -> Contract:
    """The table of some facts, a row for every value of the key column."""
    return keyed([make_column(name=key, definition=meaning), *(f.column for f in facts)], (key,))


def checks_for(key: str, facts: Sequence[Fact]) -> dict[str, ColumnCheck]:
    """How the columns of such a table are compared."""
    return {key: _TEXT_CHECK} | {fact.name: fact.check for fact in facts}


def number_in(text: str) -> str | None:
    """The number that a text begins with, as digits with a point: `$2,381,740 (2024)` is
    `2381740`. None where there is none, or where it counts millions."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    sign = "-" if match["sign"] else ""
    return f"{sign}{match['digits'].replace(',', '')}{match['rest'] or ''}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; another word than `and` before the last if one is given."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def alone(question: str, fact: Fact) -> str:
    """A question that has one answer; of a number it says how to write it."""
    if fact.type == "text":
        return question
    return f"{question} Answer with the number alone, in digits and without its unit."


def stands_in(value: str, text: str) -> bool:
    """Whether a value stands in a text as a whole word, thousands written either way."""
    found = rf"(?<![\w.]){re.escape(value.casefold())}(?!\w|\.\d)"
    return re.search(found, _ungrouped(text)) is not None


@lru_cache(maxsize=256)
def _ungrouped(text: str) -> str:
    """A text without case and without the commas that set off thousands."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("−", "-").casefold()
