"""Which mode `auto` takes, and the reason that the run gives for it."""

import pytest

import openswarm
from openswarm.core.columns import parse_columns
from openswarm.core.limits import Limits
from openswarm.core.task import Task
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.router import route

pytestmark = pytest.mark.requirement("modes.route")
CONTRACT = parse_columns("country; capital", ["country"])


@pytest.mark.parametrize(
    ("task", "tools", "mode", "why"),
    [
        (Task(text="What is a monad?"), 0, "instant", "one question that needs no tools"),
        (Task(text="What is each of them?"), 0, "instant", "one question"),
        (Task(text="Read it.", over=("x",)), 0, "agent", "documents or tools to use"),
        (Task(text="Do it."), 1, "agent", "documents or tools to use"),
        (Task(text="What are they?", contract=CONTRACT), 0, "swarm", "a table is asked for"),
        (
            Task(text="For each of Chile, Peru, Laos, Chad: the capital."),
            0,
            "swarm",
            "several items to be treated alike",
        ),
        (
            Task(text="Compare all the countries by size.", over=("x",)),
            0,
            "swarm",
            "several items to be treated alike",
        ),
        (
            Task(text="A table.", contract=CONTRACT, limits=Limits(max_subagents=0)),
            0,
            "agent",
            "sub-agents are switched off",
        ),
        (Task(text="A table.", contract=CONTRACT, limits=Limits(depth=0)), 0, "agent", "off"),
        (Task(text="For each.", mode="thinking", contract=CONTRACT), 1, "thinking", "chosen by"),
        (Task(text="Hello?", mode="swarm"), 0, "swarm", "chosen by the user"),
    ],
)
def test_the_task_itself_says_which_mode_it_deserves(
    task: Task, tools: int, mode: str, why: str
) -> None:
    chosen = route(task, tools)
    assert chosen.mode == mode
    assert why in chosen.why


@pytest.mark.anyio
async def test_a_run_says_which_mode_it_took_and_why() -> None:
    model = ScriptedModel({"instant": [Say("A monoid.")]})
    result = await openswarm.run("What is a monad?", model=model)
    assert (result.mode, result.mode_reason) == ("instant", "one question that needs no tools")
