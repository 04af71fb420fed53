"""The gate of the budget: lets callers wait until what they may use at the most fits."""

from collections import deque

import anyio

from openswarm.core.budget import NOTHING, Amount, Ledger
from openswarm.core.errors import BudgetError

_UNITS = {"steps": "steps", "tokens": "tokens", "usd": "dollars"}


class BudgetGate:
    """A ledger that concurrent callers share. What does not fit waits until others settle."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._queue: deque[anyio.Event] = deque()

    async def reserve(self, amount: Amount, held_back: Amount = NOTHING) -> None:
        """Sets `amount` aside, if need be after others have settled.

        `held_back` has to stay free beside it. Raises `BudgetError` when it cannot fit any more.
        """
        wanted = amount + held_back
        while True:
            hopeless = self.ledger.hopeless(wanted)
            if hopeless:
                self._wake()
                raise BudgetError(hopeless, self._refusal(hopeless))
            if not self.ledger.exceeded(wanted):
                self.ledger.reserve(amount)
                self._wake()
                return
            event = anyio.Event()
            self._queue.append(event)
            try:
                await event.wait()
            except BaseException:
                if event.is_set():
                    self._wake()
                else:
                    self._queue.remove(event)
                raise

    def settle(self, reserved: Amount, spent: Amount) -> None:
        """Gives back what was reserved, books what was spent, and lets the next one in."""
        self.ledger.settle(reserved, spent)
        self._wake()

    def _wake(self) -> None:
        if self._queue:
            self._queue.popleft().set()

    def _refusal(self, limit: str) -> str:
        ceiling = getattr(self.ledger, limit)
        spent = getattr(self.ledger.spent, limit)
        return (
            f"the budget of {ceiling:g} {_UNITS[limit]} does not allow another call"
            f" ({spent:g} used); raise it to go on"
        )
