"""A budget that 100 sub-agents share, used up in the middle: nothing may be used beyond it.

What was used is counted by the server, not by openswarm. The server bills in three ways: as usual,
in amounts that nobody can foresee, and as much as a request can cost at all.
"""

from typing import Any

from bench.measure import Figure, Setting
from bench.script import Scenario
from openswarm.llm.prices import price_of

PRICED = "gpt-5-mini"
"""A model that has a price; `OPENAI_BASE_URL` leads it to the server."""
CASES = (
    ("steps", "plain", 500),
    ("tokens", "plain", 1_000_000),
    ("tokens", "varied", 2_000_000),
    ("tokens", "worst", 4_000_000),
    ("usd", "plain", 0.2),
    ("usd", "varied", 1.0),
    ("usd", "worst", 2.0),
)
"""Limit, billing, ceiling: each about a third of what the whole work would use."""


def run(setting: Setting) -> list[Figure]:
    """Every case; and a run that a budget ended has to say so."""
    unmarked: list[str] = []
    figures = [overshoot(setting, *case, unmarked) for case in CASES]
    note = "; ".join(unmarked[:2])
    return [*figures, Figure("runs at a budget not marked partial", len(unmarked), 0, note=note)]


def overshoot(
    setting: Setting, limit: str, billing: str, ceiling: float, unmarked: list[str]
) -> Figure:
    """How much more than the ceiling was used, in percent; 0 if it was kept."""
    scenario = Scenario(latency_s=0.05, billing=billing)
    model = f"openai/{PRICED}" if limit == "usd" else ""
    figures = setting.work("swarm", scenario, limits={limit: ceiling}, model=model)
    share = used(limit, figures["server"]) / ceiling
    if figures["outcome"] != "partial" or not figures["answer"]:
        unmarked.append(f"{limit}, {billing}: {figures['outcome']}")
    setting.say(f"{limit} ({billing}): {share:.1%} of {ceiling:g}, {figures['wall_s']:.1f} s")
    return Figure(
        f"{limit}, {billing} billing: overshoot",
        max(share - 1, 0.0) * 100,
        0,
        "%",
        note=f"{share:.1%} used, {figures['outcome']} {figures['why']}",
    )


def used(limit: str, server: dict[str, Any]) -> float:
    """What the server gave: replies, tokens, or their price."""
    if limit == "steps":
        return server["outcomes"].get("whole", 0)
    tokens_in, tokens_out = server["tokens"]
    if limit == "tokens":
        return tokens_in + tokens_out
    price = price_of("openai", PRICED)
    assert price is not None
    return (tokens_in * price.input + tokens_out * price.output) / 1_000_000
