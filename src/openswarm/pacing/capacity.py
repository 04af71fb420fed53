"""How much a resource admits at once: a pure state machine, fed with what happened to calls.

There is no ramp: a resource is unlimited until it refuses. On a refusal the capacity falls to what
was admitted at that moment, so that an endpoint that takes 20 at once is found within one burst;
then it grows steadily, one after a clean round, twice as much after each further one.
"""

from dataclasses import dataclass

UNLIMITED = 1_000_000
FAULTS_IN_A_ROW = 3
"""So many failures of a resource without a success between them halve its capacity."""


@dataclass(slots=True)
class Capacity:
    """The learned capacity of one resource, and what is in flight."""

    limit: int = UNLIMITED
    ceiling: int = UNLIMITED
    """What it never exceeds, whatever the resource would admit."""
    in_flight: int = 0
    peak: int = 0
    """The most in flight since the last change."""
    growth: int = 1
    clean: int = 0
    """Successes since the last change."""
    faults: int = 0

    @property
    def free(self) -> int:
        """How many more are admitted now."""
        return max(0, self.limit - self.in_flight)

    def admit(self) -> None:
        """A call starts."""
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def release(self) -> None:
        """A call is over, whatever came of it."""
        self.in_flight -= 1

    def succeeded(self) -> None:
        """A call brought its result."""
        self.faults = 0
        if self.limit >= self.ceiling:
            return
        self.clean += 1
        if self.clean >= self.limit:
            self._set(self.limit + self.growth, growth=self.growth * 2)

    def throttled(self) -> None:
        """The resource refused one call, already released, for being too many."""
        self._set(min(self.limit, max(1, self.in_flight)), growth=1)

    def failed(self) -> None:
        """A call broke; several in a row mean that the resource is in trouble."""
        self.faults += 1
        if self.faults % FAULTS_IN_A_ROW == 0:
            self._set(max(1, min(self.limit, self.peak) // 2), growth=1)

    def _set(self, limit: int, growth: int) -> None:
        self.limit = min(limit, self.ceiling)
        self.growth = min(growth, max(1, self.limit // 4))
        self.clean = 0
        self.peak = self.in_flight
