"""Bodies of requests as JSON objects, and errors of handlers in the shape of their wire."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openswarm.core.errors import OpenswarmError
from openswarm.server.failures import ApiError, api_error, bad_request
from openswarm.server.streaming import Refuse

Handler = Callable[[Request], Awaitable[Response]]


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises `ApiError` for anything else."""
    try:
        value = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise bad_request("the body has to be a JSON object")
    return value


def answering(refuse: Refuse, handler: Handler) -> Handler:
    """The handler with its errors written in the shape of a wire."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return refuse(error)
        except OpenswarmError as error:
            return refuse(api_error(error))
        except ClientDisconnect:
            return Response(status_code=499)

    return handle
