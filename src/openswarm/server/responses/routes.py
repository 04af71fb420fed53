"""POST /v1/responses, and the answer to those who look for a stored one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from openswarm.server.bodies import answering, json_object
from openswarm.server.failures import ApiError
from openswarm.server.refusals import refuse_openai
from openswarm.server.responses.encode import ResponseFrames, encode_reply
from openswarm.server.responses.parse import asked
from openswarm.server.service import Service
from openswarm.server.streaming import streamed, whole


def routes(service: Service) -> list[BaseRoute]:
    """The routes of this wire."""

    async def create(request: Request) -> Response:
        wanted = asked(await json_object(request), service.options.specs)
        chat = wanted.chat
        if chat.stream:
            return streamed(service, chat, ResponseFrames(wanted), refuse_openai, request)
        return whole(
            service, chat, lambda reply: encode_reply(reply, wanted), refuse_openai, request
        )

    async def stored(request: Request) -> Response:
        name = request.path_params["name"][:100]
        raise ApiError(404, f"there is no response {name!r}: this server stores none", kind="path")

    return [
        Route("/v1/responses", answering(refuse_openai, create), methods=["POST"]),
        Route(
            "/v1/responses/{name:path}",
            answering(refuse_openai, stored),
            methods=["GET", "POST", "DELETE"],
        ),
    ]
