"""Answers that a model has to be asked for: the work ends as soon as the client is gone."""

from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Send

from openswarm.core.errors import OpenswarmError
from openswarm.server.failures import ApiError, api_error
from openswarm.server.refusals import refuse_run
from openswarm.server.runs.calls import Asked
from openswarm.server.streaming import Attended


def while_asked(asked: Asked, work: Callable[[], Awaitable[BaseModel]]) -> Response:
    """A response whose work is done while its client waits for it."""
    request = asked.request

    async def answer(send: Send) -> None:
        try:
            response = Response((await work()).model_dump_json(), media_type="application/json")
        except ApiError as error:
            response = refuse_run(error)
        except OpenswarmError as error:
            response = refuse_run(api_error(error))
        await response(request.scope, request.receive, send)

    return Attended(answer)
