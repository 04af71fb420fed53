"""From a model's name to its client."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anthropic_sse as sse
import pytest
from aiohttp import web

from openswarm.core.errors import SettingsError, UserError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.core.settings import Endpoint, ModelPrice, Settings
from openswarm.llm.model import ChatModel, Price, Request
from openswarm.llm.prices import price_of
from openswarm.llm.resolve import LOCAL_MODEL, ModelSpec, default_spec, parse_spec, resolve

HOME = Path("/nowhere")
KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "ANTHROPIC_API_KEY": "sk-ant",
    "MOONSHOT_API_KEY": "sk-moon",
    "MY_KEY": "sk-mine",
}


def resolved(text: str, environ: dict[str, str] | None = None, **endpoints: Endpoint) -> ChatModel:
    settings = Settings(endpoints=endpoints)
    return resolve(text, settings, KEYS if environ is None else environ, HOME)


@asynccontextmanager
async def recording(seen: list[Any]) -> AsyncIterator[str]:
    """A server on loopback that notes each request and answers in both wire formats."""

    async def handle(request: web.Request) -> web.Response:
        headers = {name.casefold(): value for name, value in request.headers.items()}
        seen.append((request.path, headers, await request.json()))
        if request.path.endswith("/messages"):
            stream = sse.start() + sse.text(0, "hello") + sse.end()
        else:
            stream = (
                b'data: {"choices":[{"index":0,"delta":{"content":"hello"},'
                b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
            )
        return web.Response(body=stream, content_type="text/event-stream")

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def said(model: ChatModel, **options: Any) -> str:
    request = Request(History([Message(role="user", content="hi")]), **options)
    try:
        return (await model.reply(request)).message.text
    finally:
        await model.aclose()


@pytest.mark.requirement("llm.specs")
@pytest.mark.parametrize(
    ("text", "provider", "name"),
    [
        ("moonshot/kimi-k2.5", "moonshot", "kimi-k2.5"),
        ("OpenRouter/moonshotai/kimi-k3", "openrouter", "moonshotai/kimi-k3"),
        ("ollama/qwen3:8b", "ollama", "qwen3:8b"),
        ("local/qwen2.5-coder-1.5b", "local", "qwen2.5-coder-1.5b"),
        ("scripted:a/b.json", "scripted", "a/b.json"),
        ("http://127.0.0.1:8080/v1#my/model", "http://127.0.0.1:8080/v1", "my/model"),
        ("https://models.example/v1/#m", "https://models.example/v1", "m"),
    ],
)
def test_a_name_is_taken_apart(text: str, provider: str, name: str) -> None:
    assert parse_spec(text) == ModelSpec(text, provider, name)


@pytest.mark.requirement("llm.specs", "bad.model")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gpt-6-sol", "provider/name"),
        ("openai/", "provider/name"),
        ("", "provider/name"),
        ("moonshoot/kimi-k2.5", "did you mean 'moonshot'"),
        ("acme/m", "known are moonshot, anthropic, openai"),
        ("http://127.0.0.1:8080/v1", "lacks the model's name"),
        ("ftp://host/v1#m", "not the address"),
        ("http://#m", "not the address"),
        ("http://host:port/v1#m", "is not an address"),
        ("http://user:secret@host/v1#m", "api_key_env"),
        ("http://host/v1?key=secret#m", "api_key_env"),
    ],
)
def test_a_name_that_is_none_is_refused_with_advice(text: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_spec(text)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.requirement("llm.default")
def test_the_default_is_the_first_provider_with_a_key() -> None:
    spec, why = default_spec({"OPENAI_API_KEY": "x", "MOONSHOT_API_KEY": "y", "XAI_API_KEY": "z"})
    assert (spec.split("/")[0], why) == ("moonshot", "MOONSHOT_API_KEY is set")
    spec, why = default_spec({"MOONSHOT_API_KEY": " ", "GOOGLE_API_KEY": "x"})
    assert (spec.split("/")[0], why) == ("gemini", "GOOGLE_API_KEY is set")


@pytest.mark.requirement("llm.default", "local.process")
def test_without_a_key_the_default_runs_on_this_computer() -> None:
    assert default_spec({}) == (LOCAL_MODEL, "no provider's key is set")


def test_every_default_can_be_resolved() -> None:
    for variable in ("MOONSHOT_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"):
        environ = {variable: "x"}
        spec, _ = default_spec(environ)
        assert resolved(spec, environ).spec == spec


@pytest.mark.requirement("bad.key")
def test_a_missing_key_is_named_with_the_way_to_set_it() -> None:
    with pytest.raises(SettingsError, match=r"export DEEPSEEK_API_KEY=") as caught:
        resolved("deepseek/deepseek-flash")
    assert LOCAL_MODEL in str(caught.value)


def test_a_script_is_read_from_its_file(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"root": [{"text": "hello"}]}')
    assert resolved(f"scripted:{script}", {}).spec == f"scripted:{script}"


def test_a_local_model_is_looked_for_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    class LocalModel:
        named = staticmethod(lambda name, home: (name, home))

    local = SimpleNamespace(LocalModel=LocalModel)
    monkeypatch.setitem(sys.modules, "openswarm.llm.local", local)
    assert resolved("local/some-model", {}) == ("some-model", HOME)


def test_programs_on_this_computer_need_no_key() -> None:
    assert resolved("ollama/qwen3", {}).resource == "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("192.168.0.7:9999", "http://192.168.0.7:9999/v1"),
        ("https://box.example/", "https://box.example/v1"),
        ("https://box.example/ollama/v1", "https://box.example/ollama/v1"),
    ],
)
def test_the_environment_may_move_a_provider(given: str, address: str) -> None:
    assert resolved("ollama/qwen3", {"OLLAMA_HOST": given}).resource == address


def test_a_moved_provider_may_do_without_a_key() -> None:
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assert resolved("openai/gpt-6-sol", environ).resource == "http://127.0.0.1:9/v1"


def test_an_anthropic_address_may_end_in_its_version() -> None:
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9/v1/"}
    assert resolved("anthropic/claude-sonnet-5", environ).resource == "http://127.0.0.1:9"


def test_what_is_known_of_a_model_comes_along() -> None:
    info = resolved("moonshot/kimi-k2.5").info
    assert info.price == price_of("moonshot", "kimi-k2.5")
    assert info.images


@pytest.mark.requirement("llm.prices")
def test_the_settings_go_before_the_table() -> None:
    own = Endpoint(
        context_tokens=1000, prices={"kimi-k2.5": ModelPrice(input=1, output=2, cached=0.5)}
    )
    info = resolved("moonshot/kimi-k2.5", moonshot=own).info
    assert (info.context_tokens, info.price) == (1000, Price(1, 2, 0.5))
    assert resolved("moonshot/kimi-k2.6", moonshot=own).info.price == price_of(
        "moonshot", "kimi-k2.6"
    )


def test_a_price_without_one_for_the_cache_takes_that_of_other_input() -> None:
    own = Endpoint(prices={"m": ModelPrice(input=1, output=2)})
    assert resolved("ollama/m", ollama=own).info.price == Price(1, 2, 1)


@pytest.mark.anyio
async def test_each_provider_is_spoken_to_in_its_own_way() -> None:
    seen: list[Any] = []
    async with recording(seen) as url:
        anthropic = resolved("anthropic/claude-sonnet-5", anthropic=Endpoint(base_url=url))
        moonshot = resolved("moonshot/kimi-k2.5", moonshot=Endpoint(base_url=url + "/v1"))
        assert await said(anthropic) == "hello"
        assert await said(moonshot, thinking=False) == "hello"
    (path, headers, body), (other_path, other_headers, other_body) = seen
    assert (path, headers["x-api-key"]) == ("/v1/messages", "sk-ant")
    assert (other_path, other_headers["authorization"]) == (
        "/v1/chat/completions",
        "Bearer sk-moon",
    )
    assert body["model"] == "claude-sonnet-5"
    assert other_body["thinking"] == {"type": "disabled"}
    assert "max_completion_tokens" in other_body


@pytest.mark.requirement("llm.keys")
@pytest.mark.anyio
async def test_an_address_gets_no_key_that_it_was_not_given() -> None:
    seen: list[Any] = []
    async with recording(seen) as url:
        assert await said(resolved(f"{url}/v1#m")) == "hello"
        by_name = {"openai": Endpoint(headers={"x-team": "a"})}
        assert await said(resolved(f"{url}/v1#m", **by_name)) == "hello"
    for _, headers, _ in seen:
        assert not any("sk-" in value for value in headers.values())
        assert "x-team" not in headers


@pytest.mark.requirement("llm.headers")
@pytest.mark.anyio
async def test_an_address_in_the_settings_gets_its_key_and_headers() -> None:
    seen: list[Any] = []
    async with recording(seen) as url:
        plain = {f"{url}/v1/": Endpoint(headers={"X-Team": "a"})}
        named = {f"{url}/v1": Endpoint(api_key_env="MY_KEY")}
        assert await said(resolved(f"{url}/v1#m", **plain)) == "hello"
        assert await said(resolved(f"{url}/v1#m", **named)) == "hello"
    assert seen[0][1]["authorization"] == "Bearer sk-openai"
    assert seen[0][1]["x-team"] == "a"
    assert seen[1][1]["authorization"] == "Bearer sk-mine"


def test_a_key_that_the_settings_name_has_to_be_there() -> None:
    for text, name in (
        ("http://127.0.0.1:9/v1#m", "http://127.0.0.1:9/v1"),
        ("openai/gpt-6-sol", "openai"),
    ):
        own = Endpoint(base_url="http://127.0.0.1:9/v1", api_key_env="NOT_SET")
        with pytest.raises(SettingsError, match="NOT_SET"):
            resolved(text, **{name: own})


@pytest.mark.anyio
async def test_own_headers_go_before_ours() -> None:
    seen: list[Any] = []
    async with recording(seen) as url:
        own = Endpoint(base_url=url, headers={"Anthropic-Version": "2026-10-21"})
        assert await said(resolved("anthropic/claude-sonnet-5", anthropic=own)) == "hello"
    assert seen[0][1]["anthropic-version"] == "2026-10-21"
