"""Scripted agents that answer the tasks of `made_episodes`, and evals of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
from made_episodes import CAPITALS, TEXTS, share_of_cells, wide_task

from openswarm.evals.arms import Arm
from openswarm.evals.documents import Documents
from openswarm.evals.results import Episode, read_episodes
from openswarm.evals.runner import Eval
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import brief, calls, turn

SINGLE, SWARM = Arm("single", "agent"), Arm("swarm", "swarm")


def row(name: str) -> tuple[str, dict[str, Any]]:
    """A call that hands a row in."""
    place = f"{name.lower()}.md#1"
    quote = f"The capital of {name} is {CAPITALS[name]}."
    return "report", {"capital": {"value": CAPITALS[name], "source": place, "quote": quote}}


def named_in(text: str) -> list[str]:
    """The countries that a text names, in order."""
    return [name for name in CAPITALS if name in text]


def lead(request: Request) -> Say:
    """An orchestrator with a sub-agent for each country that is asked for."""
    if turn(request):
        return Say("All done.")
    items = named_in(brief(request))
    arguments = {"agent": "researcher", "prompt_template": "Capital of {{item}}.", "items": items}
    return calls(("assign_batch", arguments))


def worker(request: Request) -> Say:
    """A sub-agent that knows its country."""
    return calls(row(named_in(brief(request))[0]))


def alone(request: Request) -> Say:
    """An agent that reads one document a turn and hands in what it read."""
    names = named_in(brief(request))
    read = turn(request)
    handed = [row(name)[1] | {"country": name} for name in names[:read]]
    if not request.tools or all(tool.name == "report" for tool in request.tools):
        return calls(("report", {"rows": handed}))
    if "What is" in brief(request):
        return Say(f"Explanation: I know.\nExact Answer: {CAPITALS[names[0]]}")
    if read < len(names):
        return calls(("open", {"document": f"{names[read].lower()}.md"}))
    return calls(("report", {"rows": handed}))


def model_of(**scripts: Any) -> ScriptedModel:
    """A model that follows these scripts, or the usual ones."""
    usual = {"orchestrator": lead, "researcher": worker, "agent": alone}
    return ScriptedModel(usual | scripts)


def wanted(out: Path, model: Any = None, **more: Any) -> Eval:
    """An eval of two tasks and two arms."""
    model = model or model_of()
    usual: dict[str, Any] = {
        "tasks": [wide_task(), wide_task("Peru", "Laos")],
        "arms": [replace(arm, model=model) for arm in (SINGLE, SWARM)],
        "corpora": {"capitals": Documents("capitals", TEXTS)},
        "out": out,
        "scorer": share_of_cells,
        "home": out / "home",
    }
    return Eval(**(usual | more))


async def stored(out: Path) -> list[Episode]:
    """What stands in the results file."""
    return await anyio.to_thread.run_sync(read_episodes, out)
