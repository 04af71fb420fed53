"""One sub-agent of 100 is broken, in every way there is; the other 99 must not notice.

The broken one must end as what it is: mended, or with an outcome and a reason that say what went
wrong. What became of it is read from the run's journal, everything else from the server's log.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Figure, Setting
from bench.script import FAULTS, Scenario

EXTRA_CALLS = 3.0
"""Percent of the calls of a flawless run."""
LIMITS = {"stall_s": 2.0}
"""Shorter than the default, so that the bench does not wait two minutes for the one that hangs."""
MENDABLE = {"http_500", "drop", "cut", "garbage", "unknown_tool", "broken_json", "tool_raises"}
"""After these a sub-agent may complete; after the others nothing whole can come of it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the broken sub-agent ended."""

    outcome: str
    why: str

    def is_told(self, fault: str) -> bool:
        """Whether its outcome says what happened."""
        if self.outcome == "completed":
            return fault in MENDABLE
        return bool(self.outcome and self.why)


def run(setting: Setting) -> list[Figure]:
    """Each fault of the endpoint and of the model, and a tool that raises."""
    figures: list[Figure] = []
    untold: list[str] = []
    for fault, meaning in (FAULTS | {"tool_raises": "the tool raises"}).items():
        figures += broken(setting, fault, meaning, untold)
    note = ", ".join(untold)
    return [*figures, Figure("broken sub-agents that are not told", len(untold), 0, note=note)]


def broken(setting: Setting, fault: str, meaning: str, untold: list[str]) -> list[Figure]:
    """The healthy ones that were lost, what became of the broken one, and the calls it cost."""
    of_tool = fault == "tool_raises"
    scenario = Scenario(latency_s=0.05, fault="" if of_tool else fault)
    raises = scenario.faulty if of_tool else ""
    figures = setting.work("swarm", scenario, limits=LIMITS, raises=raises)
    ended = ending_of(Path(figures["folder"]), scenario.faulty)
    if not ended.is_told(fault):
        untold.append(fault)
    setting.say(f"{fault} ({meaning}): {figures['wall_s']:.1f} s; {ended.outcome} {ended.why}")
    lost, extra = count(setting.get("/log"), scenario)
    if not figures["answer"]:
        lost = scenario.units - 1
    return [
        Figure(f"{fault}: healthy sub-agents lost", lost, 0, note=f"{ended.outcome} {ended.why}"),
        Figure(f"{fault}: extra calls", extra / scenario.replies * 100, EXTRA_CALLS, "%"),
    ]


def count(log: list[list[Any]], scenario: Scenario) -> tuple[int, int]:
    """Healthy sub-agents without all their replies, and calls that a flawless run does not make."""
    calls: dict[str, int] = {}
    whole: dict[str, int] = {}
    for conversation, _, _, _, outcome in log:
        calls[conversation] = calls.get(conversation, 0) + 1
        whole[conversation] = whole.get(conversation, 0) + (outcome == "whole")
    replies = scenario.calls + 1
    healthy = [n for name, n in whole.items() if name.startswith("unit-")]
    healthy.remove(whole[scenario.faulty])
    lost = scenario.units - 1 - sum(number >= replies for number in healthy)
    flawless = {"orchestrator": 2}
    extra = sum(max(n - flawless.get(name, replies), 0) for name, n in calls.items())
    return lost, extra


def ending_of(folder: Path, unit: str) -> Ended:
    """What the journal says of the sub-agent of a unit."""
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    assigned = next(e for e in events if e["type"] == "task_assigned" and e["item"] == unit)
    for event in events:
        if event["type"] == "report_received" and event["agent"] == assigned["agent"]:
            return Ended(event["outcome"], event["why"])
    return Ended("", "it never reported")
