"""What of a rollout other trainers log beside its reward. Knows `parl.rollout` alone."""

from openswarm.parl.rollout import Rollout


def figures(rollout: Rollout) -> dict[str, float]:
    """The figures of one rollout by name: counts, shares from 0 to 1, `path_seconds` in seconds."""
    return {
        "critical_steps": rollout.critical_steps,
        "total_steps": rollout.total_steps,
        "spawned": rollout.spawned,
        "created": rollout.created,
        "refused": rollout.refused,
        "quality": rollout.quality,
        "item_f1": rollout.item_f1,
        "success": rollout.success,
        "tree_tokens": rollout.tokens,
        "path_seconds": rollout.seconds,
        "budget_hit": float(rollout.budget_hit),
    }
