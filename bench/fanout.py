"""100, 300 and 1,000 sub-agents of 15 tool calls each, 200 ms a reply."""

from typing import Any

from bench.measure import Figure, Setting, median
from bench.script import Scenario

WALL_OVER_CRITICAL_PATH = 1.25
CPU_OVER_FLOOR = 4.0
RSS_MB = 80.0
WALL_OVER_FLOOR = 2.0

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]


def run(setting: Setting) -> list[Figure]:
    """All three widths."""
    figures = hundred(setting)
    for units in (300, 1000):
        figures += wide(setting, units)
    return figures


def hundred(setting: Setting) -> list[Figure]:
    """The width on which peers were measured."""
    scenario = Scenario(units=100)
    pairs = setting.pairs(scenario)
    walls = [swarm["wall_s"] / scenario.critical_path_s for swarm, _ in pairs]
    floor_walls = [floor["wall_s"] / scenario.critical_path_s for _, floor in pairs]
    memory = median([swarm["rss_mb"] for swarm, _ in pairs])
    floor_memory = median([floor["rss_mb"] for _, floor in pairs])
    return [
        Figure(
            "100 × 15: wall / critical path",
            median(walls),
            WALL_OVER_CRITICAL_PATH,
            floor=median(floor_walls),
        ),
        cpu_over_floor("100 × 15", pairs, CPU_OVER_FLOOR),
        Figure("100 × 15: peak memory", memory, RSS_MB, "MB", floor=floor_memory),
        in_flight("100 × 15", pairs, 100),
        whole("100 × 15", pairs, scenario),
    ]


def wide(setting: Setting, units: int) -> list[Figure]:
    """A width that needs more open files than a process may have at first."""
    scenario = Scenario(units=units)
    name = f"{units} × 15"
    pairs = setting.pairs(scenario, limits={"max_subagents": units})
    ratios = [swarm["wall_s"] / floor["wall_s"] for swarm, floor in pairs]
    wall = median([swarm["wall_s"] for swarm, _ in pairs])
    return [
        Figure(f"{name}: wall / the floor's", median(ratios), WALL_OVER_FLOOR, "×"),
        Figure(f"{name}: wall", wall, None, "s", floor=median([f["wall_s"] for _, f in pairs])),
        cpu_over_floor(name, pairs, None),
        Figure(f"{name}: peak memory", median([s["rss_mb"] for s, _ in pairs]), None, "MB",
               floor=median([f["rss_mb"] for _, f in pairs])),
        in_flight(name, pairs, units),
        whole(name, pairs, scenario),
    ]  # fmt: skip


def cpu_over_floor(name: str, pairs: Pairs, bar: float | None) -> Figure:
    """Processor time over the floor's, the median of the rounds' ratios."""
    ratio = median([swarm["cpu_s"] / floor["cpu_s"] for swarm, floor in pairs])
    cpu, floor_cpu = (median([pair[side]["cpu_s"] for pair in pairs]) for side in (0, 1))
    note = f"{cpu:.2f} s against {floor_cpu:.2f} s"
    return Figure(f"{name}: processor time / the floor's", ratio, bar, "×", note=note)


def in_flight(name: str, pairs: Pairs, units: int) -> Figure:
    """Whether all sub-agents were under way at the same moment, as the server saw it."""
    seen = min(swarm["server"]["in_flight_max"] for swarm, _ in pairs)
    floor = min(floor["server"]["in_flight_max"] for _, floor in pairs)
    bar = units if units == 100 else None
    return Figure(f"{name}: requests in flight", seen, bar, floor=floor, at_least=True)


def whole(name: str, pairs: Pairs, scenario: Scenario) -> Figure:
    """Whether every run completed with exactly the calls that the work takes."""
    off = [
        abs(swarm["server"]["requests"] - scenario.replies) + (swarm["outcome"] != "completed")
        for swarm, _ in pairs
    ]
    note = "" if not any(off) else f"{pairs[-1][0]['outcome']}: {pairs[-1][0]['why']}"
    return Figure(f"{name}: calls missing or too many", max(off), 0, note=note)
