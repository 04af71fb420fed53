"""llama.cpp in this process: one model's weights, several replies decoded together.

The engine is reached through a Unix socket in a folder that only this user can open, and with a
key that only this process knows: no port is open for others of the machine. A system prompt is
read once: its state is saved and copied into every slot that needs it.
"""

import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import orjson

from openswarm.core.errors import Fault, ModelError, SettingsError
from openswarm.llm.http import Endpoint
from openswarm.llm.slots import Slot, Slots

BATCH_TOKENS = 64
"""Prompt tokens between two looks at cancellation and at the other slots: a second or two on two
cores. Larger batches read a prompt hardly faster there."""
SAVED_HEADS = 8
HEAD_CHARS = 200
"""A shorter system prompt is read faster than its state is copied."""
STALL_S = 600.0
SEED = 7


class Llama:
    """The engine; `start` loads the weights once, `aclose` frees them."""

    def __init__(self, path: Path, *, parallel: int, context_tokens: int, threads: int) -> None:
        self.path = path
        self._parallel = parallel
        self._context_tokens = context_tokens
        self._threads = threads
        self._server: Any = None
        self._endpoint: Endpoint | None = None
        self._folder: Path | None = None
        self._loading = anyio.Lock()
        self._room = anyio.Semaphore(parallel)
        self._slots = Slots.of(parallel)
        self._heads: dict[str, anyio.Lock] = {}
        self._saved: list[str] = []

    async def start(self) -> Endpoint:
        """The endpoint of the loaded model. Raises `SettingsError` when it cannot be loaded."""
        async with self._loading:
            if self._endpoint is None:
                self._folder = Path(tempfile.mkdtemp(prefix="openswarm-"))
                key = secrets.token_urlsafe(24)
                socket = self._folder / "llama.sock"
                self._server = await anyio.to_thread.run_sync(self._load, socket, key)
                headers = {"authorization": f"Bearer {key}"}
                self._endpoint = Endpoint("http://localhost", headers, socket=str(socket))
            return self._endpoint

    def _load(self, socket: Path, key: str) -> Any:
        xllamacpp = _library()
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_parallel = self._parallel
        params.n_ctx = self._context_tokens * self._parallel
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        params.hostnames = [str(socket)]
        params.api_keys = [key]
        params.slot_save_path = f"{socket.parent}{os.sep}"
        params.cache_ram_mib = 0  # heads are saved here instead
        params.ui = False
        params.verbosity = -1
        try:
            return xllamacpp.Server(params)
        except RuntimeError:
            raise SettingsError(
                f"llama.cpp cannot load {self.path}: it is no GGUF model that it knows, or memory"
                " is short; fetch it again with `openswarm models pull`, or name another file"
            ) from None

    @asynccontextmanager
    async def slot(self, conversation: int, system: str) -> AsyncIterator[tuple[Slot, int]]:
        """A slot that has read `system`, and how many tokens had to be read for that now."""
        endpoint = await self.start()
        head = sha256(system.encode()).hexdigest()[:32] if len(system) >= HEAD_CHARS else ""
        async with self._room:
            slot = self._slots.take(conversation, head)
            try:
                read = 0
                if head and slot.head != head:
                    slot.head = ""
                    read = await self._prepare(endpoint, slot, head, system)
                slot.head = head
                yield slot, read
            finally:
                self._slots.give_back(slot)

    async def _prepare(self, endpoint: Endpoint, slot: Slot, head: str, system: str) -> int:
        """Copies the state of the head into the slot; the first to need a head reads it."""
        path, file = f"/slots/{slot.number}?action=", {"filename": f"{head}.state"}
        async with self._heads.setdefault(head, anyio.Lock()):
            if head in self._saved:
                await _post(endpoint, f"{path}restore", file)
                return 0
            messages = [{"role": "system", "content": system}]
            body = {"messages": messages, "max_tokens": 1, "id_slot": slot.number}
            reply = await _post(endpoint, "/v1/chat/completions", body)
            await _post(endpoint, f"{path}save", file)
            self._saved.append(head)
            self._forget_oldest()
        return int(reply["timings"]["prompt_n"])

    def _forget_oldest(self) -> None:
        while len(self._saved) > SAVED_HEADS and self._folder:
            (self._folder / f"{self._saved.pop(0)}.state").unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Ends all replies and frees the memory."""
        with anyio.CancelScope(shield=True):
            async with self._loading:
                if self._endpoint is not None:
                    await self._endpoint.aclose()
                self._endpoint = None
                await anyio.to_thread.run_sync(self._unload)

    def _unload(self) -> None:
        self._server = None
        gc.collect()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


async def _post(endpoint: Endpoint, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with endpoint.post(path, orjson.dumps(body), STALL_S) as response:
        value = orjson.loads(await response.read())
    if not isinstance(value, dict):
        raise ModelError(Fault.PROTOCOL, "llama.cpp answered something else than an object")
    return value


def _library() -> Any:
    """xllamacpp, whose threads sleep when they wait for each other.

    OpenMP's own choice is to spin, which on a busy machine makes decoding ten times slower; it
    reads the variable while the library is loaded.
    """
    own = os.environ.get("OMP_WAIT_POLICY")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import xllamacpp
    except ImportError as error:
        raise SettingsError(
            f"local models need llama.cpp ({error}): pip install 'openswarm[local]'"
        ) from None
    finally:
        if own is None:
            del os.environ["OMP_WAIT_POLICY"]
    return xllamacpp
