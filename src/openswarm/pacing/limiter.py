"""The adaptive limiter of one resource, and the one owner of retry in the whole program.

A call that may pass is tried again here and nowhere else: a throttled one waits for a place with
its caller's context untouched, a failing one backs off for at most `retry_s`.
"""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from openswarm.core.errors import Fault, ModelError
from openswarm.pacing.capacity import UNLIMITED, Capacity

T = TypeVar("T")
OnWait = Callable[[str, float], None]
"""Told why a call waits, and for how many seconds at least; 0 when nobody knows."""
OnGo = Callable[[], None]
"""Told that a call that waited is admitted again."""

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 8.0
MOST_DOUBLINGS = 10
RETRIED_STALLS = 1
"""A second stall of one call is its end: each has cost `stall_s` seconds already."""
NEVER_REACHED_S = 3.0
"""How long an address that has never answered is tried."""


class Limiter:
    """Admits calls to one resource as fast as the resource takes them."""

    def __init__(
        self,
        name: str,
        *,
        on_change: Callable[[str, int, str], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.capacity = Capacity()
        self._on_change = on_change
        self._clock = clock
        self._jitter = jitter
        self._queue: deque[anyio.Event] = deque()
        self._promised = 0
        """Places that were given to waiters who have not run yet."""
        self._not_before = 0.0
        self._last_success: float | None = None
        self._told = UNLIMITED

    async def call(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        retry_s: float = 45.0,
        on_wait: OnWait = lambda *_: None,
        on_go: OnGo = lambda: None,
    ) -> T:
        """The result of `attempt`, tried again while that may help.

        Raises the last `ModelError` when it may not, or when `retry_s` seconds have gone by
        without a success; time that the resource itself asked to wait does not count.
        """
        deadline: float | None = None
        failures = stalls = 0
        while True:
            if await self._enter(on_wait, again=failures > 0) or failures:
                on_go()
            try:
                result = await attempt()
            except ModelError as error:
                self.capacity.release()
                delay = self._observe(error, failures)
                failures += 1
                stalls += error.fault is Fault.STALLED
                deadline = self._deadline(deadline, error, retry_s)
                late = self._clock() + delay > deadline
                if late or stalls > RETRIED_STALLS or not error.may_pass:
                    self._wake()
                    raise
                on_wait(error.kind, delay)
                await self._rest(delay)
            except BaseException:
                self.capacity.release()
                self._wake()
                raise
            else:
                self._succeed()
                return result

    async def _rest(self, delay: float) -> None:
        """Waits out a delay; whoever stops waiting leaves nobody behind in the queue."""
        self._wake()
        try:
            await anyio.sleep(delay)
        except BaseException:
            self._wake()
            raise

    async def _enter(self, on_wait: OnWait, *, again: bool) -> bool:
        """Waits for a place, and says whether it had to; a call that had one before goes first."""
        first, waited = again, False
        while True:
            pause = self._not_before - self._clock()
            open_places = self.capacity.free - self._promised
            if pause <= 0 and open_places > 0 and (first or not self._queue):
                self.capacity.admit()
                self._wake()
                return waited
            if not again and not waited:
                on_wait("queued", max(0.0, pause))
            waited = True
            if pause > 0:
                await self._rest(pause)
            else:
                await self._wait_in_line(first)
            first = True

    async def _wait_in_line(self, first: bool) -> None:
        event = anyio.Event()
        if first:
            self._queue.appendleft(event)
        else:
            self._queue.append(event)
        try:
            await event.wait()
        except BaseException:
            self._leave(event)
            self._wake()
            raise
        self._leave(event)

    def _leave(self, event: anyio.Event) -> None:
        if event.is_set():
            self._promised -= 1
        else:
            self._queue.remove(event)

    def _wake(self) -> None:
        """Promises each free place to the one who has waited longest for it."""
        while self._queue and self.capacity.free > self._promised:
            self._promised += 1
            self._queue.popleft().set()

    def _succeed(self) -> None:
        self._last_success = self._clock()
        self.capacity.release()
        self.capacity.succeeded()
        self._tell("the endpoint admits more or less than before")
        self._wake()

    def _observe(self, error: ModelError, failures: int) -> float:
        """Books a failure; the seconds to wait before the same call may be tried again."""
        doubled = FIRST_DELAY_S * 2 ** min(failures, MOST_DOUBLINGS)
        backoff = min(LONGEST_DELAY_S, doubled) * (0.5 + self._jitter() / 2)
        if error.fault is Fault.THROTTLED:
            self.capacity.throttled()
            if self.capacity.in_flight:
                return error.retry_after_s or 0.0  # others are served: this call alone waits
            pause = max(backoff, error.retry_after_s or 0.0)
            self._not_before = max(self._not_before, self._clock() + pause)
            return pause
        if error.may_pass:
            self.capacity.failed()
        return max(backoff, error.retry_after_s or 0.0)

    def _deadline(self, deadline: float | None, error: ModelError, retry_s: float) -> float:
        """When to give up; the time runs from the first failure."""
        if deadline is None:
            deadline = self._clock() + retry_s
        if error.fault is Fault.THROTTLED and self._last_success is not None:
            deadline = max(deadline, self._last_success + retry_s)
        if error.fault is Fault.UNREACHABLE and self._last_success is None:
            deadline = min(deadline, self._clock() + NEVER_REACHED_S)
        return deadline + (error.retry_after_s or 0.0)

    def _tell(self, reason: str) -> None:
        """Reports a changed capacity, but not each of the small steps."""
        limit = self.capacity.limit
        if limit != self._told and abs(limit - self._told) >= max(1, min(limit, self._told) // 10):
            self._told = limit
            self._on_change(self.name, limit, reason)


class Pacing:
    """The limiters of a run, one for each named resource."""

    def __init__(self, on_change: Callable[[str, int, str], None] = lambda *_: None) -> None:
        self._on_change = on_change
        self._limiters: dict[str, Limiter] = {}

    def limiter(self, resource: str) -> Limiter:
        """The limiter of a resource, made at its first use."""
        if resource not in self._limiters:
            self._limiters[resource] = Limiter(resource, on_change=self._on_change)
        return self._limiters[resource]
