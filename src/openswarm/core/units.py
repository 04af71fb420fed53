"""Numbers and units as people write them: digits, multipliers, currencies, sizes of units.

Sizes are exact fractions of a dimension's own basis. What one spelling means in two trades (`nm`,
`MT`, `mil`) is `UNCLEAR` rather than guessed; a ton is a tonne, a gallon the American one, unless
more is said. Months and years are a dimension of their own, since they are no fixed number of days.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

UNCLEAR = "unclear"
"""The dimension of spellings that mean more than one thing."""


class Unit(NamedTuple):
    """One unit: `value * size + zero` is the value in the basis of its dimension."""

    dimension: str
    size: Fraction = Fraction(1)
    zero: Fraction = Fraction(0)


class Measure(NamedTuple):
    """What the words of a unit say: `million km2` is a power of 6 and a unit."""

    power: int | None = None
    """Ten to this power is the multiplier; none is said where it is None."""
    unit: Unit | None = None
    codes: frozenset[str] = frozenset()
    """The currencies that it may be: `$` may be many, `USD` is one."""
    said: str = ""
    """The words of the unit or the currency."""
    first: str = ""
    """The first word that is neither: `people` in `million people`."""

    @property
    def dimension(self) -> str:
        """The dimension, or '' where no unit is known."""
        return self.unit.dimension if self.unit else ""


_PREFIXES = {"n": ("nano", -9), "μ": ("micro", -6), "m": ("milli", -3), "c": ("centi", -2),
             "d": ("deci", -1), "": ("", 0), "h": ("hecto", 2), "k": ("kilo", 3), "M": ("mega", 6),
             "G": ("giga", 9), "T": ("tera", 12), "P": ("peta", 15), "E": ("exa", 18)}  # fmt: skip
_METRIC = (
    ("length", "m", "metre meter", "1", "μ m c d k"),
    ("mass", "g", "gram gramme", "1", "μ m k"),
    ("mass", "t", "tonne ton", "1e6", "k M G"),
    ("volume", "l", "litre liter", "0.001", "μ m c d h k"),
    ("time", "s", "second", "1", "n μ m"),
    ("power", "W", "watt", "1", "m k M G T"),
    ("energy", "Wh", "watthour", "3600", "k M G T P"),
    ("energy", "J", "joule", "1", "k M G T P E"),
    ("data", "B", "byte", "1", "k M G T P E"),
    ("data", "bit", "bit", "0.125", "k M G T"),
)
_OTHER = """
length 0.0254 in inch inches | 0.3048 ft foot feet | 0.9144 yd yds yard
length 1609.344 mi mile | 1852 nmi nauticalmile
mass 1e6 metricton metrictonne | 453.59237 lb lbs pound | 28.349523125 oz ounce
mass 6350.29318 stone | 907184.74 shortton uston | 1016046.9088 longton imperialton ukton
mass 31.1034768 ozt troyoz troyounce
area 10000 ha hectare | 1e10 Mha | 4046.8564224 acre
volume 0.001 L | 1e-6 mL cc | 0.003785411784 gal gallon usgal usgallon
volume 0.00454609 impgal ukgal imperialgallon ukgallon | 0.158987294928 bbl barrel
volume 0.0000295735295625 floz fluidounce usfloz | 0.000473176473 pint | 0.000946352946 quart
volume 1233.48183754752 acreft acrefoot acrefeet
time 1 sec secs | 60 min mins minute | 3600 h hr hrs hour | 86400 d day | 604800 wk week
calendar 1 month | 12 yr yrs year | 120 decade | 1200 century centuries
speed 1852/3600 kn kts knot | 1000/3600 kmh kph | 1609.344/3600 mph | 1 mps
power 745.69987158227022 hp horsepower
energy 4.184 cal calorie | 4184 kcal kilocalorie | 1055.05585262 btu | 1.60217663e-19 eV
data 1024 KiB kibibyte | 1048576 MiB mebibyte | 1073741824 GiB gibibyte | 1099511627776 TiB tebibyte
share 1 % percent pct percentage percentagepoint | 1/10 ‰ permille permil | 0.01 bps basispoint
share 0.0001 ppm | 0.0000001 ppb
unclear 1 nm MT mt mw ML Mb Gb Tb mil mils mill
"""
_CELSIUS = Unit("temperature", Fraction(1), Fraction("273.15"))
_FAHRENHEIT = Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9))
_DEGREES = {
    **dict.fromkeys(("C", "°C", "degC", "celsius", "centigrade", "degreescelsius",
                     "degreesC", "°celsius", "degreecelsius"), _CELSIUS),
    **dict.fromkeys(("F", "°F", "degF", "fahrenheit", "degreesfahrenheit", "degreesF",
                     "°fahrenheit"), _FAHRENHEIT),
    **dict.fromkeys(("kelvin", "kelvins", "degreeskelvin"), Unit("temperature")),
}  # fmt: skip
_KELVIN = Unit("temperature")
_PER_TIME = {"s": "1", "sec": "1", "second": "1", "h": "3600", "hr": "3600", "hour": "3600"}

_POWERS = {word: power for power, words in {
    2: "hundred hundreds", 3: "thousand thousands thsd tsd tausend", 5: "lakh lakhs",
    6: "million millions mn mln mio millionen millones", 7: "crore crores",
    9: "billion billions bn bln mrd milliard milliards milliarde milliarden",
    12: "trillion trillions tn trn tln", 15: "quadrillion quadrillions",
}.items() for word in words.split()}  # fmt: skip
_LETTERS = {"k": 3, "K": 3, "M": 6, "B": 9, "b": 9}
_MONEY_LETTERS = {**_LETTERS, "m": 6, "t": 12, "T": 12, "MM": 6}
_UNIT_NUMBERS = {"'000": 3, "000": 3, "000s": 3, "1000": 3, "1000s": 3, "1,000": 3, "10^3": 3,
                 "10^6": 6, "1,000,000": 6, "1000000": 6, "10^9": 9}  # fmt: skip

_DOLLARS = frozenset(["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "CLP", "ARS", "COP"])
_CODES = """
EUR GBP JPY CNY CHF INR PKR LKR BRL PEN UYU RUB KRW TRY ZAR SEK NOK DKK ISK PLN CZK HUF RON BGN
ILS AED SAR QAR KWD EGP MAD NGN KES GHS ETB TZS UGX THB IDR MYR PHP VND BDT UAH KZT XAF XOF XDR
"""
_SIGNS = {
    **{code: frozenset({code}) for code in (*_CODES.split(), *_DOLLARS)},
    **{sign: frozenset(codes.split()) for sign, codes in {
        "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
        "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "€": "EUR", "£": "GBP",
        "¥": "JPY CNY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₪": "ILS", "฿": "THB",
        "₫": "VND", "₦": "NGN", "₴": "UAH", "zł": "PLN", "kr": "SEK NOK DKK ISK", "SFr": "CHF",
        "Rs": "INR PKR LKR", "RMB": "CNY",
    }.items()},
    "$": _DOLLARS,
}  # fmt: skip
_MONEY_WORDS = {word: frozenset(codes.split()) for word, codes in {
    "euro": "EUR", "euros": "EUR", "usdollar": "USD", "usdollars": "USD", "yen": "JPY",
    "yuan": "CNY", "renminbi": "CNY", "poundsterling": "GBP", "poundssterling": "GBP",
    "sterling": "GBP", "rupees": "INR PKR LKR", "rubles": "RUB", "roubles": "RUB",
    "pesos": "MXN CLP ARS COP UYU PHP", "francs": "CHF XAF XOF", "swissfrancs": "CHF",
    "canadiandollars": "CAD", "australiandollars": "AUD", "hongkongdollars": "HKD",
    "singaporedollars": "SGD", "newzealanddollars": "NZD", "taiwandollars": "TWD",
    "dollar": " ".join(_DOLLARS), "dollars": " ".join(_DOLLARS),
}.items()}  # fmt: skip
_POUNDS = frozenset({"GBP", "EGP"})
_GLUED = re.compile(rf"\b(?:{'|'.join(filter(str.isalpha, _SIGNS))})(?=-?[0-9])")
_WORD = re.compile(r"[^\W\d_]+(?:\^?[23](?!\d))?|[%‰°$€£¥₹₩₽₺₪฿₫₦₴/]")
_MAX_WORDS = 4

MAX_DIGITS = 60
EXACT = Context(prec=400)
"""Arithmetic of numbers that were written down: nothing is rounded."""
_PLAIN_POWERS = range(-15, 41)
_SUPERSCRIPT = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]+")
_MARKS = str.maketrans({
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u207b", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"), "\u066b": ".", "\u066c": ",",
    **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff\u00ad"),
})  # fmt: skip
NUMBER = re.compile(
    r"""(?<!\w)(?<![0-9][.,'])(?<![^\W\d_][-^])(?<![^\W\d_]\^-)
    (?P<digits>\.?(?:[1-9][0-9]{0,2}(?:[ ][0-9]{3})+(?:[.,][0-9]+)?|[0-9]+(?:[.,'_][0-9]+)*))
    (?![.,'_]?[0-9])
    (?:[ ]?[x×*][ ]?10\^(?P<times>-?[0-9]{1,3})|\^(?P<of>-?[0-9]{1,3})
    |e(?P<e>[+-]?[0-9]{1,3})(?!\w))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""One number in a text that `plain` has folded."""
_POINT = re.compile(r"[0-9]*\.?[0-9]+")
_GROUPED = (
    (re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"), ",", "."),
    (re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?"), ",", "."),
    (re.compile(r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3}){2,}(?:,[0-9]+)?|\.[0-9]{3},[0-9]+)"), ".", ","),
    (re.compile(r"[1-9][0-9]{0,2}(?:([ '_])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?"), " '_", ","),
    (re.compile(r"[0-9]+,[0-9]+"), "", ","),
)


def plain(text: str) -> str:
    """A text with one sort of digits, dashes and spaces; superscripts become `^2`."""
    raised = _SUPERSCRIPT.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]), text)
    digits = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal()
        else f" {char} " if unicodedata.category(char) == "No"
        else char
        for char in raised
    )  # fmt: skip
    folded = unicodedata.normalize("NFKC", digits.translate(_MARKS))
    return " ".join(_GLUED.sub(r"\g<0> ", folded.translate(_MARKS)).split())


def read_number(match: re.Match[str]) -> Decimal | None:
    """What a match of `NUMBER` comes to: `19.658.839`, `1.234,56`, `1,234` and `1,5` are clear."""
    value = _digits(match["digits"])
    power = int(match["times"] or match["e"] or match["of"] or 0)
    if value is None or len(value.as_tuple().digits) > MAX_DIGITS:
        return None
    if match["of"]:
        return Decimal(1).scaleb(power, EXACT) if value == 10 else None
    return value.scaleb(power, EXACT)


def _digits(run: str) -> Decimal | None:
    if _POINT.fullmatch(run):
        return Decimal(run)
    for pattern, group, point in _GROUPED:
        if pattern.fullmatch(run):
            ungrouped = "".join(char for char in run if char not in group)
            return Decimal(ungrouped.replace(point, "."))
    return None


def written(value: Decimal) -> str:
    """The one way to write a number: no separators, no needless zeros, no exponent below 10^41."""
    if not value:
        return "0"
    value = value.normalize(EXACT)
    if value.adjusted() in _PLAIN_POWERS:
        return f"{value:f}"
    return f"{value:e}".replace("e+", "e")


def _inflected(words: str) -> Iterator[str]:
    for word in words.split():
        yield word
        if len(word) > 2:
            yield f"{word}s"


def _spelled() -> Iterator[tuple[str, Unit]]:
    """Every spelling of the table, without spaces."""
    for dimension, symbol, words, size, prefixes in _METRIC:
        for prefix in ("", *prefixes.split()):
            spoken, power = _PREFIXES[prefix]
            unit = Unit(dimension, Fraction(size) * Fraction(10) ** power)
            yield prefix + symbol, unit
            for word in _inflected(words):
                yield spoken + word, unit
    for line in _OTHER.strip().splitlines():
        dimension, _, rest = line.partition(" ")
        for entry in rest.split("|"):
            size, _, words = entry.strip().partition(" ")
            top, _, bottom = size.partition("/")
            unit = Unit(dimension, Fraction(top) / Fraction(bottom or 1))
            yield from ((word, unit) for word in _inflected(words))
    yield from _DEGREES.items()


def _derived(lengths: Mapping[str, Unit]) -> Iterator[tuple[str, Unit]]:
    """Areas, volumes and speeds, from all spellings of lengths."""
    for word, (_, size, _) in lengths.items():
        square, cube = Unit("area", size**2), Unit("volume", size**3)
        for spelling in (f"{word}2", f"{word}squared", f"sq{word}", f"square{word}"):
            yield spelling, square
        for spelling in (f"{word}3", f"{word}cubed", f"cu{word}", f"cubic{word}"):
            yield spelling, cube
        for time, seconds in _PER_TIME.items():
            speed = Unit("speed", size / Fraction(seconds))
            yield from ((f"{word}{per}{time}", speed) for per in ("/", "per"))


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, Unit], dict[str, Unit]]:
    """All spellings as they are, and those whose case does not matter."""
    exact = dict(_spelled())
    exact |= dict(_derived({w: u for w, u in exact.items() if u.dimension == "length"}))
    folded: dict[str, Unit] = {}
    for word, unit in exact.items():
        if len(word) > 1:
            folded.setdefault(word.casefold(), unit)
    return exact, folded | {w: u for w, u in exact.items() if u.dimension == UNCLEAR}


def words_of(text: str) -> list[str]:
    """The words and signs of a text that has been folded, without its numbers."""
    return [word.replace("^", "") for word in _WORD.findall(text)]


def _unit(spelling: str, dimension: str) -> Unit | None:
    """A unit by its spelling, which in a column of its dimension may be a letter (`K`, `B`)."""
    if spelling == "K":
        return _KELVIN if dimension == "temperature" else None
    exact, folded = _tables()
    found = exact.get(spelling) or (folded.get(spelling.casefold()) if len(spelling) > 1 else None)
    only_there = spelling == "B" or spelling.casefold() == "in"
    return found if found and (not only_there or found.dimension == dimension) else None


def _money(spelling: str, *, pounds: bool) -> frozenset[str]:
    if pounds and spelling.casefold() in {"pound", "pounds"}:
        return _POUNDS
    return _SIGNS.get(spelling) or _MONEY_WORDS.get(spelling.casefold()) or frozenset()


def _power(spelling: str, dimension: str, *, money: bool) -> int | None:
    letters = _MONEY_LETTERS if money else _LETTERS
    if (spelling == "K" and dimension == "temperature") or (
        spelling in "Bb" and dimension == "data"
    ):
        return None
    return letters.get(spelling, _POWERS.get(spelling.casefold()))


def measure(words: Sequence[str], column: Measure, *, money: bool = False) -> Measure:
    """What the words directly after a number say, in a column of this measure.

    A lone `m` is a million beside money, a metre in a column with a dimension, and else `UNCLEAR`.
    """
    found = Measure()
    money = money or bool(column.codes)
    at = 0
    while at < len(words):
        for many in range(min(_MAX_WORDS, len(words) - at), 0, -1):
            spelling, shown = "".join(words[at : at + many]), _shown(words[at : at + many])
            is_money = money or bool(found.codes)
            power = _power(spelling, column.dimension, money=is_money)
            first = found.power is None
            if power is not None and (first or (len(spelling) > 1 and not found.said)):
                found = found._replace(power=power + (found.power or 0))
            elif found.said:
                continue
            elif codes := _money(spelling, pounds=bool(column.codes & _POUNDS)):
                found = found._replace(codes=codes, said=shown)
            elif (unit := _unit(spelling, column.dimension)) and not (
                spelling.casefold() == "in" and at + many < len(words)
            ):
                unit = Unit(UNCLEAR) if spelling == "m" and not column.dimension else unit
                found = _per(found._replace(unit=unit, said=shown), words[at + many :])
            else:
                continue
            at += many
            break
        else:
            return _beyond(found, words[at:], pounds=bool(column.codes & _POUNDS))
    return found


def _shown(words: Sequence[str]) -> str:
    return (" " if all(word.isalpha() for word in words) else "").join(words)


def _beyond(found: Measure, words: Sequence[str], *, pounds: bool) -> Measure:
    """A word that is not known, and the currency that may stand behind it (`Japanese yen`)."""
    found = found._replace(first=words[0].casefold())
    codes = _money("".join(words[1:2]), pounds=pounds)
    return found if found.said or not codes else found._replace(codes=codes, said=words[1])


def _per(found: Measure, after: Sequence[str]) -> Measure:
    """A unit that another one divides is neither: `kg/m3`, while `kg per person` is `kg`."""
    if after and after[0] in {"/", "per"}:
        for many in range(min(_MAX_WORDS, len(after) - 1), 0, -1):
            spelling = "".join(after[1 : 1 + many])
            if _unit(spelling, ""):
                said = f"{found.said} per {spelling}"
                return found._replace(unit=Unit(said), said=said)
    return found


def money_before(words: Sequence[str]) -> tuple[frozenset[str], str]:
    """The currencies that the last words before a number name, and those words."""
    for many in (2, 1):
        spelling = "".join(words[-many:])
        if codes := _money(spelling, pounds=False):
            return codes, spelling
    return frozenset(), ""


@lru_cache(maxsize=256)
def column_measure(text: str) -> Measure:
    """What a column's unit says. A unit that is not known has a measure without a dimension."""
    words = [word for word in words_of(plain(text)) if word.casefold() != "of"]
    words = words[1:] if len(words) > 1 and words[0].casefold() == "in" else words
    power = next((_UNIT_NUMBERS[w] for w in text.split() if w in _UNIT_NUMBERS), None)
    if whole := _whole(words):
        return Measure(power=power, unit=whole, said=text)
    codes = next((c for c, _ in (money_before(words[: i + 1]) for i in range(len(words))) if c),
                 frozenset[str]())  # fmt: skip
    rest: list[str] = []
    for word in words:
        said = _power(word, "", money=bool(codes))
        if said is not None and power is None:
            power = said
        else:
            rest.append(word)
    if codes or not rest:
        return Measure(power=power, codes=codes, said=text)
    return Measure(power=power, unit=_leading(rest), said=text, first=rest[0].casefold())


def _whole(words: Sequence[str]) -> Unit | None:
    spelling = "".join(words)
    if spelling in {"K", "B"}:
        return _KELVIN if spelling == "K" else Unit("data")
    return _unit(spelling, "length")


def _leading(words: Sequence[str]) -> Unit | None:
    """The unit that a column's words begin with, where nothing divides it."""
    for many in range(min(_MAX_WORDS, len(words)), 0, -1):
        unit = _whole(words[:many])
        if unit:
            return None if words[many : many + 1] in (["/"], ["per"]) else unit
    return None
