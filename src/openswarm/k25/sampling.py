"""From logits to the next token: temperature, nucleus, and the log-probabilities to keep.

Owns one draw for a batch of rows. Each row brings its own random number, so that what a request
says does not depend on the rows beside it. Knows no model, cache or text.

Legend of shapes: B rows, V vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from openswarm.core.errors import UserError
from openswarm.k25.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn. Raises `UserError` naming a value that makes no sense."""

    temperature: float = 1.0
    """0 takes the most likely token each time."""
    top_p: float = 1.0
    """Only the most likely tokens are drawn that together have this probability."""
    seed: int = 0
    max_tokens: int = 4096
    stop: frozenset[int] = frozenset()
    """Token ids that end a reply; the one that did is the reply's last token."""

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise UserError(f"temperature has to be 0 or more, it is {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p has to be above 0 and at most 1, it is {self.top_p}")
        if self.max_tokens < 1:
            raise UserError(f"max_tokens has to be 1 or more, it is {self.max_tokens}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """The next token of each row, and how likely it was, in two distributions."""

    tokens_B: torch.Tensor
    logprobs_B: torch.Tensor
    """Under the model at the row's temperature (1 for greedy rows), over the whole vocabulary.

    Reinforcement learning takes this as the old policy: the new policy is computed over the whole
    vocabulary as well, so the two can be divided.
    """
    drawn_logprobs_B: torch.Tensor
    """Under what was drawn from: after grammar and nucleus; 0 for greedy rows."""


def sample(
    logits_BV: torch.Tensor,
    samplings: Sequence[Sampling],
    uniform_B: torch.Tensor,
    allowed_BV: torch.Tensor | None = None,
) -> Drawn:
    """Draws a token for each row.

    `uniform_B` are numbers in [0, 1) in float64, which choose the tokens by the inverse of the
    cumulative distribution; `allowed_BV` is True where a grammar lets a token stand. Raises
    `ModelFileError` for logits that are not finite and for a row in which nothing is allowed.
    """
    if not bool(torch.isfinite(logits_BV).all()):
        raise ModelFileError("the model's logits are not finite; its weights are broken")
    greedy_B = torch.tensor([row.temperature == 0 for row in samplings])
    temperature_B = torch.tensor([row.temperature or 1.0 for row in samplings], dtype=torch.float64)
    # the largest becomes 0 first: divided by a tiny temperature, logits would not be finite
    below_BV = logits_BV.double() - logits_BV.amax(-1, keepdim=True).double()
    logprobs_BV = (below_BV / temperature_B[:, None]).log_softmax(-1).float()
    kept_BV = logprobs_BV
    if allowed_BV is not None:
        if not bool(allowed_BV.any(-1).all()):
            raise ModelFileError("a reply's grammar allows no token, not even its end")
        kept_BV = kept_BV.masked_fill(~allowed_BV, -torch.inf)
    best_B = kept_BV.argmax(-1)
    kept_BV = _nucleus(kept_BV, torch.tensor([row.top_p for row in samplings])).log_softmax(-1)
    tokens_B = torch.where(greedy_B, best_B, _inverse(kept_BV, uniform_B))
    drawn_B = kept_BV.gather(-1, tokens_B[:, None])[:, 0]
    return Drawn(
        tokens_B,
        logprobs_BV.gather(-1, tokens_B[:, None])[:, 0],
        drawn_B.masked_fill(greedy_B, 0.0),
    )


def _nucleus(logprobs_BV: torch.Tensor, top_p_B: torch.Tensor) -> torch.Tensor:
    """Leaves the fewest tokens that have `top_p` together; the others get minus infinity."""
    if bool((top_p_B == 1).all()):
        return logprobs_BV
    sorted_BV, order_BV = logprobs_BV.softmax(-1).sort(stable=True, dim=-1, descending=True)
    before_BV = sorted_BV.cumsum(-1) - sorted_BV
    outside_BV = (before_BV >= top_p_B[:, None]) & (top_p_B[:, None] < 1)
    outside_BV[:, 0] = False
    outside_BV = torch.zeros_like(outside_BV).scatter(-1, order_BV, outside_BV)
    return logprobs_BV.masked_fill(outside_BV, -torch.inf)


def _inverse(logprobs_BV: torch.Tensor, uniform_B: torch.Tensor) -> torch.Tensor:
    """The token at which the cumulative probability passes the row's number.

    It is summed in float64: the tail of a large vocabulary would vanish in float32.
    """
    cumulative_BV = logprobs_BV.double().exp().cumsum(-1)
    total_B = cumulative_BV[:, -1]
    # a product that rounds up to the total would point behind the last token that may be drawn
    below_B = torch.nextafter(total_B, torch.zeros_like(total_B))
    point_B = torch.minimum(uniform_B * total_B, below_B)
    return torch.searchsorted(cumulative_BV, point_B[:, None], right=True)[:, 0]
