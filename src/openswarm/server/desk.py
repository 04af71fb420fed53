"""The runs that this process carries out: started, followed, stopped with the server.

A run of the runs API lives in the desk's own task group and outlives the request that began it;
a run of a chat wire lives in its request and ends with it. Both leave a journal from which they
can be resumed. Steering goes through the run folder (`journal.requests`), as from any process.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus

from openswarm.core.errors import OpenswarmError
from openswarm.core.events import AnyEvent, ModeChosen, RunStarted, Tick
from openswarm.core.result import RunResult
from openswarm.journal.journal import Observer
from openswarm.server.failures import ApiError

LOG = logging.getLogger(__name__)
Work = Callable[[Observer], Awaitable[RunResult]]
"""`run`, `resume` or `edit` with all arguments but the observer."""


@dataclass(slots=True)
class _Post:
    """One run at work here."""

    run_id: str = ""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    watchers: list[Observer] = field(default_factory=list)


class Desk:
    """Carries runs out, so many at once."""

    def __init__(self, tasks: TaskGroup, max_runs: int) -> None:
        self._tasks = tasks
        self._max_runs = max_runs
        self._posts: list[_Post] = []

    @property
    def at_work(self) -> tuple[str, ...]:
        """The ids of the runs that are carried out here."""
        return tuple(post.run_id for post in self._posts if post.run_id)

    async def attached(self, work: Work, observer: Observer) -> RunResult:
        """Carries a run out inside the caller: it ends, resumable, when the caller is cancelled.

        Raises `ApiError` when there are too many runs, and what the run raises.
        """
        with self._post() as post:
            return await work(_watched(post, observer))

    async def detached(self, work: Work, after_seq: int = 0) -> str:
        """Begins a run that goes on by itself; returns its id as soon as it is at work.

        `after_seq` is the last event of a run that is taken up again. Raises `ApiError` when there
        are too many runs, and what keeps the run from beginning.
        """
        return await self._tasks.start(self._alone, work, after_seq)

    async def _alone(
        self, work: Work, after_seq: int, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED
    ) -> None:
        begun = False

        def observe(event: AnyEvent | Tick) -> None:
            nonlocal begun
            if begun or isinstance(event, Tick | RunStarted | ModeChosen):
                return
            if event.seq > after_seq:  # what comes before is durable by now
                begun = True
                task_status.started(event.run)

        with self._post() as post, post.scope:
            try:
                result = await work(_watched(post, observe))
            except OpenswarmError:
                if not begun:
                    raise
                return  # it stands in the journal
            except Exception:
                if not begun:
                    raise
                LOG.exception("bug in openswarm; run %s ends here and can be resumed", post.run_id)
                return  # the other runs go on
            if not begun:
                task_status.started(result.run_id)

    @contextmanager
    def watch(self, run_id: str, watcher: Observer) -> Iterator[None]:
        """Shows events and signs of life of a run of this process; none of any other."""
        post = next((post for post in self._posts if post.run_id == run_id), _Post())
        post.watchers.append(watcher)
        try:
            yield
        finally:
            post.watchers.remove(watcher)

    def stop(self) -> None:
        """Ends the runs that go on by themselves where they are; each can be resumed."""
        for post in self._posts:
            post.scope.cancel()

    @contextmanager
    def _post(self) -> Iterator[_Post]:
        if len(self._posts) >= self._max_runs:
            raise ApiError(
                429,
                f"{len(self._posts)} runs are at work here, and that is the most; try again later,"
                " or start the server with a higher --max-runs",
                boundary="budget",
                kind="max_runs",
                retry_after_s=10.0,
            )
        post = _Post()
        self._posts.append(post)
        try:
            yield post
        finally:
            self._posts.remove(post)


def _watched(post: _Post, observer: Observer) -> Observer:
    """Tells the one who began a run of it, and all who watch."""

    def observe(event: AnyEvent | Tick) -> None:
        if not isinstance(event, Tick):
            post.run_id = event.run
        observer(event)
        for watcher in tuple(post.watchers):
            watcher(event)

    return observe
