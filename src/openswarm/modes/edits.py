"""Working on a finished run: propose operations for a wish, edit, undo.

An edit is a generation of the run. What was there before it stays in the journal, and `undo` brings
it back exactly.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from openswarm.core.errors import UserError
from openswarm.core.events import Answered, AnyEvent, GenerationStarted, Undone
from openswarm.core.limits import Limits
from openswarm.core.operations import Operation
from openswarm.core.result import Outcome, RunResult, Stats
from openswarm.core.settings import Settings
from openswarm.core.task import Task
from openswarm.journal.fold import RunView, fold
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Observer
from openswarm.llm.model import ChatModel
from openswarm.modes.build import Plan, build_engine
from openswarm.modes.engine import Engine
from openswarm.modes.filling import carry_out, failed_rows
from openswarm.modes.parts import (
    ModelChoice,
    ToolChoice,
    as_tools,
    chosen_before,
    close_later,
    keep_secrets_out,
    let_follow,
    make_models,
    same_tools,
    spec_of,
)
from openswarm.modes.process import collecting_rarely
from openswarm.modes.result import coverage_of_run, result_of, what_is_missing
from openswarm.modes.settings import home_folder, load_settings, runs_folder
from openswarm.modes.telemetry import after
from openswarm.modes.wishes import operations_for
from openswarm.swarm.edits import EditPlan, plan_edit
from openswarm.swarm.merge import TableMerge

NOTHING_DONE = Stats()
"""The figures of an edit that no model was needed for."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over, open for more, and what is known of it."""

    journal: FolderJournal
    past: tuple[AnyEvent, ...]
    view: RunView
    settings: Settings
    home: Path

    def plan(self, operations: Sequence[Operation]) -> EditPlan:
        """What operations come to. Raises `UserError`."""
        return plan_edit(operations, self.view.tables, failed_rows(self.view))

    async def models(
        self, stack: AsyncExitStack, model: ModelChoice, subagent_model: ModelChoice
    ) -> dict[str, ChatModel]:
        """The models of the run, or others; closed with the stack."""
        specs = (
            spec_of(model) or self.view.model,
            spec_of(subagent_model) or spec_of(model) or self.view.subagent_model,
        )
        models = make_models(model or specs[0], subagent_model, specs, self.settings, self.home)
        await close_later(stack, models)
        return models

    async def engine(
        self,
        task: Task,
        models: dict[str, ChatModel],
        tools: Sequence[ToolChoice],
        stack: AsyncExitStack,
    ) -> Engine:
        """The engine of an edit. Raises `SettingsError` naming tools that are missing."""
        given = as_tools(tools, corpus=bool(task.over), built_in=task.tools)
        own = same_tools(self.view, given, self.journal.run_id, "edit")
        chosen = chosen_before(self.view)
        plan = Plan(self.journal, task, chosen, self.settings, models, self.home, own, self.past)
        return await build_engine(plan, stack)


async def open_finished(
    stack: AsyncExitStack, run_id: str, home: Path | None, settings: Settings | None
) -> FinishedRun:
    """Opens a run that is over; closed with the stack. Raises `UserError` for any other."""
    home = home or home_folder()
    settings = settings or load_settings(home)
    journal = FolderJournal.reopen(runs_folder(home) / run_id)
    stack.callback(journal.close)
    past = tuple(journal.events())
    stack.push_async_callback(after, journal, len(past))
    view = fold(past)
    if view.outcome is None:
        raise UserError(f"run {run_id} is not over; go on with it first: openswarm resume {run_id}")
    await keep_secrets_out(journal, settings, home, view.task.tools if view.task else ())
    return FinishedRun(journal, past, view, settings, home)


async def propose(
    run_id: str,
    wish: str,
    *,
    model: ModelChoice = "",
    home: Path | None = None,
    settings: Settings | None = None,
) -> tuple[Operation, ...]:
    """The operations that a wish in words asks for, made by the run's model; nothing is changed.

    Raises `UserError` where the wish is none for this table, `ModelError`.
    """
    async with AsyncExitStack() as stack:
        run = await open_finished(stack, run_id, home, settings)
        models = await run.models(stack, model, "")
        return await operations_for(wish, run.journal, run.view, models, run.plan)


async def preview(
    run_id: str,
    operations: Sequence[Operation],
    *,
    home: Path | None = None,
    settings: Settings | None = None,
) -> EditPlan:
    """What operations would do: what changes at once, and which cells would be worked on."""
    async with AsyncExitStack() as stack:
        return (await open_finished(stack, run_id, home, settings)).plan(operations)


async def edit(
    run_id: str,
    wish: str | Operation | Sequence[Operation],
    *,
    words: str = "",
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[ToolChoice] = (),
    limits: Limits | None = None,
    home: Path | None = None,
    settings: Settings | None = None,
    observer: Observer | None = None,
    by: str = "user",
) -> RunResult:
    """Edits the table of a finished run, and returns it with the figures of the edit.

    `wish` is an operation, several, or words of which the run's model makes operations; `words`
    are those that the operations were made of. Only the cells that the operations name are worked
    on. The run's limits hold for the edit anew; `limits` sets others. Raises `UserError` for what
    cannot be done, and then nothing was.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(collecting_rarely())
        run = await open_finished(stack, run_id, home, settings)
        models: dict[str, ChatModel] = {}
        if isinstance(wish, str):
            models = await run.models(stack, model, subagent_model)
            operations = await operations_for(wish, run.journal, run.view, models, run.plan)
            words = wish
        else:
            operations = tuple(wish) if isinstance(wish, Sequence) else (wish,)
        plan = run.plan(operations)
        task = _task(run.view, limits)
        _refuse_too_many(plan, task.limits)
        engine = None
        if plan.fills or plan.reword:
            models = models or await run.models(stack, model, subagent_model)
            engine = await run.engine(task, models, tools, stack)
        let_follow(stack, run.journal, run.past, observer)
        number = run.view.tables.generations + 1
        begun = GenerationStarted(
            number=number, operations=operations, wish=words, limits=limits, by=by
        )
        past = (*run.journal.events(), run.journal.append(begun))
        if engine is None:
            return await _by_hand(run, past, plan)
        answer = run.journal.read(run.view.answer)
        return await engine.execute(past, lambda crew: carry_out(crew, plan, past, answer))


async def undo(
    run_id: str, *, home: Path | None = None, settings: Settings | None = None, by: str = "user"
) -> RunResult:
    """Takes the last edit back: contract, table and answer are exactly what they were before it.

    Raises `UserError` where there is none. An edit that was interrupted can be taken back as well.
    """
    home = home or home_folder()
    async with AsyncExitStack() as stack:
        stack.enter_context(collecting_rarely())
        journal = FolderJournal.reopen(runs_folder(home) / run_id)
        stack.callback(journal.close)
        past = journal.events()
        stack.push_async_callback(after, journal, len(past))
        view = fold(past)
        if not view.tables.generation:
            raise UserError(f"run {run_id} has no edit to undo; see: openswarm show {run_id}")
        view.apply(journal.append(Undone(generation=view.tables.generation, by=by)))
        await journal.commit()
        return result_of(view, journal.read, NOTHING_DONE, str(journal.folder))


async def _by_hand(run: FinishedRun, past: Sequence[AnyEvent], plan: EditPlan) -> RunResult:
    """An edit that no model is needed for."""
    journal = run.journal
    merge = TableMerge(journal)
    merge.restore(past)
    for change in plan.changes:
        merge.edit(change)
    outcome, why = _outcome(fold(journal.events()))
    journal.append(Answered(outcome=outcome, why=why, text=run.view.answer))
    await journal.commit()
    return result_of(fold(journal.events()), journal.read, NOTHING_DONE, str(journal.folder))


def _outcome(view: RunView) -> tuple[Outcome, str]:
    why = what_is_missing(coverage_of_run(view)) or (
        "" if view.num_rows else "the table has no rows"
    )
    return ("partial", why) if why else ("completed", "")


def _task(view: RunView, limits: Limits | None) -> Task:
    assert view.task is not None
    return view.task if limits is None else view.task.model_copy(update={"limits": limits})


def _refuse_too_many(plan: EditPlan, limits: Limits) -> None:
    if len(plan.fills) > limits.max_subagents:
        raise UserError(
            f"{len(plan.fills)} rows are to be worked on, and {limits.max_subagents} sub-agents are"
            f" allowed; add --max-subagents {len(plan.fills)}"
        )
