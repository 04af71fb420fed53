"""Updates of a causal model by rollouts over real text."""

import copy
import random
from functools import cache
from pathlib import Path

import anyio
import pytest
import torch
from causal_cases import causal, shared, system, user
from parl_cases import environment, request, rollout, wide_task

from openswarm.core.errors import SettingsError
from openswarm.parl.causal.adapter import Causal, load_causal
from openswarm.parl.causal.drawing import Draw, Generator
from openswarm.parl.causal.learn import Learner, batches_of, chosen_logprobs
from openswarm.parl.causal.policy import leading
from openswarm.parl.causal.template import Template
from openswarm.parl.environment import Seat
from openswarm.parl.objective import Objective
from openswarm.parl.rollout import Rollout, Segment


@cache
def real() -> list[Rollout]:
    """Two rollouts of one group by the shared model, each of a few tokens."""
    asked = [request(wide_task(2), seed=seed, critical=4) for seed in range(2)]
    return anyio.run(environment().rollouts, asked, leading(shared(), reply_tokens=8), Seat())


def short(model: Causal, number: int = 3) -> list[Rollout]:
    """Rollouts of one group that are a single short reply each."""
    context = Template(model).begin([system(), user()], [])
    draws = [Draw(context[n:], 12, random.Random(n)) for n in range(number)]
    Generator(model).draw(draws)
    return [rollout(segments=(segment_of(draw),)) for draw in draws]


def segment_of(draw: Draw) -> Segment:
    """A reply and what was read before it."""
    read = len(draw.context)
    mask = (False,) * read + (True,) * len(draw.ids)
    return Segment((*draw.context, *draw.ids), mask, (*[0.0] * read, *draw.logprobs))


def taken(model: Causal, segments: list[Segment], max_tokens: int = 8192) -> list[list[float]]:
    """Of each segment the log-probabilities of what was chosen, by the model as it is."""
    values: list[list[float]] = [[] for _ in segments]
    with torch.no_grad():
        for batch in batches_of(segments, max_tokens):
            logprobs_SV = chosen_logprobs(model.model, batch)
            assert torch.allclose(logprobs_SV.exp().sum(-1), torch.ones(1), atol=1e-4)
            new_S = logprobs_SV.gather(1, batch.taken_S[:, None])[:, 0]
            for owner, value in zip(batch.owner_S.tolist(), new_S.tolist(), strict=True):
                values[owner].append(value)
    return values


@pytest.mark.requirement("parl.causal")
def test_log_probabilities_are_those_of_the_draw() -> None:
    """Computed again from the tokens of a whole rollout, alone or padded beside others."""
    segments = [segment for made in real() for segment in made.segments]
    recorded = [[p for p, was in zip(s.logprobs, s.mask, strict=True) if was] for s in segments]
    for room in (1, 100_000):
        again = taken(shared(), segments, room)
        for mine, theirs in zip(again, recorded, strict=True):
            assert mine == pytest.approx(theirs, abs=1e-4)
    assert len(list(batches_of(segments, 1))) == 2 and len(list(batches_of(segments))) == 1


@pytest.mark.requirement("parl.causal")
def test_one_update_makes_the_better_rollout_likelier() -> None:
    """And the worse one less likely; the first step masks nothing, as nothing has moved."""
    model, made = causal(), real()
    segments = [made_one.segments[0] for made_one in made]
    before = [sum(values) for values in taken(model, segments)]
    learner = Learner(model, rate=1e-3, objective=Objective(entropy=0.0))
    (loss,) = learner.step(made, [0.0, 1.0])
    after = [sum(values) for values in taken(model, segments)]
    assert after[1] > before[1]
    assert after[0] < before[0]
    assert loss.masked == 0.0 and loss.divergence < 1e-6 and loss.entropy > 0


@pytest.mark.requirement("parl.causal")
def test_several_passes_add_up_to_one_step() -> None:
    """The same change of the weights, whatever fits in memory at once."""
    made = short(shared())
    changed = []
    for room in (1, 100_000):
        model = causal()
        learner = Learner(model, rate=1e-3, max_tokens=room)
        losses = learner.step(made, [0.0, 1.0, 0.5])
        changed.append(model.model.state_dict())
        assert len(losses) == (3 if room == 1 else 1)
    for name, weights in changed[0].items():
        assert torch.allclose(weights, changed[1][name], atol=2e-4), name


@pytest.mark.requirement("parl.causal")
def test_equal_rewards_teach_nothing() -> None:
    """Not even the optimiser's own drift."""
    model = causal()
    before = copy.deepcopy(model.model.state_dict())
    assert Learner(model, rate=1e-2).step(short(model), [0.5, 0.5, 0.5]) == []
    after = model.model.state_dict()
    assert all(torch.equal(weights, after[name]) for name, weights in before.items())


@pytest.mark.requirement("parl.causal")
def test_an_update_makes_its_rollouts_itself() -> None:
    """With the model as it is; the reward is the result's, where λ is 0."""
    model = causal()
    asked = [request(wide_task(2), seed=seed, critical=4) for seed in range(2)]
    learner = Learner(model)
    lead = leading(model, reply_tokens=4)
    update = learner.update(environment(), asked, lead, Seat())
    assert update.totals == [made.quality for made in update.rollouts]
    assert len(update.rollouts) == 2 and learner.updates == 1


@pytest.mark.requirement("parl.causal")
def test_a_training_goes_on_from_its_folder(tmp_path: Path) -> None:
    """Weights, tokenizer and the optimiser's state: the next step is the same."""
    made = short(shared())
    model = causal()
    learner = Learner(model, rate=1e-3)
    learner.step(made, [0.0, 1.0, 0.0])
    learner.save(tmp_path / "state")
    again = load_causal(str(tmp_path / "state"))
    other = Learner(again, rate=1e-3)
    other.resume(tmp_path / "state")
    assert again.stops == model.stops and other.updates == 1
    assert again.tokenizer.chat_template == model.tokenizer.chat_template
    for each in (learner, other):
        each.step(made, [1.0, 0.0, 0.0])
    mine, theirs = model.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(weights, theirs[name]) for name, weights in mine.items())


@pytest.mark.requirement("parl.causal")
def test_a_folder_that_is_no_checkpoint_is_a_matter_of_settings(tmp_path: Path) -> None:
    """Whether weights are missing, or the state is none."""
    with pytest.raises(SettingsError, match="cannot be used"):
        load_causal(str(tmp_path))
    learner = Learner(shared())
    for broken in (b"", b"not a state", b"PK\x03\x04"):
        (tmp_path / "optimiser.pt").write_bytes(broken)
        with pytest.raises(SettingsError, match="cannot be gone on from"):
            learner.resume(tmp_path)


@pytest.mark.requirement("parl.causal")
def test_rollouts_of_a_narrow_policy_are_not_taken() -> None:
    """Their log-probabilities are over what a grammar allowed."""
    narrow = rollout(segments=(Segment((1, 2), (False, True), (0.0, -1.0), ((2, 3),)),))
    with pytest.raises(ValueError, match="narrow"):
        Learner(shared()).step([narrow, narrow], [0.0, 1.0])
