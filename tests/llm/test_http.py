"""What is between a client and its endpoint: refusals, addresses, keys, proxies, certificates."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai_server import WHOLE, ask, client, failure, refusing, serving, streaming

from openswarm.core.errors import Fault, ModelError, SettingsError
from openswarm.llm.http import Endpoint
from openswarm.llm.openai_client import OpenAIModel

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signed itself; its key lies beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    command = [openssl, "req", "-x509", *key, *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    return path


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
