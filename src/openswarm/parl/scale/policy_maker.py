"""Rollouts of our own environment and policy in one process of a cluster.

Owns how weights travel as bytes, and a round with a model that is kept between rounds. PyTorch is
imported when the first weights come.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio

from openswarm.core.errors import SettingsError
from openswarm.llm.policy.vocabulary import known_words
from openswarm.parl.environment import Environment, RolloutRequest, Seat
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.protocol import Factory

if TYPE_CHECKING:
    from openswarm.k25.model import K25

WINDOW = 4096
"""Tokens of one conversation of the policy."""


class PolicyMaker:
    """A `RolloutMaker` over an environment, with the policy whose weights it is given.

    Rollouts of one batch are decided together, and a sum over a batch depends in its last bits on
    who else is in it: the same batch gives the same rollouts.
    """

    def __init__(
        self,
        environment: Environment,
        seat: Seat,
        *,
        tokens: int = WINDOW,
        temperature: float = 1.0,
    ) -> None:
        """`tokens` is the window of one conversation."""
        self._environment = environment
        self._seat = seat
        self._tokens = tokens
        self._temperature = temperature
        self._weights: bytes | None = None
        self._model: K25 | None = None

    def make(self, requests: Sequence[RolloutRequest], weights: bytes | None) -> list[Rollout]:
        """See `RolloutMaker.make`. Raises `SettingsError` before weights were published.

        The vocabulary's file is read before the event loop begins, which may not wait for a disk.
        """
        from openswarm.llm.policy.deciders import Together
        from openswarm.llm.policy.sampler import Sampler

        known_words("", 0)
        sampler = Sampler(
            self._policy(weights), slots=max(1, len(requests)), tokens=self._tokens,
            temperature=self._temperature,
        )  # fmt: skip
        return anyio.run(self._environment.rollouts, requests, Together(sampler), self._seat)

    def _policy(self, weights: bytes | None) -> "K25":
        if weights is None:
            raise SettingsError("there are no weights yet; publish() them before the first round")
        if self._model is None or weights is not self._weights:
            self._model, self._weights = policy_of(weights), weights
        return self._model


def policy_maker(
    environment: str,
    options: Mapping[str, Any] | None = None,
    seat: Mapping[str, bool] | None = None,
    tokens: int = WINDOW,
    temperature: float = 1.0,
) -> PolicyMaker:
    """The factory for a `Pool`: `environment` is `module:function`, which gives an `Environment`.

    `seat` has the fields of `environment.Seat`. Raises `SettingsError` where the function is
    missing.
    """
    made = Factory(environment, dict(options or {})).build()
    return PolicyMaker(made, Seat(**(seat or {})), tokens=tokens, temperature=temperature)


def weights_of(model: "K25") -> bytes:
    """A policy's weights as the bytes of a safetensors file; nothing in them is run when read."""
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in model.state_dict().items()})


def policy_of(weights: bytes) -> "K25":
    """A policy with these weights. Raises `SettingsError` where they are of another shape."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from openswarm.llm.policy.folder import new_policy

    model = new_policy(0)
    try:
        model.load_state_dict(load(weights))
    except (SafetensorError, RuntimeError) as error:
        raise SettingsError(f"these weights are not of a policy: {str(error)[:200]}") from None
    return model
