"""Builds the engine of a run, or of a generation of it: corpus read, tools open, pacing set."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio.to_thread

from openswarm.core.errors import UserError
from openswarm.core.events import ROOT, AnyEvent, CapacityChanged, Tick, ToolsOpened
from openswarm.core.settings import Settings
from openswarm.core.task import Task
from openswarm.core.tooling import Policy, ResourceLimit, ToolSettings, Verdict
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal
from openswarm.journal.removal import remove
from openswarm.llm.model import ChatModel
from openswarm.modes.crew import ORCHESTRATOR, Means
from openswarm.modes.engine import Engine
from openswarm.modes.process import raise_open_files
from openswarm.modes.routing import Route
from openswarm.modes.toolbox import Toolbox
from openswarm.pacing.limiter import Pacing
from openswarm.tools.approvals import Approvals, Approver
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.setup import BROWSER, BROWSER_PAGES, MERGE, PROCESSOR, ToolSetup
from openswarm.tools.tool import Tool

if TYPE_CHECKING:
    from openswarm.tools.corpus.corpus import Corpus

Attendance = Approver | Literal["wait"] | None
"""Who answers questions: a function, somebody at another terminal, or nobody."""
PAGE_BYTES = {True: 2_000, False: 8_000}
"""The size of a page of the corpus or the web, by `ModelInfo.compact`."""
SCRATCH = "scratch"
"""The folder of a run that tools work in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine is built of."""

    journal: Journal
    task: Task
    route: Route
    settings: Settings
    models: Mapping[str, ChatModel]
    home: Path
    tools: Sequence[Tool] = ()
    """Those written in Python."""
    past: Sequence[AnyEvent] = ()
    attendance: Attendance = None

    @property
    def folder(self) -> Path | None:
        """The run's folder; None in memory."""
        return self.journal.folder if isinstance(self.journal, FolderJournal) else None

    @property
    def uses_tools(self) -> bool:
        """Whether anybody of the run calls tools; one reply alone does not."""
        return self.route.mode not in ("instant", "thinking")

    @property
    def tool_settings(self) -> ToolSettings:
        """Those of the tools, with what all settings say of certificates."""
        tools = self.settings.tools
        ca_bundle = tools.web.ca_bundle or self.settings.ca_bundle
        return tools.model_copy(
            update={"web": tools.web.model_copy(update={"ca_bundle": ca_bundle})}
        )

    @property
    def compact(self) -> bool:
        """Whether the root's model is a small one."""
        return self.models[ORCHESTRATOR].info.compact


async def build_engine(plan: Plan, stack: AsyncExitStack) -> Engine:
    """The engine; what its tools hold open is closed with the stack.

    Raises `UserError` and `SettingsError` for what is missing.
    """
    raise_open_files()
    journal, settings = plan.journal, plan.tool_settings
    policy = Policy(rules=plan.task.policy).over(Policy(rules=settings.policy))
    approvals = _approvals(plan)
    pacing = Pacing(_capacity_noted(journal), lambda name: limit_of(name, settings))
    corpus = await _open_corpus(plan) if plan.task.over else None
    setup = _setup(plan, await _scratch(plan, stack), policy, approvals, pacing)
    toolbox = Toolbox(setup, stack, corpus=corpus is not None)
    tools = await toolbox.open(plan.task.tools if plan.uses_tools else ())
    opened: ToolsOpened | None = None
    if tools:
        names = tuple(tool.name for tool in tools)
        opened = ToolsOpened(tools=names, sandbox=toolbox.sandbox, notes=tuple(toolbox.notes))
        journal.append(opened)
    every = [*(_corpus_tools(corpus) if corpus else ()), *tools, *plan.tools]
    if plan.uses_tools:
        check_rules(plan.task.policy, [tool.name for tool in every])
    means = Means(
        journal=journal,
        task=plan.task,
        models=plan.models,
        strategy=plan.settings.context_strategy,
        tools=every,
        corpus=corpus,
        pacing=pacing,
        dispatch=Dispatcher(approvals, policy, pacing, journal.scrub),
    )
    engine = Engine(means, plan.route, folder=plan.folder)
    if opened is not None:  # written before the engine observes, and no part of its past
        engine.view.apply(opened)
    return engine


def check_rules(rules: Mapping[str, Verdict], tools: Sequence[str]) -> None:
    """Raises `UserError` for a rule of this run that fits none of its tools: it would hold nothing
    back. Those of the settings are for every run."""
    known = [*tools, MERGE]
    for rule, verdict in rules.items():
        if not any(Policy(rules={rule: verdict}).has_rule(name) for name in known):
            there = f"its tools are {', '.join(tools)}" if tools else "it has none: --tools"
            raise UserError(f"--{verdict} {rule} fits no tool of this run; {there}")


def limit_of(resource: str, settings: ToolSettings) -> ResourceLimit:
    """What the settings let a resource admit."""
    if resource in settings.resources:
        return settings.resources[resource]
    if resource.startswith("host:"):
        return settings.web.host
    if resource == BROWSER:
        return ResourceLimit(at_once=BROWSER_PAGES)
    if resource == PROCESSOR:
        return ResourceLimit(at_once=2 * (os.cpu_count() or 1))
    return ResourceLimit()


def _approvals(plan: Plan) -> Approvals:
    waits = plan.attendance == "wait"
    if waits and plan.folder is None:
        raise UserError("a run in memory cannot be answered from elsewhere; give a function")
    approver = plan.attendance if callable(plan.attendance) else None
    approvals = Approvals(plan.journal, attended=waits, approver=approver)
    approvals.restore(plan.past)
    return approvals


def _setup(
    plan: Plan, scratch: Path, policy: Policy, approvals: Approvals, pacing: Pacing
) -> ToolSetup:
    return ToolSetup(
        scratch=scratch,
        home=plan.home,
        journal=plan.journal,
        pacing=pacing,
        settings=plan.tool_settings,
        roots=plan.task.roots,
        policy=policy,
        approvals=approvals,
        past=plan.past,
        unsafe_no_sandbox=plan.task.unsafe_no_sandbox,
        images=any(model.info.images for model in plan.models.values()),
        page_chars=PAGE_BYTES[plan.compact],
    )


async def _scratch(plan: Plan, stack: AsyncExitStack) -> Path:
    """Where tools work: inside the run's folder, or a folder that is gone afterwards."""
    if plan.folder is not None:
        return plan.folder / SCRATCH
    if not plan.task.tools:
        return Path()
    folder = await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="openswarm-"))
    stack.push_async_callback(anyio.to_thread.run_sync, remove, Path(folder))
    return Path(folder)


async def _open_corpus(plan: Plan) -> "Corpus":
    from openswarm.tools.corpus.corpus import Corpus

    return await Corpus.open(
        plan.task.over,
        plan.home / "corpora",
        progress=lambda done, total: plan.journal.tick(
            Tick(agent=ROOT, kind="progress", text=f"reading documents {done}/{total}")
        ),
        page_bytes=PAGE_BYTES[plan.compact],
    )


def _corpus_tools(corpus: "Corpus") -> list[Tool]:
    from openswarm.tools.corpus.grep import grep_tool
    from openswarm.tools.corpus.open import open_tool
    from openswarm.tools.corpus.search import search_tool

    return [make(corpus) for make in (search_tool, open_tool, grep_tool)]


def _capacity_noted(journal: Journal) -> Callable[[str, int, str], None]:
    def changed(resource: str, capacity: int, reason: str) -> None:
        journal.append(CapacityChanged(resource=resource, capacity=capacity, reason=reason))

    return changed
