"""The OpenAI-compatible client against servers on loopback, beside the official SDK."""

import json
from typing import Any

import anyio
import openai
import pytest
from aiohttp import web
from openai_server import DONE, WHOLE, ask, client, data, failure, said, serving, streaming

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, ToolCall, Usage
from openswarm.llm.http import Endpoint
from openswarm.llm.model import Delta, Request, ToolSpec
from openswarm.llm.openai_client import MEDIA_TOKENS, OpenAIModel

pytestmark = pytest.mark.anyio


SEARCH = ToolSpec("search", "Searches.", '{"type":"object","properties":{"q":{"type":"string"}}}')


async def test_a_reply_streams_and_comes_back_whole() -> None:
    deltas: list[Delta] = []
    async with serving(streaming(WHOLE)) as url, client(url) as model:
        reply = await model.reply(ask(), deltas.append)
    assert reply.message == Message(role="assistant", content="Grüße 🐙")
    assert reply.usage == Usage(input_tokens=8, output_tokens=9)
    assert deltas == [Delta("text", "Grüße "), Delta("text", "🐙")]


async def test_characters_that_are_split_over_packets_are_put_together() -> None:
    bytewise = [WHOLE[at : at + 1] for at in range(len(WHOLE))]
    async with serving(streaming(*bytewise)) as url, client(url) as model:
        assert (await model.reply(ask())).message.text == "Grüße 🐙"


async def test_the_official_client_reads_the_same_reply_and_sends_the_same_request() -> None:
    seen: list[Any] = []
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url) as model:
        ours = await model.reply(ask(tools=(SEARCH,), max_tokens=500))
        body = seen[0][1]
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0) as official:
            chunks = [chunk async for chunk in await official.chat.completions.create(**body)]
    theirs = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    assert ours.message.text == theirs
    assert seen[1][1] == body


async def test_a_stream_without_done_is_whole_when_it_gave_its_reason_to_finish() -> None:
    async with serving(streaming(said("all", "stop"))) as url, client(url) as model:
        assert (await model.reply(ask())).message.text == "all"


async def test_a_reply_in_one_piece_of_json_is_taken_too() -> None:
    whole = {
        "choices": [{"message": {"content": "all"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    handler = streaming(json.dumps(whole).encode(), kind="application/json")
    async with serving(handler) as url, client(url) as model:
        reply = await model.reply(ask())
    assert (reply.message.text, reply.usage.input_tokens) == ("all", 3)


@pytest.mark.requirement("llm.faults")
@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_that_ends_in_the_middle_is_broken(cut: bool) -> None:
    error = await failure(streaming(said("Gr"), cut=cut))
    assert error.fault is Fault.BROKEN
    assert error.may_pass


async def test_a_stream_that_is_cut_inside_an_event_is_broken() -> None:
    assert (await failure(streaming(said("x"), b'data: {"cho'))).fault is Fault.BROKEN


async def test_an_error_inside_the_stream_is_the_fault_that_it_names() -> None:
    handler = streaming(said("x"), data({"error": {"message": "Rate limit", "code": 429}}))
    assert (await failure(handler)).fault is Fault.THROTTLED


async def test_rubbish_instead_of_a_stream_breaks_the_protocol_or_the_stream() -> None:
    assert (await failure(streaming(b"<html>hi</html>", kind="text/html"))).fault is Fault.BROKEN
    assert (await failure(streaming(data([1])))).fault is Fault.PROTOCOL
    handler = streaming(b"[" * 10_000, kind="application/json")
    assert (await failure(handler)).fault is Fault.BROKEN


@pytest.mark.requirement("llm.faults")
async def test_a_server_that_falls_silent_has_stalled() -> None:
    forever = anyio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(said("x"))
        await forever.wait()
        return response

    async with serving(silent) as url, client(url) as model:
        with anyio.fail_after(5), pytest.raises(ModelError, match=r"nothing for 0\.05 s") as caught:
            await model.reply(ask(stall_s=0.05))
        forever.set()
    assert caught.value.fault is Fault.STALLED


async def test_the_bound_of_the_input_counts_every_byte_every_tool_and_every_image() -> None:
    model = OpenAIModel("t", Endpoint("http://127.0.0.1:1", {}), "kimi")
    plain = model.input_bound(ask("x" * 1000))
    assert plain >= 1000
    assert model.input_bound(ask("ö" * 1000)) >= plain + 1000
    assert model.input_bound(ask("x" * 1000, tools=(SEARCH,))) > plain + len(SEARCH.parameters)
    picture = Message(role="user", content=(ImagePart(url="data:image/png;base64,AA=="),))
    assert model.input_bound(Request(History([picture]))) >= MEDIA_TOKENS


async def test_a_long_conversation_is_sent_as_it_stands_in_its_order() -> None:
    seen: list[Any] = []
    talk = History([Message(role="user", content="go")])
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url) as model:
        for turn in range(3):
            reply = await model.reply(Request(talk))
            call = ToolCall(id=str(turn), name="t", arguments="{}")
            talk.append(reply.message.model_copy(update={"tool_calls": (call,)}))
            talk.append(Message(role="tool", content="r", tool_call_id=str(turn)))
    sent = [[entry["role"] for entry in body["messages"]] for _, body in seen]
    assert sent[0] == ["user"]
    assert sent[2] == ["user", "assistant", "tool", "assistant", "tool"]
    assert seen[2][1]["messages"][:3] == seen[1][1]["messages"]


async def test_a_hundred_replies_at_once_are_each_their_own() -> None:
    together, all_here = 0, anyio.Event()

    async def echo(request: web.Request) -> web.StreamResponse:
        nonlocal together
        together += 1
        if together == 100:
            all_here.set()
        await all_here.wait()
        text = (await request.json())["messages"][0]["content"]
        return await streaming(said(text, "stop"), DONE)(request)

    replies: dict[str, str] = {}

    async def call(model: OpenAIModel, text: str) -> None:
        replies[text] = (await model.reply(ask(text))).message.text

    async with serving(echo) as url, client(url) as model:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(call, model, str(number))
    assert replies == {str(n): str(n) for n in range(100)}
