"""run, stream and resume: from what the user gives to an engine and back."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from openswarm.core.errors import JournalError, UserError
from openswarm.core.events import ROOT, AnyEvent, Resumed, Tick
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.core.table import ConflictPolicy
from openswarm.core.task import Effort, Mode, Task
from openswarm.core.tooling import Verdict
from openswarm.journal.fold import RunView, fold
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal, Observer
from openswarm.modes.attachments import FirstMessage, with_attachments
from openswarm.modes.build import Attendance, Plan, build_engine
from openswarm.modes.engine import Work
from openswarm.modes.filling import fill_given, unfinished_edit
from openswarm.modes.parts import (
    Columns,
    ModelChoice,
    ToolChoice,
    absolutes,
    as_tools,
    check_given,
    chosen_before,
    close_later,
    failure_noted,
    given_table,
    keep_secrets_out,
    let_follow,
    make_models,
    make_task,
    model_specs,
    names_of,
    new_journal,
    noted,
    run_started,
    same_tools,
    spec_of,
)
from openswarm.modes.process import collecting_rarely
from openswarm.modes.result import result_of
from openswarm.modes.routing import route
from openswarm.modes.settings import home_folder, load_settings, runs_folder
from openswarm.modes.settling import mode_chosen, settled
from openswarm.modes.telemetry import after
from openswarm.swarm.stages import fold_stages, stats_of

TICKS_BEHIND = 10_000
"""Who follows a run and is so many entries behind is spared further signs of life."""


async def run(
    task: str,
    *,
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[ToolChoice] = (),
    roots: Sequence[str | Path] = (),
    policy: Mapping[str, Verdict] | None = None,
    approver: Attendance = None,
    unsafe_no_sandbox: bool = False,
    mode: Mode = "auto",
    effort: Effort = "",
    over: Sequence[str | Path] = (),
    columns: Columns = None,
    key: Sequence[str] = (),
    table: str | Path | None = None,
    on_conflict: ConflictPolicy = "majority",
    complete: bool = False,
    limits: Limits | None = None,
    attachments: Sequence[str | Path] = (),
    home: Path | None = None,
    settings: Settings | None = None,
    journal: Journal | None = None,
    observer: Observer | None = None,
) -> RunResult:
    """Does a task and returns its result; a partial one is returned, not raised.

    `model` is a specification or a `ChatModel`. `tools` are names of built-in tools and sets
    (`web`, `python`, …), `Tool`s and typed functions; `roots` are folders for the file tools.
    `policy` says allow, ask or deny by tool; `approver` answers what is asked (`wait`: somebody at
    another terminal), and without one it is denied. `table` is a file with rows, whose empty cells
    are the work beside `columns`. `on_conflict` settles different values of a cell; with `complete`
    what is missing is worked on once more. `observer` gets every event and sign of life; `journal`
    replaces the run folder. Raises `OpenswarmError` when nothing could be begun or had.
    """
    home = home or home_folder()
    settings = settings or load_settings(home)
    specs = model_specs(model, subagent_model, settings)
    contract, rows = await given_table(columns, key, table)
    given = make_task(
        text=task, mode=mode, effort=effort, model=specs[0], subagent_model=specs[1],
        over=absolutes(over), attachments=absolutes(attachments), tools=names_of(tools),
        roots=absolutes(roots),
        policy=dict(policy or {}), unsafe_no_sandbox=unsafe_no_sandbox, contract=contract,
        rows=rows, conflicts=on_conflict, complete=complete, limits=limits or settings.limits,
    )  # fmt: skip
    own_tools = as_tools(tools, corpus=bool(over), built_in=given.tools)
    first = await check_given(given)
    models = make_models(model, subagent_model, specs, settings, home)
    async with AsyncExitStack() as stack:
        await close_later(stack, models)
        journal = journal or new_journal(stack, home)
        stack.push_async_callback(after, journal)
        chosen = route(given, len(own_tools) + len(given.tools))
        plan = Plan(journal, given, chosen, settings, models, home, own_tools, (), approver)
        return await _begin(plan, specs, first, stack, observer)


async def _begin(
    plan: Plan,
    specs: tuple[str, str],
    first: FirstMessage,
    stack: AsyncExitStack,
    observer: Observer | None,
) -> RunResult:
    """Writes the first events of a run, and carries it out."""
    journal, task = plan.journal, plan.task
    await keep_secrets_out(journal, plan.settings, plan.home, task.tools)
    let_follow(stack, journal, (), observer)
    with noted(journal) as past:
        journal.append(run_started(task, specs, plan.tools))
        plan = await _routed(plan, past)
    with failure_noted(journal):
        engine = await build_engine(plan, stack)
    engine.first = first
    with collecting_rarely():
        return await engine.execute(past, work_of(task))


async def _routed(plan: Plan, past: Sequence[AnyEvent]) -> Plan:
    """The plan with its mode, which is in the journal and durable."""
    plan = replace(plan, route=await settled(plan, past))
    plan.journal.append(mode_chosen(plan.route))
    await plan.journal.commit()
    return plan


def work_of(task: Task) -> Work | None:
    """What the run does: fill the rows that are given; None lets the root agent do the task."""
    return fill_given if task.rows else None


async def resume(
    run_id: str,
    *,
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[ToolChoice] = (),
    approver: Attendance = None,
    limits: Limits | None = None,
    home: Path | None = None,
    settings: Settings | None = None,
    observer: Observer | None = None,
) -> RunResult:
    """Goes on with a run where its journal ends; what was paid for is not paid again.

    A finished run gives back its result. Tools written in Python have to be given again; the error
    names those that are missing. `limits` replaces the run's own, for example to raise a budget.
    """
    home = home or home_folder()
    settings = settings or load_settings(home)
    journal = FolderJournal.reopen(runs_folder(home) / run_id)
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        past = tuple(journal.events())
        stack.push_async_callback(after, journal, len(past))
        view = fold(past)
        if view.task is None:
            raise JournalError(f"run {run_id} ended before it began; start it anew", "empty")
        await keep_secrets_out(journal, settings, home, view.task.tools)
        if view.outcome == "completed":
            return finished(journal, view, past)
        if view.tables.generation and view.outcome is not None:
            raise UserError(
                f"edit {view.tables.generation} of run {run_id} is over ({view.outcome}); work on"
                f" what is missing with: openswarm edit {run_id} --complete"
            )
        own = limits or (view.generations[-1].started.limits if view.generations else None)
        task = view.task if own is None else view.task.model_copy(update={"limits": own})
        given = as_tools(tools, corpus=bool(task.over), built_in=task.tools)
        own_tools = same_tools(view, given, run_id)
        specs = (spec_of(model) or view.model, spec_of(subagent_model) or view.subagent_model)
        models = make_models(model, subagent_model, specs, settings, home)
        await close_later(stack, models)
        let_follow(stack, journal, past, observer)
        num_tools = len(own_tools) + len(task.tools)
        chosen = route(task, num_tools) if not view.mode else chosen_before(view)
        plan = Plan(journal, task, chosen, settings, models, home, own_tools, past, approver)
        with noted(journal) as news:
            plan = plan if view.mode else await _routed(plan, past)
        engine = await build_engine(plan, stack)
        if ROOT not in view.agents:
            engine.first = with_attachments(task)
        past = (*past, *news, journal.append(Resumed()))
        work = unfinished_edit(past, journal) or work_of(task)
        with collecting_rarely():
            return await engine.execute(past, work)


def finished(journal: FolderJournal, view: RunView, past: Sequence[AnyEvent]) -> RunResult:
    """The result of a run that is over."""
    stats = stats_of(fold_stages(past), view.usage, view.cost_usd, view.worked_s)
    return result_of(view, journal.read, stats, str(journal.folder))


async def stream(task: str, **options: Any) -> AsyncIterator[AnyEvent | Tick]:
    """The events and signs of life of a run, as they come; options as for `run`.

    Leaving the iteration ends the run; it can be resumed. Who is far behind gets every event, but
    not every sign of life.
    """
    send, receive = anyio.create_memory_object_stream[AnyEvent | Tick](math.inf)
    scope = anyio.CancelScope()

    def observe(event: AnyEvent | Tick) -> None:
        is_behind = send.statistics().current_buffer_used > TICKS_BEHIND
        if not (is_behind and isinstance(event, Tick)):
            send.send_nowait(event)

    async def work() -> None:
        with scope, send:
            await run(task, observer=observe, **options)

    # Not a task group: it cannot be left by another task than the one that entered it, and after
    # a `break` the event loop closes this generator in a task of its own.
    worker = asyncio.create_task(work())  # noqa: TID251
    try:
        async for event in receive:
            yield event
        await worker
    finally:
        scope.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([worker])
        receive.close()
