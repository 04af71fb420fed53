"""The orchestrator's tools: what one turn of calls sets going.

All calls of a turn are checked before anything starts; then all assignments start, or none. A call
that an earlier process began is taken up again with the sub-agents that it had.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.contract import make_column, make_contract
from openswarm.core.errors import ContractError
from openswarm.core.events import (
    ROOT,
    AnyEvent,
    ModelReplied,
    TaskAssigned,
    ToolReturned,
)
from openswarm.core.limits import Limits
from openswarm.core.messages import ToolCall
from openswarm.core.result import Report
from openswarm.core.table import Key
from openswarm.journal.journal import Journal
from openswarm.swarm import validation
from openswarm.swarm.assignment import AgentSpec, Assignment
from openswarm.swarm.follow_up import FollowUp
from openswarm.swarm.merge import TableMerge
from openswarm.swarm.prompts import Prompts
from openswarm.swarm.roster import Roster
from openswarm.swarm.scheduler import Scheduler
from openswarm.swarm.spawn_params import AssignBatch, AssignTask, CreateSubagent, DeclareTable
from openswarm.swarm.validation import Brief
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text
from openswarm.tools.toolset import CheckedCall, OnReturned

ASSIGNING = ("assign_task", "assign_batch")
_PARAMS = {
    "create_subagent": CreateSubagent,
    "assign_task": AssignTask,
    "assign_batch": AssignBatch,
    "declare_table": DeclareTable,
}
TOOL_NAMES = tuple(_PARAMS)


@dataclass(slots=True)
class Spawner:
    """The call group of the orchestrator."""

    journal: Journal
    roster: Roster
    scheduler: Scheduler
    merge: TableMerge
    follow_up: FollowUp
    prompts: Prompts
    limits: Limits
    direct_tools: Sequence[str]
    """Names of the tools that sub-agents can be given."""
    models: Sequence[str] = ()
    """Specifications of the models that sub-agents can be given."""
    offered: Sequence[str] = TOOL_NAMES
    """Which of the four tools this orchestrator has."""
    on_report: Callable[[Report], None] = lambda _: None
    _finished: dict[str, str] = field(default_factory=dict)
    """Folded briefs of which a complete report is there, and who gave it."""
    _recorded: dict[str, dict[int, Assignment]] = field(default_factory=dict)
    """By call id and index: what an earlier process assigned for the calls that are open."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """See `CallGroup.tools`."""
        return tuple(_tool(name) for name in self.offered)

    @property
    def num_started(self) -> int:
        """How many sub-agents the run has started."""
        return self.roster.started

    def restore(self, events: Sequence[AnyEvent]) -> None:
        """Takes back which assignments belong to the calls that are open; the roster is whole."""
        briefs: dict[tuple[str, int], Brief] = {}
        for event in events:
            match event:
                case ModelReplied() if event.agent == ROOT:
                    self._recorded.clear()  # endpoints use call ids again in later replies
                    briefs = _briefs(event.calls)
                case ToolReturned() if event.agent == ROOT:
                    self._recorded.pop(event.call_id, None)
                case TaskAssigned() if event.agent != ROOT and not event.reason:
                    brief = briefs.get((event.call_id, event.index))
                    if brief is not None:
                        self._restore_assignment(event, brief)
                case _:
                    pass

    def _restore_assignment(self, event: TaskAssigned, brief: Brief) -> None:
        known = self.roster.assigned[event.agent]
        assignment = self.roster.enter(replace(known, brief=brief.prompt))
        self._recorded.setdefault(event.call_id, {})[event.index] = assignment
        if report := self.roster.reports.get(event.agent):
            self._note(assignment, report)

    async def run(
        self, calls: Sequence[CheckedCall], on_returned: OnReturned, *, spoiled: bool = False
    ) -> None:
        """See `CallGroup.run`."""
        for entry in calls:
            if entry.call.name == "declare_table":
                on_returned(entry.call, self._declare(entry.params))  # type: ignore[arg-type]
        for entry in calls:
            if entry.call.name == "create_subagent":
                on_returned(entry.call, self._create(entry.params))  # type: ignore[arg-type]
        assigning = [entry for entry in calls if entry.call.name in ASSIGNING]
        if assigning:
            await self._assign(assigning, on_returned, spoiled=spoiled)

    def _declare(self, params: DeclareTable) -> ToolResult:
        if self.num_started:
            return ToolResult("Too late: sub-agents have been assigned without it.", ok=False)
        try:
            columns = tuple(make_column(**column.model_dump()) for column in params.columns)
            self.merge.declare(
                make_contract(columns=columns, key=tuple(params.key), notes=params.notes)
            )
        except ContractError as error:
            return ToolResult(f"Not declared: {error}", ok=False)
        return ToolResult("The table is declared; every sub-agent will be given it.")

    def _create(self, params: CreateSubagent) -> ToolResult:
        refusal = validation.refuse_spec(params, self.roster.specs, self.direct_tools, self.models)
        if refusal:
            return ToolResult(f"Not registered: {refusal}.", ok=False)
        tools = tuple(params.tools) if params.tools is not None else None
        spec = AgentSpec(params.name, params.system_prompt, tools, params.model)
        self.roster.register(spec)
        return ToolResult(f"Agent {params.name!r} is registered; assign work to it.")

    async def _assign(
        self, calls: Sequence[CheckedCall], on_returned: OnReturned, *, spoiled: bool
    ) -> None:
        briefs = {entry.call.id: expand(entry) for entry in calls}
        fresh = [entry for entry in calls if entry.call.id not in self._recorded]
        refusals = self._refusals(fresh, briefs)
        if refusals or (spoiled and len(fresh) == len(calls)):
            for entry in calls:
                on_returned(entry.call, _refused(refusals.get(entry.call.id, "")))
            return
        if len(fresh) == len(calls):
            self.roster.stage += 1
        groups = {entry.call.id: self._assignments(entry, briefs) for entry in calls}
        await self.journal.commit()
        await self._run_stage([a for group in groups.values() for a in group])
        await self.follow_up.after_stage(calls[0].call.id)
        second = self._second_tries()
        for entry in calls:
            reports = [self._last_word(a, second) for a in groups[entry.call.id]]
            table = self.merge.table() if entry is calls[-1] else None  # once a turn is enough
            text = self.prompts.reports(reports, table)
            on_returned(entry.call, ToolResult(text, data=reports))

    def _second_tries(self) -> dict[Key, Report]:
        """By row: what came of working once more on what was missing."""
        contract, reports = self.merge.contract, self.roster.reports
        tries = (a for a in self.roster.of_generation() if a.reason == "complete")
        return {contract.fold(a.key): reports[a.path] for a in tries} if contract else {}

    def _last_word(self, assignment: Assignment, second: dict[Key, Report]) -> Report:
        """The report of an assignment, or that of the second try where it came to nothing."""
        report, contract = self.roster.reports[assignment.path], self.merge.contract
        if contract is None or report.outcome == "completed":
            return report
        return second.get(contract.fold((assignment.item,)), report)

    def _assignments(self, entry: CheckedCall, briefs: dict[str, list[Brief]]) -> list[Assignment]:
        """The assignments of a call: those that are there, and new ones for the rest."""
        recorded = self._recorded.pop(entry.call.id, {})
        return [
            recorded.get(index) or self._assignment(entry.call.id, index, brief)
            for index, brief in enumerate(briefs[entry.call.id])
        ]

    def _refusals(
        self, calls: Sequence[CheckedCall], briefs: dict[str, list[Brief]]
    ) -> dict[str, str]:
        refusals: dict[str, str] = {}
        in_turn: set[str] = set()
        for entry in calls:
            wanted = briefs[entry.call.id]
            refusal = validation.refuse_call(entry.params, self.roster.specs, wanted)  # type: ignore[arg-type]
            refusal = refusal or validation.refuse_repeats(wanted, in_turn, self._finished)
            if refusal:
                refusals[entry.call.id] = refusal
            in_turn.update(brief.folded for brief in wanted)
        asked = sum(len(briefs[entry.call.id]) for entry in calls)
        if too_many := validation.refuse_count(asked, self.num_started, self.limits):
            refusals.update({entry.call.id: too_many for entry in calls})
        return refusals

    def _assignment(self, call_id: str, index: int, brief: Brief) -> Assignment:
        spec = self.roster.specs[brief.agent]
        event = self.journal.append(
            TaskAssigned(
                agent=self.roster.next_path(),
                name=spec.name,
                item=brief.item,
                label=brief.item or " ".join(brief.prompt.split())[:80],
                call_id=call_id,
                index=index,
                stage=self.roster.stage,
                system=self.journal.keep(self.prompts.subagent(spec, self.merge.contract)),
                brief=self.journal.keep(self.prompts.brief(brief, self.merge.contract)),
            )
        )
        self.merge.expect(event)
        return self.roster.enter(
            Assignment(event.agent, spec, brief.prompt, brief.item, call_id, (event,))
        )

    async def _run_stage(self, assignments: Sequence[Assignment]) -> None:
        reports = self.roster.reports
        waiting = [a for a in assignments if a.path not in reports]
        for assignment in assignments:
            if assignment.path in reports:
                self.on_report(reports[assignment.path])
        await self.scheduler.run(waiting, self._received)

    def _received(self, assignment: Assignment, report: Report) -> None:
        self.roster.received(assignment, report)
        self.merge.add(assignment.number, report)
        self._note(assignment, report)
        self.on_report(report)

    def _note(self, assignment: Assignment, report: Report) -> None:
        if report.outcome == "completed":
            brief = Brief(assignment.spec.name, assignment.item, assignment.brief)
            self._finished[brief.folded] = assignment.path


def expand(entry: CheckedCall) -> list[Brief]:
    """The assignments that a checked call asks for."""
    return validation.expand(entry.params)  # type: ignore[arg-type]


def _briefs(calls: Sequence[ToolCall]) -> dict[tuple[str, int], Brief]:
    """The assignments that the calls of a reply ask for, by call id and index."""
    briefs: dict[tuple[str, int], Brief] = {}
    for call in calls:
        if call.name in ASSIGNING:
            with suppress(ValidationError):
                params = _PARAMS[call.name].model_validate_json(call.arguments)
                for index, brief in enumerate(validation.expand(params)):  # type: ignore[arg-type]
                    briefs[call.id, index] = brief
    return briefs


def _refused(refusal: str) -> ToolResult:
    if refusal:
        return ToolResult(f"Nothing was started: {refusal}.", ok=False)
    text = "Nothing was started: another assignment of this turn was refused. Repeat all of them."
    return ToolResult(text, ok=False)


def _tool(name: str) -> Tool:
    here = Path(__file__).with_name(f"{name}.py")
    return Tool(name, prompt_text(str(here)), _PARAMS[name], _unused)


async def _unused(_: object, __: ToolContext) -> ToolResult:
    raise NotImplementedError("the calls of a turn are run together, by the group")
