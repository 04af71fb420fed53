"""The Anthropic client against a server on loopback, beside the official SDK."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import anthropic_sse as sse
import anyio
import anyio.lowlevel
import pytest
from aiohttp import web

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, Usage
from openswarm.llm.anthropic_client import (
    BINDING_BETA,
    IMAGE_TOKENS,
    AnthropicModel,
    anthropic_headers,
)
from openswarm.llm.http import Endpoint
from openswarm.llm.model import Delta, Request, ToolSpec

pytestmark = pytest.mark.anyio
MODEL = "claude-sonnet-5"
SEARCH = ToolSpec("search", "Searches.", '{"type":"object","properties":{"q":{"type":"string"}}}')
WHOLE = (
    sse.start(input_tokens=3, cache_read_input_tokens=5)
    + sse.thinking(0, "Hm…", "c2ln")
    + sse.text(1, "Löok ", "🐙")
    + sse.tool_use(2, "toolu_1", "search", '{"q": "', 'x"}')
    + sse.end("tool_use")
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/messages", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(base_url: str, model: str = MODEL) -> AsyncIterator[AnthropicModel]:
    endpoint = Endpoint(base_url, anthropic_headers("sk-test", model))
    made = AnthropicModel(f"anthropic/{model}", endpoint, model)
    try:
        yield made
    finally:
        await made.aclose()


def streaming(*chunks: bytes, seen: list[Any] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if seen is not None:
            seen.append((dict(request.headers), body))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return handle


def refusing(status: int, kind: str, message: str, **headers: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        error = {"type": "error", "error": {"type": kind, "message": message}}
        return web.json_response(error, status=status, headers=headers)

    return handle


def ask(text: str = "go", **options: Any) -> Request:
    return Request(History([Message(role="user", content=text)]), **options)


@pytest.mark.requirement("llm.anthropic")
async def test_a_reply_streams_and_comes_back_whole() -> None:
    deltas: list[Delta] = []
    async with serving(streaming(WHOLE)) as url, client(url) as model:
        reply = await model.reply(ask(), deltas.append)
    assert reply.message.text == "Löok 🐙"
    assert reply.message.tool_calls[0].arguments == '{"q": "x"}'
    assert reply.usage == Usage(input_tokens=8, output_tokens=9, cached_tokens=5)
    assert deltas[-1] == Delta("text", "🐙")


async def test_a_reply_that_trickles_byte_by_byte_is_the_same() -> None:
    bytewise = [WHOLE[at : at + 1] for at in range(len(WHOLE))]
    async with serving(streaming(*bytewise)) as url, client(url) as model:
        trickled = await model.reply(ask())
    async with serving(streaming(WHOLE)) as url, client(url) as model:
        assert await model.reply(ask()) == trickled


@pytest.mark.requirement("llm.anthropic")
async def test_the_official_client_reads_the_same_reply() -> None:
    async with serving(streaming(WHOLE)) as url, client(url) as model:
        ours = (await model.reply(ask(thinking=True))).message
        official = anthropic.AsyncAnthropic(base_url=url, api_key="sk-test", max_retries=0)
        async with (
            official,
            official.messages.stream(
                model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "go"}]
            ) as stream,
        ):
            theirs = await stream.get_final_message()
    blocks = [block.model_dump(exclude_none=True) for block in theirs.content]
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]
    assert (ours.reasoning, ours.text) == (blocks[0]["thinking"], blocks[1]["text"])
    assert json.loads(ours.tool_calls[0].arguments) == blocks[2]["input"]


@pytest.mark.requirement("llm.anthropic")
async def test_the_official_client_sends_the_same_request() -> None:
    seen: list[Any] = []
    request = ask(tools=(SEARCH,), max_tokens=500, thinking=True, effort="high")
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url) as model:
        await model.reply(request)
        body = seen[0][1]
        official = anthropic.AsyncAnthropic(base_url=url, api_key="sk-test", max_retries=0)
        async with official:
            async for _ in await official.messages.create(**body):
                pass
    assert seen[1][1] == body


async def test_the_key_and_the_version_are_in_the_headers() -> None:
    seen: list[Any] = []
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url) as model:
        await model.reply(ask())
    sent = lowered(seen[0][0])
    assert (sent["x-api-key"], sent["anthropic-version"]) == ("sk-test", "2023-06-01")


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in headers.items()}


async def test_models_that_bind_thoughts_are_asked_to_drop_void_ones() -> None:
    seen: list[Any] = []
    async with (
        serving(streaming(WHOLE, seen=seen)) as url,
        client(url, "claude-opus-5-5") as bound,
        client(url) as free,
    ):
        await bound.reply(ask())
        await free.reply(ask())
    assert lowered(seen[0][0])["anthropic-beta"] == BINDING_BETA
    assert seen[0][1]["thinking"]["block_binding"] == {"prefix_mismatch_behavior": "drop_block"}
    assert "anthropic-beta" not in lowered(seen[1][0])


def test_no_key_is_sent_where_there_is_none() -> None:
    assert "x-api-key" not in anthropic_headers("", MODEL)


@pytest.mark.requirement("llm.faults")
@pytest.mark.parametrize(
    ("status", "kind", "message", "fault"),
    [
        (401, "authentication_error", "invalid x-api-key", Fault.AUTH),
        (403, "permission_error", "not yours", Fault.AUTH),
        (404, "not_found_error", "model: claude-none", Fault.UNKNOWN_MODEL),
        (400, "invalid_request_error", "prompt is too long: 200001 > 200000", Fault.CONTEXT),
        (400, "invalid_request_error", "max_tokens: wrong", Fault.REFUSED),
        (400, "invalid_request_error", "Your credit balance is too low to go on", Fault.QUOTA),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits",
            Fault.QUOTA,
        ),
        (402, "billing_error", "pay", Fault.QUOTA),
        (429, "rate_limit_error", "slow down", Fault.THROTTLED),
        (500, "api_error", "Internal server error", Fault.SERVER),
        (529, "overloaded_error", "Overloaded", Fault.THROTTLED),
    ],
)
async def test_refusals_are_told_apart(status: int, kind: str, message: str, fault: Fault) -> None:
    async with serving(refusing(status, kind, message)) as url, client(url) as model:
        with pytest.raises(ModelError, match=kind) as caught:
            await model.reply(ask())
    assert (caught.value.fault, caught.value.status) == (fault, status)


@pytest.mark.requirement("pacing.retry-after")
async def test_the_wait_that_a_throttling_server_asks_for_is_kept() -> None:
    handler = refusing(429, "rate_limit_error", "slow down", **{"retry-after": "7"})
    async with serving(handler) as url, client(url) as model:
        with pytest.raises(ModelError) as caught:
            await model.reply(ask())
    assert caught.value.retry_after_s == 7


@pytest.mark.requirement("llm.faults")
async def test_a_stream_that_ends_early_is_broken() -> None:
    half = WHOLE[: len(WHOLE) // 2]
    unclosed = WHOLE.removesuffix(sse.event("message_stop"))
    for stream in (b"", half, unclosed):
        async with serving(streaming(stream)) as url, client(url) as model:
            with pytest.raises(ModelError) as caught:
                await model.reply(ask())
        assert caught.value.fault is Fault.BROKEN


async def test_a_server_that_is_overloaded_in_the_middle_throttles() -> None:
    error = sse.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    async with serving(streaming(sse.start(), sse.text(0, "ha"), error)) as url, client(url) as it:
        with pytest.raises(ModelError) as caught:
            await it.reply(ask())
    assert caught.value.fault is Fault.THROTTLED


@pytest.mark.requirement("llm.faults")
async def test_a_server_that_falls_silent_has_stalled() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(sse.start())
        await over.wait()
        return response

    over = anyio.Event()
    with anyio.fail_after(5):
        async with serving(handle) as url, client(url) as model:
            with pytest.raises(ModelError) as caught:
                await model.reply(ask(stall_s=0.05))
            over.set()
    assert caught.value.fault is Fault.STALLED


async def test_a_server_that_does_not_stream_is_named() -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "message", "content": []})

    async with serving(handle) as url, client(url) as model:
        with pytest.raises(ModelError, match="does not stream") as caught:
            await model.reply(ask())
    assert caught.value.fault is Fault.PROTOCOL


async def test_a_connection_is_used_again_even_if_the_body_ends_late() -> None:
    peers: set[Any] = set()

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        response = await streaming(WHOLE)(request)
        for _ in range(50):  # the client reads meanwhile
            await anyio.lowlevel.checkpoint()
        return response

    async with serving(handle) as url, client(url) as model:
        for _ in range(3):
            await model.reply(ask())
    assert len(peers) == 1


async def test_a_server_that_keeps_the_stream_open_does_not_hold_up_the_reply() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = await streaming(WHOLE)(request)
        await over.wait()
        return response

    over = anyio.Event()
    with anyio.fail_after(5):
        async with serving(handle) as url, client(url) as model:
            assert (await model.reply(ask())).finish == "tool_calls"
            over.set()


@pytest.mark.requirement("llm.keys")
async def test_a_redirect_is_refused_since_the_key_would_go_along() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"location": elsewhere + "/v1/messages"})

    seen: list[Any] = []
    async with (
        serving(streaming(WHOLE, seen=seen)) as elsewhere,
        serving(handle) as url,
        client(url) as model,
    ):
        with pytest.raises(ModelError, match="307"):
            await model.reply(ask())
    assert not seen


async def test_the_bound_of_the_input_is_above_what_is_sent() -> None:
    seen: list[Any] = []
    request = ask("日本" * 100, tools=(SEARCH,), schema={"type": "object"})
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url) as model:
        await model.reply(request)
        sent = json.dumps(seen[0][1], ensure_ascii=False, separators=(",", ":"))
        assert model.input_bound(request) >= len(sent.encode())


async def test_a_picture_counts_for_what_it_costs_at_the_most() -> None:
    picture = ImagePart(url="https://example.org/a.png")
    with_picture = Request(History([Message(role="user", content=(picture,))]))
    async with client("http://127.0.0.1:9") as model:
        assert model.input_bound(with_picture) - model.input_bound(ask()) > IMAGE_TOKENS // 2
