"""The family debian-wide: binary packages of a section by what they depend on or who keeps them.

One page of prose a package, from the machine's package lists; what is right comes from the fields
of the lists. Splits by section and by wording. Knows no other family.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from openswarm.core.contract import Column, Contract, make_column, make_contract
from openswarm.evals.documents import Documents
from openswarm.evals.suites.debian_lists import package_lists
from openswarm.evals.suites.debian_records import (
    Binary,
    Relation,
    descriptions,
    prose,
    read_binary,
    stanzas,
)
from openswarm.evals.suites.facts import listed
from openswarm.evals.suites.family import (
    Dials,
    Family,
    Material,
    drawn,
    sample_file,
    scope_of,
    sealed,
)
from openswarm.evals.task import ColumnCheck, EvalTask, Part, Split

CORPUS = "debian"
SECTIONS: dict[Split, tuple[str, ...]] = {
    "train": (
        "database", "electronics", "hamradio", "mail", "math", "net", "science", "sound", "text",
        "web",
    ),
    "test": ("editors", "games", "graphics", "video"),
}  # fmt: skip
"""The sections that the corpus has, and the split that each belongs to."""
SAMPLE_SECTIONS, SAMPLE_STEP = ("hamradio", "electronics", "video"), 2
"""The sections of the sample, and of how many packages of them in order it keeps one."""

NUMBER = ColumnCheck(preprocess=("extract_number",), metrics=("number_near",), criterion=0.0)
TEXT = ColumnCheck(preprocess=("norm_str",), metrics=("exact_match",))
KEY = make_column(
    name="package", definition="name of the binary package", example="pd-cyclone", nullable=False
)
COLUMNS: dict[str, Column] = {
    "version": make_column(
        name="version", definition="whole version with epoch and revision", example="1:2.3-4+b1"
    ),
    "installed_size": make_column(
        name="installed_size", definition="what it takes installed", type="number", unit="kB"
    ),
    "file_size": make_column(
        name="file_size", definition="size of the package file", type="number", unit="bytes"
    ),
    "maintainer": make_column(name="maintainer", definition="name as it is written"),
    "source": make_column(name="source", definition="source package that it is built from"),
    "architecture": make_column(
        name="architecture", definition="architecture that it is built for", example="all"
    ),
    "homepage_host": make_column(
        name="homepage_host",
        definition="host of the home page's address, without scheme, port and path",
        example="www.example.org",
    ),
}
NOTES = (
    "A package depends on another if a sentence of its page that says `depends on` names it and"
    " offers no other package in its place; what it recommends or suggests does not count."
)

WORDINGS: dict[str, dict[Split, tuple[str, ...]]] = {
    "depends": {
        "train": (
            "Which packages in section {section} depend on {target}? Give {columns}.",
            "List every {section} package among the documents that depends on {target}, with"
            " {columns}.",
            "{target} is about to change. Find the packages of section {section} that depend on"
            " it, and their {columns}.",
            "Make a table of the packages in the section {section} with a dependency on {target}:"
            " {columns}.",
        ),
        "test": (
            "What in section {section} would break without {target}? For each package that depends"
            " on it report {columns}.",
            "Collect {columns} of all packages of the {section} section for which {target} is a"
            " dependency.",
        ),
    },
    "maintainer": {
        "train": (
            "Which packages in section {section} does {target} maintain? Give {columns}.",
            "List every {section} package that {target} looks after, with {columns}.",
            "Find what {target} maintains in the section {section}, and of each package its"
            " {columns}.",
            "Make a table of the {section} packages whose maintainer is {target}: {columns}.",
        ),
        "test": (
            "For a handover by {target}: all packages in section {section} that name them as"
            " maintainer, with {columns}.",
            "Collect {columns} of each package of the {section} section kept by {target}.",
        ),
    },
    "listed": {
        "train": (
            "For each of these packages give {columns}: {target}.",
            "Look up {columns} of {target}.",
            "I compare the {section} packages {target}. What are their {columns}?",
            "Make a table with {columns}, one row for each of {target}.",
        ),
        "test": (
            "Report {columns} for the following packages of section {section}: {target}.",
            "Of {target}, what {columns} do their pages give?",
        ),
    },
}


def build(home: Path) -> Material:
    """The packages of `SECTIONS` in the lists of the machine's Debian.

    The lists are got once and kept in `<home>/evals/`; takes some ten seconds and blocks. Raises
    `SettingsError` where `apt-get` cannot give them, `UserError` for a list that is broken.
    """
    packages, translations = package_lists(home)
    known = dict(descriptions(translations))
    return material_of(map(read_binary, stanzas(packages)), known)


def material_of(packages: Iterable[Binary], texts: Mapping[str, str]) -> Material:
    """Documents and records of the packages of `SECTIONS`; of one name the first.

    `texts` are long descriptions by hash.
    """
    sections = {section for names in SECTIONS.values() for section in names}
    chosen: dict[str, Binary] = {}
    for package in packages:
        if package.section in sections:
            chosen.setdefault(package.name, package)
    pages = {
        f"{name}.md": prose(package, texts.get(package.description_md5, ""))
        for name, package in chosen.items()
    }
    records = {name: record(package) for name, package in chosen.items()}
    return Material(Documents(CORPUS, pages), records)


def record(package: Binary) -> dict[str, Any]:
    """What tasks know of a package: its section, its cells, and what it names how.

    `needs`: dependencies without an alternative; `unsure`: those with one, and pre-dependencies;
    `hints`: what it recommends or suggests.
    """
    depends = package.relations.get("Depends", ())
    needs = {relation[0].name for relation in depends if len(relation) == 1}
    offered = [relation for relation in depends if len(relation) > 1]
    before = package.relations.get("Pre-Depends", ())
    hints = (*package.relations.get("Recommends", ()), *package.relations.get("Suggests", ()))
    return {
        "section": package.section,
        "cells": {
            "version": package.version,
            "installed_size": str(package.installed_kb) if package.installed_kb else "",
            "file_size": str(package.size) if package.size else "",
            "maintainer": package.maintainer,
            "source": package.source,
            "architecture": package.architecture,
            "homepage_host": package.host,
        },
        "needs": sorted(needs),
        "unsure": sorted(_names((*offered, *before)) - needs),
        "hints": sorted(_names(hints)),
    }


def _names(relations: Iterable[Relation]) -> set[str]:
    return {alternative.name for relation in relations for alternative in relation}


def cut_sample(material: Material) -> Material:
    """What the frozen sample keeps of the full material."""
    kept = [
        name
        for section in SAMPLE_SECTIONS
        for name in sorted(n for n, r in material.records.items() if r["section"] == section)[
            ::SAMPLE_STEP
        ]
    ]
    texts = {_file(name): material.documents.texts[_file(name)] for name in sorted(kept)}
    return Material(Documents(CORPUS, texts), {name: material.records[name] for name in kept})


def sample() -> Material:
    """The frozen sample: packages of `SAMPLE_SECTIONS`."""
    return sample_file(CORPUS)


@dataclass(frozen=True)
class _Draw:
    """What a task is about: the rows, and documents that look like rows and are none."""

    form: str
    section: str
    target: str
    rows: tuple[str, ...]
    near: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    """Columns that would say nothing."""


@dataclass(frozen=True)
class _Shelf:
    """The packages of a split, by section and by what a question can ask for."""

    records: Mapping[str, Mapping[str, Any]]
    split: Split
    min_rows: int

    @cached_property
    def sections(self) -> dict[str, list[str]]:
        """The packages of each section, sorted; sections with too few are left out."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.records):
            section = self.records[name]["section"]
            if section in SECTIONS[self.split]:
                found.setdefault(section, []).append(name)
        return {key: names for key, names in found.items() if len(names) >= self.min_rows}

    @cached_property
    def dependencies(self) -> dict[tuple[str, str], list[str]]:
        """The packages of a section that depend on a package, by both, where enough do."""
        return self._groups(lambda record: record["needs"])

    @cached_property
    def maintainers(self) -> dict[tuple[str, str], list[str]]:
        """The packages of a section and a maintainer, where there are enough."""
        return self._groups(lambda record: filter(None, [record["cells"]["maintainer"]]))

    def _groups(
        self, targets: Callable[[Mapping[str, Any]], Iterable[str]]
    ) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for section, names in self.sections.items():
            for name in names:
                for target in targets(self.records[name]):
                    found.setdefault((section, target), []).append(name)
        return {key: names for key, names in found.items() if len(names) >= self.min_rows}

    def by_dependency(self, rng: random.Random, dials: Dials) -> _Draw:
        """Packages that depend on one; those that only recommend or suggest it stand near."""
        count = rng.randint(dials.min_rows, dials.max_rows)
        section, target = _wide_enough(rng, self.dependencies, count)
        group = self.dependencies[section, target]
        aside = [
            name
            for name in sorted(set(self.sections[section]) - set(group))
            if target not in self.records[name]["unsure"]
        ]
        near = [name for name in aside if target in self.records[name]["hints"]]
        rows = _rows(rng, group, count)
        return _Draw("depends", section, target, rows, tuple(near), tuple(aside))

    def by_maintainer(self, rng: random.Random, dials: Dials) -> _Draw:
        """Packages that one maintainer keeps."""
        count = rng.randint(dials.min_rows, dials.max_rows)
        section, target = _wide_enough(rng, self.maintainers, count)
        group = self.maintainers[section, target]
        folded = target.casefold()
        aside = tuple(
            name
            for name in self.sections[section]
            if folded not in self.records[name]["cells"]["maintainer"].casefold()
        )
        rows = _rows(rng, group, count)
        return _Draw("maintainer", section, target, rows, (), aside, frozenset({"maintainer"}))

    def by_name(self, rng: random.Random, dials: Dials) -> _Draw:
        """Any packages of a section, named in the question."""
        section = rng.choice(list(self.sections))
        count = rng.randint(dials.min_rows, dials.max_rows)
        rows = _rows(rng, self.sections[section], count)
        aside = tuple(name for name in self.sections[section] if name not in set(rows))
        return _Draw("listed", section, listed(rows), rows, (), aside)


def _wide_enough(
    rng: random.Random, groups: Mapping[tuple[str, str], Sequence[str]], count: int
) -> tuple[str, str]:
    """Any group that has as many packages, so that all widths come equally often; the largest
    where none has."""
    fitting = [key for key, names in groups.items() if len(names) >= count]
    return rng.choice(fitting) if fitting else max(groups, key=lambda key: len(groups[key]))


def _rows(rng: random.Random, group: Sequence[str], count: int) -> tuple[str, ...]:
    """As many of a group, or all; the rest will not be in scope."""
    return tuple(sorted(rng.sample(group, min(count, len(group)))))


def generate(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Tasks without end; none where the sections of the split are too small for the dials."""
    shelf = _Shelf(material.records, split, dials.min_rows)
    draws = [shelf.by_name] if shelf.sections else []
    draws += [shelf.by_maintainer] if shelf.maintainers else []
    draws += [shelf.by_dependency] * 3 if shelf.dependencies else []
    if draws:
        yield from drawn(lambda: _task(material, split, rng.choice(draws)(rng, dials), rng, dials))


def _task(
    material: Material, split: Split, draw: _Draw, rng: random.Random, dials: Dials
) -> EvalTask | None:
    cells = {name: material.records[name]["cells"] for name in draw.rows}
    columns = _columns(rng, cells.values(), draw.without, dials)
    if not columns:
        return None
    wordings = WORDINGS[draw.form][split]
    number = rng.randrange(len(wordings))
    question = wordings[number].format(
        section=draw.section, target=draw.target, columns=listed(list(map(_spoken, columns)))
    )
    near = rng.sample(draw.near, min(len(draw.near), (dials.distractors + 1) // 2))
    kept = scope_of(rng, map(_file, near), map(_file, draw.others), dials.distractors - len(near))
    return sealed(
        family=FAMILY.name,
        kind="wide",
        split=split,
        template=f"debian-{draw.form}-{split}-{number + 1}",
        question=question,
        material=material,
        scope=scope_of(rng, (*map(_file, draw.rows), *kept), (), 0),
        contract=_contract(columns, NOTES if draw.form == "depends" else ""),
        gold=[
            {"package": name, **{column: cells[name][column] for column in columns}}
            for name in draw.rows
        ],
        checks={"package": TEXT, **{column: _check(column) for column in columns}},
        parts=[Part(name=name, documents=(_file(name),)) for name in draw.rows],
    )


def _file(package: str) -> str:
    return f"{package}.md"


def _check(column: str) -> ColumnCheck:
    return NUMBER if COLUMNS[column].type == "number" else TEXT


def _columns(
    rng: random.Random,
    rows: Iterable[Mapping[str, str]],
    without: frozenset[str],
    dials: Dials,
) -> list[str]:
    """Some of the columns that every row has a value for, in their usual order."""
    whole = [name for name in COLUMNS if all(row[name] for row in rows)]
    left = [name for name in whole if name not in without]
    picked = set(rng.sample(left, rng.randint(min(1, len(left)), min(len(left), dials.columns))))
    return [name for name in left if name in picked]


def _contract(columns: Sequence[str], notes: str) -> Contract:
    return make_contract(
        columns=(KEY, *(COLUMNS[name] for name in columns)), key=("package",), notes=notes
    )


def _spoken(column: str) -> str:
    unit = COLUMNS[column].unit
    return column.replace("_", " ") + (f" in {unit}" if unit else "")


FAMILY = Family(
    name="debian-wide",
    summary="packages of a section of Debian by dependency, maintainer or name",
    kinds=("wide",),
    build=build,
    sample=sample,
    generate=generate,
)
