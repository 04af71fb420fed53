"""The arms of the study: PARL, what differs from it in one thing, and what it is compared with.

Data alone. What each arm shows is in docs/parl.md.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from openswarm.parl.environment import Seat
from openswarm.parl.reward import Schedule
from openswarm.parl.toggle import Toggle

Budget = Literal["critical", "total", "loose"]
"""What is limited in training: critical steps, all steps, or next to nothing."""

Workers = Literal["scripted", "start", "joint"]
"""Who works as sub-agents: the script, the start as it was (frozen), or the policy itself, whose
sub-agents' tokens are trained as well."""


@dataclass(frozen=True, slots=True)
class Arm:
    """How one orchestrator is trained."""

    name: str
    summary: str
    seat: Seat = field(default_factory=Seat)
    schedule: Schedule = field(default_factory=Schedule)
    budget: Budget = "critical"
    toggle: Toggle | None = None
    workers: Workers = "scripted"


PARL = Arm("parl", "both terms, annealed to 0, under a critical-step budget")
_NONE = Schedule(parallel=0.0, finish=0.0)
_ALONE = Seat(spawn=False, parallel=False)

ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        PARL,
        Arm("single", "one agent, one call a turn, loose budget", _ALONE, _NONE, "loose"),
        Arm(
            "parallel",
            "one agent, many calls a turn, loose budget",
            Seat(spawn=False, reads=12),
            _NONE,
            "loose",
        ),
        replace(
            PARL,
            name="no-parallel",
            summary="PARL without r_parallel",
            schedule=Schedule(parallel=0.0),
        ),
        replace(
            PARL, name="no-finish", summary="PARL without r_finish", schedule=Schedule(finish=0.0)
        ),
        replace(
            PARL,
            name="no-anneal",
            summary="PARL with both terms to the end",
            schedule=Schedule(anneal=False),
        ),
        replace(
            PARL,
            name="no-create",
            summary="PARL that registers no configurations of its own",
            seat=Seat(creates=False),
        ),
        replace(PARL, name="budget-only", summary="r_perf alone, same budget", schedule=_NONE),
        replace(PARL, name="total-budget", summary="PARL with all steps limited", budget="total"),
        replace(PARL, name="loose", summary="PARL with a loose budget", budget="loose"),
        replace(
            PARL, name="result-only", summary="r_perf alone, loose budget", schedule=_NONE,
            budget="loose",
        ),
        replace(
            PARL,
            name="parallel-only",
            summary="r_parallel to the end, no r_finish, loose budget",
            schedule=Schedule(finish=0.0, anneal=False),
            budget="loose",
        ),
        replace(
            PARL, name="start-workers", summary="sub-agents are the start, frozen", workers="start"
        ),
        replace(PARL, name="joint", summary="sub-agents are trained too", workers="joint"),
        replace(PARL, name="toggle", summary="PARL with Toggle on all tokens", toggle=Toggle()),
    )
}  # fmt: skip
"""Every arm by its name."""
