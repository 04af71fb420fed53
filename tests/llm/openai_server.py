"""A server on loopback that speaks OpenAI's chat completions as it is told, and a client for it."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from openswarm.core.errors import ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.llm.http import Endpoint
from openswarm.llm.model import Request
from openswarm.llm.openai_client import OpenAIModel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


def ask(text: str = "go", **options: Any) -> Request:
    return Request(History([Message(role="user", content=text)]), **options)


async def failure(handler: Handler, **options: Any) -> ModelError:
    async with serving(handler) as url, client(url) as model:
        with pytest.raises(ModelError) as caught:
            await model.reply(ask(**options))
    return caught.value
