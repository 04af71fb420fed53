"""POST /v1/messages and /v1/messages/count_tokens, the same below /anthropic, and its models."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from openswarm.server.bodies import Handler, answering, json_object
from openswarm.server.chat import estimate_tokens
from openswarm.server.messages.encode import MessageFrames, encode_reply
from openswarm.server.messages.parse import chat_request
from openswarm.server.names import every_name, served
from openswarm.server.refusals import refuse_anthropic
from openswarm.server.service import Service
from openswarm.server.streaming import streamed, whole

_CREATED = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
"""Served models are not dated; clients want a date."""


def routes(service: Service) -> list[BaseRoute]:
    """The routes of this wire."""
    specs = service.options.specs

    async def create(request: Request) -> Response:
        chat = chat_request(await json_object(request), specs)
        if chat.stream:
            return streamed(service, chat, MessageFrames(chat), refuse_anthropic, request)
        return whole(
            service, chat, lambda reply: encode_reply(reply, chat), refuse_anthropic, request
        )

    async def count(request: Request) -> Response:
        chat = chat_request(await json_object(request), specs, counting=True)
        return JSONResponse({"input_tokens": estimate_tokens(chat)})

    async def models(_: Request) -> Response:
        return JSONResponse(_model_list(specs))

    async def model(request: Request) -> Response:
        return JSONResponse(_model(served(request.path_params["name"], specs).name))

    both: list[tuple[str, Handler]] = [
        ("/v1/messages", create), ("/v1/messages/count_tokens", count),
    ]  # fmt: skip
    answered = [
        Route(base + path, answering(refuse_anthropic, handler), methods=["POST"])
        for base in ("", "/anthropic")
        for path, handler in both
    ]
    return [
        *answered,
        Route("/anthropic/v1/models", answering(refuse_anthropic, models), methods=["GET"]),
        Route(
            "/anthropic/v1/models/{name:path}", answering(refuse_anthropic, model), methods=["GET"]
        ),
    ]


def _model_list(specs: Sequence[str]) -> dict[str, object]:
    entries = [_model(entry.name) for entry in every_name(specs)]
    return {
        "data": entries,
        "has_more": False,
        "first_id": entries[0]["id"],
        "last_id": entries[-1]["id"],
    }


def _model(name: str) -> dict[str, str]:
    return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED}
