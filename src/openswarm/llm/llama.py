"""The engine of local models: a child process with llama.cpp that decodes several replies at once.

A system prompt is read once: its state is saved and copied into every slot that needs it. Owns the
child's life, the slots and the saved states; what is asked of it is `local`'s business.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
import orjson
from anyio.streams.buffered import BufferedByteReceiveStream

from openswarm.core.errors import Fault, ModelError, SettingsError
from openswarm.llm.http import Endpoint
from openswarm.llm.slots import Slot, Slots

CHILD = (sys.executable, "-P", "-m", "openswarm.llm.llama_child")
HEAD_CHARS = 200
"""A shorter system prompt is read faster than its state is copied."""
SAVED_HEADS = 8
"""Their states take 28 kB of disk a token with the default model."""
STALL_S = 600.0
"""Reading a long prompt beside others takes minutes on two cores."""
GOODBYE_S = 1.0
_LONGEST_HELLO = 64 * 1024


@dataclass(frozen=True, slots=True)
class LlamaSettings:
    """What is loaded, and how."""

    path: Path
    parallel: int
    """Replies that are decoded together."""
    context_tokens: int
    """The window of one reply."""
    threads: int

    def as_json(self) -> str:
        """For the child's command line."""
        return json.dumps(asdict(self), default=str)


@dataclass(slots=True)
class Engine:
    """One child that has loaded its model."""

    process: anyio.abc.Process
    folder: Path
    """Holds its socket and the saved states."""
    endpoint: Endpoint
    slots: Slots
    room: anyio.Semaphore
    reading: dict[str, anyio.Lock] = field(default_factory=dict)
    """By head: held while its state is read or copied."""
    saved: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """The heads whose state is saved, the one used last at the end."""

    @asynccontextmanager
    async def slot(self, conversation: int, system: str) -> AsyncIterator[tuple[Slot, int]]:
        """A slot that has read `system`, and how many tokens had to be read for that now."""
        head = sha256(system.encode()).hexdigest()[:32] if len(system) >= HEAD_CHARS else ""
        async with self.room:
            slot = self.slots.take(conversation, head)
            try:
                read = 0
                if head and slot.head != head:
                    slot.head = ""
                    read = await self._prepare(slot, head, system)
                slot.head = head
                yield slot, read
            finally:
                self.slots.give_back(slot)

    async def _prepare(self, slot: Slot, head: str, system: str) -> int:
        """Copies the state of the head into the slot; the first to need a head reads it."""
        action, file = f"/slots/{slot.number}?action=", {"filename": head}
        async with self.reading.setdefault(head, anyio.Lock()):
            if head in self.saved:
                self.saved.move_to_end(head)
                await self._post(f"{action}restore", file)
                return 0
            messages = [{"role": "system", "content": system}]
            body = {"messages": messages, "max_tokens": 1, "id_slot": slot.number}
            reply = await self._post("/v1/chat/completions", body)
            with suppress(ModelError):  # a full disk costs time, not the reply
                await self._post(f"{action}save", file)
                self.saved[head] = None
                await self._forget_oldest()
        return int(reply.get("timings", {}).get("prompt_n", 0))

    async def _forget_oldest(self) -> None:
        for head in list(self.saved)[:-SAVED_HEADS]:
            if not self.reading[head].locked():
                del self.saved[head]
                await anyio.Path(self.folder, head).unlink(missing_ok=True)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.endpoint.post(path, orjson.dumps(body), STALL_S) as response:
            value = orjson.loads(await response.read())
        if not isinstance(value, dict):
            raise ModelError(Fault.PROTOCOL, "llama.cpp answered something else than an object")
        return value

    async def aclose(self) -> None:
        """Ends the child, and all that it is doing."""
        with anyio.CancelScope(shield=True):
            await self.endpoint.aclose()
            await _end(self.process, self.folder)


class Llama:
    """The engine of one model: started at its first use, and again if it should crash."""

    def __init__(self, settings: LlamaSettings, child: Sequence[str] = CHILD) -> None:
        self.settings = settings
        self._child = child
        self._engine: Engine | None = None
        self._starting = anyio.Lock()

    async def engine(self) -> Engine:
        """The running engine. Raises `SettingsError` when the model cannot be loaded."""
        async with self._starting:
            if self._engine is not None and self._engine.process.returncode is not None:
                await self.aclose()
            if self._engine is None:
                self._engine = await self._start()
            return self._engine

    async def _start(self) -> Engine:
        folder = Path(await anyio.to_thread.run_sync(partial(mkdtemp, prefix="openswarm-")))
        process = await anyio.open_process(
            [*self._child, self.settings.as_json(), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt in the terminal is the run's business
            # threads that wait spin by default, which on a busy machine is ten times slower
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
        )
        try:
            hello = await self._hello(process)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _end(process, folder)
            raise
        headers = {"authorization": f"Bearer {hello['key']}"}
        return Engine(
            process,
            folder,
            Endpoint("http://localhost", headers, socket=hello["socket"]),
            Slots.of(self.settings.parallel),
            anyio.Semaphore(self.settings.parallel),
        )

    async def _hello(self, process: anyio.abc.Process) -> dict[str, str]:
        """The child's one line, which says how to reach it."""
        assert process.stdout is not None
        try:
            line = await BufferedByteReceiveStream(process.stdout).receive_until(
                b"\n", _LONGEST_HELLO
            )
        except (anyio.IncompleteRead, anyio.EndOfStream):
            code = await process.wait()
            raise SettingsError(
                f"llama.cpp crashed while it loaded {self.settings.path} (status {code}): memory"
                " is short, or this processor lacks what the prebuilt library needs; take a"
                " smaller model, or one behind an address (--model http://host:port/v1#name)"
            ) from None
        hello: dict[str, str] = json.loads(line)
        if "missing" in hello:
            raise SettingsError(
                f"local models need llama.cpp ({hello['missing']}): pip install 'openswarm[local]'"
            )
        if "failed" in hello:
            raise SettingsError(
                f"llama.cpp cannot load {self.settings.path}: it is no GGUF model that it knows,"
                " or memory is short; name another file, or fetch this one again"
            )
        return hello

    async def aclose(self) -> None:
        """Ends the child and frees its memory; the next use starts it again."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.aclose()


async def _end(process: anyio.abc.Process, folder: Path) -> None:
    """Lets the child go by closing its input; kills it when it does not, as while it loads."""
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        if process.stdin is not None:
            await process.stdin.aclose()
    with anyio.move_on_after(GOODBYE_S):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()
    await anyio.to_thread.run_sync(shutil.rmtree, folder, True)
