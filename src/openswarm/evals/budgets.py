"""What a run of an eval may use: one sweep over critical steps, one over tokens, equal for arms.

Owns the translation of a budget into `Limits`. At a budget the run is made to answer with what it
has (`modes.engine`, `agent.loop`); it is not cut to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from openswarm.core.errors import UserError
from openswarm.core.limits import Limits
from openswarm.evals.arms import Arm

BudgetKind = Literal["none", "critical_steps", "tokens"]
LEAST_REPLY = 512
"""Output tokens that a reply may have, however small a token budget is."""
REPLIES_IN_BUDGET = 8
"""A reply may reserve at most this part of a token budget, since what is reserved is not free."""
LEAST_STEPS = 3
"""A turn that assigns, one of sub-agents, and the answer: with less a swarm cannot work."""


@dataclass(frozen=True, slots=True, order=True)
class Budget:
    """One point of a sweep."""

    kind: BudgetKind = "none"
    amount: int = 0
    """Critical steps or tokens; 0 where there is no budget."""

    def __str__(self) -> str:
        return "no budget" if self.kind == "none" else f"{self.amount:,} {UNITS[self.kind]}"


UNITS: dict[BudgetKind, str] = {
    "none": "",
    "critical_steps": "critical steps",
    "tokens": "tokens",
}
FREE = Budget()


def sweep(critical_steps: Sequence[int] = (), tokens: Sequence[int] = ()) -> tuple[Budget, ...]:
    """The budgets of an eval, ascending; a single free one where none is given.

    Raises `UserError` for critical steps in which no swarm could answer, and for what is no
    number of tokens.
    """
    for amount in critical_steps:
        if amount < LEAST_STEPS:
            raise UserError(f"a budget has at least {LEAST_STEPS} critical steps, not {amount}")
    for amount in tokens:
        if amount < LEAST_REPLY:
            raise UserError(f"a budget has at least {LEAST_REPLY} tokens, not {amount}")
    found = [
        *(Budget("critical_steps", amount) for amount in sorted(set(critical_steps))),
        *(Budget("tokens", amount) for amount in sorted(set(tokens))),
    ]
    return tuple(found) or (FREE,)


def limits_for(base: Limits, budget: Budget, arm: Arm) -> Limits:
    """The limits of one run. Arms differ in how many sub-agents they may have, and in no more.

    The steps of one agent are never less than the budget of critical steps, so that an agent alone
    may use all of it.
    """
    limits = base
    if budget.kind == "critical_steps":
        limits = base.model_copy(
            update={
                "critical_steps": budget.amount,
                "orchestrator_steps": max(base.orchestrator_steps, budget.amount),
                "subagent_steps": max(base.subagent_steps, budget.amount),
            }
        )
    elif budget.kind == "tokens":
        reply = max(LEAST_REPLY, budget.amount // REPLIES_IN_BUDGET)
        limits = base.model_copy(
            update={"tokens": budget.amount, "reply_tokens": min(base.reply_tokens, reply)}
        )
    if arm.subagents is None:
        return limits
    return limits.model_copy(update={"max_subagents": min(arm.subagents, base.max_subagents)})
