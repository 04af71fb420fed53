"""How the server understands requests: what the backend is asked, or how they are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from served import Served, serving

from openswarm.llm.model import Request
from openswarm.llm.scripted import Say


@dataclass(slots=True)
class Taking:
    """One path of a server whose model says yes to everything."""

    path: str
    server: Served
    requests: list[Request] = field(default_factory=list)

    async def taken(self, body: Any) -> Request:
        """What the model was asked for a request that is answered."""
        status, answer = await self.answer(body)
        assert status == 200, answer
        return self.requests[-1]

    async def answer(self, body: Any) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        async with self.server.client.post(self.path, json=body) as response:
            return response.status, await response.json()


@asynccontextmanager
async def taking(path: str) -> AsyncIterator[Taking]:
    """A server that takes requests at a path."""
    requests: list[Request] = []

    def keep(request: Request) -> Say:
        requests.append(request)
        return Say("Yes.")

    async with serving({"instant": keep, "thinking": keep}) as server:
        yield Taking(path, server, requests)
