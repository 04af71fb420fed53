"""An endpoint that admits 20 requests at once and refuses the rest with 429."""

from bench.measure import Figure, Setting, median
from bench.script import Scenario

CAP = 20
WALL_OVER_IDEAL = 1.25
REFUSED_SHARE = 0.25


def run(setting: Setting) -> list[Figure]:
    """Without and with `Retry-After`."""
    return [
        *capped(setting, "cap 20", 0.0),
        *capped(setting, "cap 20, Retry-After", 1.0),
    ]


def capped(setting: Setting, name: str, retry_after_s: float) -> list[Figure]:
    """100 sub-agents of 5 tool calls. The ideal keeps all 20 places filled from first to last."""
    scenario = Scenario(calls=5, cap=CAP, retry_after_s=retry_after_s)
    busy = scenario.units * (scenario.calls + 1) / CAP
    ideal_s = (busy + 2) * scenario.latency_s
    rounds = [setting.work("swarm", scenario) for _ in range(setting.rounds)]
    survivors = min(_survivors(figures) for figures in rounds)
    refused = [figures["server"]["outcomes"].get("refused", 0) for figures in rounds]
    share = median([count / scenario.replies for count in refused])
    wall = median([figures["wall_s"] for figures in rounds])
    return [
        Figure(f"{name}: sub-agents that survive", survivors, scenario.units, at_least=True),
        Figure(f"{name}: wall / ideal", wall / ideal_s, WALL_OVER_IDEAL, note=f"{wall:.1f} s"),
        Figure(f"{name}: 429s / calls", share, REFUSED_SHARE, note=f"{median(refused):.0f}"),
    ]


def _survivors(figures: dict) -> int:
    return figures["stats"]["sub_agents"] - len(figures["failures"])
