"""The adaptive limiter of one resource, and the one owner of retry in the whole program.

A call that may pass is tried again here and nowhere else: a throttled one waits for a place with
its caller's context untouched, a failing one backs off for at most `retry_s`.
"""

import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from openswarm.core.errors import EndpointError, Fault
from openswarm.core.tooling import ResourceLimit
from openswarm.pacing.capacity import UNLIMITED, Capacity
from openswarm.pacing.line import FairLine, Ticket

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


NO_LIMIT = ResourceLimit()


class Limiter:
    """Admits calls to one resource as fast as the resource takes them."""

    def __init__(
        self,
        name: str,
        limit: ResourceLimit = NO_LIMIT,
        *,
        on_change: Callable[[str, int, str], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        ceiling = limit.at_once or UNLIMITED
        self.capacity = Capacity(limit=ceiling, ceiling=ceiling)
        self.interval_s = limit.interval_s
        """Seconds between the starts of two calls; a resource may ask for more than was set."""
        self._on_change = on_change
        self._clock = clock
        self._jitter = jitter
        self._line = FairLine()
        self._promised = 0
        """Places that were given to waiters who have not run yet."""
        self._not_before = 0.0
        self._last_success: float | None = None
        self._told = ceiling

    async def call(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        holder: str = "",
        retry_s: float = 45.0,
        on_wait: OnWait = lambda *_: None,
        on_go: OnGo = lambda: None,
    ) -> T:
        """The result of `attempt`, tried again while that may help.

        Those who wait are admitted in turn between holders, which are agents.

        Raises the last `EndpointError` when it may not, or when `retry_s` seconds have gone by
        without a success; time that the resource itself asked to wait does not count.
        """
        deadline: float | None = None
        failures = stalls = 0
        while True:
            if await self._enter(holder, on_wait, again=failures > 0) or failures:
                on_go()
            try:
                result = await attempt()
            except EndpointError as error:
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

    async def _enter(self, holder: str, on_wait: OnWait, *, again: bool) -> bool:
        """Waits for a place, and says whether it had to; a call that had one before goes first."""
        first, waited = again, False
        while True:
            pause = self._not_before - self._clock()
            is_free = self.capacity.free > self._promised
            if pause <= 0 and is_free and (first or not self._line):
                self._admit()
                return waited
            if not again and not waited:
                on_wait("queued", max(0.0, pause))
            await self._wait_in_line(holder, first=first)
            first = waited = True

    def _admit(self) -> None:
        """Books the start of a call; the next one keeps its distance."""
        self.capacity.admit()
        if self.interval_s:
            self._not_before = max(self._not_before, self._clock() + self.interval_s)
        self._wake()

    async def _wait_in_line(self, holder: str, *, first: bool) -> None:
        """Returns when a place was promised, which holds unless the resource admits less now."""
        ticket = self._line.join(holder, first=first)
        try:
            while not ticket.promised:
                pause = self._not_before - self._clock()
                await ticket.wait(pause if pause > 0 else math.inf)
                self._wake(ticket)
        except BaseException:
            if ticket.promised:
                self._promised -= 1
            else:
                self._line.leave(ticket)
            self._wake()
            raise
        self._promised -= 1

    def _wake(self, caller: Ticket | None = None) -> None:
        """Promises each free place to the one whose turn it is. While nothing may start yet, the
        one who is next keeps the time for all; as the caller it does so anyway."""
        while self._line and self.capacity.free > self._promised:
            if self.interval_s and self._promised:
                return
            if self._clock() < self._not_before:
                if self._line.head is not caller:
                    self._line.head.call()
                return
            self._promised += 1
            ticket = self._line.pop()
            ticket.promised = True
            ticket.call()

    def _succeed(self) -> None:
        self._last_success = self._clock()
        self.capacity.release()
        self.capacity.succeeded()
        self._tell("the endpoint admits more or less than before")
        self._wake()

    def _observe(self, error: EndpointError, failures: int) -> float:
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

    def _deadline(self, deadline: float | None, error: EndpointError, retry_s: float) -> float:
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


def unlimited(_: str) -> ResourceLimit:
    """What nothing is known of is found out by trying."""
    return NO_LIMIT


class Pacing:
    """The limiters of a run, one for each named resource, shared by the whole swarm."""

    def __init__(
        self,
        on_change: Callable[[str, int, str], None] = lambda *_: None,
        limit_of: Callable[[str], ResourceLimit] = unlimited,
    ) -> None:
        self._on_change = on_change
        self._limit_of = limit_of
        self._limiters: dict[str, Limiter] = {}

    def limiter(self, resource: str) -> Limiter:
        """The limiter of a resource, made at its first use."""
        if resource not in self._limiters:
            limit = self._limit_of(resource)
            self._limiters[resource] = Limiter(resource, limit, on_change=self._on_change)
        return self._limiters[resource]
