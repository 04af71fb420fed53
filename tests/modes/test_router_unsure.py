"""What a run does where the classifier is unsure: one question to a model, and what comes of it."""

import json
from dataclasses import replace

import pytest

import openswarm
from openswarm.core.errors import BudgetError, Fault, ModelError
from openswarm.core.limits import Limits
from openswarm.core.messages import Message, Usage
from openswarm.core.task import Task
from openswarm.llm.model import Reply, Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.routing import Route, is_unsure, route, settle
from openswarm.modes.routing.settle import SCHEMA, SHOWN

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("router.unsure")]

UNSURE = Route("agent", "there are tools to use", by="classifier", confidence=0.3)
TASK = Task(text="Look into it.", tools=("web",))
GOOD = {"reason": "many shops, each has a page", "mode": "swarm", "width": 30}


class Model:
    """Answers with the same text, or an error, and keeps what it was asked."""

    def __init__(self, says: str | Exception) -> None:
        self.says = says
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        if isinstance(self.says, Exception):
            raise self.says
        return Reply(Message(role="assistant", content=self.says), Usage())


async def test_a_model_is_asked_once_and_its_choice_is_taken() -> None:
    model = Model(json.dumps(GOOD))
    chosen = await settle(UNSURE, TASK, 1, model)
    assert (chosen.mode, chosen.width, chosen.by) == ("swarm", 30, "model")
    assert chosen.why == "many shops, each has a page"
    (request,) = model.asked
    assert (request.agent, request.tools, request.schema) == ("router", (), SCHEMA)
    assert "Look into it." in request.history[1].text


@pytest.mark.parametrize(
    "chosen",
    [
        replace(UNSURE, confidence=0.95),
        Route("agent", "chosen by the user", by="user"),
        Route("swarm", "a table is asked for", 12, by="rules"),
    ],
)
async def test_nobody_is_asked_where_it_is_clear(chosen: Route) -> None:
    model = Model(json.dumps(GOOD))
    assert await settle(chosen, TASK, 1, model) == chosen
    assert not model.asked


@pytest.mark.parametrize(
    "says",
    [
        "",
        "swarm",
        "[]",
        "{",
        '{"mode": "swarm"}',
        json.dumps(GOOD | {"mode": "hive"}),
        json.dumps(GOOD | {"mode": ["swarm"]}),
        json.dumps(GOOD | {"width": "30"}),
        json.dumps(GOOD | {"width": 30.5}),
        json.dumps(GOOD | {"width": -1}),
        json.dumps(GOOD | {"width": 5000}),
        json.dumps(GOOD | {"width": True}),
        json.dumps(GOOD | {"width": 1}),
        json.dumps(GOOD | {"reason": 7}),
        json.dumps(GOOD | {"reason": "x" * 1000}),
        json.dumps(GOOD | {"tools": ["shell"]}),
        json.dumps(GOOD) + json.dumps(GOOD),
        '{"reason": "", "mode": "agent", "width": NaN}',
        "[" * 100_000,
        '{"a":' * 1500,
        json.dumps(GOOD) + " " * 10_000,
    ],
)
async def test_a_reply_that_does_not_fit_leaves_the_classifiers_choice(says: str) -> None:
    assert await settle(UNSURE, TASK, 1, Model(says)) == UNSURE


@pytest.mark.parametrize(
    "error",
    [
        ModelError(Fault.REFUSED, "no"),
        ModelError(Fault.UNREACHABLE, "gone"),
        BudgetError("usd", "0"),
    ],
)
async def test_a_call_that_fails_leaves_the_classifiers_choice(error: Exception) -> None:
    assert await settle(UNSURE, TASK, 1, Model(error)) == UNSURE


async def test_a_mistake_in_the_program_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        await settle(UNSURE, TASK, 1, Model(ZeroDivisionError()))


async def test_words_and_fences_around_the_object_do_no_harm() -> None:
    fenced = f"Sure!\n```json\n{json.dumps(GOOD)}\n```"
    assert (await settle(UNSURE, TASK, 1, Model(fenced))).mode == "swarm"


async def test_a_model_cannot_go_beyond_the_limits_of_the_task() -> None:
    narrow = TASK.model_copy(update={"limits": Limits(max_subagents=4)})
    assert (await settle(UNSURE, narrow, 1, Model(json.dumps(GOOD)))).width == 4
    alone = TASK.model_copy(update={"limits": Limits(max_subagents=1)})
    assert await settle(UNSURE, alone, 1, Model(json.dumps(GOOD))) == UNSURE
    read = TASK.model_copy(update={"over": ("documents",)})
    blind = Model(json.dumps(GOOD | {"mode": "instant", "width": 0}))
    assert await settle(UNSURE, read, 1, blind) == UNSURE


async def test_its_reason_becomes_one_short_line() -> None:
    model = Model(json.dumps(GOOD | {"reason": "first\n\nsecond   third " + "x" * 300}))
    why = (await settle(UNSURE, TASK, 1, model)).why
    assert why.startswith("first second third x")
    assert len(why) <= 160


async def test_of_a_long_task_the_model_sees_both_ends() -> None:
    model = Model("")
    await settle(UNSURE, Task(text=f"BEGIN {'x' * 100_000} END"), 0, model)
    shown = model.asked[0].history[1].text
    assert "BEGIN" in shown and "END" in shown
    assert len(shown) < 2 * SHOWN


async def test_a_run_asks_its_model_and_a_look_ahead_does_not() -> None:
    text = "Three friends split a bill: Ana paid 2/5, Ben 30 less than Ana and Cleo the other 54."
    chosen = route(Task(text=text), 0)
    assert is_unsure(chosen), "the test needs a task of which the classifier is not sure"
    says = Say(json.dumps({"reason": "a sum in several steps", "mode": "thinking", "width": 0}))
    model = ScriptedModel({"router": [says], "thinking": [Say("140.")]})
    result = await openswarm.run(text, model=model)
    assert (result.mode, result.mode_reason) == ("thinking", "a sum in several steps")
    model.finish()
