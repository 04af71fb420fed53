"""The runner: every task under every arm, budget and repeat, each run once and written down.

Runs go through `openswarm.modes.run.run`, the same way that a user's task goes, over a folder with
the documents of the task. Owns the order, what stands already, and how a run becomes an episode.
What fails in one run is written down as that run's and ends no other.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio.to_thread

from openswarm.core.errors import OpenswarmError, UserError, sole_error
from openswarm.core.events import Answered, AnyEvent
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.evals.arms import Arm, check_names, open_models
from openswarm.evals.budgets import FREE, Budget, limits_for
from openswarm.evals.documents import Documents
from openswarm.evals.metrics import run_metrics
from openswarm.evals.results import ArmPlan, Episode, EpisodeKey, Plan, ResultsFile
from openswarm.evals.scoring.answers import asked
from openswarm.evals.task import EvalTask, Prediction, Score
from openswarm.journal.fold import fold
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.modes.parts import new_run_id, spec_of
from openswarm.modes.run import run

Scorer = Callable[[EvalTask, Prediction], Score]
T = TypeVar("T")
STEPS_OF_AN_AGENT = 100
"""Of the orchestrator and of each sub-agent, as in the report's WideSearch runs."""
NOTHING_RIGHT = Score(
    item_precision=0, item_recall=0, item_f1=0, row_precision=0, row_recall=0, row_f1=0, success=0
)


def usual_limits(limits: Limits | None = None) -> Limits:
    """These limits, or else those that there are by default, with `STEPS_OF_AN_AGENT` for each."""
    steps = {"orchestrator_steps": STEPS_OF_AN_AGENT, "subagent_steps": STEPS_OF_AN_AGENT}
    return (limits or Limits()).model_copy(update=steps)


class Job(NamedTuple):
    """One run that is to be made."""

    task: EvalTask
    arm: Arm
    budget: Budget
    seed: int
    documents: str = ""
    """The name of the folder with the documents of the task."""

    @property
    def key(self) -> EpisodeKey:
        """What it is the only one of."""
        return EpisodeKey(self.task.id, self.arm.name, self.budget, self.seed)


@dataclass(frozen=True, slots=True)
class Eval:
    """What is to be run, and with what."""

    tasks: Sequence[EvalTask]
    arms: Sequence[Arm]
    corpora: Mapping[str, Documents]
    """By the name that tasks give as their `corpus`."""
    out: Path
    """The folder of results, documents and runs."""
    scorer: Scorer
    home: Path
    """Where models are; nothing is written there."""
    settings: Settings = Settings()
    budgets: Sequence[Budget] = (FREE,)
    repeats: int = 1
    limits: Limits = field(default_factory=usual_limits)
    """Of every run, before its budget."""
    at_once: int = 2
    keep_runs: bool = True
    """Whether each run's journal stays as a folder in `out`."""
    again: bool = False
    """Whether runs that ended in an error are made again."""
    command: str = ""

    def jobs(self) -> Iterator[Job]:
        """Every run: the arms of a task beside each other, so that they meet the same weather.

        Raises `UserError` for a task whose corpus is not there.
        """
        for seed in range(self.repeats):
            for task in self.tasks:
                place = self.place(task)
                for budget in self.budgets:
                    for arm in self.arms:
                        yield Job(task, arm, budget, seed, place)

    def place(self, task: EvalTask) -> str:
        """The name of the folder with the documents of a task: the same one for all who have the
        same scope; '' where a task has none."""
        if not task.corpus:
            return ""
        if task.corpus not in self.corpora:
            raise UserError(f"task {task.id} is over the corpus {task.corpus}, which is not here")
        digest = self.corpora[task.corpus].sha256
        mark = hashlib.sha256("\n".join((digest, *sorted(task.scope))).encode())
        return f"{task.corpus}-{mark.hexdigest()[:16]}"

    def plan(self) -> Plan:
        """What the results file is checked against; the arms have their models already."""
        return Plan(
            command=self.command,
            limits=self.limits,
            arms={
                arm.name: ArmPlan(
                    mode=arm.mode,
                    model=spec_of(arm.model),
                    subagent_model=spec_of(arm.subagent_model),
                    words=arm.words,
                    subagents=arm.subagents,
                )
                for arm in self.arms
            },
            corpora={name: documents.sha256 for name, documents in self.corpora.items()},
        )


def ignore(episode: Episode, done: int, total: int) -> None:
    """For callers that do not show how far it is."""


async def carry_out(
    wanted: Eval, on_episode: Callable[[Episode, int, int], None] = ignore
) -> list[Episode]:
    """Makes the runs that do not stand in `out` yet; all episodes that were wanted, in order.

    `on_episode` gets each new one, how many there are now, and of how many. Raises `UserError` for
    a folder that holds another eval, and what keeps every run from beginning: a model that cannot
    be had, a disk that is full.
    """
    check_names(wanted.arms)
    arms, models = open_models(wanted.arms, wanted.settings, wanted.home)
    ready = replace(wanted, arms=arms)
    try:
        opened = partial(ResultsFile.open, wanted.out, await _in_thread(ready.plan))
        results, before = await _in_thread(opened)
        try:
            known = {e.key: e for e in before if not (wanted.again and e.error)}
            _check_documents(ready.jobs(), known)
            await _Work(ready, results, known, on_episode).all()
        finally:
            results.close()
    finally:
        with anyio.CancelScope(shield=True):
            for model in models:
                await model.close()
    return [known[job.key] for job in ready.jobs()]


def _check_documents(jobs: Iterable[Job], known: Mapping[EpisodeKey, Episode]) -> None:
    """Raises `UserError` for a run that stands there already, but over other documents: a task
    has the same name whatever its distractors are."""
    for job in jobs:
        before = known.get(job.key)
        if before and before.documents and before.documents != job.documents:
            raise UserError(
                f"the folder holds a run of {job.task.id} over other documents; give another --out"
            )


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)


@dataclass
class _Work:
    """The runs of one eval at work."""

    wanted: Eval
    results: ResultsFile
    known: dict[EpisodeKey, Episode]
    on_episode: Callable[[Episode, int, int], None]

    async def all(self) -> None:
        jobs = list(self.wanted.jobs())
        todo = iter([job for job in jobs if job.key not in self.known])
        self.total = len(jobs)
        self.done = sum(job.key in self.known for job in jobs)
        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(self.wanted.at_once):
                    tasks.start_soon(self._some, todo)
        except BaseExceptionGroup as group:
            raise sole_error(group) from None

    async def _some(self, todo: Iterator[Job]) -> None:
        for job in todo:
            episode = await self._episode(job)
            await self.results.append(episode)
            self.known[job.key] = episode
            self.done += 1
            self.on_episode(episode, self.done, self.total)

    async def _episode(self, job: Job) -> Episode:
        journal = self._journal()
        try:
            try:
                result = await self._run(job, journal)
            except Exception as error:  # noqa: BLE001  what breaks one run ends no other
                return failed_episode(job, error, journal)
            events = journal.events()
            prediction = prediction_of(result, events, journal)
            score = await _in_thread(partial(self.wanted.scorer, job.task, prediction))
            return finished_episode(job, result, score, events, journal)
        finally:
            if isinstance(journal, FolderJournal):
                journal.close()

    def _journal(self) -> Journal:
        if self.wanted.keep_runs:
            return FolderJournal.create(self.wanted.out / "runs" / new_run_id())
        return MemoryJournal(new_run_id())

    async def _run(self, job: Job, journal: Journal) -> RunResult:
        task, arm = job.task, job.arm
        return await run(
            arm.prompt(question_of(task)),
            model=arm.model,
            subagent_model=arm.subagent_model,
            mode=arm.mode,
            over=[await _in_thread(partial(self._folder, job))] if task.corpus else (),
            columns=task.contract,
            limits=limits_for(self.wanted.limits, job.budget, arm),
            home=self.wanted.out / "state",
            settings=self.wanted.settings,
            journal=journal,
        )

    def _folder(self, job: Job) -> Path:
        """The folder with the documents of a task, written if it is not there yet."""
        folder = self.wanted.out / "documents" / job.documents
        if not folder.is_dir():
            begun = folder.with_name(f".{folder.name}-{new_run_id()}")
            self.wanted.corpora[job.task.corpus].write(begun, job.task.scope)
            try:
                begun.replace(folder)
            except OSError:
                shutil.rmtree(begun, ignore_errors=True)
                if not folder.is_dir():  # else another run of the task was there first
                    raise
        return folder


def question_of(task: EvalTask) -> str:
    """What is asked: a short answer in BrowseComp's form, so that it can be told from the rest."""
    return asked(task.question) if task.answer and not task.answers else task.question


def prediction_of(result: RunResult, events: Sequence[AnyEvent], journal: Journal) -> Prediction:
    """What came of a run: its table, or else its answer as it was written, without marks.

    A row of which nothing but the key is there says that nothing was found; it is left out.
    """
    said = [event for event in events if isinstance(event, Answered)]
    text = journal.read(said[-1].text) if said else result.answer
    if result.table is None or not result.table.rows:
        return Prediction(text=text)
    contract = result.table.contract
    asked = [column.name for column in contract.asked]
    rows = [row.values() for row in result.table.rows]
    filled = tuple(row for row in rows if not asked or any(row[name] for name in asked))
    return Prediction(text=text, columns=contract.names, rows=filled)


def correct_cells(task: EvalTask, score: Score) -> float:
    """How many cells of the right table are there; of a short answer 1 or 0."""
    cells = sum(map(len, task.gold)) or len(task.answers)
    return score.item_recall * cells if cells else score.success


def finished_episode(
    job: Job, result: RunResult, score: Score, events: Sequence[AnyEvent], journal: Journal
) -> Episode:
    """The episode of a run that came to an outcome."""
    cells, used = correct_cells(job.task, score), result.stats.tokens
    return Episode(
        **_identity(job, journal),
        outcome=result.outcome,
        why=result.why[:500],
        score=score,
        metrics=run_metrics(events, cells),
        correct_cells=cells,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached_tokens=used.cached_tokens,
        cost_usd=result.stats.cost_usd,
        wall_s=result.stats.wall_s,
    )


def failed_episode(job: Job, error: Exception, journal: Journal) -> Episode:
    """The episode of a run that broke; nothing of it is right, what it used is counted."""
    cause = sole_error(error) if isinstance(error, BaseExceptionGroup) else error
    ours = isinstance(cause, OpenswarmError)
    kind = f"{cause.boundary} {cause.kind}" if ours else f"internal {type(cause).__name__}"
    try:
        events = journal.events()
    except OpenswarmError:
        events = ()
    view = fold(events)
    return Episode(
        **_identity(job, journal),
        outcome="failed",
        error=f"{kind}: {cause}"[:500],
        score=NOTHING_RIGHT,
        metrics=run_metrics(events),
        input_tokens=view.usage.input_tokens,
        output_tokens=view.usage.output_tokens,
        cached_tokens=view.usage.cached_tokens,
        cost_usd=view.cost_usd,
    )


def _identity(job: Job, journal: Journal) -> dict[str, Any]:
    task = job.task
    return {
        "task": task.id,
        "family": task.family,
        "kind": task.kind,
        "split": task.split,
        "width": task.width,
        "arm": job.arm.name,
        "budget_kind": job.budget.kind,
        "budget": job.budget.amount,
        "seed": job.seed,
        "model": spec_of(job.arm.model),
        "subagent_model": spec_of(job.arm.subagent_model),
        "documents": job.documents,
        "run": journal.folder.name if isinstance(journal, FolderJournal) else "",
    }
