"""A real server on loopback for tests: uvicorn in the test's own event loop."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio

from openswarm.core.settings import Settings
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.settings import home_folder
from openswarm.server.service import ServeOptions, Service
from openswarm.server.serving import listen, serve

TOKEN = "token-of-the-test"
Scripts = Mapping[str, Sequence[Any] | Callable[[Request], Say]]


@dataclass(slots=True)
class Served:
    """A server that runs, the model behind it, and a client that knows the token."""

    url: str
    model: ScriptedModel
    client: aiohttp.ClientSession
    service: Service
    home: Path


@asynccontextmanager
async def serving(scripts: Scripts, **options: Any) -> AsyncIterator[Served]:
    """Serves a scripted model; `options` are those of `ServeOptions`."""
    model = ScriptedModel(scripts)
    home = home_folder()
    given = ServeOptions(
        **{
            "home": home, "settings": Settings(), "specs": ("scripted",), "token": TOKEN,
            "models": {"scripted": model}, **options,
        }
    )  # fmt: skip
    socket = listen("127.0.0.1", 0)
    port = socket.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    begun: list[Service] = []
    ready, done = anyio.Event(), anyio.Event()

    async def beside(service: Service) -> None:
        begun.append(service)
        ready.set()
        await done.wait()

    headers = {"authorization": f"Bearer {TOKEN}"}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, given, socket, beside)
        await ready.wait()
        async with aiohttp.ClientSession(url, headers=headers) as client:
            yield Served(url, model, client, begun[0], home)
        done.set()
