"""What a run is made of: its task, models, tools, corpus and engine, from what the user gives."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from pydantic import BaseModel, ValidationError

from openswarm.core.columns import contract_of, keyed, parse_columns
from openswarm.core.contract import Contract
from openswarm.core.errors import OpenswarmError, SettingsError, UserError
from openswarm.core.events import AnyEvent, Failed, RunStarted, Tick
from openswarm.core.settings import Settings
from openswarm.core.table import Row
from openswarm.core.task import Task
from openswarm.core.version import VERSION
from openswarm.journal.fold import RunView
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal, Observer
from openswarm.llm.model import ChatModel
from openswarm.llm.policy.model import PolicyModel
from openswarm.llm.resolve import default_spec, is_policy_name, resolve
from openswarm.modes.attachments import FirstMessage, with_attachments
from openswarm.modes.contracts import is_contract_file, load_contract
from openswarm.modes.routing import Route
from openswarm.modes.settings import runs_folder
from openswarm.modes.toolbox import expand
from openswarm.swarm.report import REPORT
from openswarm.swarm.spawn import TOOL_NAMES
from openswarm.tools.setup import MERGE, ToolSetup
from openswarm.tools.tool import Tool, tool

ModelChoice = str | ChatModel
Columns = str | Path | Contract | type[BaseModel] | None
"""A contract: in words, in a file, as an object, or as a pydantic model."""
ToolChoice = str | Tool | Callable[..., Any]
"""A built-in tool or set by its name, a tool, or a typed function."""

CORPUS_TOOLS = ("search", "open", "grep")


def names_of(tools: Sequence[ToolChoice]) -> tuple[str, ...]:
    """The built-in tools and sets among what was given, each once, one an entry.

    Raises `UserError` for unknown ones.
    """
    given = (entry for entry in tools if isinstance(entry, str))
    parts = (part.strip() for text in given for part in text.split(","))
    names = tuple(dict.fromkeys(part for part in parts if part))
    expand(names)
    return names


def as_tools(
    tools: Sequence[ToolChoice], *, corpus: bool = False, built_in: Sequence[str] = ()
) -> list[Tool]:
    """Tools and typed functions as tools, beside built-in ones and those of a corpus.

    Raises `UserError` for two of one name.
    """
    given = (entry for entry in tools if not isinstance(entry, str))
    made = [entry if isinstance(entry, Tool) else tool(entry) for entry in given]
    corpus_tools = CORPUS_TOOLS if corpus else ()
    own = (*TOOL_NAMES, REPORT, MERGE, *corpus_tools, *expand(built_in))
    names = [*own, *(entry.name for entry in made)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        whose = ", one of them openswarm's own" if twice[0] in own else ""
        raise UserError(f"two tools are called {twice[0]!r}{whose}; rename yours")
    return made


def new_run_id() -> str:
    """A run's name: its time, so that names sort, and what makes it unique."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def make_task(**fields: Any) -> Task:
    """The task of these fields. Raises `UserError` for what cannot be one."""
    if not fields["text"].strip():
        raise UserError('the task is empty; say what is to be done: openswarm run "…"')
    try:
        return Task(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def run_started(task: Task, specs: tuple[str, str], tools: Sequence[Tool]) -> RunStarted:
    """The first event of a run."""
    return RunStarted(
        task=task,
        model=specs[0],
        subagent_model=specs[1],
        openswarm=VERSION,
        tools=tuple(entry.name for entry in tools),
    )


def chosen_before(view: RunView) -> Route:
    """The mode that an earlier process chose."""
    return Route(view.mode, view.mode_reason)  # type: ignore[arg-type]


def same_tools(view: RunView, tools: list[Tool], run_id: str, call: str = "resume") -> list[Tool]:
    """The tools, if those of the run are among them. Raises `SettingsError` naming the rest."""
    missing = sorted(set(view.tools) - {entry.name for entry in tools})
    if missing:
        raise SettingsError(
            f"run {run_id} uses tools written in Python: {', '.join(missing)}; go on from Python:"
            f" await openswarm.{call}({run_id!r}, tools=[{', '.join(missing)}])"
        )
    return tools


def absolute(source: str | Path) -> str:
    """A path that holds wherever the run is resumed; an address as it is."""
    if isinstance(source, str) and "://" in source:
        return source
    return str(Path(source).expanduser().absolute())


def absolutes(sources: Sequence[str | Path]) -> tuple[str, ...]:
    """Each of them in a form that holds anywhere."""
    return tuple(map(absolute, sources))


def spec_of(model: ModelChoice) -> str:
    """The specification of a model that was given in either way."""
    return model if isinstance(model, str) else model.spec


def model_specs(
    model: ModelChoice, subagent_model: ModelChoice, settings: Settings
) -> tuple[str, str]:
    """The specifications of the orchestrator and of the sub-agents, defaults filled in."""
    first = spec_of(model) or settings.model or default_spec(os.environ)[0]
    others = spec_of(subagent_model) or settings.subagent_model
    if not others and is_policy_name(first):
        others = settings.model if settings.model != first else ""
        others = others or default_spec(os.environ)[0]
    return first, others or first


def make_models(
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
    if isinstance(others, PolicyModel) and others.writer is None:
        raise SettingsError(
            f"{specs[1]} is a trained orchestrator and cannot do a sub-agent's work; give"
            " --subagent-model too"
        )
    if isinstance(lead, PolicyModel) and lead.writer is None:
        lead.writer = others
    return {specs[1]: others, specs[0]: lead, "orchestrator": lead, "": others}


async def close_later(stack: AsyncExitStack, models: dict[str, ChatModel]) -> None:
    """Closes the models with the stack, each once."""
    for model in {id(model): model for model in models.values()}.values():
        stack.push_async_callback(model.aclose)


async def given_table(
    columns: "Columns", key: Sequence[str], table: str | Path | None
) -> tuple[Contract | None, tuple[Row, ...]]:
    """The contract and the rows that the user gives, whatever the form they are given in."""
    return await anyio.to_thread.run_sync(_given_table, columns, key, table)


def _given_table(
    columns: "Columns", key: Sequence[str], table: str | Path | None
) -> tuple[Contract | None, tuple[Row, ...]]:
    contract = _given_contract(columns, key, in_file=table is not None)
    if table is None:
        return contract, ()
    from openswarm.modes.given import given_rows, read_grid

    in_words = isinstance(columns, str) and not is_contract_file(columns)
    stated = contract.key if contract is not None and not in_words else ()
    return given_rows(read_grid(Path(table).expanduser()), contract, tuple(key) or stated)


def _given_contract(columns: "Columns", key: Sequence[str], *, in_file: bool) -> Contract | None:
    own_key = () if in_file else key  # the key may be a column of the file
    if isinstance(columns, Path) or (isinstance(columns, str) and is_contract_file(columns)):
        contract = load_contract(Path(columns).expanduser())
        more = {"notes": contract.notes, "aliases": contract.aliases}
        return keyed(contract.columns, own_key, **more) if own_key else contract
    if isinstance(columns, str):
        return parse_columns(columns, own_key)
    if isinstance(columns, type):
        return contract_of(columns, own_key)
    return columns


async def check_given(task: Task) -> FirstMessage:
    """The root's first message. Raises `UserError` for files and sources that cannot be read,
    before a run is begun for them."""
    first = with_attachments(task)
    if task.roots:
        from openswarm.tools.files.roots import open_roots

        await anyio.to_thread.run_sync(open_roots, task.roots)
    if task.over:
        from openswarm.tools.corpus.corpus import check_sources

        await anyio.to_thread.run_sync(check_sources, task.over)
    return first


def new_journal(stack: AsyncExitStack, home: Path) -> FolderJournal:
    """The journal of a new run, closed with the stack."""
    journal = FolderJournal.create(runs_folder(home) / new_run_id())
    stack.callback(journal.close)
    return journal


async def keep_secrets_out(
    journal: Journal, settings: Settings, home: Path, tools: Sequence[str]
) -> None:
    """From now on the journal takes no secret that this computer knows.

    Raises `SettingsError` where the configuration of MCP servers is wrong.
    """
    from openswarm.tools.secrets import known_values, make_scrub

    values = {*known_values(settings.tools, os.environ)}
    if "mcp" in expand(tools):
        from openswarm.tools.mcp.tools import configured

        setup = ToolSetup(scratch=Path(), home=home, settings=settings.tools)
        servers = await anyio.to_thread.run_sync(configured, setup)
        values.update(*(server.secrets for server in servers))
    journal.scrub = make_scrub(sorted(values))


def let_follow(
    stack: AsyncExitStack, journal: Journal, past: Sequence[AnyEvent], observer: Observer | None
) -> None:
    """Shows an observer what happened, and then what happens, until the stack is left."""
    if observer is not None:
        for event in past:
            observer(event)
        stack.callback(journal.observe(observer))


@contextmanager
def noted(journal: Journal) -> Iterator[list[AnyEvent]]:
    """The events that are appended meanwhile."""
    events: list[AnyEvent] = []
    stop = journal.observe(lambda event: None if isinstance(event, Tick) else events.append(event))
    try:
        yield events
    finally:
        stop()


@contextmanager
def failure_noted(journal: Journal) -> Iterator[None]:
    """Writes down an error of ours that keeps a run from beginning, and raises it."""
    try:
        yield
    except OpenswarmError as error:
        failed = Failed(boundary=error.boundary, kind=error.kind, message=str(error)[:2000])
        journal.append(failed)
        raise
