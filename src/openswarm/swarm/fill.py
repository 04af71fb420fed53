"""Work on chosen cells: one sub-agent a row, asked for what is named and for nothing else.

Edits, tables with empty cells, missing rows and disputed values all come down to this. No
orchestrator is asked; an interrupted fill is taken up with the sub-agents that it had.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from openswarm.core.contract import KEY_SEPARATOR
from openswarm.core.events import FillReason, LimitHit, TaskAssigned
from openswarm.core.limits import Limits
from openswarm.core.result import Report
from openswarm.core.table import Cell, Key, Row
from openswarm.journal.journal import Journal
from openswarm.swarm.assignment import AgentSpec, Assignment
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
        """The reports, in the order of the fills; their rows are in the table then.

        Fills beyond the ceiling of sub-agents are left out, and journalled as a limit.
        """
        assert self.merge.contract is not None
        recorded = self._recorded()
        wanted = list(fills)
        fresh = [fill for fill in wanted if self._id(fill) not in recorded]
        left = max(0, self.limits.max_subagents - self.roster.started_now)
        if len(fresh) > left:
            self._note_ceiling(len(fresh))
        reports = self.roster.reports
        known = self.known() if wanted else None
        if known is not None and fresh[:left]:
            self.roster.stage += 1
            for fill in fresh[:left]:
                recorded[self._id(fill)] = self._assign(fill, known, call_id)
        assignments = [recorded[id_] for fill in wanted if (id_ := self._id(fill)) in recorded]
        await self.journal.commit()
        await self.scheduler.run([a for a in assignments if a.path not in reports], self._received)
        return [reports[assignment.path] for assignment in assignments]

    def _recorded(self) -> dict[tuple[FillReason, Key, tuple[str, ...]], Assignment]:
        """What this generation has assigned already: each fill is done once."""
        fold = self.merge.contract.fold if self.merge.contract else tuple
        reasons = {a.reason for a in self.roster.assigned.values() if a.reason}
        every = (a for reason in reasons for a in self.roster.of_generation(reason))
        return {(a.reason, fold(a.key), a.columns): a for a in every}

    def _id(self, fill: Fill) -> tuple[FillReason, Key, tuple[str, ...]]:
        assert self.merge.contract is not None
        return fill.reason, self.merge.contract.fold(fill.key), fill.columns

    def _assign(self, fill: Fill, known: Known, call_id: str) -> Assignment:
        assert self.merge.contract is not None
        contract = self.merge.contract
        narrowed = contract.only(fill.columns) if fill.columns else contract
        key = contract.fold(fill.key)
        placed = self.merge.tables.placed.get(fill.kin or key)
        row = placed.row if placed else None
        spec = known.spec(fill.kin or key) or self.default_spec
        brief = self.prompts.fill(
            fill_key=dict(zip(contract.key, fill.key, strict=True)),
            task=self.task,
            contract=narrowed,
            found=_found(row, narrowed.names),
            notes=known.notes(fill.kin or key),
            claims=self._claims(fill, key),
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
                pages=known.pages(fill.kin or key),
            )
        )

    def _claims(self, fill: Fill, key: Key) -> dict[str, list[Cell]]:
        """For each disputed column the values that were found."""
        if fill.reason != "recheck":
            return {}
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
