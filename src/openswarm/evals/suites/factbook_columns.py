"""What is asked of countries: the facts that both editions of the World Factbook state plainly.

Owns where each fact stands in the files and how its text has to look to count. A value that has a
note, a range or a unit of another size is no fact of that country, so it is never asked.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from openswarm.evals.suites.facts import Fact, number_in

People, Land, Economy, State = "People and Society", "Geography", "Economy", "Government"

FACTS: tuple[Fact, ...] = (
    Fact("area", "total area in square kilometres", unit="sq km"),
    Fact("coastline", "length of the coastline in kilometres", unit="km"),
    Fact("highest point", "name of the highest point", "text"),
    Fact("highest elevation", "elevation of the highest point in metres", unit="m"),
    Fact("population", "total population", unit="people"),
    Fact("median age", "median age of the total population in years", unit="years"),
    Fact("birth rate", "birth rate per 1,000 population"),
    Fact("death rate", "death rate per 1,000 population"),
    Fact("infant mortality", "total infant mortality rate per 1,000 live births"),
    Fact("life expectancy", "life expectancy at birth of the total population in years",
         unit="years"),
    Fact("fertility rate", "total fertility rate in children born per woman"),
    Fact("urban share", "urban population in percent of the total population", unit="%"),
    Fact("capital", "name of the capital", "text"),
    Fact("government", "type of government", "text"),
    Fact("internet code", "internet country code with its dot", "text"),
    Fact("top export partner", "country that takes the largest share of its exports", "text"),
    Fact("GDP per capita 2024", "real GDP per capita of 2024 in US dollars", unit="USD"),
    Fact("inflation 2024", "inflation rate of consumer prices of 2024 in percent", unit="%"),
    Fact("airports", "number of airports"),
    Fact("railways", "total length of railways in kilometres", unit="km"),
)  # fmt: skip
"""In the order in which the documents state them."""

BY_NAME: dict[str, Fact] = {fact.name: fact for fact in FACTS}

CHANGING: tuple[str, ...] = (
    "population", "median age", "birth rate", "death rate", "infant mortality",
    "life expectancy", "fertility rate", "urban share", "airports", "railways",
)  # fmt: skip
"""The facts that both editions have and that change."""

_PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "area": ((Land, "Area", "total"),),
    "coastline": ((Land, "Coastline"),),
    "highest point": ((Land, "Elevation", "highest point"),),
    "highest elevation": ((Land, "Elevation", "highest point"),),
    "population": ((People, "Population", "total"), (People, "Population")),
    "median age": ((People, "Median age", "total"),),
    "birth rate": ((People, "Birth rate"),),
    "death rate": ((People, "Death rate"),),
    "infant mortality": ((People, "Infant mortality rate", "total"),),
    "life expectancy": ((People, "Life expectancy at birth", "total population"),),
    "fertility rate": ((People, "Total fertility rate"),),
    "urban share": ((People, "Urbanization", "urban population"),),
    "capital": ((State, "Capital", "name"),),
    "government": ((State, "Government type"),),
    "internet code": (("Communications", "Internet country code"),),
    "top export partner": ((Economy, "Exports - partners"),),
    "GDP per capita 2024": ((Economy, "Real GDP per capita", "Real GDP per capita 2024"),),
    "inflation 2024": (
        (Economy, "Inflation rate (consumer prices)", "Inflation rate (consumer prices) 2024"),
    ),
    "airports": (("Transportation", "Airports"),),
    "railways": (("Transportation", "Railways", "total"),),
}
_PEAK = re.compile(r"([^\d;()]{3,40}?)\s+(-?\d{1,3}(?:,\d{3})*) m")
_PLAIN = re.compile(r"[^\d;(),:]{3,60}")
_NOTHING = re.compile(r"(?i)(?:no|none|na|not)\b")
_CODE = re.compile(r"\.[a-z]{2}")
_SHARE = re.compile(r"\s*([^\d%;()]{2,40}?) (\d+(?:\.\d+)?)%")
_TAG = re.compile(r"<[^>]*>")
_MAX_CHARS = 20_000


def value_of(name: str, country: Mapping[str, Any]) -> str | None:
    """The fact of a country's file, or None where the file does not state it plainly."""
    text = next(filter(None, (text_at(country, path) for path in _PATHS[name])), "")
    if name in ("highest point", "highest elevation"):
        peak = _PEAK.fullmatch(text)
        return None if peak is None else (peak[1], peak[2].replace(",", ""))[name.endswith("ion")]
    if name == "top export partner":
        return leading(shares_in(text))
    if name == "internet code":
        return text if _CODE.fullmatch(text) else None
    if BY_NAME[name].type == "text":
        text = text.partition(";")[0].strip()
        return text if _PLAIN.fullmatch(text) and not _NOTHING.match(text) else None
    return number_in(text)


def text_at(country: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The text at a path as one line of plain words; '' where there is none."""
    value: Any = country
    for name in path:
        entries = value.items() if isinstance(value, Mapping) else ()
        value = next((entry for key, entry in entries if key.strip() == name), None)
    text = value.get("text") if isinstance(value, Mapping) else value
    return plain(text) if isinstance(text, str) else ""


def plain(text: str) -> str:
    """A text of the files without marks of HTML, in one line."""
    text = re.sub(r"(?i)<br\s*/?>|<p>", " ", text[:_MAX_CHARS])
    return " ".join(unescape(_TAG.sub("", text)).replace("++", " ").split())


def shares_in(text: str) -> dict[str, float]:
    """`Italy 29%, France 14% (2023)` as a mapping; empty where a part of it is not plain."""
    found = [_SHARE.fullmatch(part) for part in text.partition("(")[0].strip().split(",")]
    if not all(found):
        return {}
    return {match[1].strip(): float(match[2]) for match in found if match}


def leading(shares: Mapping[str, float]) -> str | None:
    """The name with the largest share, None where two have it."""
    order = sorted(shares.items(), key=lambda entry: -entry[1])
    if not order or (len(order) > 1 and order[0][1] == order[1][1]):
        return None
    return order[0][0]
