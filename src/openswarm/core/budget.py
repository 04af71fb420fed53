"""The budget ledger: reserve an upper bound before a call, settle the true amount after it.

A pure rule without waiting: `pacing.gate` lets callers wait for it. Because an upper bound is
reserved first, any number of concurrent callers together never use more than the ceiling.
"""

from dataclasses import dataclass, field

from openswarm.core.limits import Limits


@dataclass(frozen=True, slots=True)
class Amount:
    """What a call uses, or may use at the most."""

    steps: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.steps + other.steps, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.steps - other.steps, self.tokens - other.tokens, self.usd - other.usd)


NOTHING = Amount()


@dataclass(slots=True)
class Ledger:
    """Spent and reserved amounts against ceilings."""

    steps: int | None = None
    tokens: int | None = None
    usd: float | None = None
    spent: Amount = field(default=NOTHING)
    reserved: Amount = field(default=NOTHING)

    @classmethod
    def of(cls, limits: Limits) -> "Ledger":
        """The ledger of a run's limits."""
        return cls(steps=limits.steps, tokens=limits.tokens, usd=limits.usd)

    def exceeded(self, amount: Amount) -> str:
        """The first ceiling that `amount` would pass now, what is reserved included; '' if none."""
        return self._first_over(self.spent + self.reserved + amount)

    def hopeless(self, amount: Amount) -> str:
        """The ceiling that `amount` passes even if all that is reserved were given back, or ''."""
        return self._first_over(self.spent + amount)

    def reserve(self, amount: Amount) -> None:
        """Sets `amount` aside; the caller has seen that it fits."""
        self.reserved += amount

    def settle(self, reserved: Amount, spent: Amount) -> None:
        """Gives back what was reserved and books what was spent."""
        self.reserved -= reserved
        self.spent += spent

    def _first_over(self, total: Amount) -> str:
        if self.steps is not None and total.steps > self.steps:
            return "steps"
        if self.tokens is not None and total.tokens > self.tokens:
            return "tokens"
        if self.usd is not None and total.usd > self.usd + 1e-12:
            return "usd"
        return ""
