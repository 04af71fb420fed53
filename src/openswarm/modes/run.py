"""run, stream and resume: from what the user gives to an engine and back."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
from pydantic import ValidationError

from openswarm.core.contract import Contract, parse_columns
from openswarm.core.errors import (
    JournalError,
    OpenswarmError,
    SettingsError,
    UserError,
    sole_error,
)
from openswarm.core.events import ROOT, AnyEvent, Failed, ModeChosen, Resumed, RunStarted, Tick
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.core.task import Mode, Task
from openswarm.journal.fold import RunView, fold
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal, Observer
from openswarm.llm.model import ChatModel
from openswarm.llm.resolve import default_spec, resolve
from openswarm.modes.attachments import with_attachments
from openswarm.modes.engine import Engine, result_of
from openswarm.modes.process import collecting_rarely, raise_open_files
from openswarm.modes.router import Route, route
from openswarm.modes.settings import home_folder, load_settings, runs_folder
from openswarm.swarm.report import REPORT
from openswarm.swarm.spawn import TOOL_NAMES
from openswarm.swarm.stages import fold_stages
from openswarm.tools.tool import Tool, tool

ModelChoice = str | ChatModel
PAGE_BYTES = {True: 2_000, False: 8_000}
"""The size of a page of the corpus, by `ModelInfo.compact`."""

CORPUS_TOOLS = ("search", "open", "grep")


async def run(
    task: str,
    *,
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[Tool | Callable[..., Any]] = (),
    mode: Mode = "auto",
    over: Sequence[str | Path] = (),
    columns: str | Contract | None = None,
    key: Sequence[str] = (),
    limits: Limits | None = None,
    attachments: Sequence[str | Path] = (),
    home: Path | None = None,
    settings: Settings | None = None,
    journal: Journal | None = None,
    observer: Observer | None = None,
) -> RunResult:
    """Does a task and returns its result; a partial one is returned, not raised.

    `model` is a specification such as `moonshot/kimi-k2.5`, or a `ChatModel`. `observer` is called
    with every event and sign of life. `journal` replaces the run folder, for runs in memory.
    Raises `OpenswarmError` when the run could not be begun or nothing at all could be had.
    """
    home = home or home_folder()
    settings = settings or load_settings(home)
    specs = _specs(model, subagent_model, settings)
    given = _task(
        text=task,
        mode=mode,
        model=specs[0],
        subagent_model=specs[1],
        over=tuple(map(_absolute, over)),
        attachments=tuple(map(_absolute, attachments)),
        contract=parse_columns(columns, key) if isinstance(columns, str) else columns,
        limits=limits or settings.limits,
    )
    all_tools = as_tools(tools, corpus=bool(over))
    brief = with_attachments(given)
    models = _models(model, subagent_model, specs, settings, home)
    chosen = route(given, len(all_tools))
    async with AsyncExitStack() as stack:
        await _close_later(stack, models)
        if journal is None:
            folder = runs_folder(home) / new_run_id()
            journal = FolderJournal.create(folder)
            stack.callback(journal.close)
        if observer is not None:
            stack.callback(journal.observe(observer))
        started = journal.append(_started(given, specs, all_tools))
        mode_chosen = journal.append(ModeChosen(mode=chosen.mode, why=chosen.why))
        await journal.commit()
        try:
            engine = await _engine(journal, given, chosen, settings, models, all_tools, home)
            engine.brief = brief
        except OpenswarmError as error:
            journal.append(
                Failed(boundary=error.boundary, kind=error.kind, message=str(error)[:2000])
            )
            raise
        with collecting_rarely():
            return await engine.execute((started, mode_chosen))


async def resume(
    run_id: str,
    *,
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[Tool | Callable[..., Any]] = (),
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
        view = fold(past)
        if view.task is None:
            raise JournalError(f"run {run_id} ended before it began; start it anew", "empty")
        if view.outcome == "completed":
            wall_s = view.last_at - view.started_at
            return result_of(journal, view, fold_stages(past), wall_s, journal.folder)
        task = view.task if limits is None else view.task.model_copy(update={"limits": limits})
        given = as_tools(tools, corpus=bool(task.over))
        all_tools = _same_tools(view, given, run_id)
        specs = (_spec(model) or view.model, _spec(subagent_model) or view.subagent_model)
        models = _models(model, subagent_model, specs, settings, home)
        await _close_later(stack, models)
        if observer is not None:
            for event in past:
                observer(event)
            stack.callback(journal.observe(observer))
        chosen = route(task, len(all_tools)) if not view.mode else _chosen(view)
        engine = await _engine(journal, task, chosen, settings, models, all_tools, home)
        if ROOT not in view.agents:
            engine.brief = with_attachments(task)
        news: list[AnyEvent] = [journal.append(Resumed())]
        if not view.mode:
            news.append(journal.append(ModeChosen(mode=chosen.mode, why=chosen.why)))
        with collecting_rarely():
            return await engine.execute((*past, *news))


async def stream(task: str, **options: Any) -> AsyncIterator[AnyEvent | Tick]:
    """The events and signs of life of a run, as they come; options as for `run`.

    Leaving the iteration ends the run; it can be resumed.
    """
    send, receive = anyio.create_memory_object_stream[AnyEvent | Tick](max_buffer_size=100_000)

    def observe(event: AnyEvent | Tick) -> None:
        with suppress(anyio.WouldBlock, anyio.BrokenResourceError):
            send.send_nowait(event)

    async def work() -> None:
        async with send:
            await run(task, observer=observe, **options)

    try:
        async with anyio.create_task_group() as tasks, receive:
            tasks.start_soon(work)
            async for event in receive:
                yield event
    except BaseExceptionGroup as group:
        raise sole_error(group) from None


def as_tools(tools: Sequence[Tool | Callable[..., Any]], *, corpus: bool = False) -> list[Tool]:
    """Tools and typed functions as tools, beside openswarm's own and those of a corpus.

    Raises `UserError` for two of one name.
    """
    made = [entry if isinstance(entry, Tool) else tool(entry) for entry in tools]
    own = (*TOOL_NAMES, REPORT, *(CORPUS_TOOLS if corpus else ()))
    names = [*own, *(entry.name for entry in made)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        whose = ", one of them openswarm's own" if twice[0] in own else ""
        raise UserError(f"two tools are called {twice[0]!r}{whose}; rename yours")
    return made


def new_run_id() -> str:
    """A run's name: its time, so that names sort, and what makes it unique."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def _task(**fields: Any) -> Task:
    if not fields["text"].strip():
        raise UserError('the task is empty; say what is to be done: openswarm run "…"')
    try:
        return Task(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _started(task: Task, specs: tuple[str, str], tools: Sequence[Tool]) -> RunStarted:
    from openswarm import __version__

    return RunStarted(
        task=task,
        model=specs[0],
        subagent_model=specs[1],
        openswarm=__version__,
        tools=tuple(entry.name for entry in tools),
    )


def _chosen(view: RunView) -> Route:
    return Route(view.mode, view.mode_reason)  # type: ignore[arg-type]


def _same_tools(view: RunView, tools: list[Tool], run_id: str) -> list[Tool]:
    missing = sorted(set(view.tools) - {entry.name for entry in tools})
    if missing:
        raise SettingsError(
            f"run {run_id} uses tools written in Python: {', '.join(missing)}; go on from Python:"
            f" await openswarm.resume({run_id!r}, tools=[{', '.join(missing)}])"
        )
    return tools


def _absolute(source: str | Path) -> str:
    """A path that holds wherever the run is resumed; an address as it is."""
    if isinstance(source, str) and "://" in source:
        return source
    return str(Path(source).expanduser().absolute())


def _spec(model: ModelChoice) -> str:
    return model if isinstance(model, str) else model.spec


def _specs(model: ModelChoice, subagent_model: ModelChoice, settings: Settings) -> tuple[str, str]:
    first = _spec(model) or settings.model or default_spec(os.environ)[0]
    return first, _spec(subagent_model) or settings.subagent_model or first


def _models(
    model: ModelChoice,
    subagent_model: ModelChoice,
    specs: tuple[str, str],
    settings: Settings,
    home: Path,
) -> dict[str, ChatModel]:
    """The models of a run by the names that the engine uses; equal names are one object."""

    def made(given: ModelChoice, spec: str) -> ChatModel:
        return resolve(spec, settings, os.environ, home) if isinstance(given, str) else given

    lead = made(model, specs[0])
    is_same = isinstance(subagent_model, str) and specs[1] == specs[0]
    others = lead if is_same else made(subagent_model, specs[1])
    return {specs[1]: others, specs[0]: lead, "orchestrator": lead, "": others}


async def _close_later(stack: AsyncExitStack, models: dict[str, ChatModel]) -> None:
    for model in {id(model): model for model in models.values()}.values():
        stack.push_async_callback(model.aclose)


async def _engine(
    journal: Journal,
    task: Task,
    chosen: Route,
    settings: Settings,
    models: dict[str, ChatModel],
    tools: Sequence[Tool],
    home: Path,
) -> Engine:
    raise_open_files()
    compact = models["orchestrator"].info.compact
    corpus = None
    if task.over:
        from openswarm.tools.corpus.corpus import Corpus
        from openswarm.tools.corpus.grep import grep_tool
        from openswarm.tools.corpus.open import open_tool
        from openswarm.tools.corpus.search import search_tool

        corpus = await Corpus.open(
            task.over,
            home / "corpora",
            progress=lambda done, total: journal.tick(
                Tick(agent="root", kind="progress", text=f"reading documents {done}/{total}")
            ),
            page_bytes=PAGE_BYTES[compact],
        )
        tools = [*(make(corpus) for make in (search_tool, open_tool, grep_tool)), *tools]
    return Engine(
        journal=journal,
        task=task,
        route=chosen,
        settings=settings,
        models=models,
        tools=tools,
        corpus=corpus,
        folder=journal.folder if isinstance(journal, FolderJournal) else None,
    )
