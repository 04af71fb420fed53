"""Who decides turns: a sampler for one run at a time, or for all rollouts that wait together.

Owns the waiting; the draw is `sampler`'s. A decider knows conversations by their session.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread

from openswarm.core.errors import Fault, ModelError
from openswarm.llm.policy.language import TurnGuide
from openswarm.llm.policy.sampler import Job, Sampler, Session
from openswarm.llm.policy.view import View


class Decider(Protocol):
    """Brings guides to the end of their turns."""

    tokens: int
    """The window of one conversation."""

    async def ready(self) -> None:
        """Returns when conversations can be opened. Raises `SettingsError`."""
        ...

    def open(self, view: View) -> Session:
        """A new conversation."""
        ...

    def close(self, session: Session) -> None:
        """Ends a conversation."""
        ...

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """Decides a turn; the log-probabilities of the decisions.

        Raises `TooLongError` when the conversation does not fit its window.
        """
        ...


class OneByOne:
    """Decides each turn when it is asked for, in a thread. Weights are read at the first one."""

    def __init__(self, load: Callable[[], Sampler], tokens: int) -> None:
        """`load` reads the weights; it is called in a thread."""
        self.tokens = tokens
        self._load = load
        self._sampler: Sampler | None = None
        self._lock = anyio.Lock()

    async def ready(self) -> None:
        """See `Decider.ready`."""
        async with self._lock:
            if self._sampler is None:
                self._sampler = await anyio.to_thread.run_sync(self._load)

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        assert self._sampler is not None, "ready first"
        return self._sampler.open(view)

    def close(self, session: Session) -> None:
        """See `Decider.close`."""
        assert self._sampler is not None, "ready first"
        self._sampler.close(session)

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        assert self._sampler is not None, "ready first"
        job = Job(session, read, guide)
        async with self._lock:
            await anyio.to_thread.run_sync(self._sampler.decide, [job])
        return _logprobs(job)


class Together:
    """Collects what rollouts wait for and decides it in one batch, once nobody goes on without.

    Rollouts go on inside the event loop alone, so when several rounds of it bring no new turn, all
    of them wait here.
    """

    QUIET_ROUNDS = 40

    def __init__(self, sampler: Sampler) -> None:
        self.tokens = sampler.tokens
        self._sampler = sampler
        self._waiting: list[Job] = []
        self._lock = anyio.Lock()

    async def ready(self) -> None:
        """See `Decider.ready`; it always is."""

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        return self._sampler.open(view)

    def close(self, session: Session) -> None:
        """See `Decider.close`."""
        self._sampler.close(session)

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`. The first that waits decides for all."""
        job = Job(session, read, guide)
        self._waiting.append(job)
        try:
            async with self._lock:
                if job in self._waiting:
                    await self._all_wait()
                    jobs, self._waiting = self._waiting, []
                    self._decide(jobs)
        finally:
            if job in self._waiting:
                self._waiting.remove(job)
        return _logprobs(job)

    async def _all_wait(self) -> None:
        quiet, known = 0, len(self._waiting)
        while quiet < self.QUIET_ROUNDS:
            await anyio.lowlevel.checkpoint()
            quiet = quiet + 1 if len(self._waiting) == known else 0
            known = len(self._waiting)

    def _decide(self, jobs: Sequence[Job]) -> None:
        """An error of the model is everybody's whose turn was in the batch."""
        try:
            self._sampler.decide(jobs)
        except (RuntimeError, ValueError, IndexError) as error:
            for job in jobs:
                job.error = ModelError(Fault.REFUSED, f"the policy failed: {error}")


def _logprobs(job: Job) -> list[float]:
    """Of a turn that was decided. Raises why it was not."""
    if job.error is not None:
        raise job.error
    return job.logprobs
