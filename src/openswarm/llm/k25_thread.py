"""The thread in which a K2.5-shaped model makes its replies, all of them together.

Owns the way between the event loop and the engine: requests go in, tokens come out, and whoever
stops listening frees its slot. Knows no text and no chat. PyTorch is not imported here.
"""

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from openswarm.core.errors import Fault, ModelError

if TYPE_CHECKING:
    from openswarm.k25.generation import Engine
    from openswarm.k25.requests import Event, GenerationRequest, Ticket

CLOSED = "the model was closed in the middle of a reply"


@dataclass(slots=True, eq=False)
class _Listener:
    """Whoever waits for one reply, and the loop that it waits in."""

    loop: asyncio.AbstractEventLoop
    stream: "MemoryObjectSendStream[Event | Exception]"
    ticket: "Ticket | None" = None

    def tell(self, item: "Event | Exception") -> None:
        """Hands an item over; a loop that has ended, or nobody there, is no matter."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._put, item)

    def _put(self, item: "Event | Exception") -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.stream.send_nowait(item)


class EngineThread:
    """One engine, stepped by one thread for as long as anybody waits for a reply."""

    def __init__(self, make: "Callable[[], Engine]") -> None:
        """`make` gives a fresh engine; it is called again after an engine has failed."""
        self._make = make
        self._engine = make()
        self._commands: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._listeners: dict[Ticket, _Listener] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="k25", daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether it has ended, or is about to: it makes no reply any more."""
        return self._closed

    async def replies(self, request: "GenerationRequest") -> "AsyncGenerator[Event, None]":
        """The tokens of one reply as they come; closing the generator frees the slot.

        Raises what `Engine.submit` raises, and `ModelError` when the engine failed or was closed.
        """
        if self._closed:
            raise ModelError(Fault.BROKEN, CLOSED)
        send, receive = anyio.create_memory_object_stream[Any](math.inf)
        listener = _Listener(asyncio.get_running_loop(), send)
        self._commands.put(lambda: self._submit(listener, request))
        if self._closed:  # the thread may have ended in between, and never see the command
            raise ModelError(Fault.BROKEN, CLOSED)
        try:
            async with receive:
                async for item in receive:
                    if isinstance(item, Exception):
                        raise item
                    yield item
                    if item.finish:
                        return
        finally:
            send.close()
            self._commands.put(lambda: self._cancel(listener))

    def close(self) -> None:
        """Ends the thread after the step that it is in; replies that are being made fail.

        It waits for the step, so it is not to be called on an event loop.
        """
        self._closed = True
        self._commands.put(None)
        self._thread.join()

    def _run(self) -> None:
        """Serves until the end, and lets nobody wait behind it."""
        why = CLOSED
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - nobody hears what a thread raises
            why = f"the model failed, and cannot be made again: {error}"
        finally:
            self._closed = True
            self._take_the_rest()
            self._fail(why)

    def _serve(self) -> None:
        """Steps whenever there is something to do; commands come first."""
        while True:
            while self._commands.qsize() or not self._engine.busy:
                command = self._commands.get()
                if command is None:
                    return
                command()
            self._step()

    def _take_the_rest(self) -> None:
        """Requests that came while the thread ended have to hear of it as well."""
        while self._commands.qsize():
            command = self._commands.get()
            if command is not None:
                command()

    def _submit(self, listener: _Listener, request: "GenerationRequest") -> None:
        try:
            listener.ticket = self._engine.submit(request)
        except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it
            listener.tell(error)
        else:
            self._listeners[listener.ticket] = listener

    def _cancel(self, listener: _Listener) -> None:
        if listener.ticket is not None and self._listeners.get(listener.ticket) is listener:
            del self._listeners[listener.ticket]
            self._engine.cancel(listener.ticket)

    def _step(self) -> None:
        try:
            events = self._engine.step()
        except Exception as error:  # noqa: BLE001 - else all would wait forever for their replies
            self._fail(f"the model failed: {error}")
            self._engine = self._make()
            return
        for event in events:
            self._listeners[event.ticket].tell(event)
            if event.finish:
                del self._listeners[event.ticket]

    def _fail(self, why: str) -> None:
        """Ends every reply with an error."""
        for listener in self._listeners.values():
            listener.tell(ModelError(Fault.BROKEN, why))
        self._listeners.clear()
