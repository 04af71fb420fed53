"""Rollouts of our own environment as a process of a cluster makes them."""

import pickle
from collections.abc import Sequence
from dataclasses import replace

import pytest

from openswarm.core.errors import SettingsError
from openswarm.evals.suites.elements import ELEMENTS
from openswarm.evals.suites.family import Dials
from openswarm.parl.environment import Environment, RolloutRequest
from openswarm.parl.export.samples import from_line, to_line
from openswarm.parl.export.tinker import datum_fields
from openswarm.parl.export.verl import output_fields
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.policy_maker import policy_of, weights_of
from openswarm.parl.scale.protocol import Factory
from openswarm.parl.workers.profile import load_profile

pytest.importorskip("torch", reason="needs the extra `model`")

MAKER = Factory(
    "openswarm.parl.scale.policy_maker:policy_maker",
    {"environment": "test_scale_policy:elements"},
)


def elements() -> Environment:
    """An environment over the sample of the elements."""
    documents = ELEMENTS.sample().documents
    return Environment({documents.name: documents}, load_profile("qwen2.5-coder-1.5b"))


def requests(count: int) -> list[RolloutRequest]:
    """Small tables over elements."""
    dials = Dials(min_rows=2, max_rows=3, columns=2, distractors=0)
    tasks = ELEMENTS.tasks(ELEMENTS.sample(), "train", count, 0, dials)
    return [RolloutRequest(task, task.id, seed, 8) for seed, task in enumerate(tasks)]


def decisions(rollouts: Sequence[Rollout]) -> list[Rollout]:
    """Without log-probabilities: their last digits depend on what was computed at once."""
    return [
        replace(rollout, segments=tuple(replace(s, logprobs=()) for s in rollout.segments))
        for rollout in rollouts
    ]


def assert_same(one: Sequence[Rollout], other: Sequence[Rollout]) -> None:
    """The same decisions and outcomes, and log-probabilities as close as float32 has them."""
    assert decisions(one) == decisions(other)
    pairs = zip(one, other, strict=True)
    for mine, theirs in (
        (a, b) for x, y in pairs for a, b in zip(x.segments, y.segments, strict=True)
    ):
        assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-4)


@pytest.mark.requirement("parl.ray")
def test_two_processes_make_the_same_rollouts_of_the_same_requests_and_weights() -> None:
    """Requests, factory and weights travel as bytes; the rollouts are sound and can travel back."""
    from openswarm.llm.policy.folder import new_policy

    sent = pickle.loads(pickle.dumps(requests(3)))
    weights = weights_of(new_policy(3))
    first, second = (pickle.loads(pickle.dumps(MAKER)).build() for _ in range(2))
    made = first.make(sent, weights)
    assert [rollout.task for rollout in made] == [request.task.id for request in sent]
    assert all(rollout.length for rollout in made)
    assert_same(second.make(sent, weights), made)
    assert first.make(sent, weights_of(new_policy(4))) != made
    assert_same(first.make(sent, weights), made)
    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.requirement("journal.export", "parl.samples")
def test_rollouts_that_were_folded_from_journals_go_through_every_exporter() -> None:
    """As lines they come back as they were, their choices too.

    verl and Tinker refuse log-probabilities over a few choices; of a policy that had them all they
    get every token.
    """
    from openswarm.llm.policy.folder import new_policy

    made = MAKER.build().make(requests(2), weights_of(new_policy(3)))
    assert [from_line(to_line(rollout)) for rollout in made] == made
    for refused in (lambda: output_fields(made[0], 1.0), lambda: datum_fields(made, [1.0] * 2)):
        with pytest.raises(ValueError, match="over the tokens that were allowed"):
            refused()
    made = [
        replace(rollout, segments=tuple(replace(s, choices=()) for s in rollout.segments))
        for rollout in made
    ]
    chosen = sum(rollout.length for rollout in made)
    outputs = [fields for rollout in made for fields in output_fields(rollout, 1.0)]
    assert sum(sum(fields["response_mask"]) for fields in outputs) == chosen
    datums = datum_fields(made, [1.0] * len(made))
    assert sum(sum(datum["loss_fn_inputs"]["mask"]) for datum in datums) == chosen


def test_weights_are_read_back_as_they_were() -> None:
    """Byte for byte."""
    from openswarm.llm.policy.folder import new_policy

    weights = weights_of(new_policy(1))
    assert weights_of(policy_of(weights)) == weights


@pytest.mark.parametrize("weights", [b"", b"\x00" * 64])
def test_bytes_that_are_no_weights_are_refused(weights: bytes) -> None:
    """Nothing in them is run."""
    with pytest.raises(SettingsError, match="not of a policy"):
        policy_of(weights)


def test_a_round_before_the_first_weights_says_what_is_missing() -> None:
    """The policy is the one that is trained, and no other."""
    with pytest.raises(SettingsError, match="publish"):
        MAKER.build().make(requests(1), None)
