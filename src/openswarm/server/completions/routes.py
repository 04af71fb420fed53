"""The routes of chat completions and of the models."""

import time
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from openswarm.server.bodies import Handler, json_object
from openswarm.server.completions.encode import CompletionFrames
from openswarm.server.completions.media import with_files
from openswarm.server.completions.models import model_list, model_object
from openswarm.server.completions.parse import parse
from openswarm.server.completions.web_search import Searches
from openswarm.server.file_store import FileStore
from openswarm.server.methods import resource
from openswarm.server.refusals import refuse_openai
from openswarm.server.service import Service
from openswarm.server.streaming import streamed, whole


def routes(service: Service) -> list[BaseRoute]:
    """`POST /v1/chat/completions`, `GET /v1/models`, `GET /v1/models/{id}`."""
    chat = resource("/v1/chat/completions", {"POST": _completions(service)})
    return [chat, *_model_routes(service)]


def _completions(service: Service) -> Handler:
    store = FileStore(service.options.home)
    searches = Searches(service.options.settings)

    async def complete(request: Request) -> Response:
        asked = parse(await json_object(request), service.options)
        messages = await with_files(asked.chat.messages, store)
        chat = await searches.carried_out(replace(asked.chat, messages=messages))
        frames = CompletionFrames(replace(asked, chat=chat))
        if chat.stream:
            return streamed(service, chat, frames, refuse_openai, request)
        return whole(service, chat, frames.whole, refuse_openai, request)

    return complete


def _model_routes(service: Service) -> list[BaseRoute]:
    since = int(time.time())

    async def every(_: Request) -> Response:
        return JSONResponse(model_list(service, since))

    async def one(request: Request) -> Response:
        return JSONResponse(model_object(service, request.path_params["name"], since))

    return [
        resource("/v1/models", {"GET": every}),
        resource("/v1/models/{name:path}", {"GET": one}),
    ]
