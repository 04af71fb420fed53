"""One sub-agent of 100 is broken, in every way there is; the other 99 must not notice."""

from bench.measure import Figure, Setting
from bench.script import FAULTS, Scenario

EXTRA_CALLS = 0.03
LIMITS = {"stall_s": 2.0}
"""Shorter than the default, so that the bench does not wait two minutes for the one that hangs."""


def run(setting: Setting) -> list[Figure]:
    """Each fault of the endpoint and of the model, and a tool that raises."""
    figures = []
    for fault, meaning in (FAULTS | {"tool_raises": "the tool raises"}).items():
        figures += broken(setting, fault, meaning)
    return figures


def broken(setting: Setting, fault: str, meaning: str) -> list[Figure]:
    """The healthy ones that were lost, what became of the broken one, and the calls it cost."""
    of_tool = fault == "tool_raises"
    scenario = Scenario(latency_s=0.05, fault="" if of_tool else fault)
    raises = scenario.faulty if of_tool else ""
    figures = setting.work("swarm", scenario, limits=LIMITS, raises=raises)
    setting.say(f"{fault} ({meaning}): {figures['wall_s']:.1f} s")
    log = [entry for entry in setting.get("/log") if entry[0] != scenario.faulty]
    per_unit = scenario.calls + 1
    replies = sum(1 for entry in log if entry[0].startswith("unit-") and entry[4] == "whole")
    lost = max(scenario.units - 1 - replies // per_unit, len(figures["failures"]) - 1)
    extra = max(figures["server"]["requests"] - scenario.replies, 0) / scenario.replies
    return [
        Figure(f"{fault}: healthy sub-agents lost", max(lost, 0), 0, note=_end(figures)),
        Figure(f"{fault}: extra calls", extra, EXTRA_CALLS),
    ]


def _end(figures: dict) -> str:
    """How the broken one ended: mended, or with which typed failure."""
    if not figures["answer"]:
        return "the run has no answer"
    failures = [f"{failure['boundary']}/{failure['kind']}" for failure in figures["failures"]]
    return ", ".join(failures) or "mended"
