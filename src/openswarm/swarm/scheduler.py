"""The scheduler: a queue, a place for each that may run, ordered reports.

A stage is a group of assignments that run at once. None waits for another, so no deadlock can
arise. A sub-agent that breaks is a value, its siblings never notice; only cancellation of the
whole stage propagates. Endpoints are not paced here: each has its own limiter, and a sub-agent
that waits for one keeps its place and its context.
"""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from openswarm.agent.control import HAND_BACK_S, Control
from openswarm.core.errors import JournalError, OpenswarmError
from openswarm.core.events import Admitted, ReportReceived
from openswarm.core.limits import Limits
from openswarm.core.result import Failure, Outcome, Report
from openswarm.journal.journal import Journal
from openswarm.swarm.assignment import Assignment

Work = Callable[[Assignment, Control], Awaitable[Report]]
OnReport = Callable[[Assignment, Report], None]


class Scheduler:
    """Runs the assignments of a run, as many at once as its limits allow."""

    def __init__(self, work: Work, journal: Journal, limits: Limits, control: Control) -> None:
        self._work = work
        self._journal = journal
        self._limits = limits
        self._control = control
        self._places = anyio.CapacityLimiter(limits.parallel)

    async def run(self, assignments: Sequence[Assignment], on_report: OnReport) -> list[Report]:
        """One stage: the reports, in the order of the assignments.

        `on_report` is told of each as soon as it is there. Raises nothing for a sub-agent that
        failed; `JournalError` when the run itself cannot go on.
        """
        reports: dict[str, Report] = {}

        async def run_one(assignment: Assignment) -> None:
            with self._control.child(assignment.path) as control:
                report = await self._supervised(assignment, control)
            self._receive(report)
            reports[assignment.path] = report
            on_report(assignment, report)

        async with anyio.create_task_group() as tasks:
            for assignment in assignments:
                tasks.start_soon(run_one, assignment)
        await self._journal.commit()
        return [reports[assignment.path] for assignment in assignments]

    async def _supervised(self, assignment: Assignment, control: Control) -> Report:
        """The report of one sub-agent, whatever becomes of it."""
        report: Report | None = None
        with control.scope:
            try:
                report = await self._admitted(assignment, control)
            except JournalError:
                raise
            except OpenswarmError as error:
                report = self._failed(assignment, error.boundary, error.kind, str(error))
            except Exception as error:  # noqa: BLE001 - one sub-agent's bug is not the swarm's end
                text = f"{type(error).__name__}: {error}"
                report = self._failed(assignment, "internal", type(error).__name__, text)
        if report is not None:
            return report
        if control.killed:
            return self._ended(assignment, "cancelled", f"killed by {control.killed}")
        return self._failed(
            assignment, "budget", "wall_s", "it did not hand back within its time; give it less"
        )

    async def _admitted(self, assignment: Assignment, control: Control) -> Report:
        """Waits for a place and works; told to stop while it waits, it has nothing to hand back."""
        admitted = False
        with control.work():
            await self._places.acquire_on_behalf_of(control)
            admitted = True
        if not admitted:
            return self._ended(assignment, "cancelled", control.cancelled)
        try:
            self._journal.append(Admitted(agent=assignment.path))
            control.deadline = anyio.current_time() + self._limits.subagent_wall_s
            control.scope.deadline = control.deadline + HAND_BACK_S
            return await self._work(assignment, control)
        finally:
            self._places.release_on_behalf_of(control)

    def _failed(self, assignment: Assignment, boundary: str, kind: str, message: str) -> Report:
        failure = Failure(
            agent=assignment.path, boundary=boundary, kind=kind, message=message[:2000]
        )
        report = self._ended(assignment, "failed", f"{boundary}: {kind}")
        return report.model_copy(update={"failure": failure})

    def _ended(self, assignment: Assignment, outcome: Outcome, why: str) -> Report:
        return Report(
            agent=assignment.path,
            name=assignment.spec.name,
            item=assignment.item,
            outcome=outcome,
            why=why,
        )

    def _receive(self, report: Report) -> None:
        self._journal.append(
            ReportReceived(
                agent=report.agent,
                outcome=report.outcome,
                why=report.why,
                text=self._journal.keep(report.text),
                rows=report.rows,
                steps=report.steps,
                failure=report.failure,
            )
        )
