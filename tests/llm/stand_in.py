"""A stand-in for the child process of local models: it speaks llama.cpp's HTTP, and records."""

import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from aiohttp import web

KEY = "told-to-the-parent"
Answer = Callable[[dict[str, Any]], Awaitable[str]]


@dataclass(slots=True)
class StandIn:
    """What was asked, and what to answer."""

    folder: Path
    answer: Answer
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The chat requests that were streamed."""
    heads: list[str] = field(default_factory=list)
    """The system prompts that were read alone."""
    states: list[tuple[str, str, str]] = field(default_factory=list)
    """Slot, action and file of each state that was saved or restored."""
    keys: set[str | None] = field(default_factory=set)
    refuse: tuple[int, str] | None = None
    """A status and a message for every streamed request."""
    cut: bool = False
    """Whether streams end in the middle."""
    usage: dict[str, Any] = field(default_factory=dict)

    def child(self, hello: object = None) -> tuple[str, ...]:
        """A child that says where this stand-in listens, and goes when it should."""
        line = json.dumps(hello or {"socket": str(self.folder / "s"), "key": KEY})
        return (sys.executable, "-I", "-S", "-c", f"print({line!r}, flush=True); input()")

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """The chat completions."""
        self.keys.add(request.headers.get("authorization"))
        body = await request.json()
        if not body.get("stream"):
            self.heads.append(body["messages"][0]["content"])
            return web.json_response({"timings": {"prompt_n": 40}})
        self.requests.append(body)
        if self.refuse:
            status, message = self.refuse
            return web.json_response({"error": {"message": message}}, status=status)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await send(response, {"choices": [], "prompt_progress": {"processed": 1}})
        text = await self.answer(body)
        for piece in (text[:3], text[3:]):
            await send(response, {"choices": [{"delta": {"content": piece}}]})
        if not self.cut:
            reason = "length" if text.endswith("…") else "stop"
            await send(response, {"choices": [{"delta": {}, "finish_reason": reason}]})
            await send(response, {"choices": [], "usage": self.usage})
            await response.write(b"data: [DONE]\n\n")
        return response

    async def state(self, request: web.Request) -> web.Response:
        """Saving and restoring a slot."""
        body = await request.json()
        self.states.append((request.match_info["slot"], request.query["action"], body["filename"]))
        return web.json_response({})


async def send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    """One chunk of a stream."""
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


@asynccontextmanager
async def stand_in(answer: Answer) -> AsyncIterator[StandIn]:
    """A stand-in that listens on a Unix socket."""
    folder = Path(await anyio.to_thread.run_sync(tempfile.mkdtemp))
    engine = StandIn(folder, answer)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", engine.chat)
    app.router.add_post("/slots/{slot}", engine.state)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(folder / "s")).start()
        yield engine
    finally:
        await runner.cleanup()
        await anyio.to_thread.run_sync(shutil.rmtree, folder)


async def echo(body: dict[str, Any]) -> str:
    """Answers in the form of the grammar with the last message."""
    return json.dumps({"answer": body["messages"][-1]["content"]})
