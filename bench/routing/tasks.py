"""The labelled tasks: made of the kinds' phrasings from a seed, labelled by the oracle.

The generator is the data: the same seed gives the same tasks. `python -m bench.routing tasks`
prints them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from bench.routing.forms import Kind, Variant
from bench.routing.kinds_reply import FACT, REASONING, REWRITE
from bench.routing.kinds_wide import CORPUS, GIVEN_TABLE, MONITORING, OPEN_TABLE, SURVEY
from bench.routing.kinds_work import CODE, DOCUMENT, MULTI_HOP, SEQUENTIAL
from bench.routing.oracle import Choice, Facts, best
from bench.routing.slots import fill
from bench.routing.vocabulary import ENDINGS, OPENINGS
from openswarm.core.limits import Limits
from openswarm.core.task import Task

KINDS: tuple[Kind, ...] = (
    FACT, REWRITE, REASONING, CODE, SEQUENTIAL, DOCUMENT, MULTI_HOP, SURVEY, GIVEN_TABLE,
    OPEN_TABLE, CORPUS, MONITORING,
)  # fmt: skip
NAMES = tuple(kind.name for kind in KINDS)
PER_KIND = 120
SEED = 5
INTEGERS = ("items", "max_subagents")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A task with the kind that it is of, the oracle's facts, and the best choice."""

    kind: str
    task: Task
    facts: Facts
    label: Choice

    @property
    def num_tools(self) -> int:
        """How many tools a run of it has."""
        return len(self.task.tools)


@cache
def all_tasks(seed: int = SEED, per_kind: int = PER_KIND) -> tuple[Labelled, ...]:
    """Distinct tasks, as many of each kind."""
    return tuple(task for kind in KINDS for task in of_kind(kind, seed, per_kind))


def of_kind(kind: Kind, seed: int, count: int) -> list[Labelled]:
    """So many distinct tasks of a kind; its phrasings take turns inside each variant."""
    draw = Random(f"{seed} {kind.name}")
    weights = [variant.weight * len(variant.phrasings) ** 0.5 for variant in kind.variants]
    turns = [0] * len(kind.variants)
    made: dict[str, Labelled] = {}
    while len(made) < count:
        number = draw.choices(range(len(weights)), weights)[0]
        variant = kind.variants[number]
        phrasing = variant.phrasings[turns[number] % len(variant.phrasings)]
        turns[number] += 1
        labelled = _labelled(kind.name, variant, phrasing, draw)
        made.setdefault(labelled.task.text, labelled)
    return list(made.values())


def data_hash(tasks: Iterable[Labelled]) -> str:
    """What the tasks and their labels are, in short."""
    digest = hashlib.sha256()
    for entry in tasks:
        digest.update(f"{entry.kind}|{entry.task.text}|{entry.label}|{entry.facts}\n".encode())
    return digest.hexdigest()[:16]


def task_in(text: str, where: str) -> Task:
    """A task in surroundings: `-`, or tools and options joined with `+`."""
    parts = [] if where == "-" else where.split("+")
    options = dict(part.split("=") for part in parts if "=" in part)
    names = {"max": "max_subagents", "usd": "usd", "wall": "wall_s"}
    limits = Limits(**{names[key]: float(value) for key, value in options.items()})
    tools = tuple(part for part in parts if part not in ("over", "attach") and "=" not in part)
    return Task(
        text=text,
        tools=tools,
        over=("documents",) if "over" in parts else (),
        attachments=("attachment.txt",) if "attach" in parts else (),
        limits=limits,
    )


def _labelled(kind: str, variant: Variant, phrasing: str, draw: Random) -> Labelled:
    where = draw.choice(variant.where.split())
    ease = draw.random()
    facts = {name: _drawn(name, value, ease) for name, value in variant.facts.items()}
    filled = fill(phrasing, draw, variant.count)
    if filled.items is not None:
        facts["items"] = filled.items
    if filled.columns:
        for name in ("pages", "steps"):
            facts[name] = round(facts.get(name, 1.0) * (0.5 + 0.25 * filled.columns), 3)
    text, hurry, thrift = _as_people_write(filled.text, draw)
    task = task_in(text, _with_limits(where, draw))
    limits = task.limits
    made = Facts(
        **facts,  # type: ignore[arg-type]
        tools=bool(task.over or task.tools),
        hurry=hurry,
        thrift=thrift,
        max_subagents=limits.max_subagents,
        usd=limits.usd or 1e9,
        wall_s=limits.wall_s,
    )
    if not task.over and not task.tools:
        made = replace(made, pages=0.0)
    return Labelled(kind, task, made, best(made))


def _drawn(name: str, value: float | tuple[float, float], ease: float) -> float:
    """From a range by one draw for all facts: what is easy from memory is easy in every way."""
    number = value[0] + ease * (value[1] - value[0]) if isinstance(value, tuple) else value
    return round(number) if name in INTEGERS else round(number, 3)


def _with_limits(where: str, draw: Random) -> str:
    """Now and then the user sets a limit."""
    chance = draw.random()
    limit = ""
    if chance < 0.04:
        limit = f"max={draw.choice((2, 3, 5, 8, 10, 20))}"
    elif chance < 0.08:
        limit = f"usd={draw.choice((0.02, 0.05, 0.2, 0.5, 20))}"
    elif chance < 0.11:
        limit = f"wall={draw.choice((30, 60, 300, 14400))}"
    if not limit:
        return where
    return limit if where == "-" else f"{where}+{limit}"


def _as_people_write(text: str, draw: Random) -> tuple[str, float, float]:
    """The text with an opening, an ending and slips; and the weights of time and money."""
    ending, hurry, thrift = draw.choice(ENDINGS)
    opening = draw.choice(OPENINGS)
    text = f"{opening}{text}{ending}"
    if draw.random() < 0.15:
        text = text.lower()
    if draw.random() < 0.12:
        text = _with_slips(text, draw)
    return text.strip(), hurry, thrift


def _with_slips(text: str, draw: Random) -> str:
    """Two letters are swapped or one is left out, in a few places."""
    letters = list(text)
    for _ in range(max(1, len(text) // 60)):
        at = draw.randrange(len(letters) - 1)
        if not (letters[at].isalpha() and letters[at + 1].isalpha()):
            continue
        if draw.random() < 0.5:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        else:
            letters[at] = ""
    return "".join(letters)
