"""One run of a task for a harness that keeps its own results.

The run, the question, the limits and what is read out of it are `evals.runner`'s, so that the same
task has the same score here and there. Owns the models that attempts share, and what a harness
is told. Knows no harness.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import anyio
import anyio.to_thread

from openswarm.core.contract import Contract
from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.evals.arms import Arm, SharedModel, named_arm, open_models
from openswarm.evals.budgets import FREE, Budget, limits_for, sweep
from openswarm.evals.documents import Documents
from openswarm.evals.runner import prediction_of, question_of, usual_limits
from openswarm.evals.scoring.score import score
from openswarm.evals.suites.catalogue import FAMILIES
from openswarm.evals.task import EvalTask, Prediction, Score, Split
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.modes.parts import ModelChoice, ToolChoice, new_run_id
from openswarm.modes.run import run
from openswarm.modes.settings import home_folder, load_settings

T = TypeVar("T")
FIGURES = ("item_f1", "row_f1", "success", "critical_steps")
"""What a harness shows of an attempt, in this order."""


class Attempt(Frozen):
    """What came of one run."""

    prediction: Prediction
    answer: str
    """As people read it."""
    outcome: str
    critical_steps: int
    total_steps: int
    spawned: int
    input_tokens: int
    output_tokens: int
    run: str = ""
    """The name of its folder, where it was kept."""


@dataclass(frozen=True)
class Drawn:
    """Tasks, and the documents that they are over."""

    tasks: tuple[EvalTask, ...]
    documents: Documents


@dataclass(frozen=True)
class Way:
    """How attempts are made."""

    arm: Arm
    home: Path
    """Where models are; nothing is written there."""
    settings: Settings = Settings()
    limits: Limits = field(default_factory=usual_limits)
    budget: Budget = FREE
    tools: tuple[ToolChoice, ...] = ()
    """Beside those that read the documents."""
    runs: Path | None = None
    """Where each run's journal stays as a folder; None keeps none."""


def draw(family: str, split: Split, count: int, seed: int, home: Path | None) -> Drawn:
    """The first `count` tasks of a family, over its whole corpus in `home`, or else its sample.

    Blocks. Raises `UserError` for another family, `SettingsError` where a corpus cannot be had.
    """
    if family not in FAMILIES:
        raise UserError(f"there is no family {family[:60]!r}; there are {', '.join(FAMILIES)}")
    source = FAMILIES[family]
    material = source.sample() if home is None else source.build(home)
    return Drawn(tuple(source.tasks(material, split, count, seed)), material.documents)


class LentModels:
    """The models of an arm: opened for who comes first, closed after who leaves last.

    A model that was handed in is not closed: that is for whoever made it.
    """

    def __init__(self, arm: Arm, settings: Settings, home: Path) -> None:
        kept = replace(arm, model=_kept(arm.model), subagent_model=_kept(arm.subagent_model))
        self._open = partial(open_models, (kept,), settings, home)
        self._ready = kept
        self._models: Sequence[SharedModel] = ()
        self._users = 0

    @asynccontextmanager
    async def arm(self) -> AsyncIterator[Arm]:
        """The arm with models in the place of specifications. Raises what `open_models` does."""
        if not self._users:
            (self._ready,), self._models = self._open()
        self._users += 1
        try:
            yield self._ready
        finally:
            self._users -= 1
            if not self._users:
                models, self._models = self._models, ()
                with anyio.CancelScope(shield=True):
                    for model in models:
                        await model.close()


def _kept(choice: ModelChoice) -> ModelChoice:
    return choice if isinstance(choice, str) else SharedModel(choice)


class Attempts:
    """Makes attempts in one way over the documents of one corpus."""

    def __init__(self, way: Way, documents: Documents | None = None) -> None:
        """Without documents a task's own corpus is ''."""
        self._way = way
        self._documents = documents
        self._models = LentModels(way.arm, way.settings, way.home)

    async def __call__(self, task: EvalTask) -> Attempt:
        """One run. Raises `OpenswarmError` where nothing could be begun or had."""
        way = self._way
        async with AsyncExitStack() as stack:
            arm = await stack.enter_async_context(self._models.arm())
            folder = await _in_thread(partial(TemporaryDirectory, prefix="openswarm-eval-"))
            stack.push_async_callback(_in_thread, folder.cleanup)
            room, journal = Path(folder.name), _journal(way.runs)
            if isinstance(journal, FolderJournal):
                stack.callback(journal.close)
            result = await run(
                arm.prompt(question_of(task)),
                model=arm.model,
                subagent_model=arm.subagent_model,
                mode=arm.mode,
                tools=way.tools,
                over=[await self._written(task, room / "documents")] if task.corpus else (),
                columns=task.contract,
                limits=limits_for(way.limits, way.budget, arm),
                home=room / "state",
                settings=way.settings,
                journal=journal,
            )
            return _attempt(result, journal)

    async def _written(self, task: EvalTask, folder: Path) -> Path:
        documents = self._documents
        if documents is None or documents.name != task.corpus:
            raise UserError(f"task {task.id} is over the corpus {task.corpus}, which is not here")
        await _in_thread(partial(documents.write, folder, task.scope))
        return folder


def figures_of(found: Score, attempt: Attempt) -> dict[str, float]:
    """`FIGURES` of an attempt by name."""
    values = (found.item_f1, found.row_f1, found.success, float(attempt.critical_steps))
    return dict(zip(FIGURES, values, strict=True))


def strict_score(task: EvalTask, attempt: Attempt) -> Score:
    """How good it is, strictly and without a judge."""
    return score(task, attempt.prediction)


def usual_way(
    arm: str,
    model: str = "",
    subagent_model: str = "",
    *,
    home: Path | None = None,
    critical_steps: int = 0,
    tools: tuple[ToolChoice, ...] = (),
    runs: Path | None = None,
) -> Way:
    """The way of an arm's name with the settings of a home, as `openswarm eval` would take it.

    Blocks. Raises `UserError` for another arm or a budget in which no swarm could answer,
    `SettingsError` for settings that cannot be read.
    """
    home = home or home_folder()
    settings = load_settings(home)
    return Way(
        named_arm(arm, model, subagent_model),
        home,
        settings,
        limits=usual_limits(settings.limits),
        budget=sweep((critical_steps,) if critical_steps else ())[0],
        tools=tools,
        runs=runs,
    )


def attempt_of_replies(text: str, replies: int, tokens: tuple[int, int] = (0, 0)) -> Attempt:
    """The attempt of an agent of the harness's own: its last text, a step for each reply."""
    return Attempt(
        prediction=Prediction(text=text),
        answer=text,
        outcome="completed",
        critical_steps=replies,
        total_steps=replies,
        spawned=0,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
    )


def table_words(contract: Contract) -> str:
    """What an agent of the harness's own is told of a contract: its columns and their meaning."""
    lines = []
    for column in contract.columns:
        unit = f" in {column.unit}" if column.unit else ""
        lines.append(f"- {column.name} ({column.type}{unit}): {column.definition or column.name}")
    key = ", ".join(contract.key)
    return "\n".join(
        ["Answer with one Markdown table that has these columns, in this order:", *lines,
         f"One line for each {key}, and no text in a cell but its value."]
    )  # fmt: skip


def _attempt(result: RunResult, journal: Journal) -> Attempt:
    prediction, stats = prediction_of(result, journal.events(), journal), result.stats
    return Attempt(
        prediction=prediction,
        answer=result.answer or prediction.text,
        outcome=result.outcome,
        critical_steps=stats.critical_steps,
        total_steps=stats.total_steps,
        spawned=stats.sub_agents,
        input_tokens=stats.tokens.input_tokens,
        output_tokens=stats.tokens.output_tokens,
        run=journal.folder.name if isinstance(journal, FolderJournal) else "",
    )


def _journal(runs: Path | None) -> Journal:
    name = new_run_id()
    return MemoryJournal(name) if runs is None else FolderJournal.create(runs / name)


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
