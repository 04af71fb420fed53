"""The oracle's cost model: what each mode and width is worth for a task whose facts are known.

Utility is the expected quality of the result, from 0 to 1, less what the wait and the money are
worth to this user. The label of a task is the best mode and width; regret is the utility that
another choice gives away. What the model takes from published measurements (arXiv 2512.08296):

- sub-agents add nothing to quality where one agent alone succeeds in 45 % of the cases or more;
- on strictly sequential work they lose 70 % of the quality, and in proportion on partly
  sequential work (39 % where a little more than half is sequential).

The other figures are assumptions. They stand here, and in no other place.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Mode = Literal["instant", "thinking", "agent", "swarm"]
MODES: tuple[Mode, ...] = ("instant", "thinking", "agent", "swarm")

STOPS_PAYING = 0.45
"""The success of one agent alone from which on sub-agents add no quality."""
PAYS_FULLY = 0.30
"""The success below which they add all that a fresh context for each part can add."""
SEQUENTIAL_LOSS = 0.70
"""The share of the quality that sub-agents lose on strictly sequential work."""
COORDINATION_LOSS = 0.03
"""What handing work out and putting it together loses where nothing is gained."""
READ_PAGES = 30.0
"""So many pages in one context halve the success."""
WRITTEN_ITEMS = 60.0
"""So many items in one reply halve the success."""
AT_ONCE = 3
"""Tool calls that one agent makes in one step when they do not depend on each other."""
STEP_S, STEP_USD, LEAD_USD = 6.0, 0.004, 0.02
REPLY = {"instant": (3.0, 0.002), "thinking": (25.0, 0.012)}
"""Seconds and dollars of one reply, for one item; many items are more to write."""
WEIGHT = 0.03
"""Utility of each halving of time or money, for a user of ordinary hurry and thrift."""
WIDTHS = (
    2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 200,
    250, 300, 400, 500, 600, 800, 1000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a task, and cannot be seen by a router."""

    items: int = 1
    """Parts that do not depend on each other."""
    pages: float = 0.0
    """Pages to be read for each, beside the task's own text."""
    steps: float = 1.0
    """Steps of an agent for each."""
    chain: float = 0.0
    """The share of the work that needs the result of the work before it, 0 to 1."""
    memory: float = 0.5
    """How often one reply without reasoning is right, for one item."""
    thought: float = 0.5
    """The same with reasoning."""
    single: float = 0.5
    """How often an agent with tools and a fresh context is right, for one item."""
    tools: bool = False
    """Whether there are tools or documents that serve the task."""
    hurry: float = 1.0
    thrift: float = 1.0
    """Weights of time and money."""
    max_subagents: int = 300
    usd: float = 5.0
    wall_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A mode with its width, 0 where it is no swarm."""

    mode: Mode
    width: int = 0


@lru_cache(maxsize=100_000)
def utility(facts: Facts, choice: Choice) -> float:
    """What a choice is worth."""
    quality, seconds, dollars = _outcome(facts, choice)
    quality *= min(1.0, facts.usd / dollars) * min(1.0, facts.wall_s / seconds)
    wait = facts.hurry * math.log2(1 + seconds / 6)
    money = facts.thrift * math.log2(1 + dollars / 0.01)
    return quality - WEIGHT * (wait + money)


@lru_cache(maxsize=100_000)
def best(facts: Facts) -> Choice:
    """The choice that is worth most."""
    widths = {w for w in (*WIDTHS, facts.items) if 2 <= w <= facts.max_subagents}
    simple = [Choice("instant"), Choice("thinking"), Choice("agent")]
    swarms = [Choice("swarm", width) for width in sorted(widths)]
    return max([*simple, *swarms], key=lambda choice: utility(facts, choice))


def regret(facts: Facts, choice: Choice) -> float:
    """The utility that a choice gives away, 0 for the best one."""
    if choice.mode == "swarm":
        width = max(2, min(choice.width, facts.max_subagents))
        choice = Choice("swarm", width)
    return max(0.0, utility(facts, best(facts)) - utility(facts, choice))


def _outcome(facts: Facts, choice: Choice) -> tuple[float, float, float]:
    """Quality, seconds and dollars."""
    if choice.mode in REPLY:
        return _reply(facts, choice.mode)
    return _agent(facts) if choice.mode == "agent" else _swarm(facts, choice.width)


def _reply(facts: Facts, mode: str) -> tuple[float, float, float]:
    seconds, dollars = REPLY[mode]
    right = facts.memory if mode == "instant" else facts.thought
    longer = 1 + facts.items / 10
    return right * _holds(facts.items, WRITTEN_ITEMS), seconds * longer, dollars * longer


def _alone(facts: Facts, items: float) -> tuple[float, float, float]:
    """Quality, steps and dollars of one agent with so many items."""
    if facts.tools:
        right = facts.single * _holds(items * facts.pages, READ_PAGES)
    else:
        right = max(facts.memory, facts.thought)
    right *= _holds(items, WRITTEN_ITEMS)
    at_once = min(AT_ONCE, items) * (1 - facts.chain) + facts.chain
    steps = 1 + items * facts.steps / max(1.0, at_once)
    context = min(items * facts.pages, READ_PAGES)
    return right, steps, STEP_USD * (1 + steps) * (1 + context / 30)


def _agent(facts: Facts) -> tuple[float, float, float]:
    if not facts.tools:  # it reasons once, as in thinking, with more around it
        right, seconds, dollars = _reply(facts, "thinking")
        return right * (1 - COORDINATION_LOSS), seconds * 1.5, dollars * 2
    right, steps, dollars = _alone(facts, facts.items)
    return right, steps * STEP_S + 2, dollars + 0.002


def _swarm(facts: Facts, width: int) -> tuple[float, float, float]:
    share = max(1.0, math.ceil(facts.items / width))
    alone, *_ = _alone(facts, facts.items)
    apart, steps, dollars = _alone(facts, share)
    paying = min(1.0, max(0.0, (STOPS_PAYING - alone) / (STOPS_PAYING - PAYS_FULLY)))
    gained = max(0.0, apart - alone) * (paying if facts.items > 1 else 0.0)
    quality = (alone + gained) * (1 - COORDINATION_LOSS) * (1 - SEQUENTIAL_LOSS * facts.chain)
    seconds = (3 + steps + width / 50) * STEP_S + 2
    return quality, seconds, dollars * width + LEAD_USD * (1 + width / 50)


def _holds(load: float, half: float) -> float:
    """How much of the success is left under a load; half of it at `half`."""
    return 1 / (1 + (load / half) ** 1.5)
