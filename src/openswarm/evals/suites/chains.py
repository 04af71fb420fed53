"""chain and join: walks along typed edges between countries, one answer at the end.

An edge (its longest border, its top export partner …) leads from a country to one other, as its
document states. A chain is deep and has to be walked in order; a join walks several short ones
that do not depend on each other and compares what they lead to. Owns the walks and the check that
nothing else answers the question.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from openswarm.evals.suites.factbook import build
from openswarm.evals.suites.factbook_columns import BY_NAME
from openswarm.evals.suites.facts import alone, listed
from openswarm.evals.suites.family import (
    Dials,
    Family,
    Material,
    drawn,
    sample_file,
    scope_of,
    sealed,
    split_of,
    unsaid,
)
from openswarm.evals.suites.wording import CLUES, SETUPS, STEPS, worded
from openswarm.evals.task import EvalTask, Part, Split

ENDS: tuple[str, ...] = (
    "capital", "internet code", "highest point", "area", "population", "airports",
    "median age", "life expectancy", "fertility rate", "coastline",
)  # fmt: skip
"""The facts that a chain may ask of the last country."""
RANKED: tuple[str, ...] = (
    "area", "population", "airports", "median age", "life expectancy", "fertility rate",
    "birth rate", "death rate", "urban share", "coastline", "highest elevation",
)  # fmt: skip
SUMMED: tuple[str, ...] = ("area", "population", "airports", "railways")
MAX_JOINED = 12

Countries = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class _World:
    """The countries, and those of them that a split may begin and end with."""

    countries: Countries
    own: tuple[str, ...]

    def solutions(self, clue: str, value: str, edges: Sequence[str]) -> list[tuple[str, ...]]:
        """Every walk along these edges that begins at a country with this clue."""
        starts = [
            code for code, record in sorted(self.countries.items())
            if self.clue(record, clue) == value
        ]  # fmt: skip
        walks = [self.walk(start, edges) for start in starts]
        return [walk for walk in walks if walk]

    def walk(self, start: str, edges: Sequence[str]) -> tuple[str, ...]:
        """The countries from a start along the edges; () where one of them has no such edge."""
        path = [start]
        for edge in edges:
            following = self.countries[path[-1]]["edges"].get(edge)
            if following is None:
                return ()
            path.append(following)
        return tuple(path)

    @staticmethod
    def clue(record: Mapping[str, Any], clue: str) -> str | None:
        """What a clue says of a country."""
        return record["name"] if clue == "name" else record["facts"].get(clue)

    @cached_property
    def leading_to(self) -> dict[str, list[tuple[str, str]]]:
        """By country, the countries that lead to it and the edges that do."""
        found: dict[str, list[tuple[str, str]]] = {}
        for code, record in sorted(self.countries.items()):
            for edge, to in sorted(record["edges"].items()):
                found.setdefault(to, []).append((code, edge))
        return found

    def documents(self, codes: Sequence[str]) -> tuple[str, ...]:
        """The documents of countries."""
        return tuple(self.countries[code]["document"] for code in codes)

    @property
    def every_document(self) -> list[str]:
        """The documents of all countries."""
        return [record["document"] for record in self.countries.values()]


def _world(material: Material, split: Split) -> _World:
    countries: Countries = material.records["countries"]
    own = tuple(c for c in sorted(countries) if split_of(countries[c]["name"]) == split)
    return _World(countries, own)


def generate_chain(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Chains of `min_hops` to `max_hops` documents that begin and end in the split."""
    world = _world(material, split)
    return drawn(lambda: _chain(world, material, split, rng, dials) if world.own else None)


def _chain(
    world: _World, material: Material, split: Split, rng: random.Random, dials: Dials
) -> EvalTask | None:
    path, edges = _wander(world, rng.randint(dials.min_hops, dials.max_hops), rng)
    clue = rng.choice(tuple(CLUES))
    value = world.clue(world.countries[path[0]], clue)
    end = world.countries[path[-1]]
    facts = [name for name in ENDS if name in end["facts"]]
    if len(path) < dials.min_hops or path[0] not in world.own or value is None or not facts:
        return None
    if world.solutions(clue, value, edges) != [path]:
        return None
    fact = BY_NAME[rng.choice(facts)]
    steps = " ".join(rng.choice(STEPS[edge].of(split)) for edge in edges)
    template, question = worded(
        "chain", split, rng,
        start=rng.choice(CLUES[clue].of(split)).format(value=value), steps=steps,
        fact=fact.phrase,
    )  # fmt: skip
    task = sealed(
        family="chain",
        kind="chain",
        split=split,
        template=template,
        question=alone(question, fact),
        material=material,
        scope=scope_of(rng, world.documents(path), world.every_document, dials.distractors),
        answer=end["facts"][fact.name],
        parts=[Part(name=end["name"], documents=world.documents(path))],
    )
    return unsaid(task)


def _wander(world: _World, length: int, rng: random.Random) -> tuple[tuple[str, ...], list[str]]:
    """A walk over up to `length` different countries, and its edges.

    It is drawn from its end backwards, so that the few countries that many edges lead to are not
    the answer of most chains.
    """
    path, edges = [rng.choice(world.own)], []
    while len(path) < length:
        before = [step for step in world.leading_to.get(path[0], ()) if step[0] not in path]
        if not before:
            break
        code, edge = rng.choice(before)
        path.insert(0, code)
        edges.insert(0, edge)
    return tuple(path), edges


def generate_join(
    material: Material, split: Split, rng: random.Random, dials: Dials
) -> Iterator[EvalTask]:
    """Lookups or one-step walks from several countries, then the greatest, the least or a sum."""
    world = _world(material, split)
    return drawn(lambda: _join(world, material, split, rng, dials))


def _join(
    world: _World, material: Material, split: Split, rng: random.Random, dials: Dials
) -> EvalTask | None:
    edge = rng.choice(("", *STEPS))
    form = rng.choice(("join-most", "join-most", "join-sum"))
    fact = BY_NAME[rng.choice(SUMMED if form == "join-sum" else RANKED)]
    paths = _paths(world, edge, fact.name, rng, dials)
    if paths is None:
        return None
    ends = [world.countries[path[-1]] for path in paths]
    values = [Decimal(end["facts"][fact.name]) for end in ends]
    extreme = rng.choice(("highest", "lowest"))
    best = (max if extreme == "highest" else min)(values)
    if form == "join-most" and values.count(best) > 1:
        return None
    answer = f"{sum(values):f}" if form == "join-sum" else ends[values.index(best)]["name"]
    names = listed([world.countries[path[0]]["name"] for path in paths])
    setup = rng.choice(SETUPS[edge].of(split)).format(items=names)
    template, question = worded(form, split, rng, setup=setup, fact=fact.phrase, extreme=extreme)
    needed = [document for path in paths for document in world.documents(path)]
    return sealed(
        family="join",
        kind="join",
        split=split,
        template=template,
        question=alone(question, fact) if form == "join-sum" else question,
        material=material,
        scope=scope_of(rng, needed, world.every_document, dials.distractors),
        answer=answer,
        parts=[
            Part(name=world.countries[path[0]]["name"], documents=world.documents(path))
            for path in paths
        ],
    )


def _paths(
    world: _World, edge: str, fact: str, rng: random.Random, dials: Dials
) -> list[tuple[str, ...]] | None:
    """Walks of at most one step to different countries that have a fact."""
    by_end: dict[str, tuple[str, ...]] = {}
    for start in rng.sample(world.own, len(world.own)):
        path = world.walk(start, (edge,) if edge else ())
        if path and fact in world.countries[path[-1]]["facts"]:
            by_end.setdefault(path[-1], path)
    least, most = max(2, dials.min_rows), min(dials.max_rows, len(by_end), MAX_JOINED)
    if most < least:
        return None
    return list(by_end.values())[: rng.randint(least, most)]


CHAIN = Family(
    "chain",
    "one answer behind three to six countries, each found in the document of the one before",
    ("chain",),
    build,
    partial(sample_file, "factbook"),
    generate_chain,
)
JOIN = Family(
    "join",
    "several independent look-ups or short walks, then the greatest, the least or the sum",
    ("join",),
    build,
    partial(sample_file, "factbook"),
    generate_join,
)
