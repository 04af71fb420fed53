"""The scripted model: public, keyed by agent name, strict."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

import openswarm
from openswarm import Say, ScriptedModel
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.history import History
from openswarm.core.messages import Message, Usage
from openswarm.llm.model import Delta, Reply, Request
from openswarm.llm.scripted import UnexpectedCall, UnusedSteps

pytestmark = pytest.mark.anyio


def ask(agent: str = "root", replies: int = 0, brief: str = "go") -> Request:
    said = [Message(role="assistant", content="x")] * replies
    return Request(History([Message(role="user", content=brief), *said]), agent=agent)


@pytest.mark.requirement("llm.scripted")
async def test_each_agent_follows_its_own_script_step_by_step() -> None:
    model = ScriptedModel({"a": [Say("a1"), Say("a2")], "b": [Say("b1")]})
    assert (await model.reply(ask("a"))).message.text == "a1"
    assert (await model.reply(ask("b"))).message.text == "b1"
    assert (await model.reply(ask("a", replies=1))).message.text == "a2"
    model.finish()


async def test_a_hundred_agents_of_one_name_follow_the_script_at_once() -> None:
    model, replies = ScriptedModel({"worker": [Say("one"), Say("two")]}), []

    async def agent() -> None:
        for turn in range(2):
            reply = await model.reply(ask("worker", replies=turn))
            replies.append(reply.message.text)

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(agent)
    assert sorted(replies) == ["one"] * 100 + ["two"] * 100


async def test_a_star_is_the_script_of_everyone_without_one() -> None:
    model = ScriptedModel({"*": [Say("any")], "a": [Say("own")]})
    assert (await model.reply(ask("a"))).message.text == "own"
    assert (await model.reply(ask("z"))).message.text == "any"


async def test_a_step_may_be_made_from_the_request() -> None:
    def echo(request: Request) -> Say:
        return Say(request.history[0].text.upper())

    for script in ({"a": [echo]}, {"a": echo}):
        assert (await ScriptedModel(script).reply(ask("a", brief="hi"))).message.text == "HI"


async def test_calls_get_ids_of_their_own_in_each_turn() -> None:
    calls = (("search", {"q": "x"}), ("open", "{broken"))
    model = ScriptedModel({"a": [Say(calls=calls), Say(calls=calls)]})
    first, second = await model.reply(ask("a")), await model.reply(ask("a", replies=1))
    made = [*first.message.tool_calls, *second.message.tool_calls]
    assert len({call.id for call in made}) == 4
    assert [call.arguments for call in made[:2]] == ['{"q": "x"}', "{broken"]
    assert first.finish == "tool_calls"


async def test_text_is_shown_as_it_streams() -> None:
    deltas: list[Delta] = []
    await ScriptedModel({"a": [Say("hi")]}).reply(ask("a"), deltas.append)
    assert deltas == [Delta("text", "hi")]


async def test_an_error_of_the_script_is_raised() -> None:
    model = ScriptedModel({"a": [Say(error=ModelError(Fault.SERVER, "boom"))]})
    with pytest.raises(ModelError, match="boom"):
        await model.reply(ask("a"))


async def test_what_it_was_asked_is_kept_as_it_was_then() -> None:
    model, talk = ScriptedModel({"a": [Say("x")]}), History([Message(role="user", content="1")])
    await model.reply(Request(talk, agent="a"))
    talk.append(Message(role="user", content="2"))
    assert [[m.text for m in asked] for asked in model.requests["a"]] == [["1"]]


@pytest.mark.requirement("llm.scripted")
async def test_a_call_that_no_script_foresaw_is_an_error_with_what_the_agent_was_told() -> None:
    model = ScriptedModel({"a": [Say("x")]})
    with pytest.raises(UnexpectedCall, match=r"no script for agent 'b'; there are \['a'\]"):
        await model.reply(ask("b"))
    with pytest.raises(UnexpectedCall, match=r"reply 2, its script has 1; it was told: 'x'"):
        await model.reply(ask("a", replies=1))


@pytest.mark.requirement("llm.scripted")
async def test_steps_that_nobody_came_to_are_an_error() -> None:
    model = ScriptedModel({"a": [Say("1"), Say("2")], "b": [Say("3")], "c": lambda _: Say("4")})
    await model.reply(ask("a"))
    with pytest.raises(UnusedSteps, match=r"\{'a': 1, 'b': 1\}"):
        model.finish()


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


async def test_a_script_can_be_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "script.json",
        {
            "lead": [{"calls": [{"name": "t", "arguments": {"q": 1}}, {"name": "u"}]}],
            "*": {
                "Chile": [{"text": "Santiago", "reasoning": "hm"}],
                "*": [{"error": "throttled"}, {"text": "later", "usage": {"output_tokens": 3}}],
            },
        },
    )
    model = ScriptedModel.from_file(path)
    assert model.spec == f"scripted:{path}"
    lead = await model.reply(ask("lead"))
    assert [(c.name, c.arguments) for c in lead.message.tool_calls] == [
        ("t", '{"q": 1}'),
        ("u", "{}"),
    ]
    assert (await model.reply(ask("w", brief="about Chile"))).message.reasoning == "hm"
    with pytest.raises(ModelError) as caught:
        await model.reply(ask("w", brief="about Peru"))
    assert caught.value.fault is Fault.THROTTLED
    later: Reply = await model.reply(ask("w", brief="about Peru", replies=1))
    assert later.usage == Usage(output_tokens=3)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        {"a": 7},
        {"a": ["text"]},
        {"a": [{"txt": "x"}]},
        {"a": [{"error": "tired"}]},
        {"a": [{"calls": [{"arguments": {}}]}]},
        {"a": [{"usage": {"tokens": 1}}]},
        {"a": [{"delay_s": "long"}]},
    ],
)
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path / "script.json", value)
    with pytest.raises(UserError, match=r"scripted:.*script\.json is not a script"):
        ScriptedModel.from_file(path)


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        ScriptedModel.from_file(tmp_path / "none.json")
    (tmp_path / "script.json").write_bytes(b"\xff{")
    with pytest.raises(UserError, match="not a script"):
        ScriptedModel.from_file(tmp_path / "script.json")


@pytest.mark.requirement("llm.scripted")
def test_it_is_part_of_the_public_api() -> None:
    assert openswarm.ScriptedModel is ScriptedModel
    assert openswarm.Say is Say
