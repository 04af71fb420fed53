"""The training of an orchestrator: rollouts, rewards, updates, over and over.

Tasks, draws and budgets of an update are a function of the seed and its number, so a training that
was ended goes on from its last checkpoint. Writes `log.jsonl` (a line an update) and `state/` into
its folder. Owns the order of things; each step is another module's.
"""

import copy
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import torch

from openswarm.evals.task import EvalTask
from openswarm.k25.model import K25
from openswarm.k25.muon import MuonClip, param_groups
from openswarm.k25.training_state import latest_step, load_state, save_state
from openswarm.llm.policy.deciders import Together
from openswarm.llm.policy.sampler import Sampler
from openswarm.parl.arms import Arm
from openswarm.parl.batches import Rows, batches_of, choice_logprobs
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.environment import TRAINING_WORDS, Environment, RolloutRequest
from openswarm.parl.figures import Figures, figures_of
from openswarm.parl.objective import Loss, Objective, advantages, loss_of, token_weights
from openswarm.parl.reward import Reward, reward_of
from openswarm.parl.rollout import Rollout
from openswarm.parl.toggle import toggled, with_budgets
from openswarm.parl.workers.profile import WorkerProfile

LOG = "log.jsonl"
BUDGETS = "toggle"
"""The beginning of the name of Toggle's budgets; its update follows, in older folders nothing."""
WORKER_TOKENS = 512
"""The window of a sub-agent that a policy decides for."""
LOOSE_STEPS = 20
"""What a loose budget allows beyond twice the steps of one agent alone."""


Elsewhere = Callable[[K25, Sequence[RolloutRequest]], list[Rollout]]
"""Makes rollouts with the policy as it is: over a cluster, say."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an arm is trained."""

    updates: int = 60
    tasks: int = 8
    """Tasks of an update."""
    rollouts: int = 8
    """Rollouts of a task: the group that they are compared in."""
    minibatches: int = 2
    """Optimiser steps of an update, each with a part of its groups."""
    rate: float = 1e-3
    seed: int = 0
    objective: Objective = field(default_factory=Objective)
    save_every: int = 10


@dataclass(slots=True)
class Progress:
    """One line of the log: figures of an update's rollouts, and of its optimisation."""

    update: int
    lambda_parallel: float
    lambda_finish: float
    reward: float
    figures: Figures
    masked: float
    divergence: float
    entropy: float
    rollout_s: float
    update_s: float

    def line(self) -> str:
        """As it stands in the log; what is a mean of nothing is null."""
        own = {
            name: getattr(self, name)
            for name in self.__slots__  # type: ignore[attr-defined]
            if name != "figures"
        }
        values = {**own, **self.figures.values()}
        return json.dumps({name: _logged(value) for name, value in values.items()})


class Trainer:
    """Trains one arm from a start."""

    def __init__(
        self,
        model: K25,
        arm: Arm,
        recipe: Recipe,
        curriculum: Curriculum,
        environment: Environment,
        folder: Path,
        stronger: WorkerProfile | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`stronger` are the frozen workers of the second half of training, as in the report.

        `elsewhere` makes the rollouts in the place of this process, in an environment of its own.
        """
        self.stronger, self.elsewhere = stronger, elsewhere
        self.model, self.arm, self.recipe = model, arm, recipe
        self.curriculum, self.environment, self.folder = curriculum, environment, folder
        self.optimiser = MuonClip(param_groups(model), lr=recipe.rate, weight_decay=0.0)
        self.start = copy.deepcopy(model).requires_grad_(False) if arm.workers == "start" else model
        """Who decides for sub-agents where these are the start, frozen."""
        self.update = 0
        self.budgets: dict[str, int] = {}
        """Toggle's, by task."""
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> bool:
        """Goes on from the folder's last checkpoint, if it has one."""
        step = latest_step(self.folder)
        if step is None:
            return False
        load_state(self.folder, self.model, self.optimiser)
        self.update = step
        _keep_before(self.folder / LOG, step)
        for path in (self.folder / f"{BUDGETS}-{step}.json", self.folder / f"{BUDGETS}.json"):
            if path.exists():
                self.budgets = json.loads(path.read_text("utf-8"))
                break
        return True

    def run(self, tell: Callable[[Progress], None] = lambda _: None) -> None:
        """Trains to the recipe's last update, saving on the way."""
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            while self.update < self.recipe.updates:
                progress = self.one_update()
                log.write(progress.line() + "\n")
                log.flush()
                tell(progress)
                last = self.update == self.recipe.updates
                if last or self.update % self.recipe.save_every == 0:
                    self.save()

    def save(self) -> None:
        """Writes the checkpoint of this update: the state last, which says what to go on from."""
        budgets = self.folder / f"{BUDGETS}-{self.update}.json"
        budgets.write_text(json.dumps(self.budgets), encoding="utf-8")
        save_state(self.folder, self.update, 0, self.model, self.optimiser)
        for path in self.folder.glob(f"{BUDGETS}*.json"):
            if path != budgets:
                path.unlink()

    def one_update(self) -> Progress:
        """Rollouts with the policy as it is, and the steps that they teach."""
        started = time.perf_counter()
        rollouts = self.rollouts()
        made = time.perf_counter()
        share = self.update / self.recipe.updates
        lambdas = self.arm.schedule.at(share)
        rewards = [reward_of(rollout, lambdas) for rollout in rollouts]
        totals = self._totals(rollouts, rewards)
        losses = self.learn(rollouts, totals)
        self.update += 1
        mean = max(1, len(losses))
        return Progress(
            update=self.update - 1,
            lambda_parallel=lambdas[0],
            lambda_finish=lambdas[1],
            reward=sum(totals) / len(totals),
            figures=figures_of(rollouts),
            masked=sum(loss.masked for loss in losses) / mean,
            divergence=sum(loss.divergence for loss in losses) / mean,
            entropy=sum(loss.entropy for loss in losses) / mean,
            rollout_s=made - started,
            update_s=time.perf_counter() - made,
        )

    def rollouts(self) -> list[Rollout]:
        """The rollouts of this update."""
        tasks = self.curriculum.draw(self.recipe.tasks, self.recipe.seed, self.update)
        requests = [
            self._request(task, place, number)
            for place, task in enumerate(tasks)
            for number in range(self.recipe.rollouts)
        ]
        if self.elsewhere is not None:
            return self.elsewhere(self.model, requests)
        tokens = self.model.config.text_config.max_position_embeddings
        decider = Together(Sampler(self.model, slots=len(requests), tokens=tokens))
        environment = self._environment(requests)
        return anyio.run(environment.rollouts, requests, decider, self.arm.seat)

    def _environment(self, requests: Sequence[RolloutRequest]) -> Environment:
        """The environment of this update: its workers become stronger in the second half."""
        corpora, profile = self.environment.corpora, self.environment.profile
        if self.stronger is not None and 2 * self.update >= self.recipe.updates:
            profile = self.stronger
        if self.arm.workers == "scripted":
            return Environment(corpora, profile, words=TRAINING_WORDS)
        joint = self.arm.workers == "joint"
        model = self.model if joint else self.start
        at_once = sum(len(request.task.scope) for request in requests)
        workers = Together(Sampler(model, slots=at_once, tokens=WORKER_TOKENS))
        return Environment(corpora, profile, workers, joint=joint, words=TRAINING_WORDS)

    def _request(self, task: EvalTask, place: int, number: int) -> RolloutRequest:
        limits = self.arm.budget
        budget = self.curriculum.budget(task)
        loose = 2 * self.curriculum.alone(task) + LOOSE_STEPS
        where = f"rollout/{self.recipe.seed}/{self.update}/{place}/{number}"
        return RolloutRequest(
            task,
            group=f"{self.update}/{place}",
            seed=random.Random(where).randrange(1 << 30),
            critical_steps={"critical": budget, "loose": loose, "total": None}[limits],
            steps=budget if limits == "total" else None,
        )

    def _totals(self, rollouts: Sequence[Rollout], rewards: Sequence[Reward]) -> list[float]:
        totals = [reward.total for reward in rewards]
        toggle = self.arm.toggle
        if toggle is None:
            return totals
        lengths, right = [r.tokens for r in rollouts], [r.success == 1 for r in rollouts]
        tasks = [rollout.task for rollout in rollouts]
        self.budgets = with_budgets(self.budgets, tasks, lengths, right, toggle.percentile)
        groups: dict[str, list[int]] = defaultdict(list)
        for place, rollout in enumerate(rollouts):
            groups[rollout.group].append(place)
        for places in groups.values():
            budget = self.budgets.get(tasks[places[0]])
            own = [lengths[place] for place in places]
            quality = sum(rewards[place].perf for place in places) / len(places)
            cut = toggled([totals[p] for p in places], own, quality, budget, toggle, self.update)
            for place, value in zip(places, cut, strict=True):
                totals[place] = value
        return totals

    def learn(self, rollouts: Sequence[Rollout], totals: Sequence[float]) -> list[Loss]:
        """One optimiser step for each part of the groups."""
        groups = list(dict.fromkeys(rollout.group for rollout in rollouts))
        values = advantages(totals, [rollout.group for rollout in rollouts])
        losses: list[Loss] = []
        self.model.train()
        for part in range(self.recipe.minibatches):
            mine = set(groups[part :: self.recipe.minibatches])
            places = [place for place, rollout in enumerate(rollouts) if rollout.group in mine]
            losses += self._step([rollouts[p] for p in places], [values[p] for p in places])
        return losses

    def _step(self, rollouts: Sequence[Rollout], values: Sequence[float]) -> list[Loss]:
        groups = [rollout.group for rollout in rollouts]
        weights = token_weights([rollout.length for rollout in rollouts], groups, values)
        live = [
            (segment, value, weight)
            for rollout, value, weight in zip(rollouts, values, weights, strict=True)
            for segment in rollout.segments
            if weight
        ]
        losses = []
        for rows in batches_of([segment for segment, _, _ in live]):
            loss = self._loss(rows, [value for _, value, _ in live], [w for _, _, w in live])
            loss.total.backward()
            losses.append(loss)
        if losses:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
        return losses

    def _loss(self, rows: Rows, values: Sequence[float], weights: Sequence[float]) -> Loss:
        owner_S = rows.owner_S
        return loss_of(
            choice_logprobs(self.model, rows),
            rows.taken_S,
            rows.old_S,
            torch.tensor(values)[owner_S],
            torch.tensor(weights)[owner_S],
            self.recipe.objective,
        )


def _logged(value: float) -> float | None:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 5)
    return value


def _keep_before(path: Path, update: int) -> None:
    """Drops the lines of updates that are done again, and a torn last one."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["update"] < update:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
