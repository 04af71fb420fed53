"""Which conversations there are, how often each comes, and under which system prompts."""

from collections.abc import Callable
from dataclasses import replace

from openswarm.k25.recipe.about import small_talk, system_prompt, unknowable
from openswarm.k25.recipe.case import Case
from openswarm.k25.recipe.corpus import Corpus
from openswarm.k25.recipe.draws import Draw
from openswarm.k25.recipe.facts import closed_book
from openswarm.k25.recipe.pages import page_case
from openswarm.k25.recipe.records import as_json, one_value
from openswarm.k25.recipe.sums import small_task
from openswarm.k25.recipe.swarm_data import wide_task, work_not_wide
from openswarm.k25.recipe.tools_data import tool_use, tools_not_needed

Kind = Callable[[Draw], Case]
PLAIN: tuple[Kind, ...] = (closed_book, small_task, small_talk, one_value, unknowable)
"""Tasks that need no tool."""
LONG_WORDS = (15, 60)
"""Words of an irrelevant system prompt."""


def without_tools(draw: Draw) -> Case:
    """A plain task although tools are declared: a swarm's or others."""
    return work_not_wide(draw, PLAIN) if draw.chance(0.35) else tools_not_needed(draw, PLAIN)


def two_turns(draw: Draw) -> Case:
    """A plain task after another one; the last one gives the skill."""
    first, second = draw.pick(PLAIN)(draw), draw.pick(PLAIN)(draw)
    return replace(second, messages=first.messages + second.messages)


KINDS: tuple[tuple[Kind, float], ...] = (
    (one_value, 6.0),
    (as_json, 3.0),
    (small_task, 6.0),
    (closed_book, 5.0),
    (tool_use, 4.0),
    (without_tools, 1.5),
    (wide_task, 1.5),
    (small_talk, 1.5),
    (unknowable, 1.0),
    (two_turns, 1.5),
)
"""How often each kind of conversation comes, by examples."""


def chat(draw: Draw, corpus: Corpus) -> Case:
    """A conversation in text."""
    return _under_system(draw, draw.weighted(KINDS)(draw), corpus)


def seen(draw: Draw, corpus: Corpus) -> Case:
    """A conversation about a page or a clip."""
    case = page_case(draw)
    return _under_system(draw, case, corpus) if draw.chance(0.4) else case


def _under_system(draw: Draw, case: Case, corpus: Corpus) -> Case:
    words = draw.pick(corpus.documents).split()
    return case.with_system(system_prompt(draw, " ".join(words[: draw.between(*LONG_WORDS)])))
