"""A K2.5-shaped model in PyTorch on this computer, behind the model protocol.

It runs in a thread of this process: PyTorch works outside the interpreter's lock, a checkpoint is
read once, and tokens need no wire. (The GGUF models have a process of their own because a crash of
their prebuilt library must not be a crash of the run.) Owns the model's life and the reading of
its replies; the prompt is `k25_prompt`'s, the thread `k25_thread`'s business. PyTorch is imported
at the first reply.
"""

import json
import threading
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread

from openswarm.core.errors import Fault, ModelError, SettingsError, UserError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Usage, VideoPart
from openswarm.k25.config import K25Config, load_config
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.errors import ModelFileError
from openswarm.k25.template import render
from openswarm.llm.k25_thread import EngineThread
from openswarm.llm.model import ModelInfo, OnDelta, Reply, Request, ToolSpec, ignore
from openswarm.llm.weights import present

if TYPE_CHECKING:
    from openswarm.llm.k25_prompt import Prompt, Prompts

PARALLEL = 16
"""Replies that are decoded together: on two cores five times as many tokens a second as one."""
EXTRA = "pip install 'openswarm[model]'"
IMAGE_TOKENS = 4_464
"""The most that a picture can have, over all sizes: the published limit is not a hard one."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is in memory from the first reply on."""

    prompts: "Prompts"
    thread: EngineThread


class K25Model:
    """The checkpoint of a folder as a chat model. Loaded at the first reply."""

    resource = "local"

    def __init__(
        self, folder: Path, config: K25Config, *, spec: str = "", parallel: int = PARALLEL
    ) -> None:
        """`parallel` replies are made together; further ones wait."""
        self.spec = spec or f"local/{folder}"
        self.info = ModelInfo(
            context_tokens=config.text_config.max_position_embeddings,
            compact=True,
            images=True,
            parallel=parallel,
        )
        self._folder, self._parallel = folder, parallel
        self._loaded: _Loaded | None = None
        self._loading = anyio.Lock()
        self._held = threading.Lock()
        """Of whoever changes `_loaded`: a worker thread that outlives a cancelled caller."""
        self._replies = 0
        self._shown: WeakKeyDictionary[History, tuple[ToolSpec, ...]] = WeakKeyDictionary()

    @classmethod
    def named(cls, name: str, home: Path) -> "K25Model":
        """The model of `local/NAME`. Raises `SettingsError` when it is not there, or broken."""
        return cls.at(present(name, home), spec=f"local/{name}")

    @classmethod
    def at(cls, folder: Path, *, spec: str = "", parallel: int = PARALLEL) -> "K25Model":
        """The model of a folder. Raises `SettingsError` when its config.json cannot be used."""
        try:
            config = load_config(folder)
        except ModelFileError as error:
            raise SettingsError(f"{spec or folder} cannot be used: {error}") from None
        return cls(folder, config, spec=spec, parallel=parallel)

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`. A request that does not ask to think is answered at once."""
        loaded = await self._load()
        self._replies += 1
        try:
            prompt = await anyio.to_thread.run_sync(
                loaded.prompts.prompt,
                tuple(request.history),
                request,
                self._tools_shown(request),
                self._replies,
            )
            return await _made(loaded, prompt, request, self.spec, on_delta)
        except UserError as error:
            raise ModelError(_fault_of(error), f"{self.spec}: {error}") from error

    def input_bound(self, request: Request) -> int:
        """See `ChatModel.input_bound`. More than the window is refused, so it is never more."""
        pieces = render(tuple(request.history), self._tools_shown(request), thinking=True)
        text = sum(
            1 if piece.special else len(piece.text.encode(errors="surrogatepass"))
            for piece in pieces
        )
        contents = (each.content for each in request.history if not isinstance(each.content, str))
        parts = list(chain.from_iterable(contents))
        if any(isinstance(part, VideoPart) for part in parts):
            return self.info.context_tokens
        pictures = sum(isinstance(part, ImagePart) for part in parts)
        return min(text + pictures * IMAGE_TOKENS, self.info.context_tokens)

    async def aclose(self) -> None:
        """See `ChatModel.aclose`. The next reply loads the model again."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._drop)

    async def _load(self) -> _Loaded:
        async with self._loading:
            return await anyio.to_thread.run_sync(self._keep)

    def _keep(self) -> _Loaded:
        """What is in memory, else what is read now. A model whose thread has died is read anew.

        It keeps what it reads: when a caller is cancelled the reading goes on, and the next one
        waits for it.
        """
        with self._held:
            if self._loaded is None or self._loaded.thread.closed:
                self._loaded = None  # two models at once may be more than the memory holds
                self._loaded = _loaded(self._folder, self._parallel, self.spec)
            return self._loaded

    def _drop(self) -> None:
        with self._held:
            loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.thread.close()

    def _tools_shown(self, request: Request) -> tuple[ToolDeclaration, ...]:
        """The tools that the prompt describes: those of the conversation's start.

        When tools are taken away for a last turn the grammar forbids them; the prompt stays, or
        all of it would have to be read again.
        """
        shown = self._shown.get(request.history, ())
        if not set(request.tools) <= set(shown):
            shown = self._shown[request.history] = request.tools
        return tuple(
            ToolDeclaration(tool.name, tool.description, json.loads(tool.parameters))
            for tool in shown
        )


def _loaded(folder: Path, parallel: int, spec: str) -> _Loaded:
    """Reads the checkpoint and starts its thread. Raises `SettingsError` when that cannot be."""
    try:
        from openswarm.k25.checkpoint import load_model
        from openswarm.k25.generation import Engine
        from openswarm.k25.packed import pack_experts
        from openswarm.llm.k25_prompt import Prompts, tokenizer_of
    except ImportError as error:
        if (error.name or "").startswith("openswarm"):
            raise
        raise SettingsError(f"{spec} needs {error.name}: {EXTRA}") from None
    try:
        model = load_model(folder)
        if model.config.int4:
            pack_experts(model)
        tokenizer = tokenizer_of(folder, model.config.text_config.vocab_size)
    except ModelFileError as error:
        raise SettingsError(f"{spec} cannot be loaded: {error}") from None
    thread = EngineThread(lambda: Engine(model, slots=parallel))
    return _Loaded(Prompts(tokenizer, model.config.text_config.max_position_embeddings), thread)


async def _made(
    loaded: _Loaded, prompt: "Prompt", request: Request, spec: str, on_delta: OnDelta
) -> Reply:
    """The reply to a prompt, its deltas shown as they come."""
    reading = loaded.prompts.reading(prompt, request.stop)
    finish, written, cached = "stop", 0, 0
    async with aclosing(loaded.thread.replies(prompt.request)) as events:
        async for event in events:
            written, cached = written + 1, event.cached_tokens
            finish = event.finish or finish
            for delta in reading.take(event.token):
                on_delta(delta)
            if reading.stopped:
                break
    message, held = reading.finish()
    for delta in held:
        on_delta(delta)
    usage = Usage(input_tokens=len(prompt.request.ids), output_tokens=written, cached_tokens=cached)
    return Reply(message, usage, "tool_calls" if message.tool_calls else finish, spec)


def _fault_of(error: UserError) -> Fault:
    from openswarm.k25.requests import TooLongError

    return Fault.CONTEXT if isinstance(error, TooLongError) else Fault.REFUSED
