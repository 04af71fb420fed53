"""What a family of tasks is: its material, the dials of its difficulty, how tasks are drawn.

Owns the splits, the ids and the order of a scope, so that all families have the same. Knows no
family; those are listed in `catalogue`.
"""

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openswarm.core.contract import Contract
from openswarm.core.errors import UserError
from openswarm.evals.documents import PAGE_BYTES, Documents
from openswarm.evals.suites.facts import stands_in
from openswarm.evals.task import ColumnCheck, EvalTask, Kind, Part, Split

TEST_PERCENT = 33
"""Of the entities of every family, how many are for tests only."""
MAX_MATERIAL_BYTES = 64 * 1024 * 1024
"""The most that a material file may hold once it is unpacked."""
TRIES = 500
"""Draws in a row without a new task, after which a family has no more of them."""


@dataclass(frozen=True)
class Dials:
    """How hard tasks are."""

    min_rows: int = 3
    """Rows of a wide table; of a join, its independent parts."""
    max_rows: int = 20
    columns: int = 4
    """The most columns that are asked, the key not counted."""
    distractors: int = 8
    """Documents in scope that are not needed."""
    min_hops: int = 3
    """Of a chain, or pages of a sequential one."""
    max_hops: int = 6
    page_bytes: int = PAGE_BYTES
    """The size of the pages that a run reads."""

    def __post_init__(self) -> None:
        in_order = 1 <= self.min_rows <= self.max_rows and 1 <= self.min_hops <= self.max_hops
        if not in_order or self.columns < 1 or self.distractors < 0 or self.page_bytes < 200:
            raise UserError(f"these dials contradict themselves: {self}")


@dataclass(frozen=True)
class Material:
    """What tasks are drawn from."""

    documents: Documents
    """What a run reads."""
    records: dict[str, Any] = field(repr=False)
    """What is right, as plain JSON values; their form is the family's own business."""

    def save(self, path: Path) -> None:
        """Writes the material as gzipped JSON; equal materials give equal bytes."""
        value = {
            "name": self.documents.name,
            "texts": dict(sorted(self.documents.texts.items())),
            "records": self.records,
        }
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))

    @classmethod
    def load(cls, path: Path) -> "Material":
        """The material of a file. Raises `UserError` if it is none, or too large."""
        try:
            with gzip.open(path) as file:
                data = file.read(MAX_MATERIAL_BYTES + 1)
            value = json.loads(data) if len(data) <= MAX_MATERIAL_BYTES else {}
            documents = Documents(value["name"], value["texts"])
            return cls(documents, value["records"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path.name} is no material of a suite: {error}") from None


Build = Callable[[Path], Material]
Generate = Callable[[Material, Split, random.Random, Dials], Iterator[EvalTask]]


@dataclass(frozen=True)
class Family:
    """A family of tasks."""

    name: str
    summary: str
    """One line for people: what is asked, over what."""
    kinds: tuple[Kind, ...]
    build: Build
    """The full material, its packages kept in `<home>/evals/`; blocks, so call it in a thread.
    Raises `SettingsError` that names the command where a package cannot be had."""
    sample: Callable[[], Material]
    """The frozen sample that the package ships."""
    generate: Generate
    """Draws tasks without end; equal generators of random numbers give equal tasks."""

    def tasks(
        self, material: Material, split: Split, count: int, seed: int, dials: Dials | None = None
    ) -> Iterator[EvalTask]:
        """The first `count` different tasks of a split; fewer where there are no more.

        Equal arguments give equal tasks, on every machine.
        """
        rng = random.Random(f"{self.name}/{split}/{seed}")
        drawn = self.generate(material, split, rng, dials or Dials())
        return distinct(drawn, count)


def drawn(draw: Callable[[], EvalTask | None]) -> Iterator[EvalTask]:
    """Tasks of a function that draws one, or None where its dice fell on what is not there; ends
    after `TRIES` of these in a row."""
    misses = 0
    while misses < TRIES:
        task = draw()
        misses = misses + 1 if task is None else 0
        if task is not None:
            yield task


def unsaid(task: EvalTask) -> EvalTask | None:
    """The task, or None where its question has the answer in it.

    Asked of a task that is drawn to its end, so that those after it are the same as without.
    """
    return None if stands_in(task.answer, task.question) else task


def distinct(tasks: Iterable[EvalTask], count: int) -> Iterator[EvalTask]:
    """The first `count` tasks with different ids; ends after `TRIES` draws with nothing new."""
    known: set[str] = set()
    stale = 0
    for task in tasks if count > 0 else ():
        stale = stale + 1 if task.id in known else 0
        if stale > TRIES:
            return
        if task.id not in known:
            known.add(task.id)
            yield task
            if len(known) == count:
                return


def sealed(
    *,
    family: str,
    kind: Kind,
    split: Split,
    template: str,
    question: str,
    material: Material,
    scope: Sequence[str],
    contract: Contract | None = None,
    gold: Sequence[dict[str, str]] = (),
    answer: str = "",
    checks: dict[str, ColumnCheck] | None = None,
    parts: Sequence[Part] = (),
) -> EvalTask:
    """The task, its id made of what it asks and what is right, so that equal tasks are one.

    The id is the same for the same question, rows and answer whatever the distractors are.
    """
    core = [family, question, sorted(map(sorted, (row.items() for row in gold))), answer]
    mark = hashlib.sha256(json.dumps(core, ensure_ascii=False).encode()).hexdigest()[:12]
    return EvalTask(
        id=f"{family}-{split}-{mark}",
        family=family,
        kind=kind,
        split=split,
        template=template,
        question=question,
        corpus=material.documents.name,
        scope=tuple(scope),
        contract=contract,
        gold=tuple(gold),
        answer=answer,
        checks=checks or {},
        parts=tuple(parts),
    )


def sample_file(name: str) -> Material:
    """The frozen sample of a corpus: a file that the package ships, cut down from the real one."""
    return Material.load(Path(__file__).parent / "sample" / f"{name}.json.gz")


def split_of(entity: str) -> Split:
    """The split that an entity belongs to, by the hash of its name: always the same."""
    mark = int.from_bytes(hashlib.sha256(entity.encode()).digest()[:4], "big")
    return "test" if mark % 100 < TEST_PERCENT else "train"


def of_split(entities: Iterable[str], split: Split) -> list[str]:
    """The entities of a split, in the order that they came in."""
    return [entity for entity in entities if split_of(entity) == split]


def scope_of(
    rng: random.Random, needed: Iterable[str], others: Iterable[str], distractors: int
) -> tuple[str, ...]:
    """The needed documents and up to `distractors` of the others, shuffled."""
    wanted = list(dict.fromkeys(needed))
    inside = set(wanted)
    spare = sorted(set(others) - inside)
    names = wanted + rng.sample(spare, min(distractors, len(spare)))
    rng.shuffle(names)
    return tuple(names)
