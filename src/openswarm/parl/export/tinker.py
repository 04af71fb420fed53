"""Rollouts as data for Tinker's client interface: one datum a segment.

Owns the shift by one token and the spreading of advantages. Source of the form: the types of the
`tinker` package 0.38 and the losses `importance_sampling`, `ppo`, `cispo` of its documentation,
which read `target_tokens`, `logprobs` and `advantages`. Knows no reward and no service.
"""

import importlib
import math
from collections.abc import Sequence
from typing import Any, TypedDict

from openswarm.core.errors import SettingsError
from openswarm.parl.export.soundness import unrestricted
from openswarm.parl.rollout import Rollout, Segment


class LossInputs(TypedDict):
    """What the loss reads; all lists have the length of the input."""

    target_tokens: list[int]
    logprobs: list[float]
    advantages: list[float]
    mask: list[float]
    """1 where the policy chose the target, else 0."""


class DatumFields(TypedDict):
    """A datum in plain values."""

    model_input: list[int]
    """Token ids, all but the last one."""
    loss_fn_inputs: LossInputs


def datum_fields(rollouts: Sequence[Rollout], advantages: Sequence[float]) -> list[DatumFields]:
    """One datum for each segment in which the policy chose something, in order.

    `advantages` has one number a rollout, which all its chosen tokens share; a token that the
    policy did not choose has the advantage 0 and therefore no gradient. Raises `ValueError` where
    the lengths differ, an advantage is not finite, a rollout is not sound, or its policy could not
    choose from its whole vocabulary.
    """
    if len(rollouts) != len(advantages):
        raise ValueError(f"{len(rollouts)} rollouts, {len(advantages)} advantages")
    if not all(map(math.isfinite, advantages)):
        raise ValueError("an advantage is not finite")
    return [
        _shifted(segment, advantage)
        for rollout, advantage in zip(rollouts, advantages, strict=True)
        for segment in unrestricted(rollout).segments
        if any(segment.mask)
    ]


def to_datums(rollouts: Sequence[Rollout], advantages: Sequence[float]) -> list[Any]:
    """The same as `tinker.Datum`, ready for `forward_backward`.

    The mask is left out: the client knows no such key, and the advantages say the same. Raises
    `SettingsError` where the package is missing, else as `datum_fields`.
    """
    try:
        tinker = importlib.import_module("tinker")
    except ImportError:
        raise SettingsError(
            "Tinker's client is not installed; install it with: pip install 'openswarm[tinker]'"
        ) from None
    return [
        tinker.Datum(
            model_input=tinker.ModelInput.from_ints(fields["model_input"]),
            loss_fn_inputs={
                key: value for key, value in fields["loss_fn_inputs"].items() if key != "mask"
            },
        )
        for fields in datum_fields(rollouts, advantages)
    ]


def _shifted(segment: Segment, advantage: float) -> DatumFields:
    chosen = segment.mask[1:]
    return {
        "model_input": list(segment.ids[:-1]),
        "loss_fn_inputs": {
            "target_tokens": list(segment.ids[1:]),
            "logprobs": list(segment.logprobs[1:]),
            "advantages": [advantage if mine else 0.0 for mine in chosen],
            "mask": [float(mine) for mine in chosen],
        },
    }
