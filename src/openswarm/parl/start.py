"""The supervised start: a policy learns the language and the usual ways from demonstrations.

Only decisions are learned, over what was allowed at each. Owns the making of demonstrations and the
loop over them; what is demonstrated is `demonstrations`' business.

Legend of shapes: S chosen tokens, C choices.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import torch

from openswarm.k25.model import K25
from openswarm.k25.muon import MuonClip, param_groups
from openswarm.parl.batches import Rows, batches_of, choice_logprobs
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.demonstrations import Demonstrator, draw_manner
from openswarm.parl.environment import Environment, RolloutRequest, Seat
from openswarm.parl.rollout import Segment


@dataclass(frozen=True, slots=True)
class StartRecipe:
    """How the start is trained."""

    demonstrations: int = 8000
    steps: int = 900
    batch: int = 32
    """Demonstrations of a step."""
    rate: float = 4e-3
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Up in 20 steps, level, and down to nothing over the last half."""
        left = (self.steps - step) / max(1.0, self.steps / 2)
        return self.rate * min((step + 1) / 20, 1.0, max(left, 0.02))


SEATS = (Seat(), Seat(), Seat(), Seat(spawn=False, parallel=False), Seat(spawn=False, reads=12))
"""Whose ways are demonstrated: one start serves every arm."""


def demonstrate(
    environment: Environment, curriculum: Curriculum, count: int, seed: int
) -> list[Segment]:
    """The segments of so many demonstrations, made by runs that a script leads."""
    tasks = curriculum.draw(count, seed, -1)

    async def one(place: int) -> Segment:
        task, seat = tasks[place], SEATS[place % len(SEATS)]
        numbers = random.Random(f"demonstration/{seed}/{place}")
        manner = draw_manner(task, numbers, spawn=seat.spawn, reads=seat.reads)
        request = RolloutRequest(task, "demonstration", seed + place, None)
        rollout = await environment.rollout(request, Demonstrator(task, manner), seat)
        return rollout.segments[0]

    async def every() -> list[Segment]:
        return [await one(place) for place in range(count)]

    return anyio.run(every)


def imitate(
    model: K25,
    segments: Sequence[Segment],
    recipe: StartRecipe,
    tell: Callable[[int, float, float], None] = lambda *_: None,
) -> None:
    """Trains on demonstrations; `tell` gets step, nats a decision, and the share decided alike.

    Raises `ArithmeticError` when the loss is not finite.
    """
    optimiser = MuonClip(param_groups(model), lr=recipe.rate, weight_decay=0.05)
    model.train()
    for step in range(recipe.steps):
        numbers = random.Random(f"imitate/{recipe.seed}/{step}")
        chosen = [segments[numbers.randrange(len(segments))] for _ in range(recipe.batch)]
        total = sum(sum(segment.mask) for segment in chosen)
        loss, alike = 0.0, 0
        for rows in batches_of(chosen):
            with torch.autocast("cpu", torch.bfloat16):
                logprobs_SC = choice_logprobs(model, rows)
            part = _nats(logprobs_SC, rows) / total
            part.backward()
            loss += float(part.detach())
            alike += int((logprobs_SC.argmax(-1) == rows.taken_S).sum())
        if not math.isfinite(loss):
            raise ArithmeticError(f"the loss of step {step} is {loss}")
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        for router in model.routers():
            router.rebalance(1e-3)
        tell(step, loss, alike / total)


def _nats(logprobs_SC: torch.Tensor, rows: Rows) -> torch.Tensor:
    return -logprobs_SC.gather(1, rows.taken_S[:, None]).sum()
