"""What a task would cost before it is begun: sub-agents, steps, tokens, dollars, time.

A rough figure with its range, from the route and the model's price. The numbers of one agent are
those that runs of its mode took in the log; the range is a factor both ways.
"""

from pydantic import Field

from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.llm.model import ModelInfo, Price
from openswarm.modes.routing import Route

STEP_S = 6.0
"""Seconds of one reply."""
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 3_000, 2_000, 350
"""Of one step; the cached ones are among the input."""
STEPS = {"instant": 1, "thinking": 1, "agent": 12}
SUBAGENT_STEPS = 6
ORCHESTRATOR_STEPS = 4
THINKING_TOKENS = 2_000
FACTOR = 3.0
"""The range: from a third to three times."""


class Estimate(Frozen):
    """What a run may come to; a guess, and the range in which it lies."""

    sub_agents: int = 0
    steps: int = 1
    tokens: int = 0
    usd: float | None = None
    """None where the model has no price."""
    usd_low: float | None = None
    usd_high: float | None = Field(None)
    """Never more than the run's limit."""
    wall_s: float = 0.0


def estimate(route: Route, limits: Limits, lead: ModelInfo, others: ModelInfo) -> Estimate:
    """The estimate for a route, with the models of the root and of the sub-agents."""
    width = min(route.width, limits.max_subagents) if route.mode == "swarm" else 0
    own = ORCHESTRATOR_STEPS if route.mode == "swarm" else STEPS[route.mode]
    theirs = width * SUBAGENT_STEPS
    thought = THINKING_TOKENS if route.mode == "thinking" else 0
    usd = _sum(_usd(lead.price, own, thought), _usd(others.price, theirs, 0) if theirs else 0.0)
    at_once = min(limits.parallel, others.parallel or limits.parallel)
    waves = -(-width // at_once) if width else 0
    ceiling = limits.usd
    return Estimate(
        sub_agents=width,
        steps=own + theirs,
        tokens=(own + theirs) * (INPUT_TOKENS + OUTPUT_TOKENS) + thought,
        usd=usd if usd is None or ceiling is None else min(usd, ceiling),
        usd_low=None if usd is None else min(usd / FACTOR, ceiling or usd),
        usd_high=None if usd is None else min(usd * FACTOR, ceiling or usd * FACTOR),
        wall_s=min((own + waves * SUBAGENT_STEPS) * STEP_S, limits.wall_s),
    )


def _usd(price: Price | None, steps: int, thought: int) -> float | None:
    if price is None:
        return None
    fresh = INPUT_TOKENS - CACHED_TOKENS
    one = fresh * price.input + CACHED_TOKENS * price.cached + OUTPUT_TOKENS * price.output
    return (steps * one + thought * price.output) / 1_000_000


def _sum(first: float | None, second: float | None) -> float | None:
    """A price that is not known makes the sum unknown, where the other part is not all there is."""
    return None if first is None or second is None else first + second
