"""The World Factbook's country files as prose: what a run reads of a country.

Owns which fields a document has and how long they may be. Knows nothing of facts and questions;
that the documents state the facts is for tests to show.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openswarm.evals.suites.factbook_columns import plain

MAX_CHARS = 330
"""Of a field without parts; longer ones end at a sentence, a clause or a word."""
MAX_PART_CHARS = 130
MAX_PARTS = 5

SECTIONS: dict[str, tuple[str, ...]] = {
    "Introduction": ("Background",),
    "Geography": (
        "Location", "Geographic coordinates", "Area", "Area - comparative", "Land boundaries",
        "Coastline", "Climate", "Terrain", "Elevation", "Elevation extremes", "Natural resources",
        "Land use", "Irrigated land", "Population distribution", "Natural hazards",
        "Geography - note",
    ),
    "People and Society": (
        "Population", "Ethnic groups", "Languages", "Religions", "Age structure", "Median age",
        "Population growth rate", "Birth rate", "Death rate", "Net migration rate",
        "Urbanization", "Major urban areas - population", "Sex ratio", "Maternal mortality ratio",
        "Infant mortality rate", "Life expectancy at birth", "Total fertility rate",
        "Physician density", "Literacy",
    ),
    "Government": (
        "Country name", "Government type", "Capital", "Administrative divisions", "Independence",
        "National holiday", "Legal system", "Suffrage", "Executive branch", "Flag",
        "Flag description",
    ),
    "Economy": (
        "Economic overview", "Economy - overview", "Real GDP (purchasing power parity)",
        "Real GDP growth rate", "Real GDP per capita", "Inflation rate (consumer prices)",
        "Agricultural products", "Agriculture - products", "Industries", "Labor force",
        "Unemployment rate", "Exports", "Exports - partners", "Exports - commodities", "Imports",
        "Imports - partners", "Imports - commodities",
    ),
    "Energy": ("Electricity access", "Electricity"),
    "Communications": (
        "Telephones - mobile cellular", "Broadcast media", "Internet country code",
        "Internet users",
    ),
    "Transportation": ("Airports", "Railways", "Merchant marine", "Ports"),
}  # fmt: skip
"""The sections of a document, and the fields of each in the order of the files."""

FIGURES: dict[str, tuple[str, ...]] = {
    "Geography": ("Location", "Area", "Climate", "Terrain"),
    "People and Society": (
        "Population", "Age structure", "Median age", "Population growth rate", "Birth rate",
        "Death rate", "Net migration rate", "Urbanization", "Sex ratio", "Infant mortality rate",
        "Life expectancy at birth", "Total fertility rate", "Literacy",
    ),
    "Communications": ("Internet users",),
    "Transportation": ("Airports", "Railways", "Merchant marine"),
}  # fmt: skip
"""The sections of a document that stands beside one of another edition: figures above all."""


def document(
    name: str,
    region: str,
    country: Mapping[str, Any],
    *,
    edition: str = "",
    sections: Mapping[str, tuple[str, ...]] = SECTIONS,
) -> str:
    """A country as Markdown: a heading a section, a paragraph a field.

    `edition` (a year) stands in the title and below it, where there are several.
    """
    title = f"# {name}, edition of {edition}" if edition else f"# {name}"
    about = f", edition of {edition}" if edition else ""
    blocks = [f"{title}\nThe World Factbook{about}. {name} is listed in the region {region}."]
    for section, fields in sections.items():
        entries = country.get(section)
        found = {key.strip(): value for key, value in (entries or {}).items()}
        paragraphs = [p for field in fields if (p := _paragraph(field, found.get(field)))]
        if paragraphs:
            paragraphs[0] = f"## {section}\n{paragraphs[0]}"
        blocks.extend(paragraphs)
    return "\n\n".join(blocks) + "\n"


def _paragraph(field: str, value: Any) -> str:
    """One field; its parts, where it has some, follow each other."""
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, Mapping):
        return ""
    text = value.get("text")
    if isinstance(text, str):
        shown = shortened(plain(text), MAX_CHARS)
    else:
        shown = "; ".join(_parts(field, value))
    return f"{field}: {shown}" if shown else ""


def _parts(field: str, value: Mapping[str, Any]) -> Iterator[str]:
    count = 0
    for key, entry in value.items():
        text = entry.get("text") if isinstance(entry, Mapping) else entry
        if not isinstance(text, str) or not text.strip() or count == MAX_PARTS:
            continue
        count += 1
        name = key.rpartition(":")[2].strip()
        own = name.removeprefix(field).strip() or name
        room = MAX_CHARS if "border" in name else MAX_PART_CHARS
        said = plain(text).removeprefix(f"{name}:").strip()
        yield f"{own} {shortened(said, room)}"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning up to a sentence, a clause or a word, at most `most` long."""
    if len(text) <= most:
        return text
    start = text[:most]
    for mark in (". ", "; ", ", ", " "):
        end = start.rfind(mark)
        if end > most // 2:
            return start[:end].rstrip(" ,;.") + " …"
    return start + " …"
