"""The reward of PARL: r_perf + λ1·r_parallel + λ2·r_finish, both λ at exactly 0 in the end.

Form and purposes: Kimi K2.5 report (arXiv 2602.02276) section 3. The report gives no closed form of
the two auxiliary terms, no λ and no schedule; what is chosen here is said at each. Pure functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openswarm.parl.rollout import Rollout, Stage

WIDTH_CAP = 8
"""Useful completions at once beyond which `r_parallel` pays no more."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """λ1 and λ2 over training: linear from their start to 0, and 0 from then on."""

    parallel: float = 0.3
    """λ1 at the start. The blog's value is 0.1; 0.6 saturated small policies for good."""
    finish: float = 0.3
    """λ2 at the start."""
    until: float = 0.6
    """The share of training at which both are 0."""
    anneal: bool = True
    """False keeps them for ever, which is an arm to compare with."""

    def at(self, progress: float) -> tuple[float, float]:
        """λ1 and λ2 when this share of training is done, from 0 to 1."""
        if not self.anneal:
            return self.parallel, self.finish
        left = max(0.0, 1.0 - progress / self.until) if self.until > 0 else 0.0
        return self.parallel * left, self.finish * left


@dataclass(frozen=True, slots=True)
class Reward:
    """The terms of one rollout, unweighted, and their weighted sum."""

    perf: float
    parallel: float
    finish: float
    total: float


def reward_of(rollout: Rollout, lambdas: tuple[float, float]) -> Reward:
    """r_PARL = λ1·r_parallel + λ2·r_finish + r_perf."""
    parallel, finish = r_parallel(rollout.stages), r_finish(rollout.stages)
    total = rollout.quality + lambdas[0] * parallel + lambdas[1] * finish
    return Reward(rollout.quality, parallel, finish, total)


def r_parallel(stages: Iterable[Stage]) -> float:
    """How much useful work was done at once, from 0 to 1.

    Chosen: the useful completions of every stage beyond its first one, each brief once, over
    `WIDTH_CAP` - 1. A stage of one earns nothing, so serial delegation is not parallel; a
    configuration, a brief that was completed before, and a report that brings nothing earn nothing.
    What failed and is useful at its second try counts.
    """
    known: set[str] = set()
    beyond = 0
    for stage in stages:
        useful = {
            brief for brief, good in zip(stage.briefs, stage.useful, strict=True) if good
        } - known
        known |= useful
        beyond += max(0, len(useful) - 1)
    return min(1.0, beyond / (WIDTH_CAP - 1))


def r_finish(stages: Iterable[Stage]) -> float:
    """Completed assignments over all assignments; 0 where nothing was assigned.

    Chosen: 0 for no assignment. With 1 the term would pay for working alone while sub-agents fail,
    and policies stopped delegating before they knew how (docs/log.md). So it is a bonus for
    delegating too, which annealing and the budgets of controls have to take back.
    """
    outcomes = [outcome for stage in stages for outcome in stage.outcomes]
    return outcomes.count("completed") / len(outcomes) if outcomes else 0.0
