"""What a batch of rollouts looks like in figures: quality, parallelism, cost, and pathologies.

Signatures of serial collapse, spurious parallelism and over-delegation follow the K2.5 report's
names. Pure functions over rollouts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from openswarm.evals.task import CONTROLS
from openswarm.parl.reward import r_finish, r_parallel
from openswarm.parl.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over rollouts; `wide` over those whose work can be done at once, `control` others."""

    quality: float
    item_f1: float
    success: float
    parallel: float
    """r_parallel, unweighted."""
    finish: float
    """r_finish, unweighted."""
    wide_f1: float
    wide_success: float
    wide_spawned: float
    wide_group: float
    """Sub-agents of a stage that assigned any; 0 where none did."""
    wide_delegated: float
    """The share of wide tasks with a sub-agent."""
    wide_critical: float
    wide_steps: float
    wide_parallelism: float
    """All steps over critical steps."""
    wide_yield: float
    """Correct cells a sub-agent."""
    control_success: float
    control_spawned: float
    """The share of controls with a sub-agent: over-delegation."""
    created: float
    refused: float
    failed: float
    """Assignments that did not complete, a rollout."""
    useless: float
    """Assignments that completed and brought nothing new, a rollout."""
    critical: float
    steps: float
    seconds: float
    tokens: float
    budget_hit: float

    def values(self) -> dict[str, float]:
        """All figures by name."""
        return asdict(self)


def figures_of(rollouts: Sequence[Rollout]) -> Figures:
    """The figures of some rollouts; a mean of nothing is NaN."""
    wide = [rollout for rollout in rollouts if rollout.meta.get("kind") not in CONTROLS]
    controls = [rollout for rollout in rollouts if rollout.meta.get("kind") in CONTROLS]
    return Figures(
        quality=_mean(rollouts, lambda r: r.quality),
        item_f1=_mean(rollouts, lambda r: r.item_f1),
        success=_mean(rollouts, lambda r: r.success),
        parallel=_mean(rollouts, lambda r: r_parallel(r.stages)),
        finish=_mean(rollouts, lambda r: r_finish(r.stages)),
        wide_f1=_mean(wide, lambda r: r.item_f1),
        wide_success=_mean(wide, lambda r: r.success),
        wide_spawned=_mean(wide, lambda r: r.spawned),
        wide_group=_mean(wide, group_width),
        wide_delegated=_mean(wide, lambda r: bool(r.spawned)),
        wide_critical=_mean(wide, lambda r: r.critical_steps),
        wide_steps=_mean(wide, lambda r: r.total_steps),
        wide_parallelism=_mean(wide, lambda r: r.total_steps / max(1, r.critical_steps)),
        wide_yield=sum(r.correct_cells for r in wide if r.spawned)
        / max(1, sum(r.spawned for r in wide)),
        control_success=_mean(controls, lambda r: r.success),
        control_spawned=_mean(controls, lambda r: bool(r.spawned)),
        created=_mean(rollouts, lambda r: r.created),
        refused=_mean(rollouts, lambda r: r.refused),
        failed=_mean(rollouts, lambda r: _count(r, lambda outcome, _: outcome != "completed")),
        useless=_mean(rollouts, lambda r: _count(r, lambda o, u: o == "completed" and not u)),
        critical=_mean(rollouts, lambda r: r.critical_steps),
        steps=_mean(rollouts, lambda r: r.total_steps),
        seconds=_mean(rollouts, lambda r: r.seconds),
        tokens=_mean(rollouts, lambda r: r.tokens),
        budget_hit=_mean(rollouts, lambda r: r.budget_hit),
    )


def group_width(rollout: Rollout) -> float:
    """Sub-agents of a stage, the mean over stages that assigned any; 0 where none did."""
    return rollout.spawned / len(rollout.stages) if rollout.stages else 0.0


def _count(rollout: Rollout, fits: Callable[[str, bool], bool]) -> int:
    return sum(
        fits(outcome, useful)
        for stage in rollout.stages
        for outcome, useful in zip(stage.outcomes, stage.useful, strict=True)
    )


def _mean(rollouts: Sequence[Rollout], value: Callable[[Rollout], float]) -> float:
    return sum(map(value, rollouts)) / len(rollouts) if rollouts else math.nan
