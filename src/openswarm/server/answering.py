"""How a chat request is answered: by one call of the model, or by a run.

A client that brings tools of its own carries them out itself, so it leads the loop and gets one
call for each request, in every mode. Without tools the mode decides: `instant` and `thinking` are
one call, `agent` and `swarm` are runs, `auto` asks the router.
"""

from functools import partial

from openswarm.core.errors import ModelError, OpenswarmError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.core.task import Task
from openswarm.llm.model import ChatModel, Delta, OnDelta, Reply, Request, ignore
from openswarm.modes.routing import Route, route
from openswarm.modes.run import run
from openswarm.server.chat import ChatReply, ChatRequest, Emit, Finish
from openswarm.server.failures import ApiError, api_error, bad_request
from openswarm.server.narration import Narrator
from openswarm.server.passing import Passing
from openswarm.server.pictures import as_files
from openswarm.server.service import Service
from openswarm.server.tasks import task_text

REPLY_TOKENS = 8_192
"""Output tokens of one call where the client names no number."""
MAX_REPLY_TOKENS = 65_536


async def answer(service: Service, chat: ChatRequest, emit: Emit) -> ChatReply:
    """The answer; pieces of it go to `emit` as they come. Raises `ApiError`."""
    try:
        chosen = _chosen(service, chat)
        if chosen.mode in ("instant", "thinking"):
            return await _called(service, chat, chosen, emit)
        return await _carried_out(service, chat, emit)
    except OpenswarmError as error:
        raise api_error(error) from error


def _chosen(service: Service, chat: ChatRequest) -> Route:
    mode = chat.served.mode
    if chat.tools or chat.search:
        why = "the client carries out tools, and leads"
        return Route("instant" if mode == "instant" else "thinking", why)
    if mode in ("instant", "thinking"):
        return Route(mode, "chosen by the client")
    options = service.options
    task = Task(
        text=task_text(chat.messages), mode=mode, over=options.over, tools=options.tools,
        limits=service.limits,
    )  # fmt: skip
    return route(task, len(options.tools))


async def _called(service: Service, chat: ChatRequest, chosen: Route, emit: Emit) -> ChatReply:
    """One call of the model, with the conversation as the client has it."""
    passing = Passing(emit, stop=chat.stop, prefix=chat.prefix)
    model = service.paced(_Once(service.model(chat.served.spec), passing))
    request = Request(
        history=History(chat.messages),
        tools=() if chat.choice == "none" else chat.tools,
        max_tokens=min(chat.max_tokens or REPLY_TOKENS, MAX_REPLY_TOKENS),
        thinking=_thinks(chat, chosen),
        effort=chat.effort,
        schema=chat.schema,
        agent=chosen.mode,
        stall_s=service.limits.stall_s,
        must_call=chat.choice == "required",
        stop=chat.stop,
        sampling=chat.sampling,
    )
    paid = await model.reply(request, on_delta=passing.take, on_wait=lambda *_: passing.restart())
    passing.finish()
    said = paid.reply.message
    calls = said.tool_calls if chat.parallel_calls else said.tool_calls[:1]
    return ChatReply(
        message=said.model_copy(update={"content": passing.text, "tool_calls": calls}),
        usage=paid.reply.usage,
        finish="stop" if passing.stopped_at else _finish(paid.reply.finish),
        stopped_at=passing.stopped_at,
        mode=chosen.mode,
        mode_reason=chosen.why,
        cost_usd=paid.cost_usd,
    )


def _thinks(chat: ChatRequest, chosen: Route) -> bool | None:
    """The client's own word, then the mode's; where the client leads, the model's default."""
    if chat.thinking is not None or chat.tools:
        return chat.thinking
    return chosen.mode == "thinking"


def _finish(reason: str) -> Finish:
    known: dict[str, Finish] = {
        "tool_calls": "tool_calls", "length": "length", "content_filter": "content_filter",
    }  # fmt: skip
    return known.get(reason, "stop")


class _Once:
    """A model whose reply is not tried again once the client has seen a part of it."""

    def __init__(self, model: ChatModel, passing: Passing) -> None:
        self.spec, self.resource, self.info = model.spec, model.resource, model.info
        self._model = model
        self._passing = passing

    def input_bound(self, request: Request) -> int:
        return self._model.input_bound(request)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        try:
            reply = await self._model.reply(request, on_delta)
        except ModelError as error:
            if self._passing.has_sent and error.may_pass:
                raise ApiError(
                    502,
                    f"the model's reply broke off after its beginning was sent on: {error}",
                    boundary=error.boundary,
                    kind=error.kind,
                ) from error
            raise
        return reply

    async def aclose(self) -> None:
        await self._model.aclose()


async def _carried_out(service: Service, chat: ChatRequest, emit: Emit) -> ChatReply:
    """A run, which ends with the request. Its progress is told as reasoning."""
    if chat.prefix:
        raise bad_request("a run cannot go on with a partial answer", "messages")
    if chat.schema is not None:
        raise bad_request(
            "a run answers in text; take openswarm-instant or openswarm-thinking, or the columns of"
            " the runs API",
            "response_format",
        )
    options = service.options
    work = partial(
        run,
        task_text(chat.messages),
        mode=chat.served.mode,
        effort=chat.effort,
        model=service.choice(chat.served.spec),
        subagent_model=options.subagent_spec,
        tools=options.tools,
        over=options.over,
        limits=service.limits,
        home=options.home,
        settings=options.settings,
    )
    narrator = Narrator(emit)
    async with as_files(chat.messages) as pictures:
        result = await service.desk.attached(
            lambda observer: work(attachments=pictures, observer=observer), narrator
        )
    emit(Delta("text", result.answer))
    return ChatReply(
        message=Message(role="assistant", content=result.answer, reasoning=narrator.told),
        usage=result.stats.tokens,
        mode=result.mode,
        mode_reason=result.mode_reason,
        run_id=result.run_id,
        outcome=result.outcome,
        cost_usd=result.stats.cost_usd,
    )
