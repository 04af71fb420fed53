"""Turns that wait together: one that fails or is cancelled leaves the others alone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest
import torch

from openswarm.core.errors import ModelError
from openswarm.k25.model import K25
from openswarm.k25.requests import TooLongError
from openswarm.llm.policy.deciders import Decider, OneByOne, Together
from openswarm.llm.policy.folder import new_policy
from openswarm.llm.policy.language import Facts, TurnGuide
from openswarm.llm.policy.sampler import Job, Sampler
from openswarm.llm.policy.view import View
from openswarm.llm.policy.vocabulary import DEFAULT_AGENT, TOOLS, tokenizer, words

pytestmark = pytest.mark.anyio
WORD = tokenizer().id(words()[0])
Decide = Callable[[int], Awaitable[None]]


@pytest.fixture(scope="module")
def model() -> K25:
    """A policy with fresh weights, made before the event loop runs."""
    torch.set_num_threads(1)
    return new_policy(4)


def turn() -> TurnGuide:
    """The beginning of a turn with something to decide."""
    return TurnGuide(Facts(TOOLS, (DEFAULT_AGENT,), range(10, 16), 0, 3))


async def outcomes(decider: Decider, lengths: Sequence[int]) -> list[Any]:
    """What came of turns that read so many tokens, all asked for at once."""
    came: dict[int, Any] = {}

    async def one(place: int, length: int) -> None:
        guide = turn()
        try:
            logprobs = await decider.decide(decider.open(View(place)), [WORD] * length, guide)
            came[place] = guide.over and len(logprobs) == sum(guide.mask) > 0
        except (TooLongError, ModelError) as error:
            came[place] = type(error)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for place, length in enumerate(lengths):
                tasks.start_soon(one, place, length)
    return [came[place] for place in range(len(lengths))]


@pytest.mark.requirement("parl.one-path")
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_conversation_that_is_too_long_is_its_own_error_alone(
    model: K25, place: int
) -> None:
    """Whoever decided for all, the others are decided."""
    lengths = [300 if at == place else 20 for at in range(3)]
    wanted = [TooLongError if at == place else True for at in range(3)]
    assert await outcomes(Together(Sampler(model, slots=3, tokens=200)), lengths) == wanted
    alone = OneByOne(lambda: Sampler(model, slots=3, tokens=200), 200)
    await alone.ready()
    assert await outcomes(alone, lengths) == wanted


class Broken(Sampler):
    """A sampler that fails as a whole."""

    def decide(self, jobs: Sequence[Job]) -> None:
        """See `Sampler.decide`."""
        raise RuntimeError("no memory")


@pytest.mark.requirement("parl.one-path")
async def test_an_error_of_the_model_is_everybodys(model: K25) -> None:
    """Nobody takes an undecided turn for an answer."""
    decider = Together(Broken(model, slots=3, tokens=200))
    assert await outcomes(decider, [5, 6, 7]) == [ModelError] * 3


@pytest.mark.requirement("parl.one-path")
@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_one_that_is_cancelled_leaves_the_others_waiting_for_nothing(
    model: K25, cancelled: int
) -> None:
    """The one that would have decided for all, or one of those that wait."""
    sampler = Sampler(model, slots=3, tokens=200)
    decider, scopes = Together(sampler), [anyio.CancelScope() for _ in range(3)]
    guides = [turn() for _ in range(3)]

    async def one(place: int) -> None:
        with scopes[place]:
            await decider.decide(decider.open(View(place)), [WORD] * 9, guides[place])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for place in range(3):
                tasks.start_soon(one, place)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            scopes[cancelled].cancel()
    assert [guide.over for guide in guides] == [place != cancelled for place in range(3)]
    assert await outcomes(decider, [8, 9]) == [True, True]


@pytest.mark.requirement("parl.one-path")
async def test_more_conversations_than_slots_find_room(model: K25) -> None:
    """They are decided as they would be alone, also those that were there before."""
    sampler = Sampler(model, slots=2, tokens=200)
    first = sampler.open(View(0))
    jobs = [Job(first, [WORD] * 9, turn())]
    sampler.decide(jobs)
    others = [sampler.open(View(place)) for place in range(1, 7)]
    assert len({session.slot for session in (first, *others)}) == 7
    later = [Job(session, [WORD] * 11, turn()) for session in (first, *others)]
    sampler.decide(later)
    roomy = Sampler(model, slots=7, tokens=200)
    alone = roomy.open(View(0))
    wanted = [Job(alone, [WORD] * 9, turn()), Job(alone, [WORD] * 11, turn())]
    for job in wanted:
        roomy.decide([job])
    assert [job.guide.ids for job in wanted] == [jobs[0].guide.ids, later[0].guide.ids]
    assert all(job.guide.over for job in later)
