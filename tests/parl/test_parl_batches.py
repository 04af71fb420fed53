"""Tensors of rollouts: every decision once, and the trainer's numbers are the sampler's."""

import anyio
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from parl_cases import environment, fact_task, request, small_policy, wide_task

from openswarm.llm.policy.deciders import Together
from openswarm.llm.policy.sampler import Sampler
from openswarm.parl.batches import batches_of, choice_logprobs, rows_of
from openswarm.parl.environment import Seat
from openswarm.parl.rollout import Segment


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """A prompt of at least a token, then tokens of which some were decided."""
    mask = [False, *draw(st.lists(st.booleans(), max_size=10))]
    ids = [draw(st.integers(0, 50)) for _ in mask]
    choices = []
    for token, chosen in zip(ids, mask, strict=True):
        if chosen:
            others = draw(st.lists(st.integers(51, 99), min_size=1, max_size=4, unique=True))
            choices.append(tuple(draw(st.permutations([token, *others]))))
    logprobs = tuple(-draw(st.floats(0, 9)) if chosen else 0.0 for chosen in mask)
    return Segment(tuple(ids), tuple(mask), logprobs, tuple(choices))


@pytest.mark.requirement("parl.rollout-fold")
@settings(max_examples=60, deadline=None)
@given(st.lists(segments(), max_size=8), st.integers(1, 60))
def test_every_decision_is_in_one_batch(made: list[Segment], most: int) -> None:
    """With its choices, its place among them and its old log-probability; padding is nothing."""
    seen: list[int] = []
    for rows in batches_of(made, most):
        seen += rows.members
        size = rows.tokens_BL.numel()
        assert size <= most or len(rows.members) == 1
        owners = rows.owner_S.tolist()
        assert owners == sorted(owners, key=rows.members.index)
        for member in rows.members:
            segment = made[member]
            mine = [place for place, owner in enumerate(owners) if owner == member]
            positions = [place for place, chosen in enumerate(segment.mask) if chosen]
            assert [rows.before_S[s].item() + 1 for s in mine] == positions
            for s, position, choice in zip(mine, positions, segment.choices, strict=True):
                allowed = [token for token in rows.allowed_SC[s].tolist() if token >= 0]
                assert tuple(allowed) == choice
                assert allowed[int(rows.taken_S[s])] == segment.ids[position]
                assert float(rows.old_S[s]) == pytest.approx(segment.logprobs[position], rel=1e-6)
                row = rows.tokens_BL[rows.row_S[s]].tolist()
                assert tuple(row[: len(segment.ids)]) == segment.ids
    assert sorted(seen) == [place for place, segment in enumerate(made) if any(segment.mask)]


@pytest.mark.requirement("parl.rollout-fold")
def test_recorded_log_probabilities_are_those_of_the_trainer() -> None:
    """With the same weights, whole conversations at once give what was sampled piece by piece."""
    model, env = small_policy(2), environment(fail_rate=0.2)
    asked = [request(wide_task(3 + n % 3), seed=n, critical=14) for n in range(6)]
    asked += [request(fact_task(n), seed=n, critical=14) for n in range(2)]
    decider = Together(Sampler(model, slots=8, tokens=1024))
    made = anyio.run(env.rollouts, asked, decider, Seat())
    count = 0
    for rows in batches_of([rollout.segments[0] for rollout in made], 2000):
        with torch.inference_mode():
            logprobs_SC = choice_logprobs(model, rows)
        new_S = logprobs_SC.gather(1, rows.taken_S[:, None])[:, 0]
        torch.testing.assert_close(new_S.float(), rows.old_S.float(), rtol=0, atol=1e-4)
        torch.testing.assert_close(logprobs_SC.exp().sum(-1), torch.ones(len(new_S)))
        count += len(new_S)
    assert count == sum(rollout.length for rollout in made) > 20


@pytest.mark.requirement("parl.rollout-fold")
def test_what_is_padded_changes_nothing() -> None:
    """A short conversation beside a long one has the log-probabilities that it has alone."""
    model = small_policy(3)
    short = Segment((300, 301, 302), (False, False, True), (0.0, 0.0, -1.0), ((302, 303),))
    long = Segment(tuple(range(300, 340)), (*[False] * 39, True), (0.0,) * 40, ((339, 5, 6),))
    with torch.inference_mode():
        alone = choice_logprobs(model, rows_of([short], [0]))
        beside = choice_logprobs(model, rows_of([long, short], [0, 1]))
    torch.testing.assert_close(beside[1, :2], alone[0], rtol=0, atol=1e-5)
    assert beside[1, 2] == -torch.inf
