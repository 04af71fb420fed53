"""Work that several wait for is done once: one flight a key, its result or its error for all."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

from openswarm.core.errors import WebError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    landed: anyio.Event = field(default_factory=anyio.Event)
    results: list[T] = field(default_factory=list)
    """One, once it has landed; none if it failed or was given up."""
    error: WebError | None = None


class Flights(Generic[K, T]):
    """The flights under way."""

    def __init__(self) -> None:
        self._under_way: dict[K, _Flight[T]] = {}

    async def share(self, key: K, make: Callable[[], Awaitable[T]]) -> T:
        """The result of the flight under way, or of a new one. Raises the flight's `WebError`.

        Whoever waits for a flight whose own caller was stopped begins a new one.
        """
        while key in self._under_way:
            flight = self._under_way[key]
            await flight.landed.wait()
            if flight.results:
                return flight.results[0]
            if flight.error is not None:
                raise again(flight.error)
        flight = self._under_way[key] = _Flight()
        try:
            flight.results.append(await make())
        except WebError as error:
            flight.error = again(error)
            raise
        finally:
            del self._under_way[key]
            flight.landed.set()
        return flight.results[0]


def again(error: WebError) -> WebError:
    """The same error for somebody else, or for later: its traceback would hold on to the body."""
    return WebError(error.fault, str(error), status=error.status)
