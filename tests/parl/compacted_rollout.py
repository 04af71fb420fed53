"""A rollout to read, for the tests of exporters. Needs nothing but openswarm."""

from openswarm.parl.rollout import Rollout, Segment, Stage


def compacted(**changes: object) -> Rollout:
    """Two segments, of which the second one begins after a compaction; one stage of two."""
    first = Segment(
        (10, 11, 12, 13, 14, 15), (False, False, True, True, False, True),
        (0.0, 0.0, -0.5, -0.25, 0.0, -1.0),
    )  # fmt: skip
    second = Segment((10, 20, 21), (False, False, True), (0.0, 0.0, -2.0))
    stage = Stage(
        (2, 3), ("read a", "read b"), ("completed", "failed"), (True, False), (1.0, 2.0), (40, 60)
    )
    fields = {
        "task": "wide-1", "group": "u0/wide-1", "segments": (first, second), "stages": (stage,),
        "main_steps": 3, "created": 1, "refused": 0, "critical_steps": 6, "total_steps": 8,
        "seconds": 3.5, "tokens": 130, "outcome": "completed", "budget_hit": False,
        "quality": 0.75, "item_f1": 0.5, "success": 0.0, "correct_cells": 4,
        "meta": {"arm": "parl", "width": 2.0},
    }  # fmt: skip
    return Rollout(**{**fields, **changes})
