"""What runs in a process of the cluster: one maker, and the weights that it has at the moment."""

from collections.abc import Callable, Sequence
from typing import Any

from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.protocol import Factory, RolloutMaker


class RolloutProcess:
    """Makes rollouts with one maker. Weights are fetched when their version is new, not by call."""

    def __init__(self, factory: Factory, fetch: Callable[[Any], bytes]) -> None:
        """`fetch` gets the weights behind a reference. The maker is built by `ready`, or first."""
        self._factory = factory
        self._fetch = fetch
        self._maker: RolloutMaker | None = None
        self._version = 0
        self._weights: bytes | None = None

    def ready(self) -> bool:
        """Builds the maker. Raises what its factory raises."""
        self._built()
        return True

    def make(self, requests: Sequence[Any], version: int, weights: Sequence[Any]) -> list[Rollout]:
        """See `RolloutMaker.make`.

        `weights` holds one reference, or none before the first version. A maker is given the same
        object until the version changes, so that it can tell by identity.
        """
        if version != self._version:
            self._weights = self._fetch(weights[0]) if weights else None
            self._version = version
        return self._built().make(requests, self._weights)

    def _built(self) -> RolloutMaker:
        if self._maker is None:
            self._maker = self._factory.build()
        return self._maker
