"""Rollouts over a Ray cluster: a queue of requests, processes that take from it, one answer each.

Owns who works on what and what is started in place of what died. A node that dies costs the work
that it had in hand, which is made again elsewhere. Blocks while it waits: an event loop calls
`rollouts`, which waits in a thread.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.ledger import Batch, Ledger
from openswarm.parl.scale.protocol import Factory, RolloutError
from openswarm.parl.scale.ray_cluster import ProcessLost, RayCluster


@dataclass(frozen=True, slots=True)
class Pool:
    """How many processes work, on how much at once, and how long they are waited for."""

    processes: int
    batch: int = 8
    """Requests that a process takes together."""
    tries: int = 3
    """How often a request may be worked on before its round fails."""
    cpus: float = 1.0
    """Of a node, for each process."""
    resources: Mapping[str, float] | None = None
    """Ray's named resources, for each process."""
    batch_s: float = 3600.0
    """Seconds that a batch may take; then its process is ended and the batch is lost."""
    start_s: float = 300.0
    """Seconds without any process before a round fails."""


@dataclass(frozen=True, slots=True)
class _Check:
    process: Any
    fresh: bool
    """Whether it has never answered yet."""


@dataclass(frozen=True, slots=True)
class _Work:
    process: Any
    batch: Batch
    until: float


class RayRollouts:
    """Makes rollouts on the cluster that was joined with `connect`. Rounds follow each other."""

    def __init__(self, factory: Factory, pool: Pool, *, cluster: Any = None) -> None:
        """`factory` builds a `RolloutMaker` in each process; its processes start now.

        `cluster` is what has the form of `RayCluster`; None takes that one. Raises
        `SettingsError` where Ray is missing or no cluster was joined.
        """
        if pool.processes < 1:
            raise ValueError("a pool has at least one process")
        self._pool = pool
        self._cluster: RayCluster = cluster or RayCluster(
            factory, cpus=pool.cpus, resources=dict(pool.resources or {})
        )
        self._weights: list[Any] = []
        self._checking: dict[Any, _Check] = {}
        self._idle: list[Any] = []
        self._working: dict[Any, _Work] = {}
        self._stillborn = 0
        self._round = threading.Lock()
        self.version = 0
        """Of the policy's weights; 0 before the first."""
        self.reruns = 0
        """Requests that were made again because a process was lost, over all rounds."""
        for _ in range(pool.processes):
            self._start()

    def publish(self, weights: bytes) -> int:
        """New weights for every batch that is handed out from now on, and their version.

        They are put into the cluster once; each process fetches them with its next batch.
        """
        self._weights = [self._cluster.put(weights)]
        self.version += 1
        return self.version

    async def rollouts(self, requests: Sequence[Any]) -> list[Rollout]:
        """`make`, waited for in a thread.

        A round is not cut short: cancellation waits for its end.
        """
        return await anyio.to_thread.run_sync(self.make, requests)

    def make(self, requests: Sequence[Any]) -> list[Rollout]:
        """One rollout for each request, in order.

        Requests have to be picklable. Raises `RolloutError` that names the requests that were lost
        too often or that the maker failed on, and where no process came up.
        """
        ledger: Ledger[Any, Rollout] = Ledger(requests, self._pool.batch, self._pool.tries)
        with self._round:
            self._check_idle()
            try:
                while not ledger.done:
                    self._hand_out(ledger)
                    self._await_one(ledger)
            finally:
                self.reruns += ledger.reruns
                for work in self._working.values():
                    self._replace(work.process)
                self._working.clear()
        return ledger.results()

    def close(self) -> None:
        """Ends the processes."""
        busy = [each.process for each in (*self._checking.values(), *self._working.values())]
        for process in (*self._idle, *busy):
            self._cluster.kill(process)
        self._checking, self._idle, self._working = {}, [], {}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the processes."""
        self.close()

    def _start(self) -> None:
        process, call = self._cluster.start()
        self._checking[call] = _Check(process, fresh=True)

    def _check_idle(self) -> None:
        for process in self._idle:
            self._checking[self._cluster.check(process)] = _Check(process, fresh=False)
        self._idle.clear()

    def _replace(self, process: Any) -> None:
        self._cluster.kill(process)
        self._start()

    def _hand_out(self, ledger: Ledger[Any, Rollout]) -> None:
        while self._idle and ledger.waiting:
            process, batch = self._idle[-1], ledger.take()
            call = self._cluster.call(process, ledger.of(batch), self.version, self._weights)
            self._idle.pop()
            self._working[call] = _Work(process, batch, time.monotonic() + self._pool.batch_s)

    def _await_one(self, ledger: Ledger[Any, Rollout]) -> None:
        ended = self._cluster.wait([*self._checking, *self._working], self._patience())
        for call in ended:
            if call in self._checking:
                self._came_up(call)
            else:
                self._came_back(call, ledger)
        if not ended:
            self._overdue(ledger)

    def _patience(self) -> float:
        if not self._working:
            return self._pool.start_s
        return max(0.0, min(work.until for work in self._working.values()) - time.monotonic())

    def _came_up(self, call: Any) -> None:
        check = self._checking.pop(call)
        try:
            self._cluster.get(call)
        except ProcessLost as error:
            self._replace(check.process)
            self._stillborn += check.fresh
            if self._stillborn > self._pool.tries * self._pool.processes:
                raise RolloutError(f"processes die before they are up: {error}") from None
        except RolloutError:
            self._replace(check.process)
            raise
        else:
            self._stillborn = 0
            self._idle.append(check.process)

    def _came_back(self, call: Any, ledger: Ledger[Any, Rollout]) -> None:
        work = self._working.pop(call)
        try:
            rollouts = self._cluster.get(call)
        except ProcessLost as error:
            self._replace(work.process)
            self._check_idle()
            ledger.lose(work.batch, str(error))
        except RolloutError as error:
            self._idle.append(work.process)
            raise RolloutError(f"{error}: {ledger.named(work.batch)}") from error
        else:
            self._idle.append(work.process)
            ledger.finish(work.batch, rollouts)

    def _overdue(self, ledger: Ledger[Any, Rollout]) -> None:
        if not self._working:
            raise RolloutError(
                f"none of {self._pool.processes} processes came up in {self._pool.start_s:g} s;"
                " the cluster has no room for them"
            )
        now = time.monotonic()
        for call in [call for call, work in self._working.items() if work.until <= now]:
            work = self._working.pop(call)
            self._replace(work.process)
            ledger.lose(work.batch, f"no answer in {self._pool.batch_s:g} s")
