"""Wide tasks over entities that have facts: which rows, which columns, which documents.

Owns the ways in which rows are asked for: by name, all that there are, a group, a condition.
Knows no corpus.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from openswarm.evals.suites.facts import Fact, checks_for, contract_for, listed
from openswarm.evals.suites.family import Dials, Material, drawn, scope_of, sealed, split_of
from openswarm.evals.suites.wording import worded
from openswarm.evals.task import EvalTask, Part, Split


@dataclass(frozen=True)
class Entity:
    """What a row is about."""

    name: str
    document: str
    group: str
    """The group that it belongs to, as a question names it."""
    facts: Mapping[str, str]
    """Values by the names of facts; what is not plain is missing."""


@dataclass(frozen=True)
class Wide:
    """What a family of wide tasks asks."""

    family: str
    thing: str
    """What an entity is, in the singular; also the key column."""
    things: str
    meaning: str
    """The definition of the key column."""
    facts: tuple[Fact, ...]
    conditions: tuple[str, ...]
    """The names of facts that rows may be chosen by: numbers."""


@dataclass(frozen=True)
class _Choice:
    """The rows of a task and why it is these."""

    form: str
    rows: list[Entity]
    read: list[Entity]
    """Whose documents have to be read."""
    others: list[Entity]
    """Whose documents may stand beside them and change nothing."""
    blanks: dict[str, object]


def wide_tasks(
    wide: Wide,
    entities: Sequence[Entity],
    material: Material,
    split: Split,
    rng: random.Random,
    dials: Dials,
) -> Iterator[EvalTask]:
    """Draws tasks over the entities of a split; ends where there are too few."""
    own = [entity for entity in entities if split_of(entity.name) == split]
    return drawn(lambda: _task(wide, own, material, split, rng, dials))


def _task(
    wide: Wide,
    own: list[Entity],
    material: Material,
    split: Split,
    rng: random.Random,
    dials: Dials,
) -> EvalTask | None:
    count = rng.randint(1, min(dials.columns, len(wide.facts)))
    chosen = set(rng.sample(range(len(wide.facts)), count))
    facts = [fact for number, fact in enumerate(wide.facts) if number in chosen]
    choice = _chosen(wide, own, facts, rng, dials)
    if choice is None:
        return None
    template, question = worded(
        choice.form, split, rng, thing=wide.thing, things=wide.things, count=len(choice.rows),
        facts=listed([f"the {fact.phrase}" for fact in facts]), **choice.blanks,
    )  # fmt: skip
    return sealed(
        family=wide.family,
        kind="wide",
        split=split,
        template=template,
        question=question,
        material=material,
        scope=scope_of(
            rng,
            [entity.document for entity in choice.read],
            [entity.document for entity in choice.others],
            dials.distractors,
        ),
        contract=contract_for(wide.thing, wide.meaning, facts),
        gold=[
            {wide.thing: entity.name} | {fact.name: entity.facts[fact.name] for fact in facts}
            for entity in choice.rows
        ],
        checks=checks_for(wide.thing, facts),
        parts=[Part(name=entity.name, documents=(entity.document,)) for entity in choice.read],
    )


def _chosen(
    wide: Wide, own: list[Entity], facts: list[Fact], rng: random.Random, dials: Dials
) -> _Choice | None:
    """Rows that have all of the facts; None where there are fewer than the dials want."""
    names = {fact.name for fact in facts}
    having = [entity for entity in own if names <= entity.facts.keys()]
    form = rng.choice(("listed", "listed", "all", "group", "condition"))
    if form == "group":
        return _group(own, having, rng, dials)
    if form == "condition":
        return _condition(wide, having, rng, dials)
    rows = _few(having, rng, dials)
    if rows is None:
        return None
    if form == "all":
        return _Choice("all", rows, rows, [], {})
    items = ", ".join(entity.name for entity in rows)
    return _Choice("listed", rows, rows, own, {"items": items})


def _few(having: list[Entity], rng: random.Random, dials: Dials) -> list[Entity] | None:
    most = min(dials.max_rows, len(having))
    if most < dials.min_rows:
        return None
    return rng.sample(having, rng.randint(dials.min_rows, most))


def _group(
    own: list[Entity], having: list[Entity], rng: random.Random, dials: Dials
) -> _Choice | None:
    groups = sorted({entity.group for entity in having if entity.group})
    if not groups:
        return None
    group = rng.choice(groups)
    rows = _few([entity for entity in having if entity.group == group], rng, dials)
    if rows is None:
        return None
    outside = [entity for entity in own if entity.group != group]
    return _Choice("group", rows, rows, outside, {"group": group})


def _condition(
    wide: Wide, having: list[Entity], rng: random.Random, dials: Dials
) -> _Choice | None:
    """Rows whose value is beyond a bound, among others that have to be read to know it."""
    by_name = {fact.name: fact for fact in wide.facts}
    fact = by_name[rng.choice(wide.conditions)]
    able = [entity for entity in having if fact.name in entity.facts]
    rows = _few(able, rng, dials)
    if rows is None:
        return None
    left = sorted(set(range(len(able))) - {able.index(row) for row in rows})
    more = [able[i] for i in rng.sample(left, min(dials.distractors, len(left)))]
    pool = sorted([*rows, *more], key=lambda entity: Decimal(entity.facts[fact.name]))
    values = [Decimal(entity.facts[fact.name]) for entity in pool]
    wanted = len(rows)
    low = rng.randint(0, len(pool) - wanted)
    rule, (first, last) = _rule(rng.choice(("more", "less", "between")), values, low, wanted)
    found = [e for e in pool if first <= Decimal(e.facts[fact.name]) <= last]
    if not dials.min_rows <= len(found) <= dials.max_rows:
        return None
    rng.shuffle(found)
    return _Choice("condition", found, pool, [], {"condition": f"{fact.phrase} {rule}"})


def _rule(
    kind: str, values: list[Decimal], low: int, wanted: int
) -> tuple[str, tuple[Decimal, Decimal]]:
    """A rule in words, and the first and last value that fit it."""
    if kind == "more":
        first = values[-wanted]
        return f"is at least {first}", (first, values[-1])
    if kind == "less":
        last = values[wanted - 1]
        return f"is at most {last}", (values[0], last)
    first, last = values[low], values[low + wanted - 1]
    return f"lies between {first} and {last}, both included", (first, last)
