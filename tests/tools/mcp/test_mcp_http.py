"""Servers that are reached over streamable HTTP."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp_swarm import opened
from sdk_server import make_server

from openswarm.core.errors import SettingsError
from openswarm.tools.tool import ToolContext

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("mcp.http")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server made with the SDK."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    app = make_server().streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    server.should_exit = server.force_exit = True
    thread.join()
    sock.close()


@pytest.mark.requirement("mcp.shared")
async def test_a_hundred_agents_share_one_session_over_http(tmp_path: Path, address: str) -> None:
    async with opened(tmp_path, {"web": {"url": address}}) as swarm:
        assert await swarm.text("web__add", a=2, b=3) == "5"
        with anyio.fail_after(20):
            results = await swarm.many("web__together", 100, count=100)
    assert {result.data["result"] for result in results} == {100}


@pytest.mark.requirement("mcp.shared")
async def test_no_more_calls_are_open_at_once_than_the_server_is_said_to_take(
    tmp_path: Path, address: str
) -> None:
    async with opened(tmp_path, {"web": {"url": address, "maxConcurrency": 10}}) as swarm:
        with anyio.fail_after(20):
            results = await swarm.many("web__together", 100, count=10)
    assert {result.data["result"] for result in results} == {10}


@pytest.mark.requirement("mcp.cancel", "mcp.timeout")
async def test_late_and_cancelled_calls_are_cancelled_at_the_server(
    tmp_path: Path, address: str
) -> None:
    servers = {"hasty": {"url": address, "toolTimeoutMs": 300}, "patient": {"url": address}}
    async with opened(tmp_path, servers) as swarm:
        before = (await swarm.call("patient__counts")).data["cancelled"]
        assert "did not answer within 0.3 s" in (await swarm.call("hasty__never")).text
        assert (await swarm.call("patient__counts")).data["cancelled"] == before + 1
        tool = swarm.tools["mcp__patient__never"]
        begun = anyio.Event()
        context = ToolContext("root/1", "1", tick=lambda _: begun.set())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tool.run, tool.params.model_validate({}), context)
            with anyio.fail_after(5):
                await begun.wait()
            tasks.cancel_scope.cancel()
        assert (await swarm.call("patient__counts")).data["cancelled"] == before + 2


class Scripted(ThreadingHTTPServer):
    """A server that answers each method of MCP as a test says: (status, type, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "serverInfo": {"name": "s", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]},
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mcp"


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append({**self.headers, "method": message["method"]})
        answer = self.server.answers.get(message["method"], (202, "", b""))
        if isinstance(answer, dict):
            body = {"jsonrpc": "2.0", "id": message["id"], "result": answer}
            answer = (200, "application/json", json.dumps(body).encode())
        if answer is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, kind, body = answer
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("mcp-session-id", "abc")
        if kind.endswith("zip"):
            self.send_header("content-encoding", "gzip")
        if status == 307:
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_error(405)

    def do_DELETE(self) -> None:
        self.server.seen.append({"method": "DELETE"})
        self.send_error(405)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server under the test's control."""
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_headers_go_with_every_request_and_the_session_is_ended(
    tmp_path: Path, scripted: Scripted
) -> None:
    entry = {"url": scripted.url, "headers": {"X-Team": "a"}, "bearerTokenEnvVar": "SECRET_KEY"}
    async with opened(tmp_path, {"web": entry}):
        pass
    requests = [seen for seen in scripted.seen if seen["method"] != "DELETE"]
    assert {seen["X-Team"] for seen in requests} == {"a"}
    assert {seen["Authorization"] for seen in requests} == {"Bearer hunter2hunter2"}
    assert scripted.seen[-1] == {"method": "DELETE"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, "text/plain", b"no"), "HTTP 401: the server refuses the credentials"),
        ((403, "application/json", b"{}"), "HTTP 403: the server refuses the credentials"),
        ((404, "text/html", b"?"), "HTTP 404: is the url that of an MCP server?"),
        ((500, "text/plain", b"?"), "HTTP 500"),
        ((200, "text/html", b"<html>"), "Unexpected content type: text/html"),
        ((200, "application/json", b"{"), "Failed to parse JSON response"),
        ((200, "application/gzip", b"?"), "compresses its answers unasked"),
        ((307, "text/plain", b""), "not followed"),
        (None, "the server was not reached"),
    ],
)
async def test_a_server_that_cannot_be_used_is_named_with_why(
    tmp_path: Path, scripted: Scripted, answer: Any, told: str
) -> None:
    scripted.answers["initialize"] = answer
    entry = {"url": f"{scripted.url}?key=${{SECRET_KEY}}", "startupTimeoutMs": 5000}
    with pytest.raises(SettingsError) as caught:
        async with opened(tmp_path, {"web": entry}):
            pass
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_an_address_where_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'web' could not be used: the server was not reached"):
        async with opened(tmp_path, {"web": {"url": "http://127.0.0.1:9/mcp"}}):
            pass


@pytest.mark.requirement("mcp.restart")
async def test_one_broken_request_fails_no_other_and_a_forgotten_session_is_made_anew(
    tmp_path: Path, scripted: Scripted
) -> None:
    done = {"content": [{"type": "text", "text": "done"}]}
    async with opened(tmp_path, {"web": {"url": scripted.url}}) as swarm:
        scripted.answers["tools/call"] = None
        assert "the server was not reached" in (await swarm.call("web__t")).text
        scripted.answers["tools/call"] = (503, "text/plain", b"")
        assert "HTTP 503" in (await swarm.call("web__t")).text
        scripted.answers["tools/call"] = done
        assert await swarm.text("web__t") == "done"
        scripted.answers["tools/call"] = (404, "text/plain", b"")
        assert "'web' forgot the session" in (await swarm.call("web__t")).text
        scripted.answers["tools/call"] = done
        assert await swarm.text("web__t") == "done"
    assert [seen["method"] for seen in scripted.seen].count("initialize") == 2


@pytest.mark.requirement("mcp.untrusted")
async def test_an_answer_without_an_end_is_given_up(tmp_path: Path, scripted: Scripted) -> None:
    async with opened(tmp_path, {"web": {"url": scripted.url}}) as swarm:
        scripted.answers["tools/call"] = (200, "application/json", b" " * 16_100_000)
        assert "more than 16,000,000 bytes" in (await swarm.call("web__t")).text
