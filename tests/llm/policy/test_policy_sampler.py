"""Decisions of a model for many conversations at once are those of each alone."""

import random
from collections.abc import Iterator

import pytest
import torch

from openswarm.k25.model import K25
from openswarm.k25.requests import TooLongError
from openswarm.llm.policy.folder import new_policy
from openswarm.llm.policy.language import Facts, TurnGuide
from openswarm.llm.policy.sampler import Job, Sampler
from openswarm.llm.policy.view import View
from openswarm.llm.policy.vocabulary import DEFAULT_AGENT, TOOLS, tokenizer, words


@pytest.fixture(scope="module")
def model() -> Iterator[K25]:
    """A policy with fresh weights, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield new_policy(4)
    torch.set_num_threads(threads)


def facts(count: int = 6, max_calls: int = 3) -> Facts:
    """A turn over some documents."""
    return Facts(TOOLS, (DEFAULT_AGENT,), range(10, 10 + count), 0, max_calls)


def prompt(seed: int, length: int) -> list[int]:
    """So many drawn tokens."""
    numbers = random.Random(seed)
    return [tokenizer().id(numbers.choice(words())) for _ in range(length)]


def talked(sampler: Sampler, seeds: list[int]) -> list[tuple[list[int], list[float]]]:
    """Two turns of some conversations, decided together: what was said, and how likely."""
    sessions = [sampler.open(View(seed)) for seed in seeds]
    said: list[tuple[list[int], list[float]]] = [([], []) for _ in seeds]
    for turn in range(2):
        jobs = [
            Job(session, prompt(seed + turn, 5 + seed % 40), TurnGuide(facts()))
            for session, seed in zip(sessions, seeds, strict=True)
        ]
        sampler.decide(jobs)
        for (ids, logprobs), job in zip(said, jobs, strict=True):
            assert job.guide.over
            assert len(job.logprobs) == sum(job.guide.mask)
            ids += job.guide.ids
            logprobs += job.logprobs
    for session in sessions:
        sampler.close(session)
    return said


@pytest.mark.requirement("parl.one-path")
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_conversation_is_decided_as_if_it_were_alone(model: K25, temperature: float) -> None:
    """Whoever is beside it, and however long they are: equal seeds, equal turns."""
    seeds = [3, 17, 38, 4, 21]
    sampler = Sampler(model, slots=5, tokens=200, temperature=temperature)
    together = talked(sampler, seeds)
    for seed, (ids, logprobs) in zip(seeds, together, strict=True):
        ((own_ids, own_logprobs),) = talked(sampler, [seed])
        assert own_ids == ids
        assert own_logprobs == pytest.approx(logprobs, abs=1e-4)


@pytest.mark.requirement("parl.one-path")
def test_a_temperature_of_nothing_takes_the_likeliest(model: K25) -> None:
    """Every time the same, whatever the seed."""
    made = []
    for seed in (1, 2, 3):
        sampler = Sampler(model, slots=1, tokens=200, temperature=0.0)
        session = sampler.open(View(seed))
        job = Job(session, prompt(9, 12), TurnGuide(facts()))
        sampler.decide([job])
        made.append((job.guide.ids, job.logprobs))
        choices = job.guide.choices
        assert all(
            logprob >= -torch.tensor(len(choice)).log() - 1e-6
            for logprob, choice in zip(job.logprobs, choices, strict=True)
        )
    assert made[0] == made[1] == made[2]


@pytest.mark.requirement("parl.one-path")
def test_draws_follow_the_models_probabilities(model: K25) -> None:
    """Of 400 first decisions, the share of each is near its probability."""
    sampler = Sampler(model, slots=400, tokens=64)
    sessions = [sampler.open(View(seed)) for seed in range(400)]
    jobs = [Job(s, prompt(5, 8), TurnGuide(facts(2, 1))) for s in sessions]
    sampler.decide(jobs)
    firsts = [job.guide.ids[job.guide.mask.index(True)] for job in jobs]
    for token in set(firsts):
        share = firsts.count(token) / len(firsts)
        logprob = next(
            job.logprobs[0] for job, own in zip(jobs, firsts, strict=True) if own == token
        )
        assert share == pytest.approx(float(torch.tensor(logprob).exp()), abs=0.09)


@pytest.mark.requirement("parl.one-path")
def test_a_conversation_beyond_its_window_is_refused(model: K25) -> None:
    """By its job; and slots that were closed are free again."""
    sampler = Sampler(model, slots=1, tokens=30)
    session = sampler.open(View(0))
    assert sampler.room(session, prompt(0, 10)) == 20
    job = Job(session, prompt(0, 31), TurnGuide(facts()))
    sampler.decide([job])
    assert isinstance(job.error, TooLongError)
    assert "30 tokens" in str(job.error)
    assert not job.guide.over
    sampler.close(session)
    assert sampler.open(View(1)).slot == session.slot
