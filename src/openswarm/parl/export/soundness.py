"""Whether a rollout holds together: equal lengths, finite numbers, a prompt before the policy.

Also whether a trainer can take it whose log-probabilities are over the whole vocabulary.

Owns the conditions that every exporter relies on. Knows no trainer and no file.
"""

import math

from openswarm.parl.rollout import Rollout, Segment, Stage


def sound(rollout: Rollout) -> Rollout:
    """The same rollout. Raises `ValueError` that names the task and what does not fit."""
    try:
        for segment in rollout.segments:
            _segment(segment)
        for stage in rollout.stages:
            _stage(stage)
        _finite("seconds, quality, item_f1, success", *_measures(rollout))
    except ValueError as error:
        raise ValueError(f"rollout of task {rollout.task!r}: {error}") from None
    return rollout


def unrestricted(rollout: Rollout) -> Rollout:
    """The same rollout, if it is sound and its policy chose from the whole vocabulary.

    Raises `ValueError` otherwise: log-probabilities over the tokens that a grammar allowed, beside
    those that a trainer computes over all, give wrong ratios.
    """
    if any(segment.choices for segment in sound(rollout).segments):
        raise ValueError(
            f"rollout of task {rollout.task!r}: its log-probabilities are over the tokens that were"
            " allowed (choices), and this trainer's over the whole vocabulary; train such a policy"
            " with parl.trainer"
        )
    return rollout


def _segment(segment: Segment) -> None:
    if not len(segment.ids) == len(segment.mask) == len(segment.logprobs):
        lengths = len(segment.ids), len(segment.mask), len(segment.logprobs)
        raise ValueError(f"ids, mask and logprobs of a segment differ in length: {lengths}")
    if min(segment.ids, default=0) < 0:
        raise ValueError("a token id is negative")
    if segment.mask and segment.mask[0]:
        raise ValueError("a segment begins with a token of the policy, which has no prompt")
    _finite("logprobs", *segment.logprobs)
    pairs = zip(segment.mask, segment.logprobs, strict=True)
    if any(logprob for chosen, logprob in pairs if not chosen):
        raise ValueError("a token that the policy did not choose has a log-probability")
    if segment.choices:
        _choices(segment)


def _choices(segment: Segment) -> None:
    chosen = [token for token, mine in zip(segment.ids, segment.mask, strict=True) if mine]
    if len(segment.choices) != len(chosen):
        raise ValueError(f"{len(segment.choices)} choices for {len(chosen)} tokens of the policy")
    if any(token not in row for token, row in zip(chosen, segment.choices, strict=True)):
        raise ValueError("the policy chose a token that was not among its choices")


def _stage(stage: Stage) -> None:
    columns = (
        stage.steps, stage.briefs, stage.outcomes, stage.useful, stage.seconds, stage.tokens,
    )  # fmt: skip
    if len({len(column) for column in columns}) != 1:
        raise ValueError("the columns of a stage differ in length")
    _finite("seconds of a stage", *stage.seconds)


def _measures(rollout: Rollout) -> tuple[float, ...]:
    numbers = (value for value in rollout.meta.values() if not isinstance(value, str))
    return (rollout.seconds, rollout.quality, rollout.item_f1, rollout.success, *numbers)


def _finite(what: str, *values: float) -> None:
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{what}: a number is not finite")
