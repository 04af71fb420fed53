"""factbook-wide and factbook-change: tables over the World Factbook's country documents.

Owns both corpora and how tasks are drawn from them; the files are read by `factbook_records`, the
documents written by `factbook_prose`.
"""

import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from openswarm.evals.documents import Documents
from openswarm.evals.suites.factbook_columns import BY_NAME, CHANGING, FACTS
from openswarm.evals.suites.factbook_prose import FIGURES, document
from openswarm.evals.suites.factbook_records import NOW, THEN, edition, records, slug
from openswarm.evals.suites.facts import Fact, checks_for, contract_for, listed
from openswarm.evals.suites.family import (
    Dials,
    Family,
    Material,
    drawn,
    sample_file,
    scope_of,
    sealed,
    split_of,
)
from openswarm.evals.suites.wide import Entity, Wide, wide_tasks
from openswarm.evals.suites.wording import worded
from openswarm.evals.task import EvalTask, Part, Split

WIDE = Wide(
    family="factbook-wide",
    thing="country",
    things="countries",
    meaning="short name of the country, as its document is titled",
    facts=FACTS,
    conditions=("area", "population", "median age", "life expectancy", "airports",
                "fertility rate", "urban share"),
)  # fmt: skip
YEARS = ("2015", "2025")
Countries = Mapping[str, dict[str, Any]]


def build(home: Path) -> Material:
    """The edition of 2025: a document a country. Raises `SettingsError` without the package."""
    files = edition(NOW, home)
    countries = records(files)
    texts = {
        record["document"]: document(record["name"], record["region"], files[code][1])
        for code, record in countries.items()
    }
    return Material(Documents("factbook", texts), {"countries": countries})


def build_change(home: Path) -> Material:
    """Both editions: two documents for each country that both have."""
    files = [edition(package, home) for package in (THEN, NOW)]
    then, now = map(records, files)
    texts: dict[str, str] = {}
    countries: dict[str, Any] = {}
    for code in sorted(then.keys() & now.keys()):
        name, region = now[code]["name"], now[code]["region"]
        names = [f"{slug(name)}-{year}.md" for year in YEARS]
        for year, entries, place in zip(YEARS, files, names, strict=True):
            country = entries[code][1]
            texts[place] = document(name, region, country, edition=year, sections=FIGURES)
        countries[code] = {
            "name": name,
            "documents": names,
            "facts": [
                {fact: found[code]["facts"][fact] for fact in CHANGING
                 if fact in found[code]["facts"]}
                for found in (then, now)
            ],
        }  # fmt: skip
    return Material(Documents("factbook-change", texts), {"countries": countries})


def entities(material: Material) -> list[Entity]:
    """The countries of the factbook, in the order of their codes."""
    countries: Countries = material.records["countries"]
    return [
        Entity(record["name"], record["document"], record["region"], record["facts"])
        for _, record in sorted(countries.items())
    ]


def generate(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Tables over one edition."""
    return wide_tasks(WIDE, entities(material), material, split, rng, dials)


def generate_change(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Tables of values then and now, and their difference."""
    countries: Countries = material.records["countries"]
    own = [record for _, record in sorted(countries.items()) if split_of(record["name"]) == split]
    return drawn(lambda: _change_task(own, material, split, rng, dials))


def _change_task(
    own: list[dict[str, Any]],
    material: Material,
    split: Split,
    rng: random.Random,
    dials: Dials,
) -> EvalTask | None:
    count = rng.randint(1, max(1, dials.columns // 3))
    names = sorted(rng.sample(CHANGING, count), key=CHANGING.index)
    having = [r for r in own if all(name in facts for facts in r["facts"] for name in names)]
    most = min(dials.max_rows, len(having))
    if most < dials.min_rows:
        return None
    rows = rng.sample(having, rng.randint(dials.min_rows, most))
    form = rng.choice(("change", "change", "change-all"))
    template, question = worded(
        form, split, rng, thing="country", things="countries",
        items=listed([row["name"] for row in rows]),
        facts=listed([f"the {BY_NAME[name].phrase}" for name in names]),
    )  # fmt: skip
    facts = [fact for name in names for fact in compared(BY_NAME[name])]
    others = [place for record in own for place in record["documents"]]
    return sealed(
        family="factbook-change",
        kind="change",
        split=split,
        template=template,
        question=question,
        material=material,
        scope=scope_of(
            rng,
            [place for row in rows for place in row["documents"]],
            [] if form == "change-all" else others,
            dials.distractors,
        ),
        contract=contract_for("country", WIDE.meaning.replace("document is", "documents are"),
                              facts),
        gold=[{"country": row["name"]} | _values(row, names) for row in rows],
        checks=checks_for("country", facts),
        parts=[Part(name=row["name"], documents=tuple(row["documents"])) for row in rows],
    )  # fmt: skip


def compared(fact: Fact) -> tuple[Fact, Fact, Fact]:
    """The three columns that a fact has where two editions are compared."""
    then, now = YEARS
    return (
        Fact(f"{fact.name} {then}", f"{fact.phrase}, as the edition of {then} states it",
             unit=fact.unit),
        Fact(f"{fact.name} {now}", f"{fact.phrase}, as the edition of {now} states it",
             unit=fact.unit),
        Fact(f"{fact.name} change", f"{fact.phrase}: the value of {now} minus that of {then}",
             unit=fact.unit),
    )  # fmt: skip


def _values(record: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in names:
        then, now = (facts[name] for facts in record["facts"])
        columns = (fact.name for fact in compared(BY_NAME[name]))
        values |= zip(columns, (then, now, difference(then, now)), strict=True)
    return values


def difference(then: str, now: str) -> str:
    """The second number minus the first, exactly, without needless zeros."""
    text = f"{Decimal(now) - Decimal(then):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


FACTBOOK_WIDE = Family(
    "factbook-wide",
    "a table of facts about countries, from one document a country",
    ("wide",),
    build,
    partial(sample_file, "factbook"),
    generate,
)
FACTBOOK_CHANGE = Family(
    "factbook-change",
    "values of 2015 and 2025 and their difference, from two documents a country",
    ("change",),
    build_change,
    partial(sample_file, "factbook-change"),
    generate_change,
)
