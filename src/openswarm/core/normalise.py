"""Values in one form each: what a column's type makes of the words that an agent writes.

Nothing is guessed: what could be read in two ways is a problem, in words that go back to whoever
wrote it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from openswarm.core import units
from openswarm.core.contract import MAX_VALUE_CHARS, Column, fold_key
from openswarm.core.units import NUMBER, UNCLEAR, Measure, plain, words_of


class Normal(NamedTuple):
    """A value in the one form of its column's type, or what is wrong with it."""

    value: str
    """'' where the text says that there is none; the text itself where there is a problem."""
    problem: str = ""
    """What is wrong, in words that follow `COLUMN: `."""


class _Problem(Exception):
    """Ends the reading of one value."""


_NOTHING = frozenset({
    "null", "n/a", "n.a", "unknown", "unspecified", "undisclosed", "no data", "no information",
    "tbd", "?", "??", *(f"not {word}" for word in (
        "found", "available", "given", "stated", "known", "specified", "provided", "reported",
        "disclosed", "mentioned", "applicable", "listed")),
})  # fmt: skip
_NOTHING_BUT_IN_WORDS = frozenset({"none", "na", "nan"})
"""Said of a number, date, url or boolean; in a text it may be the value (Na, none)."""
_SHOWN = 60
_CANONICAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]{1,3})?")


def is_nothing(text: str) -> bool:
    """Whether a text says that there is no value. Marks alone do (`-`); `0` and `none` do not."""
    return _bare(text) in _NOTHING or not _bare(text)


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .()[]-‐‑‒–—―−\"'…")


def normalise(raw: str, column: Column) -> Normal:
    """The value in the one form of the column's type; the same again for what it returns.

    A bare number is in the column's unit, its multiplier included: `19.6` of `million people` is
    19.6, and `19,658,839` stays as it is. With its word, `19,658,839 people`, it is 19.658839.
    """
    text = " ".join(raw.split())
    try:
        return Normal(_read(text, column))
    except _Problem as problem:
        return Normal(text, str(problem))


def _read(text: str, column: Column) -> str:
    if column.type == "text":
        return "" if is_nothing(text) else text
    if len(text) > MAX_VALUE_CHARS:
        raise _Problem(f"{_quoted(text)} is not a {column.type}: it is too long")
    if column.type == "enum":
        return _enum(text, column)
    if is_nothing(text) or _bare(text) in _NOTHING_BUT_IN_WORDS:
        return ""
    if column.type == "number":
        return _number(text, column.unit)
    if column.type == "url":
        return _url(text)
    return _date(text) if column.type == "date" else _boolean(text)


def same_value(a: str, b: str, column: Column) -> bool:
    """Whether two normalised values count as one: numbers by what they are, texts by `fold_key`."""
    if column.type == "number" and _CANONICAL.fullmatch(a) and _CANONICAL.fullmatch(b):
        return Decimal(a) == Decimal(b)
    return a == b or fold_key(a) == fold_key(b)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _boolean(text: str) -> str:
    said = fold_key(text)
    if said in {"yes", "true", "y", "1"}:
        return "yes"
    if said in {"no", "false", "n", "0"}:
        return "no"
    raise _Problem(f"{_quoted(text)} is not a boolean; write yes or no")


def _enum(text: str, column: Column) -> str:
    for fold in (fold_key, _squeezed):
        said = fold(text)
        found = [option for option in column.options if said and fold(option) == said]
        if len(found) == 1:
            return found[0]
    if is_nothing(text) or _bare(text) in _NOTHING_BUT_IN_WORDS:
        return ""
    options = ", ".join(column.options[:20]) + (", …" if len(column.options) > 20 else "")
    raise _Problem(f"{_quoted(text)} is none of its options; write one of: {options}")


def _squeezed(text: str) -> str:
    return re.sub(r"[-_ ]", "", fold_key(text))


# numbers

_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_RANGE = re.compile(r"[0-9]\s?(?:[-/:]|\.{2,})\s?[~$€£]?[0-9]")
_DENIAL = re.compile(r"(?:no|not|none|never|unknown|n/a)\b(?!\.? ?[0-9])", re.IGNORECASE)
_YEAR = r"(?:1[5-9]|20)[0-9]{2}\b(?![.,][0-9])"
_LABEL = re.compile(
    rf"""^{_YEAR}[ ]?:|\b(?:as[ ]of|as[ ]at|in|for|by|since|year|fy|census)[ ](?:the[ ])?
    (?:[0-9]{{1,2}}(?:st|nd|rd|th)?[ ])?(?:[a-z]{{3,9}}\.?[ ])?(?:[0-9]{{1,2}},[ ])?{_YEAR}""",
    re.IGNORECASE | re.VERBOSE,
)
"""A year that says when a number held."""
_SIGN = r"(?:[A-Z]{0,2}[$€£¥₹₩₽₺₪฿₫₦₴]|[A-Z]{3})"
_NEGATIVE = re.compile(
    rf"(?:(?:^|[\s(~≈=:<>$€£¥₹])-|^-\s|(?:^|[\s(])-\s?{_SIGN}\s?|\b(?:[Mm]inus|[Nn]egative)\s)$"
)
_ROUGH = Context(prec=12)
"""How exact a value is that was converted."""
_MAX_POWER = 99


class _Quantity(NamedTuple):
    value: Decimal
    said: Measure


def _number(text: str, unit: str) -> str:
    """Read with brackets aside, which hold years, notes and conversions; then with them."""
    column = units.column_measure(unit)
    inside: list[str] = []
    said = _without_unit(plain(text), unit)
    outside = _BRACKETS.sub(lambda match: _cut(match[1], inside), said)
    if _DENIAL.match(said) or not NUMBER.search(said):
        raise _Problem(f"{_quoted(text)} is not a number; write it in digits")
    if NUMBER.search(outside):
        found = _one(outside, column, text)
        if found.said.unit and column.unit and found.said.unit != column.unit:
            found = next(_stated(inside, column), found)
    elif len(inside) == 1 and not units.measure(words_of(outside), column).first:
        found = _one(_BRACKETS.sub(r" \1 ", said), column, text)
        if column.codes or found.said.codes:
            found = found._replace(value=found.value.copy_negate())
    else:
        raise _Problem(f"{_quoted(text)} is not one number; write one number alone")
    value = _converted(found, column, unit, text)
    if value and abs(value.adjusted()) > _MAX_POWER:
        raise _Problem(f"{_quoted(text)} is not a number that can be kept: it is too extreme")
    return units.written(value)


def _without_unit(text: str, unit: str) -> str:
    """A text without the words of a unit that has a number in it (`per 1000`)."""
    if not NUMBER.search(plain(unit)) or NUMBER.fullmatch(text.removeprefix("-")):
        return text
    left = re.sub(rf"(?<!\w){re.escape(plain(unit))}(?!\w)", " ", text, flags=re.IGNORECASE)
    return left if NUMBER.search(left) else text


def _cut(content: str, inside: list[str]) -> str:
    if NUMBER.search(content):
        inside.append(content)
        return " "
    return f" {content} "


def _one(text: str, column: Measure, shown: str) -> _Quantity:
    """The one quantity of a text; years that label it, and its repetitions, do not count."""
    found = _quantities(text, column)
    if len(found) > 1:
        text = _LABEL.sub(" ", text)
        found = _quantities(text, column)
    if len(set(found)) != 1 or found[0] is None or _RANGE.search(text):
        raise _Problem(f"{_quoted(shown)} is not one number; write one number alone")
    return found[0]


def _quantities(text: str, column: Measure) -> list[_Quantity | None]:
    """What each number of a text says with the words beside it; None where its digits are odd."""
    found: list[_Quantity | None] = []
    matches = list(NUMBER.finditer(text))
    ends = [*(match.start() for match in matches[1:]), len(text)]
    for match, end, begin in zip(matches, ends, [0, *(m.end() for m in matches)], strict=False):
        before, after = text[begin : match.start()], text[match.end() : end]
        codes, sign = units.money_before(words_of(before))
        said = units.measure(words_of(re.split("[;:,!?]", after)[0]), column, money=bool(codes))
        if codes:
            said = said._replace(unit=None, codes=codes, said=sign)
        value = units.read_number(match)
        negative = _NEGATIVE.search(before)
        found.append(
            value if value is None else _Quantity(value.copy_negate() if negative else value, said)
        )
    return found


def _stated(inside: Sequence[str], column: Measure) -> Iterator[_Quantity]:
    """What brackets say in the column's own unit, so that it need not be converted."""
    for content in inside:
        match _quantities(content, column):
            case [_Quantity(said=said) as only] if said.unit == column.unit:
                yield only


def _converted(found: _Quantity, column: Measure, unit: str, text: str) -> Decimal:
    value, said = found
    if said.dimension == UNCLEAR and column.dimension != UNCLEAR:
        where = f", in {unit}" if unit else ""
        raise _Problem(f"{_quoted(text)}: {said.said!r} is unclear; write digits alone{where}")
    if said.codes:
        strange = bool(unit) and not said.codes & column.codes
    elif said.unit:
        known = column.unit or column.codes or (unit and said.dimension == "share")
        strange = bool(known) and said.dimension != column.dimension
    else:
        strange = False
    if strange:
        raise _Problem(f"{_quoted(text)} is in {said.said}, not in {unit}")
    value = value.scaleb(_shift(found, column, unit, text), units.EXACT)
    if not said.unit or not column.unit or said.unit == column.unit:
        return value
    basis = Fraction(value) * said.unit.size + said.unit.zero
    exact = (basis - column.unit.zero) / column.unit.size
    return _ROUGH.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def _shift(found: _Quantity, column: Measure, unit: str, text: str) -> int:
    """By how many places the multipliers of the text and of the column move the point."""
    value, said = found
    if said.power is not None or column.power is None:
        return (said.power or 0) - (column.power or 0)
    if said.unit and column.unit and said.unit != column.unit:
        return -column.power
    named = bool(
        said.codes or (said.unit and column.unit) or (said.first and said.first == column.first)
    )
    if named and value.copy_abs() < 10**column.power:
        raise _Problem(
            f"{_quoted(text)} leaves its multiplier open; write the number alone, in {unit}"
        )
    return -column.power if named else 0


# dates

_MONTHS = {name: number for number, names in enumerate((
    "jan january januar janvier janv enero ene janner", "feb february februar fevrier fevr febrero",
    "mar march marz maerz mrz mars marzo", "apr april avril avr abril abr", "may mai mayo",
    "jun june juni juin junio", "jul july juli juillet juil julio", "aug august aout agosto ago",
    "sep sept september septembre septiembre", "oct october oktober okt octobre octubre",
    "nov november novembre noviembre", "dec december dezember dez decembre diciembre dic",
), start=1) for name in names.split()}  # fmt: skip
_SAID_BESIDE = """
the of on in de del den der le el am about circa ca c approx approximately est ad ce
monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
montag dienstag mittwoch donnerstag freitag samstag sonntag mo di mi do fr sa so
lundi mardi mercredi jeudi vendredi samedi dimanche lun mer jeu ven sam dim
lunes martes miercoles jueves viernes sabado domingo mie jue vie sab dom
"""
_BESIDE_DATES = frozenset(_SAID_BESIDE.split())
_BEFORE_CHRIST = re.compile(r"\b(?:bce?|b\. ?c|v\. ?chr|av\. ?j|a\. ?c)\b|(?<!\w)-[0-9]")
_TIME = re.compile(
    r"(?<=[0-9])(?:t|,? )[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?[ap]m)?"
    r"(?: ?(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th|er|o)\b")
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})(?:\2([0-9]{1,2}))?)?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_PIVOT = 69
"""Two digits from here on are a year of the 20th century."""


def _date(text: str) -> str:
    """Read with brackets aside. Weekdays, times and `about` may stand beside it, no other words."""
    found = set(_dates(text))
    if not found:
        raise _Problem(f"{_quoted(text)} is not a date; write YYYY-MM-DD, YYYY-MM or YYYY")
    real = {written for parts in found if (written := _iso(parts))}
    if not real:
        raise _Problem(f"{_quoted(text)} is not a day of the calendar; write YYYY-MM-DD")
    if len(real) > 1:
        raise _Problem(f"{_quoted(text)} may be two dates; write YYYY-MM-DD, or YYYY-MM")
    return real.pop()


def _dates(text: str) -> Iterator[tuple[int, ...]]:
    """All readings of a text, in the order year, month, day."""
    spelled = unicodedata.normalize("NFD", plain(text).casefold())
    said = "".join(char for char in spelled if unicodedata.category(char) != "Mn")
    outside = " ".join(_BRACKETS.sub(" ", said).split())
    said = _TIME.sub("", outside if re.search("[0-9]", outside) else said.strip("()[]"))
    words = [word for word in re.split(r"[\s,~]+", said) if word.strip(".") not in _BESIDE_DATES]
    figures = _ORDINAL.sub("", " ".join(filter(None, words)))
    if _BEFORE_CHRIST.search(figures):
        return
    if match := _YEAR_FIRST.fullmatch(figures):
        yield tuple(int(part) for part in match.group(1, 3, 4) if part)
        if match[2] == "/" and not match[4] and int(match[1][2:]) + 1 == int(match[3]):
            yield (int(match[3]) + int(match[1][:2]) * 100,)
    elif match := _YEAR_LAST.fullmatch(figures):
        yield from _readings(*match.groups())
    elif re.fullmatch(r"[\w .'-]*\w\.?", figures):
        yield from _named(re.findall(r"[^\W\d_]+|[0-9]+", figures))


def _readings(first: str, mark: str, second: str, last: str) -> Iterator[tuple[int, ...]]:
    """What `1.2.24` and its like may mean, in the order year, month, day."""
    yield _year(last), int(second), int(first)
    if mark != ".":
        yield _year(last), int(first), int(second)
    if mark == "-" and len(first) == len(last) == 2:
        yield _year(first), int(second), int(last)


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= _PIVOT else 2000)


def _named(parts: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """A date with the name of its month: `D M Y`, `M D Y`, `Y M D`, `M Y` or `Y M`."""
    shape = "".join(
        "m" if part in _MONTHS
        else {1: "d", 2: "d", 4: "y"}.get(len(part), "?") if part.isdigit()
        else "?"
        for part in parts
    )  # fmt: skip
    by = dict(zip(shape, parts, strict=True))
    if shape in {"dmy", "mdy", "ymd"}:
        yield int(by["y"]), _MONTHS[by["m"]], int(by["d"])
    elif shape in {"my", "ym"}:
        yield int(by["y"]), _MONTHS[by["m"]]
    elif shape == "dmd" and len(parts[2]) == 2:
        yield _year(parts[2]), _MONTHS[by["m"]], int(parts[0])


def _iso(parts: tuple[int, ...]) -> str:
    """The date in the one form, or '' where the calendar has no such day."""
    try:
        date(*(*parts, 1, 1)[:3])
    except ValueError:
        return ""
    return "-".join(f"{part:0{4 if at == 0 else 2}}" for at, part in enumerate(parts))


# urls


def _url(text: str) -> str:
    text = text[1:-1].strip() if text[0] + text[-1] == "<>" else text
    refused = f"{_quoted(text)} is not a url"
    if not re.match(r"https?://", text, re.IGNORECASE):
        raise _Problem(f"{refused}; begin it with https://")
    if any(char.isspace() or char < " " or char == "\x7f" for char in text):
        raise _Problem(f"{refused}: there is white space in it")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _Problem(refused) from None
    if "@" in parts.netloc:
        raise _Problem(f"{refused} to keep: leave the user name and password out")
    if not any(char.isalnum() for char in host) or set(host) & set('<>"{}|\\^`'):
        raise _Problem(f"{refused}: it has no host")
    return _rebuilt(parts, f"[{host}]" if ":" in host else host, port)


def _rebuilt(parts: SplitResult, host: str, port: int | None) -> str:
    """A path of `/` alone is left out, but where a query follows it."""
    kept = "" if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    path = "" if parts.path == "/" else parts.path
    path = path or ("/" if query or fragment else "")
    return f"{parts.scheme}://{host}{kept}{path}{query}{fragment}"
