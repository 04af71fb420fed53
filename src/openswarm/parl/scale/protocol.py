"""What a process of a cluster is given to make rollouts with. Data and protocols alone."""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openswarm.core.errors import SettingsError
from openswarm.parl.rollout import Rollout

_PLACE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


class RolloutMaker(Protocol):
    """What makes rollouts in one process."""

    def make(self, requests: Sequence[Any], weights: bytes | None) -> list[Rollout]:
        """One rollout for each request, in order.

        `weights` are the policy's, or None where none were published. It may depend on nothing but
        its arguments: a request that is made again elsewhere has to give the same.
        """
        ...


@dataclass(frozen=True, slots=True)
class Factory:
    """Where a function stands and what it is called with; it can be sent to another machine."""

    place: str
    """`module:function`; the module has to be installed where the function is called."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Named arguments, which have to be picklable."""

    def build(self) -> Any:
        """What the function returns. Raises `SettingsError` where it cannot be found."""
        if not _PLACE.fullmatch(self.place):
            raise SettingsError(f"{self.place!r} is not of the form module:function")
        module, _, name = self.place.partition(":")
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"{self.place} cannot be imported here: {error}") from None
        return function(**self.options)


class RolloutError(RuntimeError):
    """Requests that could not be made into rollouts; the message names them."""
