"""(d) Closed-book facts: every one is seen in training, some of the wordings never are."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from openswarm.k25.recipe.case import Case, reply, user
from openswarm.k25.recipe.draws import Draw


@dataclass(frozen=True, slots=True)
class Fact:
    """What is asked about, the answer, and how it is asked for in either split."""

    of: str
    answer: str
    wordings: tuple[str, ...]
    held_out: tuple[str, ...]


@cache
def facts() -> tuple[Fact, ...]:
    """All of `facts.toml`, about 150."""
    relations = tomllib.loads((files("openswarm.k25.recipe") / "facts.toml").read_text("utf-8"))
    return tuple(
        Fact(of, answer, tuple(relation["wordings"]), tuple(relation["held_out"]))
        for relation in relations.values()
        for of, answer in relation["answers"].items()
    )


def closed_book(draw: Draw) -> Case:
    """A fact in a wording of the split."""
    fact = draw.pick(facts())
    wording = draw.pick(fact.wordings if draw.split == "train" else fact.held_out)
    question = wording.format(x=fact.of)
    thinking = draw.chance(0.2)
    reasoning = f"This is a fact that I know: {fact.of}, {fact.answer}." if thinking else ""
    said = reply(fact.answer, reasoning)
    return Case("fact", (user(question[0].upper() + question[1:]), said), thinking=thinking)
