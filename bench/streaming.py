"""What a live view costs: replies of 100 deltas.

Peers were measured with the deltas back to back; that is where the bar is. Spread over half a
second, each delta arrives on its own, as from a real model; shown with the floor beside it.
"""

from bench.measure import Figure, Setting, median
from bench.script import Scenario

MS_A_REPLY = 4.0
UNITS = 20


def run(setting: Setting) -> list[Figure]:
    """Back to back, and spread."""
    back_to_back = Scenario(units=UNITS, chunks=100, latency_s=0.0)
    spread = Scenario(units=UNITS, calls=5, chunks=100, latency_s=0.0, spread_s=0.5)
    return [
        ms_a_reply(setting, "100 deltas back to back", back_to_back, MS_A_REPLY),
        ms_a_reply(setting, "100 deltas, one at a time", spread, None),
    ]


def ms_a_reply(setting: Setting, name: str, scenario: Scenario, bar: float | None) -> Figure:
    """Milliseconds of processor time a reply."""
    pairs = setting.pairs(scenario)
    scale = 1000.0 / scenario.replies
    return Figure(
        f"{name}: processor time a reply",
        median([swarm["cpu_s"] for swarm, _ in pairs]) * scale,
        bar,
        "ms",
        floor=median([floor["cpu_s"] for _, floor in pairs]) * scale,
    )
