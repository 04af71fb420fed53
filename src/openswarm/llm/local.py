"""The model that runs on this computer and needs no key: llama.cpp behind the model protocol.

Its replies are held to a grammar, so that a call is well-formed whatever the model would like to
write. Owns the request to the engine and the reading of its reply; the engine is `llama`, the
weights are `weights`.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

import orjson

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message, Usage
from openswarm.llm.constrain import bounded, grammar, read_reply, reply_schema
from openswarm.llm.llama import CHILD, STALL_S, Llama, LlamaSettings
from openswarm.llm.model import Delta, ModelInfo, OnDelta, Reply, Request, ToolSpec, ignore
from openswarm.llm.openai_client import MESSAGE_TOKENS, read_stream
from openswarm.llm.openai_wire import ReplyFold
from openswarm.llm.plain_chat import Entry, render
from openswarm.llm.weights import present

CONTEXT_TOKENS = 6144
"""The window of one reply. 28 kB of memory a token with the default model."""
SEED = 7
PARALLEL = 4
"""Replies that are decoded together."""


class LocalModel:
    """One GGUF file as a chat model. Loaded at the first reply."""

    resource = "local"

    def __init__(
        self,
        path: Path,
        *,
        spec: str = "",
        parallel: int = PARALLEL,
        context_tokens: int = CONTEXT_TOKENS,
        threads: int | None = None,
        child: Sequence[str] = CHILD,
    ) -> None:
        """`threads` is by default as many as there are processors; `child` starts the engine."""
        self.spec = spec or f"local/{path}"
        self.info = ModelInfo(context_tokens=context_tokens, compact=True, parallel=parallel)
        settings = LlamaSettings(path, parallel, context_tokens, threads or _processors())
        self._llama = Llama(settings, child)
        self._shown: WeakKeyDictionary[History, tuple[ToolSpec, ...]] = WeakKeyDictionary()

    @classmethod
    def named(cls, name: str, home: Path) -> "LocalModel":
        """The model of `local/NAME`. Raises `SettingsError` when its weights are not there."""
        return cls(present(name, home), spec=f"local/{name}")

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        chat = render(request.history, self._tools_shown(request))
        system = chat[0]["content"] if chat and chat[0]["role"] == "system" else ""
        form = _form(request)
        fold = ReplyFold(ignore if form else on_delta)
        engine = await self._llama.engine()
        async with engine.slot(id(request.history), system) as (slot, read):
            body = _body(chat, request.max_tokens, slot.number, form)
            stall_s = max(request.stall_s, STALL_S)
            async with engine.endpoint.post("/v1/chat/completions", body, stall_s) as response:
                whole = await read_stream(response.content.iter_any(), fold)
        if not whole and not fold.finish:
            raise ModelError(Fault.BROKEN, f"{self.spec} broke off in the middle of a reply")
        return _read(fold.reply(len(body)), request, read, self.spec, on_delta)

    def _tools_shown(self, request: Request) -> tuple[ToolSpec, ...]:
        """The tools that the prompt describes: those of the conversation's start.

        When tools are taken away for a last turn the grammar forbids them; the prompt stays, or
        all of it would have to be read again.
        """
        shown = self._shown.get(request.history, ())
        if not set(request.tools) <= set(shown):
            shown = self._shown[request.history] = request.tools
        return shown

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`."""
        chat = render(request.history, self._tools_shown(request))
        return sum(len(entry["content"].encode()) + MESSAGE_TOKENS for entry in chat)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        await self._llama.aclose()


def _body(chat: list[Entry], max_tokens: int, slot: int, form: dict[str, str]) -> bytes:
    """The request; its progress is told, so that a long prompt does not look like a stall."""
    return orjson.dumps(
        {
            "messages": chat,
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            "temperature": 0,
            "seed": SEED,
            "id_slot": slot,
            **form,
        }
    )


def _form(request: Request) -> dict[str, str]:
    """The fields that hold a reply to its form; none when it is free text."""
    if request.tools:
        schema = reply_schema(request.tools, request.schema, must_call=request.must_call)
    elif request.schema is not None:
        schema = bounded(request.schema)
    else:
        return {}
    return {"grammar": grammar(schema)}


def _read(reply: Reply, request: Request, read: int, spec: str, on_delta: OnDelta) -> Reply:
    """The reply with its calls; `read` tokens of what counts as cached were read for it."""
    usage = reply.usage
    cached = max(usage.cached_tokens - read, 0)
    usage = Usage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=cached
    )
    if not request.tools:
        if request.schema is not None:
            on_delta(Delta("text", reply.message.text))
        return Reply(reply.message, usage, reply.finish, spec)
    names = [tool.name for tool in request.tools]
    text, calls = read_reply(reply.message.text, names)
    if text:
        on_delta(Delta("text", text))
    message = Message(role="assistant", content=text, tool_calls=calls)
    return Reply(message, usage, "tool_calls" if calls else reply.finish, spec)


def _processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
