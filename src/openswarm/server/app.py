"""The application: all routes behind the guard."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from openswarm.server import files, pages
from openswarm.server.completions import routes as completions
from openswarm.server.failures import ApiError
from openswarm.server.guard import Guard
from openswarm.server.messages import routes as messages
from openswarm.server.refusals import refuse_at
from openswarm.server.responses import routes as responses
from openswarm.server.runs import routes as runs
from openswarm.server.service import Service


def make_app(service: Service) -> ASGIApp:
    """Everything that the server answers."""
    routes: list[BaseRoute] = [
        *completions.routes(service),
        *responses.routes(service),
        *messages.routes(service),
        *files.routes(service),
        *runs.routes(service),
        Route("/health", _health, methods=["GET"]),
        *pages.routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused, 500: _broken})  # type: ignore[dict-item]
    return Guard(app, service.options)


async def _health(_: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


async def _refused(request: Request, error: HTTPException) -> Response:
    """Paths and methods that there are not, in the shape of the wire."""
    path = request.url.path
    what = {404: f"there is no {path}", 405: f"{request.method} is not for {path}"}
    failure = ApiError(error.status_code, what.get(error.status_code, error.detail), kind="path")
    return refuse_at(path, request.headers, failure)


async def _broken(request: Request, error: Exception) -> Response:
    """An error that is a bug of ours; its text goes to the log alone."""
    failure = ApiError(500, f"bug in openswarm: {type(error).__name__}", boundary="internal")
    return refuse_at(request.url.path, request.headers, failure)
