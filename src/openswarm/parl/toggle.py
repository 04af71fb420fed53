"""Toggle: token-efficient reinforcement learning in two alternating phases (report 4.4.2).

    r̃_i = r_i · 1{ mean_k r_k < λ  or  |y_i| ≤ budget(x) }   when ⌊t/m⌋ is even (limited)
    r̃_i = r_i                                               when it is odd (full)
    budget(x) = the ρ-percentile of the lengths of right answers, taken once and then fixed

λ, m and ρ are not published. The length of a rollout is the tokens of its whole tree by default:
what a swarm costs. Pure; the budgets it learns are plain data, so that a run can be resumed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Toggle:
    """The dials of the two phases."""

    threshold: float = 0.7
    """λ: below this mean r_perf a task's rewards are never cut."""
    period: int = 10
    """m: updates of one phase."""
    percentile: float = 0.5
    """ρ: the share of right answers that are within the budget."""

    def limits(self, update: int) -> bool:
        """Whether an update is in the budget-limited phase."""
        return (update // self.period) % 2 == 0


def budget_of(lengths: Sequence[int], is_right: Sequence[bool], percentile: float) -> int | None:
    """The nearest-rank percentile of the lengths of right answers; None when there are none."""
    right = sorted(length for length, good in zip(lengths, is_right, strict=True) if good)
    if not right:
        return None
    return right[min(len(right) - 1, max(0, math.ceil(percentile * len(right)) - 1))]


def toggled(
    rewards: Sequence[float],
    lengths: Sequence[int],
    quality: float,
    budget: int | None,
    toggle: Toggle,
    update: int,
) -> list[float]:
    """The rewards of one task's rollouts in this update; `quality` is the mean of their r_perf."""
    if budget is None or not toggle.limits(update) or quality < toggle.threshold:
        return list(rewards)
    return [
        reward if length <= budget else 0.0 for reward, length in zip(rewards, lengths, strict=True)
    ]


def with_budgets(
    known: Mapping[str, int],
    tasks: Sequence[str],
    lengths: Sequence[int],
    is_right: Sequence[bool],
    percentile: float,
) -> dict[str, int]:
    """The budgets by task: those that are known stay, new ones are estimated from right answers."""
    budgets = dict(known)
    for task in dict.fromkeys(tasks):
        if task in budgets:
            continue
        places = [place for place, name in enumerate(tasks) if name == task]
        found = budget_of(
            [lengths[place] for place in places], [is_right[place] for place in places], percentile
        )
        if found is not None:
            budgets[task] = found
    return budgets
