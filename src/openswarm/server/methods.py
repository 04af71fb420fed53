"""One path of OpenAI's wire and what may be done there: OPTIONS is told, other methods refused."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openswarm.server.bodies import Handler, answering
from openswarm.server.failures import ApiError
from openswarm.server.refusals import refuse_openai

ALL = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def resource(path: str, handlers: Mapping[str, Handler]) -> Route:
    """A route with a handler for each of its methods; HEAD is answered as GET."""
    methods = [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"]
    allow = {"allow": ", ".join(methods)}

    async def handle(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            refusal = ApiError(405, f"{request.method} is not for {request.url.path}", kind="path")
            response = refuse_openai(refusal)
            response.headers.update(allow)
            return response
        return await handler(request)

    return Route(path, answering(refuse_openai, handle), methods=list(ALL))
