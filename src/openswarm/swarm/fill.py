"""Work on chosen cells: one sub-agent a row, asked for what is named and for nothing else.

Edits, tables with empty cells, missing rows and disputed values all come down to this. No
orchestrator is asked; an interrupted fill is taken up with the sub-agents that it had.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from openswarm.core.contract import KEY_SEPARATOR
from openswarm.core.events import FillReason, LimitHit, TaskAssigned
from openswarm.core.limits import Limits
from openswarm.core.result import Report
from openswarm.core.table import Cell, Key, Row
from openswarm.journal.journal import Journal
from openswarm.swarm.assignment import AgentSpec, Assignment, no_pages
from openswarm.swarm.known import Known
from openswarm.swarm.merge import TableMerge
from openswarm.swarm.prompts import Prompts
from openswarm.swarm.roster import Roster
from openswarm.swarm.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Fill:
    """One row, and which of its columns are to be found."""

    key: tuple[str, ...]
    """The values of the key columns, as they are shown."""
    columns: tuple[str, ...]
    """Beside the key; () asks all."""
    reason: FillReason
    kin: Key = ()
    """The row whose earlier work is of use, where that is another one."""

    @property
    def name(self) -> str:
        """The row as it is shown."""
        return KEY_SEPARATOR.join(self.key)


@dataclass(slots=True)
class Filler:
    """Carries fills out."""

    journal: Journal
    roster: Roster
    scheduler: Scheduler
    merge: TableMerge
    prompts: Prompts
    limits: Limits
    task: str
    """What the user asked for, in words."""
    default_spec: AgentSpec
    known: Callable[[], Known]
    """What earlier sub-agents have found and read."""
    on_report: Callable[[Report], None] = lambda _: None

    async def run(self, fills: Iterable[Fill], *, call_id: str = "") -> list[Report]:
        """The reports on these fills, each cell worked on once in a generation for one reason.

        The rows are in the table then. Fills beyond the ceiling of sub-agents are left out, and
        journalled as a limit.
        """
        wanted = list(fills)
        if not wanted:
            return []
        known, reports = self.known(), self.roster.reports
        assignments, fresh = self._split(wanted, known)
        is_taken_up = any(assignment.path not in reports for assignment in assignments)
        if fresh and not is_taken_up:
            self.roster.stage += 1
        left = max(0, self.limits.max_subagents - self.roster.started_now)
        if len(fresh) > left:
            self._note_ceiling(len(fresh))
        assignments += [self._assign(fill, known, call_id) for fill in fresh[:left]]
        await self.journal.commit()
        await self.scheduler.run([a for a in assignments if a.path not in reports], self._received)
        return [reports[assignment.path] for assignment in assignments]

    def _split(self, fills: Sequence[Fill], known: Known) -> tuple[list[Assignment], list[Fill]]:
        """What of these fills this generation has assigned already, and what is left of them."""
        contract = self.merge.contract
        assert contract is not None
        every = tuple(column.name for column in contract.asked)
        assigned: list[Assignment] = []
        left: list[Fill] = []
        tried = self._tried()
        for fill in fills:
            before = tried.get((fill.reason, contract.fold(fill.key)), [])
            pages = known.pages(self._kin(fill)) if before else no_pages
            assigned += [replace(assignment, pages=pages) for assignment in before]
            done = {name for assignment in before for name in assignment.columns or every}
            columns = tuple(name for name in fill.columns or every if name not in done)
            if columns:
                left.append(replace(fill, columns=columns) if before else fill)
        return assigned, left

    def _tried(self) -> dict[tuple[FillReason, Key], list[Assignment]]:
        """What this generation has assigned, by reason and row."""
        assert self.merge.contract is not None
        found: dict[tuple[FillReason, Key], list[Assignment]] = {}
        for assignment in self.roster.of_generation():
            if assignment.reason:
                place = (assignment.reason, self.merge.contract.fold(assignment.key))
                found.setdefault(place, []).append(assignment)
        return found

    def _kin(self, fill: Fill) -> Key:
        """The row whose earlier work is of use."""
        assert self.merge.contract is not None
        return fill.kin or self.merge.contract.fold(fill.key)

    def _assign(self, fill: Fill, known: Known, call_id: str) -> Assignment:
        assert self.merge.contract is not None
        contract = self.merge.contract
        narrowed = contract.only(fill.columns) if fill.columns else contract
        kin = self._kin(fill)
        placed = self.merge.tables.placed.get(kin)
        row = placed.row if placed else None
        spec = known.spec(kin) or self.default_spec
        brief = self.prompts.fill(
            fill_key=dict(zip(contract.key, fill.key, strict=True)),
            task=self.task,
            contract=narrowed,
            found=_found(row, narrowed.names),
            notes=known.notes(kin),
            claims=self._claims(fill),
        )
        event = self.journal.append(
            TaskAssigned(
                agent=self.roster.next_path(),
                name=spec.name,
                item=fill.name,
                label=fill.name,
                call_id=call_id,
                stage=self.roster.stage,
                system=self.journal.keep(self.prompts.subagent(spec, narrowed)),
                brief=self.journal.keep(brief),
                reason=fill.reason,
                key=fill.key,
                columns=fill.columns,
            )
        )
        self.merge.expect(event)
        return self.roster.enter(
            Assignment(
                path=event.agent,
                spec=spec,
                brief="",
                item=fill.name,
                call_id=call_id,
                events=(event,),
                key=fill.key,
                columns=fill.columns,
                reason=fill.reason,
                pages=known.pages(kin),
            )
        )

    def _claims(self, fill: Fill) -> dict[str, list[Cell]]:
        """For each disputed column the values that were found."""
        if fill.reason != "recheck" or self.merge.contract is None:
            return {}
        key = self.merge.contract.fold(fill.key)
        conflicts = self.merge.tables.conflicts
        found = ((name, conflicts.get((key, name))) for name in fill.columns)
        return {name: [c.kept, *c.others] for name, c in found if c is not None}

    def _received(self, assignment: Assignment, report: Report) -> None:
        self.roster.received(assignment, report)
        decides = assignment.reason == "recheck"
        self.merge.add(assignment.number, report, assignment.columns, decides=decides)
        self.on_report(report)

    def _note_ceiling(self, asked: int) -> None:
        most = self.limits.max_subagents
        text = f"{asked} rows are to be worked on, and {most} sub-agents are allowed"
        self.journal.append(LimitHit(limit="max_subagents", message=text))


def _found(row: Row | None, asked: Sequence[str]) -> dict[str, Cell]:
    """What is known of the row beside what is asked."""
    cells = row.cells.items() if row else ()
    return {name: cell for name, cell in cells if cell.value and name not in asked}
