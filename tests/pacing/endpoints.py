"""Simulated endpoints, and a limiter on the clock of the test."""

import anyio

from openswarm.core.errors import Fault, ModelError
from openswarm.pacing.capacity import UNLIMITED
from openswarm.pacing.limiter import Limiter


def make_limiter(limit: int = UNLIMITED) -> Limiter:
    limiter = Limiter("endpoint", clock=anyio.current_time, jitter=lambda: 1.0)
    limiter.capacity.limit = limit
    return limiter


def fault(kind: Fault, retry_after_s: float | None = None) -> ModelError:
    return ModelError(kind, kind.value, retry_after_s=retry_after_s)


class Endpoint:
    """A simulated endpoint that takes so many calls at once and refuses the others."""

    def __init__(self, takes: int, latency_s: float = 1.0) -> None:
        self.takes, self.latency_s = takes, latency_s
        self.in_flight = self.calls = self.refused = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.in_flight >= self.takes:
            self.refused += 1
            await anyio.sleep(0.01)
            raise fault(Fault.THROTTLED)
        self.in_flight += 1
        await anyio.sleep(self.latency_s)
        self.in_flight -= 1
        return "ok"


class Script:
    """Attempts that end as written down; the last entry is repeated."""

    def __init__(self, *steps: ModelError | str, latency_s: float = 0.0) -> None:
        self.steps, self.latency_s = steps, latency_s
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(anyio.current_time())
        await anyio.sleep(self.latency_s)
        step = self.steps[min(len(self.times), len(self.steps)) - 1]
        if isinstance(step, ModelError):
            raise step
        return step
