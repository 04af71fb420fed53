"""What a call of the runs API is: who answers it, and what it takes and gives, as types.

A handler gets what was asked, checked; what it gives is written as JSON, and an error in the
shape of the API.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openswarm.server.bodies import answering
from openswarm.server.refusals import refuse_run
from openswarm.server.runs.feed import Feeds
from openswarm.server.runs.places import folder_of
from openswarm.server.runs.reading import Readings
from openswarm.server.runs.requests import Sent, body_of, query_of
from openswarm.server.runs.work import stopping
from openswarm.server.service import Service


@dataclass(slots=True)
class Api:
    """What the handlers share."""

    service: Service
    feeds: Feeds
    readings: Readings = field(default_factory=Readings)


@dataclass(slots=True)
class Asked:
    """A request, its body and its query as the types of its call."""

    api: Api
    request: Request
    body: Any = None
    query: Any = None

    async def folder(self) -> Path:
        """The folder of the run that the path names. Raises `ApiError` where there is none."""
        run_id = self.request.path_params["run_id"]
        return await anyio.to_thread.run_sync(folder_of, self.api.service.options.home, run_id)


Answer = BaseModel | Response | None
Handler = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel] | None = None
    """What it answers as JSON; None for nothing, or for what `media` says."""
    status: int = 200
    body: type[Sent] | None = None
    query: type[Sent] | None = None
    media: str = "application/json"
    problems: tuple[int, ...] = ()
    """Statuses of errors beside 400, 401, 404 of a run, and 500."""

    def route(self, api: Api) -> Route:
        """The route that answers it."""

        async def handle(request: Request) -> Response:
            asked = Asked(api, request)
            if self.query is not None:
                asked.query = query_of(self.query, dict(request.query_params))
            if self.body is not None:
                asked.body = body_of(self.body, await request.body())
            return self._written(await self._answer(asked))

        return Route(self.path, answering(refuse_run, handle), methods=[self.method])

    async def _answer(self, asked: Asked) -> Answer:
        if asked.api.service.stopping.is_set():
            raise stopping()
        return await self.handler(asked)

    def _written(self, answer: Answer) -> Response:
        if isinstance(answer, Response):
            return answer
        body = answer.model_dump_json() if answer is not None else None
        return Response(body, self.status, media_type="application/json" if body else None)
