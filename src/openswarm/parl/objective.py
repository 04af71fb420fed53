"""The objective of the K2.5 report, section 4.4.2: token-level clipping without regard to sign.

    J = E_x [ 1/N Σ_j Σ_i  Clip(π/π_old, α, β)·(r_j − r̄) − τ·(log π/π_old)² ],   N = Σ_j |y_j|

r̄ is the group's mean reward; nothing is divided by a deviation. Clip masks: a token whose ratio
left [α, β] gives no policy gradient, whatever the sign of its advantage; the τ term pulls it back.
The report calls α and β positive bounds of the log-ratio, but its formula clips the ratio: bounds
of the ratio are meant here, α < 1 < β. α, β and τ are not published.
Only tokens that the orchestrator chose are in N and in the sum.

Legend of shapes: S chosen tokens of a batch, C choices, G groups, K rollouts.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Objective:
    """The constants of the objective."""

    alpha: float = 0.7
    """The least ratio that gives a gradient."""
    beta: float = 1.3
    """The greatest."""
    tau: float = 0.02
    """The weight of the squared log-ratio."""
    entropy: float = 0.004
    """The weight of the policy's entropy over what was allowed; not in the report."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch and what it was made of."""

    total: torch.Tensor
    masked: float
    """The share of tokens outside [α, β]."""
    divergence: float
    """The mean squared log-ratio."""
    entropy: float


def advantages(rewards: Sequence[float], groups: Sequence[str]) -> list[float]:
    """Each reward less the mean of its group."""
    by_group: dict[str, list[float]] = defaultdict(list)
    for reward, group in zip(rewards, groups, strict=True):
        by_group[group].append(reward)
    means = {group: sum(values) / len(values) for group, values in by_group.items()}
    return [reward - means[group] for reward, group in zip(rewards, groups, strict=True)]


def token_weights(
    lengths: Sequence[int], groups: Sequence[str], values: Sequence[float]
) -> list[float]:
    """By rollout: what each of its tokens counts, 1/N of its group over the number of groups.

    Groups in which all advantages (`values`) are 0 teach nothing; they count nothing, so that the τ
    term does not outweigh the rest.
    """
    size: dict[str, int] = defaultdict(int)
    live = {group for group, value in zip(groups, values, strict=True) if abs(value) > 1e-9}
    for length, group in zip(lengths, groups, strict=True):
        size[group] += length
    return [
        1.0 / (size[group] * len(live)) if group in live and size[group] else 0.0
        for group in groups
    ]


def loss_of(
    logprobs_SC: torch.Tensor,
    taken_S: torch.Tensor,
    old_S: torch.Tensor,
    advantages_S: torch.Tensor,
    weights_S: torch.Tensor,
    objective: Objective,
) -> Loss:
    """The negated objective of some tokens.

    `logprobs_SC` are the policy's log-probabilities of the allowed tokens (-inf beyond them),
    `taken_S` the place of the one that was taken, `old_S` its log-probability when it was.
    """
    new_S = logprobs_SC.gather(1, taken_S[:, None])[:, 0]
    log_ratio_S = new_S - old_S
    ratio_S = log_ratio_S.exp()
    kept_S = (ratio_S >= objective.alpha) & (ratio_S <= objective.beta)
    gain_S = torch.where(kept_S, ratio_S, torch.zeros_like(ratio_S)) * advantages_S
    squared_S = log_ratio_S**2
    entropy_S = -(logprobs_SC.exp() * logprobs_SC.masked_fill(logprobs_SC.isinf(), 0.0)).sum(-1)
    value_S = gain_S - objective.tau * squared_S + objective.entropy * entropy_S
    with torch.no_grad():
        masked = float((~kept_S).float().mean())
        divergence, entropy = float(squared_S.mean()), float(entropy_S.mean())
    return Loss(-(weights_S * value_S).sum(), masked, divergence, entropy)
