"""What a statement says, in forms that can be compared with cells: numbers, dates, words, names."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from openswarm.core.contract import Column
from openswarm.core.normalise import normalise

_GROUP = "[,.'’_\u00a0\u2009\u202f]"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.,)\]])[-−–]|\b[Mm]inus )?(?<!\w)(?<!\w[.,-])"
    rf"(?P<digits>\d{{1,3}}(?: \d{{3}})+(?:[.,]\d{{1,12}})?(?![\d.,]*\d)|\d+(?:{_GROUP}\d+)*)"
    r"(?P<word>\s?(?:thousand|k|million|mio|mn|m|billion|bn|trillion)s?\b)?",
    re.IGNORECASE,
)
_POWERS = {"thousand": 3, "k": 3, "million": 6, "mio": 6, "mn": 6, "m": 6,
           "billion": 9, "bn": 9, "trillion": 12}  # fmt: skip
_HEDGE = re.compile(
    r"(?:about|around|roughly|approximately|approx\.|nearly|almost|over|some|circa|c\.|ca\.|[~≈∼])"
    r"\s*$",
    re.IGNORECASE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}(?:-\d{{2}})?|(?:\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?)?{_MONTH}\s"
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s)?\d{{4}})\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+[+#]*")
_NAME = re.compile(r"(?<![\w.])[^\W\d_][\w'’-]+")
_BEGINS = re.compile(r"(?:^|[:!?\"“„«‘>]|\.)[\s*_\"“„«‘]*$")
_MAX_DIGITS = 60
_DAY = Column(name="day", type="date")
_DAYS = """
january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday
"""
_CALENDAR = frozenset(_DAYS.split())
_COUNTED = re.compile(r"\s*(?:of|out of|rows?|columns?|cells?|sub-agents?|sources?)\b")


class Number(NamedTuple):
    """A number as it may be meant."""

    readings: frozenset[Decimal]
    slack: Decimal
    """How far a value may be from it: it was rounded."""
    counts: bool
    """Whether the words after it say that it counts parts of the table."""


class Said(NamedTuple):
    """What a statement says."""

    numbers: tuple[Number, ...]
    dates: frozenset[str]
    """In the one form of a date, years alone among them."""
    words: str
    """Folded, with a space around each."""


def said_in(text: str) -> Said:
    """What a statement says that may stand in a cell."""
    dates, rest = dates_in(text)
    numbers = tuple(numbers_in(rest))
    years = {str(value) for number in numbers for value in number.readings}
    return Said(numbers, frozenset((*dates, *years)), f" {' '.join(words_of(text))} ")


def words_of(text: str) -> list[str]:
    """The words, folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def numbers_in(text: str) -> Iterator[Number]:
    """The numbers of a text from which dates were taken."""
    for match in _NUMBER.finditer(text):
        digits = match["digits"]
        if len(digits) > _MAX_DIGITS:
            yield Number(frozenset(), Decimal(0), counts=False)
            continue
        word = (match["word"] or "").strip().casefold()
        power = _POWERS.get(word) or _POWERS.get(word.removesuffix("s"), 0)
        read = _readings(digits)
        readings = {-value if match["sign"] else value for value in read}
        slack = Decimal(0)
        if power or _HEDGE.search(text[max(0, match.start() - 16) : match.start()]):
            slack = max(map(_unit_of, read), default=slack)
        counts = bool(_COUNTED.match(text, match.end()))
        yield Number(frozenset(v.scaleb(power) for v in readings), slack.scaleb(power), counts)


@lru_cache(maxsize=20_000)
def _readings(digits: str) -> frozenset[Decimal]:
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in digits)
    plain = re.sub("['’_ \u00a0\u2009\u202f]", "", plain)
    marks = re.sub(r"\d", "", plain)
    whole = re.sub("[.,]", "", plain)
    if not marks:
        return frozenset({Decimal(plain)})
    last = max(plain.rfind("."), plain.rfind(","))
    point = Decimal(re.sub("[.,]", "", plain[:last]) + "." + plain[last + 1 :])
    grouped = re.fullmatch(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*", plain)
    if len(marks) > 1 and len(set(marks)) == 1:
        return frozenset({Decimal(whole)} if grouped else ())
    if grouped:
        return frozenset({Decimal(whole), point} if marks == "." else {Decimal(whole)})
    return frozenset({point})


def _unit_of(value: Decimal) -> Decimal:
    """One unit of the last digit that is not an ending zero of a whole number: people cut as well
    as round."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if exponent == 0:
        exponent = len(digits) - len("".join(map(str, digits)).rstrip("0") or "0")
    return Decimal(1).scaleb(exponent)


def dates_in(text: str) -> tuple[list[str], str]:
    """The dates in the one form, and the text without them."""
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        value, problem = normalise(match[0], _DAY)
        if problem or not value:
            return match[0]
        found.append(value)
        return " " * len(match[0])

    return found, _DATE.sub(take, text)


def names_in(text: str) -> Iterator[str]:
    """Words that are written with a capital where a sentence would not ask for one."""
    for word in _NAME.finditer(text):
        name = word[0]
        if (
            name[0].isupper()
            and not _BEGINS.search(text[max(0, word.start() - 8) : word.start()])
            and not name.startswith(("I'", "I’"))
            and name.casefold() not in _CALENDAR
        ):
            yield name
