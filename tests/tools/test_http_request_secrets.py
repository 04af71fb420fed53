"""Secrets of `http_request`: they go in by name, to their own hosts, and come back redacted."""

import base64
import html
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from api_server import ENVIRON, VALUE, Asked, api_server, call, http_tool, secret_of

from openswarm.core.errors import OpenswarmError, SettingsError, ToolError
from openswarm.core.events import ApprovalAsked, ToolReturned
from openswarm.core.messages import ToolCall
from openswarm.core.tooling import HttpSettings, ToolSettings
from openswarm.journal.folder import FolderJournal
from openswarm.journal.redact import MARK
from openswarm.tools.approvals import Approvals
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.http_request import open_http
from openswarm.tools.secrets import known_values, make_scrub
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolResult
from openswarm.tools.toolset import Toolset

pytestmark = pytest.mark.anyio

NAME = "{{secret:crm}}"


@pytest.mark.requirement("http.secrets")
async def test_a_secret_goes_into_headers_query_json_and_body_as_each_writes_it() -> None:
    async with api_server() as server:
        async with http_tool(server.url, secrets=secret_of(server.host)) as tool:
            await call(
                tool,
                server.url,
                headers={"Authorization": f"Bearer {NAME}"},
                query={"key": f"{NAME}!", "plain": "x"},
            )
            await call(tool, server.url, "POST", json={"a": [{"b": "<{{ Secret:crm }}>"}]})
            await call(
                tool,
                server.url,
                "POST",
                body=f"a={NAME}&b=1",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            await call(tool, server.url, "POST", body=f"<k>{NAME}</k>")
        one, two, three, four = server.asked
    assert one.headers["authorization"] == f"Bearer {VALUE}"
    assert one.query == {"key": f"{VALUE}!", "plain": "x"}
    assert json.loads(two.body) == {"a": [{"b": f"<{VALUE}>"}]}
    assert three.body.decode() == f"a={quote(VALUE, safe='')}&b=1"
    assert four.body.decode() == f"<k>{VALUE}</k>"


@pytest.mark.requirement("http.secrets")
@pytest.mark.parametrize(
    ("hosts", "text", "error"),
    [
        (None, NAME, "there is no secret 'crm'"),
        ("own", "{{secret:other}}", "there is no secret 'other'. The secrets: crm"),
        ("own", "{{secret:}}", "there is no secret ''"),
        ("own", "{{secret:crm", "is written {{secret:NAME}}"),
        ("own", "{{secret crm}}", "is written {{secret:NAME}}"),
        ("own", "{{secret:{{secret:crm}}}}", "is written {{secret:NAME}}"),
        ("other.example", NAME, "secret crm is not for 127.0.0.1; it goes to other.example alone"),
        ("127.0.0.1:1", NAME, "is not for 127.0.0.1"),
        ("localhost", NAME, "is not for 127.0.0.1"),
    ],
)
async def test_a_secret_that_may_not_go_is_refused_before_anything_is_sent(
    hosts: str | None, text: str, error: str
) -> None:
    async with api_server() as server:
        named = {} if hosts is None else secret_of(server.host if hosts == "own" else hosts)
        async with http_tool(server.url, secrets=named) as tool:
            for place in ({"headers": {"x": text}}, {"query": {"x": text}}):
                with pytest.raises(ToolError) as raised:
                    await call(tool, server.url, **place)
                assert error in str(raised.value) and VALUE not in str(raised.value)
            for body in ({"json": {"x": [text]}}, {"body": text}):
                with pytest.raises(ToolError) as raised:
                    await call(tool, server.url, "POST", **body)
                assert error in str(raised.value) and VALUE not in str(raised.value)
        assert server.asked == []


@pytest.mark.requirement("http.secrets")
@pytest.mark.parametrize(
    ("environ", "error"),
    [({}, "put it in the environment: CRM_TOKEN"), ({"CRM_TOKEN": " \n"}, "is not set"),
     ({"CRM_TOKEN": "hunter2"}, "fewer than 8 characters")],
)  # fmt: skip
async def test_a_secret_without_a_value_is_named(environ: dict[str, str], error: str) -> None:
    async with api_server() as server:
        secrets = secret_of(server.host)
        async with http_tool(server.url, secrets=secrets, environ=environ) as tool:
            with pytest.raises(SettingsError, match=error) as raised:
                await call(tool, server.url, headers={"x": NAME})
            assert "hunter2" not in str(raised.value)
            assert (await call(tool, server.url)).ok
        assert len(server.asked) == 1


@pytest.mark.requirement("http.secrets")
async def test_a_secret_goes_out_over_https_alone_but_on_this_computer() -> None:
    secrets = secret_of("api.invalid", "10.0.0.7")
    async with http_tool("http://api.invalid/", "http://10.0.0.7/", secrets=secrets) as tool:
        for url in ("http://api.invalid/", "http://10.0.0.7/"):
            with pytest.raises(ToolError, match="goes out over https alone"):
                await call(tool, url, headers={"x": NAME})


@pytest.mark.parametrize(
    "place",
    [{"url": f"/{NAME}"}, {"url": f"/?key={NAME}"}, {"url": f"/#{NAME}"}, {"headers": {NAME: "x"}},
     {"query": {NAME: "x"}}, {"method": "POST", "json": {NAME: "x"}}],
)  # fmt: skip
async def test_a_secret_has_no_place_in_addresses_and_names(place: dict[str, Any]) -> None:
    async with api_server() as server:
        async with http_tool(server.url, secrets=secret_of(server.host)) as tool:
            url = server.url + place.pop("url", "/")
            with pytest.raises(ToolError):
                await call(tool, url, **place)
        assert server.asked == []


@pytest.mark.requirement("http.secrets")
async def test_a_secret_with_a_line_break_cannot_go_into_a_header() -> None:
    async with api_server() as server:
        environ = {"CRM_TOKEN": "first-line\r\nHost: evil"}
        secrets = secret_of(server.host)
        async with http_tool(server.url, secrets=secrets, environ=environ) as tool:
            with pytest.raises(ToolError, match="line breaks") as raised:
                await call(tool, server.url, headers={"x": NAME})
        assert "first-line" not in str(raised.value) and server.asked == []


# redirects


@pytest.mark.requirement("http.secrets")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_no_secret_and_no_login_to_another_host(status: int) -> None:
    async with api_server() as other:

        def answer(_: Asked) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": f"{other.url}/x"})

        async with api_server(answer) as server:
            secrets = secret_of(server.host, other.host)
            async with http_tool(server.url, other.url, secrets=secrets) as tool:
                result = await call(
                    tool,
                    server.url,
                    headers={"X-Key": NAME, "Authorization": "Basic bXk6b3du", "Cookie": "a=b"},
                    query={"key": NAME},
                )
        assert result.ok and server.asked[0].headers["x-key"] == VALUE
        (asked,) = other.asked
    assert VALUE not in repr(asked) and asked.query == {}
    assert not {"x-key", "authorization", "cookie"} & set(asked.headers)


@pytest.mark.requirement("http.secrets")
@pytest.mark.parametrize("write", [str, lambda value: quote(value, safe="")])
async def test_a_server_cannot_send_a_secret_elsewhere_by_a_redirect(
    write: Callable[[str], str],
) -> None:
    async with api_server() as other:

        def answer(_: Asked) -> web.StreamResponse:
            to = f"{other.url}/?stolen={write(VALUE)}"
            return web.Response(status=302, headers={"Location": to})

        async with api_server(answer) as server:
            secrets = secret_of(server.host)
            async with http_tool(server.url, other.url, secrets=secrets) as tool:
                result = await call(tool, server.url, query={"key": NAME})
        assert other.asked == []
    assert "with a secret; that was not followed" in result.text and VALUE not in result.text


async def test_a_redirect_on_the_same_host_keeps_the_secret() -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        if asked.path == "/old":
            return web.Response(status=307, headers={"Location": "/new"})
        return web.Response(text="well")

    async with api_server(answer) as server:
        async with http_tool(server.url, secrets=secret_of(server.host)) as tool:
            assert (await call(tool, f"{server.url}/old", headers={"x-key": NAME})).ok
        assert [asked.headers["x-key"] for asked in server.asked] == [VALUE, VALUE]


# what comes back

ECHOES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in a URL": lambda value: f"https://x/?k={quote(value, safe='')}",
    "in JSON": lambda value: json.dumps({"headers": {"x": value}}),
    "in JSON in JSON": lambda value: json.dumps({"body": json.dumps({"x": value})}),
    "in HTML": lambda value: f"<p>{html.escape(value)}</p>",
    "in base64": lambda value: base64.b64encode(f"Bearer {value}".encode()).decode(),
    "cut off": lambda value: value[:-4],
    "late": lambda value: "x" * 19_990 + value + "y" * 5_000,
}


@pytest.mark.requirement("http.redaction", "http.secrets")
@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 401, 500])
async def test_an_answer_that_echoes_the_secret_is_redacted(
    echo: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openswarm.tools.http.caller.RETRY_S", 0.0)

    def answer(asked: Asked) -> web.StreamResponse:
        told = ECHOES[echo](asked.headers["x-key"])
        headers = {"ETag": asked.headers["x-key"], "Content-Type": "text/plain"}
        return web.Response(text=told, status=status, headers=headers)

    async with (
        api_server(answer) as server,
        http_tool(server.url, secrets=secret_of(server.host)) as tool,
    ):
        result = await call(tool, server.url, headers={"x-key": NAME})
    text = result.text + result.display + repr(result.data)
    inner = base64.b64encode(b"Bearer " + VALUE.encode()).decode()[12:32]
    for form in (VALUE, quote(VALUE, safe=""), inner, VALUE[:12]):
        assert form not in text
    assert result.text.count(MARK[:5]) >= 2


@pytest.mark.requirement("http.redaction")
async def test_of_a_whole_call_nothing_on_disk_and_nothing_told_holds_the_secret(
    tmp_path: Path,
) -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        return web.json_response({"you sent": asked.headers, "big": [asked.headers] * 50})

    async with api_server(answer) as server, AsyncExitStack() as stack:
        http = HttpSettings(allow=(server.url,), secrets=secret_of(server.host))
        settings = ToolSettings(http=http)
        scrub = make_scrub(known_values(settings, ENVIRON))
        journal = FolderJournal.create(tmp_path / "run")
        journal.scrub = scrub

        async def approve(asked: ApprovalAsked) -> Any:
            assert asked.command == f'POST {server.url} {{"x": "{NAME}"}} {{"k": "{NAME}"}}'
            return "allow"

        setup = ToolSetup(scratch=tmp_path, home=tmp_path, settings=settings, environ=ENVIRON)
        approvals = Approvals(journal, approver=approve)
        tool = await open_http(setup, stack)
        tools = Toolset([tool], dispatch=Dispatcher(approvals, scrub=scrub))
        arguments = {
            "url": server.url,
            "method": "POST",
            "headers": {"x": NAME},
            "json": {"k": NAME},
        }

        def returned(call: ToolCall, result: ToolResult) -> None:
            journal.append(
                ToolReturned(
                    call_id="1", name=call.name, ok=result.ok, text=journal.keep(result.text)
                )
            )

        calls = [ToolCall(id="1", name="http_request", arguments=json.dumps(arguments))]
        (result,) = await tools.run(calls, "root/1", lambda _: None, returned)
        await journal.commit()
        assert json.loads(server.asked[0].body) == {"k": VALUE}
        journal.close()
    assert result.ok and MARK in result.text and VALUE not in result.text
    written = b"".join(
        path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()
    )
    assert MARK.encode() in written and VALUE.encode() not in written
    assert NAME.encode() in written


async def test_an_error_of_any_kind_never_shows_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openswarm.tools.http.caller.RETRY_S", 0.0)
    monkeypatch.setattr("openswarm.pacing.limiter.NEVER_REACHED_S", 0.0)
    async with api_server() as server:
        pass
    async with http_tool(server.url, secrets=secret_of(server.host)) as tool:
        with pytest.raises(OpenswarmError) as raised:
            await call(tool, server.url, query={"key": NAME}, headers={"x": NAME})
    assert VALUE not in str(raised.value) and quote(VALUE, safe="") not in str(raised.value)
