"""The family docs-wide: what Python's library reference marks as new, changed or deprecated.

The pages are digests of the HTML in Debian's `python3.11-doc`; what is right are the marks that
Sphinx wrote into it. Splits by page and by wording. Knows no other family.
"""

import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openswarm.core.contract import Column, Contract, make_column, make_contract
from openswarm.core.errors import SettingsError
from openswarm.evals.documents import Documents
from openswarm.evals.sources import FOLDER, Package, fetched, run_command
from openswarm.evals.suites.facts import listed
from openswarm.evals.suites.family import (
    Dials,
    Family,
    Material,
    drawn,
    of_split,
    sample_file,
    scope_of,
    sealed,
)
from openswarm.evals.suites.pydocs_records import Change, DocPage, Mark, read_page
from openswarm.evals.task import ColumnCheck, EvalTask, Part, Split

CORPUS = "pydocs"
PACKAGE = Package("debian", "python3.11-doc", "", "python3.11-doc_*.deb", "")
LIBRARY = "usr/share/doc/python3.11/html/library"
MIN_TEXT, MAX_TEXT = 600, 24_000
"""Characters of a digest; shorter pages say nothing, longer ones are a book each."""
SAMPLE_STEP = 5
"""Of how many pages with notes the sample keeps one."""

COLUMNS: dict[str, Column] = {
    name: make_column(name=name, definition=definition, example=example, nullable=False)
    for name, definition, example in (
        ("object", "full name as the heading of its entry has it", "shutil.SameFileError"),
        ("page", "name of the page, without .md", "asyncio-task"),
        ("kind", "word before the name in the heading; of a module, module", "function"),
        ("version", "the version that the note names", "3.8"),
    )
}
CHECK = ColumnCheck(preprocess=("norm_str",), metrics=("exact_match",))

NOTES: dict[Change, str] = {
    "added": "A row is an entry whose own note reads `New in version V.` and no more; a note that"
    " goes on after the version is about a part of the entry and makes no row.",
    "changed": "A row is an entry with at least one note of its own that begins with"
    " `Changed in version V`.",
    "deprecated": "A row is an entry with a note of its own that begins with"
    " `Deprecated since version V`.",
}
COMMON_NOTE = (
    " Headings on adjacent lines are entries that share their notes. A note under the title of a"
    " page is about the module itself. Versions are compared as"
    " they are written: 3.5.2 is another version than 3.5."
)
VERBS: dict[Change, str] = {
    "added": "new in", "changed": "changed in", "deprecated": "deprecated since",
}  # fmt: skip

LISTED: dict[Split, tuple[str, ...]] = {
    "train": (
        "Which entries do the pages {pages} mark as {verb} Python {versions}? Give {columns}.",
        "Go through {pages} of the library reference and list all that is {verb} version"
        " {versions}, with {columns}.",
        "Make a table of what is noted as {verb} {versions} in these pages: {pages}. Columns:"
        " {columns}.",
        "I port code and need to know what is {verb} Python {versions} in {pages}. For each entry"
        " give {columns}.",
    ),
    "test": (
        "From the documentation of {pages}, collect each entry noted as {verb} {versions};"
        " {columns} are wanted.",
        "Read {pages}. What do they call {verb} version {versions}? Report {columns}.",
    ),
}
OPEN: dict[Split, tuple[str, ...]] = {
    "train": (
        "Which entries in the documents are marked as {verb} Python {versions}? Give {columns}.",
        "List all that the documents note as {verb} version {versions}, with {columns}.",
        "Make a table of what is {verb} {versions} in any of the pages here. Columns: {columns}.",
        "For release notes I need everything {verb} Python {versions} that these pages know."
        " For each entry give {columns}.",
    ),
    "test": (
        "Search all pages for entries noted as {verb} {versions}; {columns} are wanted.",
        "What do the documents here call {verb} version {versions}? Report {columns}.",
    ),
}


def build(home: Path) -> Material:
    """All pages of the library reference of a fitting length.

    The deb is got once and kept in `<home>/evals/`; takes some ten seconds and blocks. Raises
    `SettingsError` where `apt-get` or `dpkg-deb` cannot give it.
    """
    deb = fetched(PACKAGE, home)
    with tempfile.TemporaryDirectory(dir=home / FOLDER, prefix="unpacked-") as name:
        run_command(("dpkg-deb", "-x", str(deb), name), Path(name), PACKAGE.name)
        files = sorted((Path(name) / LIBRARY).glob("*.html"))
        if not files:
            raise SettingsError(f"{deb} holds no {LIBRARY}; remove it and try again")
        return material_of(read_page(file.stem, file.read_text("utf-8")) for file in files)


def material_of(pages: Iterable[DocPage]) -> Material:
    """Documents and records of the pages whose digest is of a fitting length."""
    fitting = [page for page in pages if MIN_TEXT <= len(page.text) <= MAX_TEXT]
    records = {
        page.name: [[m.object, m.kind, m.change, m.version, m.whole] for m in page.marks]
        for page in fitting
    }
    return Material(Documents(CORPUS, {f"{page.name}.md": page.text for page in fitting}), records)


def marks_of(material: Material) -> dict[str, tuple[Mark, ...]]:
    """The marks of each page, by the page's name."""
    return {name: tuple(Mark(*m) for m in marks) for name, marks in material.records.items()}


def cut_sample(material: Material) -> Material:
    """What the frozen sample keeps of the full material."""
    kept = [name for name in sorted(material.records) if material.records[name]][::SAMPLE_STEP]
    texts = {_file(name): material.documents.texts[_file(name)] for name in kept}
    return Material(Documents(CORPUS, texts), {name: material.records[name] for name in kept})


def sample() -> Material:
    """The frozen sample: every fifth page with notes."""
    return sample_file(CORPUS)


@dataclass(frozen=True)
class _Wanted:
    """What a task asks for: a change in some versions, over the pages of a split."""

    change: Change
    versions: tuple[str, ...]

    def rows(self, page: str, marks: Sequence[Mark]) -> list[dict[str, str]]:
        """The rows that a page has, in its order."""
        found = {
            (mark.object, mark.version): {
                "object": mark.object,
                "page": page,
                "kind": mark.kind,
                "version": mark.version,
            }
            for mark in marks
            if mark.change == self.change
            and mark.version in self.versions
            and (mark.whole or self.change != "added")
        }
        return list(found.values())


def generate(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Tasks without end; none where the pages of the split have too few notes."""
    marks = marks_of(material)
    shelf = {name: marks[name] for name in of_split(sorted(marks), split)}
    versions = _versions(shelf.values())

    def draw() -> EvalTask | None:
        change = rng.choice(sorted(versions))
        wanted = _Wanted(change, _some_versions(rng, change, versions[change]))
        return _task(material, split, shelf, wanted, rng, dials)

    if versions:
        yield from drawn(draw)


def _versions(marks: Iterable[Sequence[Mark]]) -> dict[Change, list[str]]:
    """By change the versions that notes name, from the first to the last."""
    found: dict[Change, set[str]] = {}
    for mark in (mark for page in marks for mark in page):
        found.setdefault(mark.change, set()).add(mark.version)
    return {change: sorted(names, key=_order) for change, names in found.items()}


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _some_versions(rng: random.Random, change: Change, known: Sequence[str]) -> tuple[str, ...]:
    """One version or up to three neighbours; of changes one, for an entry may have many."""
    most = 1 if change == "changed" else rng.choice((1, 1, 1, 2, 3))
    start = rng.randrange(len(known))
    return tuple(known[start : start + most])


def _task(
    material: Material,
    split: Split,
    shelf: Mapping[str, Sequence[Mark]],
    wanted: _Wanted,
    rng: random.Random,
    dials: Dials,
) -> EvalTask | None:
    rows = {page: found for page in shelf if (found := wanted.rows(page, shelf[page]))}
    chosen = _chosen(rng, rows, dials)
    gold = [row for page in chosen for row in rows[page]]
    if len({row["object"] for row in gold}) < max(len(gold), dials.min_rows):
        return None
    columns = _columns(rng, wanted, dials)
    without = sorted(set(shelf) - set(rows))
    named = rng.random() < 0.5
    idle = rng.sample(without, min(len(without), rng.randint(0, dials.distractors // 2)))
    asked = sorted((*chosen, *(idle if named else ())))
    spare = sorted(set(shelf) - set(asked)) if named else without
    template, question = _question(rng, split, wanted, asked if named else [], columns)
    kept = [{name: row[name] for name in columns} for row in gold]
    return sealed(
        family=FAMILY.name,
        kind="wide",
        split=split,
        template=template,
        question=question,
        material=material,
        scope=scope_of(rng, map(_file, asked), map(_file, spare), dials.distractors),
        contract=_contract(columns, wanted.change),
        gold=kept,
        checks=dict.fromkeys(columns, CHECK),
        parts=[Part(name=page, documents=(_file(page),)) for page in asked],
    )


def _file(page: str) -> str:
    return f"{page}.md"


def _chosen(rng: random.Random, rows: Mapping[str, Sequence[Any]], dials: Dials) -> list[str]:
    """Pages that have together about as many rows as the dials allow, sorted by name."""
    target = rng.randint(dials.min_rows, dials.max_rows)
    pages = sorted(rows)
    rng.shuffle(pages)
    chosen: list[str] = []
    total = 0
    for page in pages:
        if total < target and total + len(rows[page]) <= dials.max_rows:
            chosen.append(page)
            total += len(rows[page])
    return sorted(chosen)


def _columns(rng: random.Random, wanted: _Wanted, dials: Dials) -> list[str]:
    """The key and up to `dials.columns` others; the version only where several are asked for."""
    others = ["page", "kind"] + (["version"] if len(wanted.versions) > 1 else [])
    picked = rng.sample(others, rng.randint(1, min(len(others), dials.columns)))
    return ["object", *(name for name in others if name in picked)]


def _contract(columns: Sequence[str], change: Change) -> Contract:
    return make_contract(
        columns=tuple(COLUMNS[name] for name in columns),
        key=("object",),
        notes=NOTES[change] + COMMON_NOTE,
    )


def _question(
    rng: random.Random,
    split: Split,
    wanted: _Wanted,
    pages: Sequence[str],
    columns: Sequence[str],
) -> tuple[str, str]:
    """The template's name and the question; over all documents where no page is named."""
    form, wordings = ("listed", LISTED[split]) if pages else ("open", OPEN[split])
    number = rng.randrange(len(wordings))
    question = wordings[number].format(
        pages=listed(pages),
        verb=VERBS[wanted.change],
        versions=listed(wanted.versions, "or"),
        columns=listed(columns),
    )
    return f"docs-{form}-{split}-{number + 1}", question


FAMILY = Family(
    name="docs-wide",
    summary="entries of Python's library reference that are new, changed or deprecated in versions",
    kinds=("wide",),
    build=build,
    sample=sample,
    generate=generate,
)
