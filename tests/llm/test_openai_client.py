"""The OpenAI-compatible client against servers on loopback, beside the official SDK."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest
from aiohttp import web

from openswarm.core.errors import Fault, ModelError, SettingsError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, ToolCall, Usage
from openswarm.llm.http import Endpoint
from openswarm.llm.model import Delta, Request, ToolSpec
from openswarm.llm.openai_client import MEDIA_TOKENS, OpenAIModel

pytestmark = pytest.mark.anyio
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SEARCH = ToolSpec("search", "Searches.", '{"type":"object","properties":{"q":{"type":"string"}}}')


def data(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def said(text: str, finish: str | None = None) -> bytes:
    return data(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "kimi",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
        }
    )


USAGE = data({"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 9}})
DONE = b"data: [DONE]\n\n"
WHOLE = said("Grüße ") + said("🐙", "stop") + USAGE + DONE


@asynccontextmanager
async def serving(handler: Handler, certificate: Path | None = None) -> AsyncIterator[str]:
    """A server for `POST /v1/chat/completions`; gives its base URL."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    host = "https://localhost" if context else "http://127.0.0.1"
    try:
        yield f"{host}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(base_url: str, **headers: str) -> AsyncIterator[OpenAIModel]:
    made = OpenAIModel("test/kimi", Endpoint(base_url, headers), "kimi")
    try:
        yield made
    finally:
        await made.aclose()


def streaming(
    *chunks: bytes,
    cut: bool = False,
    kind: str = "text/event-stream",
    seen: list[Any] | None = None,
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if seen is not None:
            seen.append((dict(request.headers), await request.json()))
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if cut and request.transport is not None:
            request.transport.abort()
        return response

    return handle


def refusing(status: int, body: Any, **headers: str) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers)

    return handle


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signed itself; its key lies beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    names = "subjectAltName=DNS:localhost"
    options = [
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    command = [openssl, "req", *options, "-addext", names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return path


def ask(text: str = "go", **options: Any) -> Request:
    return Request(History([Message(role="user", content=text)]), **options)


async def failure(handler: Handler, **options: Any) -> ModelError:
    async with serving(handler) as url, client(url) as model:
        with pytest.raises(ModelError) as caught:
            await model.reply(ask(**options))
    return caught.value


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


@pytest.mark.requirement("llm.faults")
@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, Fault.AUTH),
        (403, "Forbidden", Fault.AUTH),
        (402, {"error": {"message": "Insufficient credits"}}, Fault.QUOTA),
        (429, {"error": {"message": "Quota", "code": "insufficient_quota"}}, Fault.QUOTA),
        (429, {"error": {"message": "Too many requests"}}, Fault.THROTTLED),
        (503, "upstream busy", Fault.THROTTLED),
        (404, {"error": {"message": "model not found"}}, Fault.UNKNOWN_MODEL),
        (400, {"error": {"message": "maximum context length is 8192"}}, Fault.CONTEXT),
        (400, {"error": {"code": "context_length_exceeded", "message": "x"}}, Fault.CONTEXT),
        (413, "too large", Fault.CONTEXT),
        (400, {"error": {"message": "invalid temperature"}}, Fault.REFUSED),
        (422, {"detail": [{"msg": "field required"}]}, Fault.REFUSED),
        (500, "", Fault.SERVER),
        (502, "<html>Bad gateway</html>", Fault.SERVER),
        (301, "moved", Fault.REFUSED),
        (500, "[" * 60_000, Fault.SERVER),
        (500, '{"error":' * 5_000, Fault.SERVER),
        (400, '{"error": null}', Fault.REFUSED),
    ],
)
async def test_refusals_are_told_apart(status: int, body: Any, fault: Fault) -> None:
    error = await failure(refusing(status, body))
    assert (error.fault, error.status) == (fault, status)
    assert f"answered {status}" in str(error)
    assert len(str(error)) < 700


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "bad key", "code": "invalid_api_key"}}, "bad key invalid_api_key"),
        ({"error": "plain words"}, "plain words"),
        ({"message": "top level"}, "top level"),
        ({"detail": "fast api"}, "fast api"),
        ("just\n text", "just text"),
        ("", "no message"),
    ],
)
async def test_the_message_of_a_refusal_is_found_in_every_usual_shape(
    body: Any, words: str
) -> None:
    assert words in str(await failure(refusing(401, body)))


@pytest.mark.requirement("bad.key", "bad.model")
async def test_a_wrong_key_and_a_wrong_model_say_what_to_check() -> None:
    assert "check the key" in str(await failure(refusing(401, "no")))
    assert "check the model's name" in str(await failure(refusing(404, "no")))


@pytest.mark.requirement("pacing.retry-after")
@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("retry-after", "7", 7.0),
        ("retry-after", "0.5", 0.5),
        ("retry-after-ms", "1500", 1.5),
        ("retry-after", "99999", 600.0),
        ("retry-after", "-3", 0.0),
        ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("retry-after", "soon", None),
        ("retry-after", "nan", None),
        ("retry-after", "inf", None),
        ("x-other", "7", None),
    ],
)
async def test_the_wait_that_a_server_asks_for_is_read_and_bounded(
    header: str, value: str, seconds: float | None
) -> None:
    error = await failure(refusing(429, "slow down", **{header: value}))
    assert error.retry_after_s == seconds


@pytest.mark.requirement("bad.endpoint")
async def test_an_address_where_nobody_listens_is_unreachable() -> None:
    async with serving(streaming(WHOLE)) as url:
        gone = url
    async with client(gone) as model:
        with pytest.raises(ModelError, match="is it running") as caught:
            await model.reply(ask())
    assert caught.value.fault is Fault.UNREACHABLE


async def test_a_host_that_does_not_exist_is_unreachable() -> None:
    async with client("http://nowhere.invalid/v1") as model:
        with pytest.raises(ModelError) as caught:
            await model.reply(ask())
    assert caught.value.fault is Fault.UNREACHABLE


async def test_what_is_no_address_is_an_error_of_the_settings() -> None:
    async with client("http://") as model:
        with pytest.raises(SettingsError, match="not a URL"):
            await model.reply(ask())


@pytest.mark.requirement("llm.keys")
async def test_a_key_is_not_sent_on_to_where_the_server_points() -> None:
    seen: list[Any] = []
    async with serving(streaming(WHOLE, seen=seen)) as other:
        moved = refusing(307, "", location=f"{other}/chat/completions")
        async with serving(moved) as url, client(url, authorization="Bearer k") as model:
            with pytest.raises(ModelError, match="307"):
                await model.reply(ask())
    assert seen == []


@pytest.mark.requirement("llm.headers")
async def test_extra_headers_go_with_every_request() -> None:
    seen: list[Any] = []
    headers = {"authorization": "Bearer sk-test", "x-title": "openswarm"}
    async with serving(streaming(WHOLE, seen=seen)) as url, client(url, **headers) as model:
        await model.reply(ask())
        await model.reply(ask())
    for sent, _ in seen:
        folded = {name.casefold(): value for name, value in sent.items()}
        assert folded["authorization"] == "Bearer sk-test"
        assert folded["x-title"] == "openswarm"


@asynccontextmanager
async def proxy(seen: list[tuple[str, str]]) -> AsyncIterator[str]:
    """A forward proxy that answers everything itself."""

    async def handle(reader: Any, writer: Any) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        auth = next((x for x in lines if x.casefold().startswith("proxy-authorization")), "")
        seen.append((lines[0], auth))
        length = next(int(x.split(":")[1]) for x in lines if x.casefold().startswith("content-le"))
        await reader.readexactly(length)
        answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        writer.write(answer + WHOLE)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.requirement("llm.proxies")
async def test_the_proxy_of_the_environment_is_used_with_its_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, str]] = []
    async with proxy(seen) as address:
        monkeypatch.setenv("http_proxy", f"http://me:p%40ss@{address}")
        async with client("http://model.invalid/v1") as model:
            assert (await model.reply(ask())).message.text == "Grüße 🐙"
    assert seen[0][0] == "POST http://model.invalid/v1/chat/completions HTTP/1.1"
    assert seen[0][1].endswith("Basic bWU6cEBzcw==")


@pytest.mark.requirement("llm.proxies")
async def test_a_proxy_of_another_kind_is_refused_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("all_proxy", "socks5://me:secret@127.0.0.1:1")
    async with client("http://model.invalid/v1") as model:
        with pytest.raises(SettingsError, match=r"socks5://.*http_proxy.*no_proxy") as caught:
            await model.reply(ask())
    assert "secret" not in str(caught.value)


@pytest.mark.requirement("llm.proxies")
async def test_an_address_that_no_proxy_names_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, str]] = []
    async with proxy(seen) as address:
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with serving(streaming(WHOLE)) as url, client(url) as model:
            assert (await model.reply(ask())).message.text == "Grüße 🐙"
    assert seen == []


@pytest.mark.requirement("llm.certificates")
@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_certificate_bundle_that_cannot_be_read_is_named(
    tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    endpoint = Endpoint("https://127.0.0.1:1/v1", {}, ca_bundle=str(bundle))
    with pytest.raises(SettingsError, match=r"ca\.pem cannot be read"):
        await OpenAIModel("test/kimi", endpoint, "kimi").reply(ask())


@pytest.mark.requirement("llm.certificates")
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_certificate_bundles_of_the_environment_are_read(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    endpoint = Endpoint("https://127.0.0.1:1/v1", {})
    with pytest.raises(SettingsError, match=r"/nowhere/ca\.pem cannot be read"):
        await OpenAIModel("test/kimi", endpoint, "kimi").reply(ask())


@pytest.mark.requirement("llm.certificates")
async def test_a_server_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    certificate: Path,
) -> None:
    seen: list[Any] = []
    async with serving(streaming(WHOLE, seen=seen), certificate) as url, client(url) as model:
        with pytest.raises(ModelError) as caught:
            await model.reply(ask())
    assert caught.value.fault is Fault.UNREACHABLE
    assert seen == []


@pytest.mark.requirement("llm.certificates")
async def test_a_certificate_of_the_settings_is_trusted(certificate: Path) -> None:
    async with serving(streaming(WHOLE), certificate) as url:
        model = OpenAIModel("t", Endpoint(url, {}, ca_bundle=str(certificate)), "kimi")
        assert (await model.reply(ask())).message.text == "Grüße 🐙"
        await model.aclose()


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
