"""Rollouts: tasks done by the policy through the same loop, tools and scheduler that users run.

A rollout is a run with a memory journal, whose orchestrator is the policy and whose sub-agents are
frozen. All rollouts of a batch run at once and are decided together. Owns how a task becomes a run
and a run a rollout; what a rollout is worth is `reward`'s business.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from openswarm.core.events import AnyEvent, Content, ModelReplied, ReportReceived, Tick
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.evals.arms import SharedModel
from openswarm.evals.documents import Documents
from openswarm.evals.scoring.score import score
from openswarm.evals.task import CONTROLS, EvalTask, Prediction, Score
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import ChatModel
from openswarm.llm.policy.deciders import Decider
from openswarm.llm.policy.model import PolicyModel
from openswarm.llm.policy.rows import rows_of
from openswarm.modes.run import run
from openswarm.parl.fold import Seconds, Trail, Wanted, as_measured, fold_trail
from openswarm.parl.rollout import Rollout
from openswarm.parl.scene import Scene
from openswarm.parl.simulated import NOTHING, ScriptedReader, ScriptedWorker, ScriptedWriter
from openswarm.parl.workers.profile import WorkerProfile

MAX_STEPS = 400
"""Replies of the orchestrator; the critical-step budget ends a rollout long before."""
PAGE_BYTES = {"elements": 1500}
"""The size of the pages that are read in rollouts, by corpus: an element has one or two."""
USUAL_PAGE_BYTES = 6000
"""The same of other corpora: a country has two."""
TRAINING_WORDS = 0.6
"""The share of a question's words that a policy is shown while it learns."""
NOWHERE = Path("/nonexistent")
"""The home of runs that touch no disk."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What the orchestrator may do: the arms differ in this alone."""

    spawn: bool = True
    """Whether it has the spawn tools."""
    parallel: bool = True
    """Whether a turn may have more than one call."""
    reads: int = 1
    """Calls of a turn that read. A turn that reads assigns nothing."""
    creates: bool = True
    """Whether it may register configurations of its own."""
    direct: bool = True
    """Whether it has tools of its own to read with."""


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """A task to be done once."""

    task: EvalTask
    group: str
    seed: int
    critical_steps: int | None
    """The budget; at its end the answer is forced. None is no budget."""
    steps: int | None = None
    """A budget of all steps, whoever takes them."""


Lead = Callable[[Scene, Seat, Callable[[], bool]], ChatModel]
"""Makes the orchestrator of one rollout, where a decider's narrow policy is not what leads.

Of the rollout's scene, its seat, and whether a turn may still call."""


class Environment:
    """Makes rollouts over the documents of some corpora."""

    def __init__(
        self,
        corpora: Mapping[str, Documents],
        profile: WorkerProfile,
        workers: Decider | None = None,
        *,
        joint: bool = False,
        words: float = 1.0,
        real: ChatModel | None = None,
    ) -> None:
        """`corpora` are those that tasks name; `profile` is how the frozen workers behave.

        `workers` decides for sub-agents in the place of the script; with `joint` their tokens are
        part of a rollout too, so that they are trained with the orchestrator. `words` is the share
        of a question's words that the policy is shown: `TRAINING_WORDS` where it learns. `real` is
        a model that works as sub-agents with the real tools, in the place of both, on tasks that
        ask for a table; its steps take what they took. Whoever made it closes it.
        """
        self.corpora = corpora
        self.profile = profile
        self.workers = workers
        self.joint = joint
        self.words = words
        self.real = real

    async def rollouts(
        self, requests: Sequence[RolloutRequest], decider: Decider | Lead, seat: Seat
    ) -> list[Rollout]:
        """All rollouts, in the order of their requests, made at the same time."""
        made: dict[int, Rollout] = {}

        async def make(place: int, request: RolloutRequest) -> None:
            made[place] = await self.rollout(request, decider, seat)

        async with anyio.create_task_group() as tasks:
            for place, request in enumerate(requests):
                tasks.start_soon(make, place, request)
        return [made[place] for place in range(len(requests))]

    async def rollout(
        self, request: RolloutRequest, decider: Decider | Lead, seat: Seat
    ) -> Rollout:
        """One rollout."""
        documents = self.corpora[request.task.corpus]
        page_bytes = page_bytes_of(documents.name)
        scene = Scene(request.task, documents, self.profile, request.seed, page_bytes)
        journal = MemoryJournal(run_id=request.group)
        lead = decider if callable(decider) else _narrow(decider, self.words)
        policy = lead(scene, seat, _steps_left(journal, request.steps))
        result = await run(
            question_of(request.task),
            model=policy,
            subagent_model=self._workers(scene),
            tools=scene.tools() if seat.direct else [],
            columns=request.task.contract,
            mode="swarm" if seat.spawn else "agent",
            limits=limits_of(request),
            journal=journal,
            home=NOWHERE,
            settings=Settings(),
        )
        trail = fold_trail(
            journal.events(),
            journal.read,
            as_measured if self.real else _drawn_seconds(scene),
            _asked_for(scene, journal.read),
            request.task.contract.key if request.task.contract else (),
        )
        return rollout_of(request, result, trail, workers=self.joint)

    def _workers(self, scene: Scene) -> ChatModel:
        if self.real is not None:
            return SharedModel(self.real)
        if self.workers is None:
            return ScriptedWorker(scene)
        numbers = scene.draws("workers")
        reader = ScriptedReader(scene)
        return PolicyModel(
            "worker",
            self.workers,
            reader,
            parallel=False,
            words=self.words,
            seed=lambda: numbers.randrange(1 << 30),
        )


def _narrow(decider: Decider, words: float) -> Lead:
    """The small policy, which decides and has its words written."""

    def lead(scene: Scene, seat: Seat, may_call: Callable[[], bool]) -> ChatModel:
        return PolicyModel(
            "policy",
            decider,
            ScriptedWriter(scene),
            parallel=seat.parallel,
            reads=seat.reads,
            creates=seat.creates,
            words=words,
            may_call=may_call,
            seed=lambda: scene.draws("policy").randrange(1 << 30),
        )

    return lead


def page_bytes_of(corpus: str) -> int:
    """The size of a page of a corpus in rollouts."""
    return PAGE_BYTES.get(corpus, USUAL_PAGE_BYTES)


def question_of(task: EvalTask) -> str:
    """What the orchestrator is asked: the question, and which documents there are."""
    return f"{task.question}\n\nDocuments: {'; '.join(task.scope)}"


def limits_of(request: RolloutRequest) -> Limits:
    """The limits of a rollout."""
    return Limits(
        orchestrator_steps=MAX_STEPS,
        critical_steps=request.critical_steps,
        steps=request.steps,
        usd=None,
    )


def prediction_of(result: RunResult, answer: str) -> Prediction:
    """What a run came to: its table, and rows of its answer that the table lacks."""
    table = result.table
    columns = table.contract.names if table else ()
    rows = [
        {name: cell.value for name, cell in row.cells.items()}
        for row in (table.rows if table else ())
    ]
    if table is not None:
        key = table.contract.key
        known = {tuple(row[name].casefold() for name in key) for row in rows}
        rows += [
            {name: row.get(name, "") for name in columns}
            for row in rows_of(answer)
            if tuple(row.get(name, "").casefold() for name in key) not in known
        ]
        rows = [row for row in rows if any(v for name, v in row.items() if name not in key)]
    return Prediction(text=answer, columns=tuple(columns), rows=tuple(rows))


def rollout_of(
    request: RolloutRequest, result: RunResult, trail: Trail, *, workers: bool = False
) -> Rollout:
    """The rollout of a run that is over; with `workers` the tokens of sub-agents are in it."""
    task, stages = request.task, trail.stages
    scored = score(task, prediction_of(result, trail.answer))
    forced = trail.budget_hit or (
        request.steps is not None and stages.total_steps >= request.steps - 1
    )
    return Rollout(
        task=task.id,
        group=request.group,
        segments=trail.segments(workers=workers),
        stages=trail.all_stages(),
        main_steps=stages.main_steps,
        created=trail.created,
        refused=trail.refused,
        critical_steps=stages.critical_steps,
        total_steps=stages.total_steps,
        seconds=trail.wall_seconds,
        tokens=trail.usage.total_tokens,
        outcome=result.outcome,
        budget_hit=forced,
        quality=quality_of(scored, forced=forced),
        item_f1=scored.item_f1,
        success=scored.success,
        correct_cells=_correct_cells(task, scored),
        meta={"family": task.family, "kind": task.kind, "width": float(task.width)},
    )


def quality_of(scored: Score, *, forced: bool) -> float:
    """r_perf: half for how much is there and right, half for all of it, said without being forced.

    An orchestrator that works on until its budget ends has not seen that it was done.
    """
    return 0.5 * scored.item_f1 + 0.5 * scored.success * (not forced)


def _correct_cells(task: EvalTask, scored: Score) -> int:
    cells = sum(len(row) for row in task.gold) or 1
    return math.floor(scored.item_recall * cells + 0.5)


def _steps_left(journal: MemoryJournal, limit: int | None) -> Callable[[], bool]:
    """Whether a budget of all steps allows another turn and the answer after it."""
    taken = [0]

    def count(event: AnyEvent | Tick) -> None:
        taken[0] += isinstance(event, ModelReplied)

    journal.observe(count)
    return lambda: limit is None or limit - taken[0] > 2


def _asked_for(scene: Scene, read: Callable[[Content], str]) -> Wanted:
    """Whether a report brings what the task asks for and the orchestrator has not read itself.

    That is a row of the right table; where no table is asked for, any text that says something. Of
    a control nothing is: sub-agents cannot help there.
    """
    task = scene.task
    keys = task.contract.key if task.contract else ()
    alone = {part.name.casefold() for part in task.parts if scene.known_by_root(part)}
    rows_of_gold = (tuple(row[name].casefold() for name in keys) for row in task.gold)
    wanted = {row for row in rows_of_gold if not alone.intersection(row[:1])}

    def asked(report: ReportReceived) -> bool:
        if task.kind in CONTROLS:
            return False
        rows = (tuple(row.cells[name].value.casefold() for name in keys) for row in report.rows)
        return any(row in wanted for row in rows) if keys else read(report.text) != NOTHING

    return asked


def _drawn_seconds(scene: Scene) -> Seconds:
    """What steps would have taken: drawn from the profile, the same for the same place."""

    def seconds(path: str, step: int, _: ModelReplied) -> float:
        return scene.profile.step_seconds.draw(scene.draws("seconds", path, step))

    return seconds
