"""The local model, with a stand-in for llama.cpp."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from stand_in import KEY, StandIn, echo, stand_in

from openswarm.core.errors import Fault, ModelError, SettingsError, UserError
from openswarm.core.history import History
from openswarm.core.messages import Message, Usage
from openswarm.llm.local import LocalModel
from openswarm.llm.model import Delta, Request, ToolSpec

pytestmark = pytest.mark.anyio

READ = ToolSpec("read_page", "Reads.", '{"type":"object","properties":{"page":{"type":"integer"}}}')
REPORT = ToolSpec(
    "report", "Hands in.", '{"type":"object","properties":{"text":{"type":"string"}}}'
)
LONG_PROMPT = "You read one page and report what it says. " * 10


def request(text: str = "Go.", *tools: ToolSpec, system: str = "", **options: Any) -> Request:
    """One turn."""
    said = [Message(role="system", content=system)] if system else []
    history = History([*said, Message(role="user", content=text)])
    return Request(history, tools=tools, **options)


def model(engine: StandIn, **options: Any) -> LocalModel:
    """The model under test."""
    options.setdefault("child", engine.child())
    return LocalModel(Path("a.gguf"), **options)


@pytest.mark.requirement("local.grammar")
async def test_a_reply_with_tools_is_held_to_a_grammar_and_read_as_a_call() -> None:
    """Sampling is off, and the call is in the neutral form."""

    async def call(_: dict[str, Any]) -> str:
        return '{"tool": "read_page", "arguments": {"page": 2}}'

    async with stand_in(call) as engine:
        local = model(engine)
        seen: list[Delta] = []
        reply = await local.reply(request("Go.", READ, REPORT, must_call=True), seen.append)
        await local.aclose()
    (call_made,) = reply.message.tool_calls
    assert (call_made.name, json.loads(call_made.arguments)) == ("read_page", {"page": 2})
    assert (reply.finish, reply.message.text, seen) == ("tool_calls", "", [])
    (sent,) = engine.requests
    assert sent["temperature"] == 0
    assert '"const": "report"' in sent["grammar"]
    assert '"answer"' not in sent["grammar"]
    assert "read_page(page?: integer)" in sent["messages"][0]["content"]


async def test_an_answer_instead_of_a_call_is_text() -> None:
    """It is streamed as the text that it holds, not as JSON."""
    async with stand_in(echo) as engine:
        local = model(engine)
        seen: list[Delta] = []
        reply = await local.reply(request("Four.", READ), seen.append)
        await local.aclose()
    assert (reply.message.text, reply.finish) == ("Four.", "stop")
    assert seen == [Delta("text", "Four.")]


async def test_without_tools_the_text_streams_as_it_comes() -> None:
    """There is no grammar then."""
    async with stand_in(echo) as engine:
        local = model(engine)
        seen: list[Delta] = []
        reply = await local.reply(request("Four."), seen.append)
        await local.aclose()
    assert "".join(delta.text for delta in seen) == reply.message.text == '{"answer": "Four."}'
    assert len(seen) == 2
    assert "grammar" not in engine.requests[0]


async def test_an_answer_with_a_schema_is_held_to_it() -> None:
    """Alone, without the form of a call around it."""
    async with stand_in(echo) as engine:
        local = model(engine)
        schema = {"type": "object", "properties": {"people": {"type": "integer"}}}
        await local.reply(request(schema=schema))
        await local.aclose()
    assert '"people"' in engine.requests[0]["grammar"]
    assert '"tool"' not in engine.requests[0]["grammar"]


async def test_a_reply_that_was_cut_is_no_call() -> None:
    """The finish says why."""

    async def cut(_: dict[str, Any]) -> str:
        return '{"tool": "read_page", "arguments": {…'

    async with stand_in(cut) as engine:
        local = model(engine)
        reply = await local.reply(request("Go.", READ))
        await local.aclose()
    assert (reply.finish, reply.message.tool_calls) == ("length", ())


async def test_tools_that_are_taken_away_stay_in_the_prompt_but_not_in_the_grammar() -> None:
    """A prompt with another beginning would have to be read again from the start."""
    async with stand_in(echo) as engine:
        local = model(engine)
        turn = request("Go.", READ, REPORT)
        await local.reply(turn)
        turn.tools = (REPORT,)
        await local.reply(turn)
        await local.aclose()
    first, last = engine.requests
    assert first["messages"] == last["messages"]
    assert "read_page" in first["grammar"]
    assert "read_page" not in last["grammar"]


@pytest.mark.requirement("local.prefix")
async def test_a_shared_system_prompt_is_read_once() -> None:
    """Its state is copied into the other slots; only who read it did not have it cached."""
    async with stand_in(echo) as engine:
        engine.usage = {
            "prompt_tokens": 50,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 38},
        }
        local = model(engine, parallel=3)
        usages: list[Usage] = []

        async def one(name: str) -> None:
            reply = await local.reply(request(name, READ, system=LONG_PROMPT))
            usages.append(reply.usage)

        async with anyio.create_task_group() as group:
            for name in ("a", "b", "c"):
                group.start_soon(one, name)
        await one("d")
        await local.aclose()
    assert len(engine.heads) == 1
    actions = [action for _, action, _ in engine.states]
    assert actions == ["save", "restore", "restore"]
    assert len({slot for slot, _, _ in engine.states}) == 3
    assert [usage.cached_tokens for usage in usages].count(0) == 1
    assert usages[-1] == Usage(input_tokens=50, output_tokens=7, cached_tokens=38)


@pytest.mark.requirement("local.batch")
async def test_as_many_replies_as_there_are_slots_are_made_at_once() -> None:
    """One more waits until a slot is free."""
    full, go = anyio.Event(), anyio.Event()
    inside = 0

    async def hold(body: dict[str, Any]) -> str:
        nonlocal inside
        inside += 1
        if inside == 2:
            full.set()
        await go.wait()
        inside -= 1
        return await echo(body)

    async with stand_in(hold) as engine:
        local = model(engine, parallel=2)
        async with anyio.create_task_group() as group:
            for name in ("a", "b", "c"):
                group.start_soon(local.reply, request(name))
            with anyio.fail_after(10):
                await full.wait()
            assert {body["id_slot"] for body in engine.requests} == {0, 1}
            assert len(engine.requests) == 2
            go.set()
        await local.aclose()
    assert len(engine.requests) == 3


async def test_a_cancelled_reply_is_given_up_by_the_engine_and_frees_its_slot() -> None:
    """The next reply gets it at once."""
    asked, given_up = anyio.Event(), anyio.Event()

    async def hold(body: dict[str, Any]) -> str:
        if body["messages"][-1]["content"] == "next":
            return await echo(body)
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            given_up.set()

    async with stand_in(hold) as engine:
        local = model(engine, parallel=1)
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(local.reply, request())
                await asked.wait()
                group.cancel_scope.cancel()
            await given_up.wait()
            reply = await local.reply(request("next", READ))
        await local.aclose()
    assert reply.message.text == "next"


async def test_a_conversation_over_the_window_is_a_context_overflow() -> None:
    """As llama.cpp puts it."""
    async with stand_in(echo) as engine:
        engine.refuse = (400, "request (8030 tokens) exceeds the available context size (4096)")
        local = model(engine)
        with pytest.raises(ModelError) as error:
            await local.reply(request())
        await local.aclose()
    assert error.value.fault is Fault.CONTEXT


async def test_a_stream_that_ends_in_the_middle_is_broken() -> None:
    """It may pass when it is tried again."""
    async with stand_in(echo) as engine:
        engine.cut = True
        local = model(engine)
        with pytest.raises(ModelError) as error:
            await local.reply(request())
        await local.aclose()
    assert error.value.fault is Fault.BROKEN


@pytest.mark.requirement("local.process")
async def test_the_engine_wants_a_key_that_only_its_parent_is_told() -> None:
    """Every request carries it; nobody gave one."""
    async with stand_in(echo) as engine:
        local = model(engine)
        await local.reply(request(system=LONG_PROMPT))
        await local.aclose()
    assert engine.keys == {f"Bearer {KEY}"}
    assert local.resource == "local"
    assert local.info.price is None


async def test_an_engine_that_died_is_started_again() -> None:
    """What it had saved is forgotten with it."""
    async with stand_in(echo) as engine:
        local = model(engine)
        await local.reply(request(system=LONG_PROMPT))
        running = await local._llama.engine()
        running.process.kill()
        await running.process.wait()
        await local.reply(request(system=LONG_PROMPT))
        await local.aclose()
    assert len(engine.heads) == 2


async def test_closing_ends_the_child_and_can_be_done_twice() -> None:
    """Nothing is left behind, neither the process nor its folder, which nobody else can open."""
    async with stand_in(echo) as engine:
        local = model(engine)
        await local.reply(request())
        running = await local._llama.engine()
        assert stat.S_IMODE((await anyio.Path(running.folder).stat()).st_mode) == 0o700
        await local.aclose()
        await local.aclose()
    assert running.process.returncode is not None
    assert not await anyio.Path(running.folder).exists()


@pytest.mark.parametrize(
    ("hello", "words"),
    [
        ({"missing": "No module named 'xllamacpp'"}, r"pip install 'openswarm\[local\]'"),
        ({"failed": "Failed to init server"}, "cannot load a.gguf"),
    ],
)
async def test_a_child_that_cannot_start_says_what_to_do(hello: object, words: str) -> None:
    """A missing package and a broken file are mended in different ways."""
    async with stand_in(echo) as engine:
        local = model(engine, child=engine.child(hello))
        with pytest.raises(SettingsError, match=words):
            await local.reply(request())
        await local.aclose()


async def test_a_start_that_is_cancelled_leaves_no_child() -> None:
    """The next reply starts another one."""
    never = (sys.executable, "-I", "-S", "-c", "input()")
    with anyio.fail_after(10):
        local = LocalModel(Path("a.gguf"), child=never)
        with anyio.move_on_after(0.05) as scope:
            await local.reply(request())
        assert scope.cancelled_caught
        async with stand_in(echo) as engine:
            local._llama._child = engine.child()
            assert (await local.reply(request("Go.", READ))).message.text == "Go."
            await local.aclose()


async def test_a_crash_while_loading_is_told_with_its_status() -> None:
    """Such as that of a processor which lacks an instruction."""
    crash = (sys.executable, "-I", "-S", "-c", "import os; os.abort()")
    local = LocalModel(Path("a.gguf"), child=crash)
    with pytest.raises(SettingsError, match=r"crashed while it loaded a\.gguf \(status -6"):
        await local.reply(request())


def test_the_bound_of_the_input_covers_tools_and_messages() -> None:
    """No token is shorter than a byte."""
    local = LocalModel(Path("a.gguf"))
    bound = local.input_bound(request("ü" * 100, READ, system="s" * 50))
    assert bound > 200 + 50 + len("read_page(page?: integer)")


@pytest.mark.parametrize("name", ["qwen2.5-coder-1.5b", "smollm2-135m"])
def test_a_model_that_is_not_there_says_how_to_fetch_it(name: str, tmp_path: Path) -> None:
    """With its whole name."""
    with pytest.raises(SettingsError, match=f"openswarm models pull local/{name}"):
        LocalModel.named(name, tmp_path)


def test_a_file_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    """`local/` and the path, which ends in .gguf."""
    file = tmp_path / "mine.gguf"
    with pytest.raises(SettingsError, match="there is no file"):
        LocalModel.named(str(file), tmp_path)
    file.touch()
    assert LocalModel.named(str(file), tmp_path).spec == f"local/{file}"


def test_an_unknown_name_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    """Nothing is guessed."""
    with pytest.raises(UserError, match=r"local/qwen2\.5-coder-1\.5b"):
        LocalModel.named("gpt", tmp_path)
