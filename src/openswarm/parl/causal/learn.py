"""Updates of a causal model: the objective of `parl.objective` over its whole vocabulary.

Owns padding, the passes that fit in memory, AdamW and the checkpoint. The model stays in evaluation
mode: dropout would be taken for a change of the policy. Knows no run.

Legend of shapes: B rows, L positions, S chosen tokens, V vocabulary.
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import anyio
import torch

from openswarm.core.errors import SettingsError
from openswarm.parl.causal.adapter import Causal
from openswarm.parl.environment import Environment, Lead, RolloutRequest, Seat
from openswarm.parl.objective import Loss, Objective, advantages, loss_of, token_weights
from openswarm.parl.reward import reward_of
from openswarm.parl.rollout import Rollout, Segment

MAX_TOKENS = 8192
"""Tokens of one pass, padding included; gradients of passes add up to one step."""
STATE = "optimiser.pt"
_BROKEN = (OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError, UnpicklingError)
"""What reading a state that is none raises."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some segments, padded at their ends to one length."""

    members: tuple[int, ...]
    """Which segments they are."""
    tokens_BL: torch.Tensor
    seen_BL: torch.Tensor
    """1 where a token is no padding."""
    row_S: torch.Tensor
    before_S: torch.Tensor
    """The position before each chosen token, whose scores choose it."""
    taken_S: torch.Tensor
    old_S: torch.Tensor
    """Its log-probability when it was drawn."""

    @property
    def owner_S(self) -> torch.Tensor:
        """The segment of each chosen token."""
        return torch.tensor(self.members)[self.row_S]


@dataclass(frozen=True, slots=True)
class Update:
    """What one update was made of."""

    rollouts: list[Rollout]
    totals: list[float]
    """The rewards."""
    losses: list[Loss]
    """One a pass; none when all rollouts of each group were worth the same."""


def batches_of(segments: Sequence[Segment], max_tokens: int = MAX_TOKENS) -> Iterator[Batch]:
    """Segments of like length together; those in which nothing was chosen are left out.

    A segment that is longer than `max_tokens` is a batch by itself. Raises `ValueError` for the
    segments of a policy that could not choose from its whole vocabulary.
    """
    if any(segment.choices for segment in segments):
        raise ValueError("these rollouts are of a policy with narrow choices")
    places = [place for place, segment in enumerate(segments) if any(segment.mask)]
    places.sort(key=lambda place: len(segments[place].ids))
    members: list[int] = []
    for place in places:
        if members and (len(members) + 1) * len(segments[place].ids) > max_tokens:
            yield _batch(segments, members)
            members = []
        members.append(place)
    if members:
        yield _batch(segments, members)


def _batch(segments: Sequence[Segment], members: Sequence[int]) -> Batch:
    mine = [segments[place] for place in members]
    longest = max(len(segment.ids) for segment in mine)
    chosen = [
        (row, place)
        for row, segment in enumerate(mine)
        for place, is_chosen in enumerate(segment.mask)
        if is_chosen
    ]
    return Batch(
        tuple(members),
        torch.tensor([[*s.ids, *[0] * (longest - len(s.ids))] for s in mine]),
        torch.tensor([[1] * len(s.ids) + [0] * (longest - len(s.ids)) for s in mine]),
        torch.tensor([row for row, _ in chosen]),
        torch.tensor([place - 1 for _, place in chosen]),
        torch.tensor([mine[row].ids[place] for row, place in chosen]),
        torch.tensor([mine[row].logprobs[place] for row, place in chosen]),
    )


def chosen_logprobs(model: Any, batch: Batch) -> torch.Tensor:
    """The log-probabilities `(S, V)` of all that could have been said for each chosen token."""
    device = model.device
    kept, place_S = batch.before_S.unique(return_inverse=True)
    inputs = {
        "input_ids": batch.tokens_BL.to(device),
        "attention_mask": batch.seen_BL.to(device),
        "use_cache": False,
    }
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if "logits_to_keep" in inspect.signature(inner.forward).parameters:
        scores_BKV = model(**inputs, logits_to_keep=kept.to(device)).logits
        scores_SV = scores_BKV[batch.row_S, place_S]
    else:
        scores_SV = model(**inputs).logits[batch.row_S, batch.before_S]
    return scores_SV.float().log_softmax(-1).cpu()


class Learner:
    """Changes the weights of a causal model by what rollouts were worth."""

    def __init__(
        self,
        causal: Causal,
        *,
        rate: float = 1e-5,
        objective: Objective | None = None,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        """Parameters that need no gradient stay as they are."""
        self.causal = causal
        self.updates = 0
        self._objective = objective or Objective()
        self._max_tokens = max_tokens
        self._weights = [p for p in causal.model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(self._weights, lr=rate, weight_decay=0.0)

    def update(
        self,
        environment: Environment,
        requests: Sequence[RolloutRequest],
        lead: Lead,
        seat: Seat,
        lambdas: tuple[float, float] = (0.0, 0.0),
    ) -> Update:
        """Makes rollouts with the model as it is, and one step of what they teach.

        `lead` is `policy.leading` of the same model; `lambdas` are λ1 and λ2.
        """
        rollouts = anyio.run(environment.rollouts, requests, lead, seat)
        totals = [reward_of(rollout, lambdas).total for rollout in rollouts]
        return Update(rollouts, totals, self.step(rollouts, totals))

    def step(self, rollouts: Sequence[Rollout], totals: Sequence[float]) -> list[Loss]:
        """One step of the optimiser for rollouts that are worth `totals`."""
        groups = [rollout.group for rollout in rollouts]
        values = advantages(totals, groups)
        weights = token_weights([rollout.length for rollout in rollouts], groups, values)
        live = [
            (segment, value, weight)
            for rollout, value, weight in zip(rollouts, values, weights, strict=True)
            for segment in rollout.segments
            if weight
        ]
        values_of = torch.tensor([value for _, value, _ in live])
        weights_of = torch.tensor([weight for _, _, weight in live])
        self.causal.model.eval()
        losses = []
        for batch in batches_of([segment for segment, _, _ in live], self._max_tokens):
            owner_S = batch.owner_S
            loss = loss_of(
                chosen_logprobs(self.causal.model, batch),
                batch.taken_S,
                batch.old_S,
                values_of[owner_S],
                weights_of[owner_S],
                self._objective,
            )
            loss.total.backward()
            losses.append(loss)
        if losses:
            torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
            self._optimiser.step()
            self._optimiser.zero_grad(set_to_none=True)
        self.updates += 1
        return losses

    def save(self, folder: Path) -> None:
        """Writes weights and tokenizer, as `load_causal` reads them, and the optimiser's state."""
        folder.mkdir(parents=True, exist_ok=True)
        self.causal.save(folder)
        state = {"updates": self.updates, "optimiser": self._optimiser.state_dict()}
        beside = folder / f"{STATE}.new"
        torch.save(state, beside)
        beside.replace(folder / STATE)

    def resume(self, folder: Path) -> None:
        """Takes the optimiser's state of a folder whose weights the model already has.

        Raises `SettingsError` when it is not there, or of another model.
        """
        try:
            state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
            self._optimiser.load_state_dict(state["optimiser"])
            self.updates = int(state["updates"])
        except _BROKEN as error:
            raise SettingsError(f"{folder} cannot be gone on from: {error}") from None
