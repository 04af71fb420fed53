"""Rollouts as tensors: rows of tokens, and the chosen ones with what could have been chosen.

Owns padding and the cut into batches that fit. Knows no reward.

Legend of shapes: B rows, L positions, S chosen tokens, C choices, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from openswarm.k25.model import K25
from openswarm.parl.rollout import Segment

MAX_TOKENS = 16_384
"""Tokens of a batch, padding included."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some segments, padded to one length."""

    members: tuple[int, ...]
    """Which segments they are."""
    tokens_BL: torch.Tensor
    row_S: torch.Tensor
    """The row of each chosen token."""
    before_S: torch.Tensor
    """The position before it, whose logits choose it."""
    allowed_SC: torch.Tensor
    """Ids that were allowed, -1 beyond them."""
    taken_S: torch.Tensor
    """The place of the one that was taken among them."""
    old_S: torch.Tensor
    """Its log-probability when it was."""

    @property
    def owner_S(self) -> torch.Tensor:
        """The segment of each chosen token."""
        return torch.tensor(self.members)[self.row_S]


def batches_of(segments: Sequence[Segment], max_tokens: int = MAX_TOKENS) -> Iterator[Rows]:
    """Segments of like length together; those without a decision are left out."""
    places = [place for place, segment in enumerate(segments) if any(segment.mask)]
    places.sort(key=lambda place: len(segments[place].ids))
    batch: list[int] = []
    for place in places:
        if batch and (len(batch) + 1) * len(segments[place].ids) > max_tokens:
            yield rows_of(segments, batch)
            batch = []
        batch.append(place)
    if batch:
        yield rows_of(segments, batch)


def rows_of(segments: Sequence[Segment], members: Sequence[int]) -> Rows:
    """These segments as tensors. A segment begins with what was read, never with a decision."""
    chosen = [segments[place] for place in members]
    longest = max(len(segment.ids) for segment in chosen)
    width = max(len(choice) for segment in chosen for choice in segment.choices)
    rows, before, allowed, taken, old = [], [], [], [], []
    for row, segment in enumerate(chosen):
        positions = [place for place, is_chosen in enumerate(segment.mask) if is_chosen]
        for position, choice in zip(positions, segment.choices, strict=True):
            rows.append(row)
            before.append(position - 1)
            allowed.append([*choice, *[-1] * (width - len(choice))])
            taken.append(choice.index(segment.ids[position]))
            old.append(segment.logprobs[position])
    tokens = [[*segment.ids, *[0] * (longest - len(segment.ids))] for segment in chosen]
    return Rows(
        tuple(members),
        torch.tensor(tokens),
        torch.tensor(rows),
        torch.tensor(before),
        torch.tensor(allowed),
        torch.tensor(taken),
        torch.tensor(old),
    )


def choice_logprobs(model: K25, rows: Rows) -> torch.Tensor:
    """The log-probabilities `(S, C)` of what was allowed; -inf beyond it."""
    text = model.language_model
    hidden_BLD = text(text.embed_tokens(rows.tokens_BL))
    logits_SV = text.lm_head(hidden_BLD[rows.row_S, rows.before_S]).float()
    logits_SC = logits_SV.gather(1, rows.allowed_SC.clamp_min(0))
    return logits_SC.masked_fill(rows.allowed_SC < 0, -torch.inf).log_softmax(-1)
