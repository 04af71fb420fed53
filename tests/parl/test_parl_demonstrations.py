"""Demonstrations are rollouts that a script leads: right, sound, and mostly serial."""

import random

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from parl_cases import curriculum, environment, fact_task, request, wide_task

from openswarm.parl.demonstrations import Demonstrator, Manner, draw_manner
from openswarm.parl.environment import Seat
from openswarm.parl.rollout import Rollout
from openswarm.parl.start import SEATS, demonstrate

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
MANNERS = st.builds(Manner, st.integers(0, 12), st.booleans(), st.integers(0, 3), st.integers(1, 4))


def shown(manner: Manner, width: int = 4, *, fail: float = 0.0, seed: int = 0) -> Rollout:
    """A demonstration on a wide task."""
    env, task = environment(fail_rate=fail), wide_task(width)
    return anyio.run(env.rollout, request(task, seed=seed), Demonstrator(task, manner), Seat())


@pytest.mark.requirement("parl.demonstrations")
@settings(max_examples=25, deadline=None, phases=PHASES)
@given(MANNERS, st.integers(2, 8))
def test_every_manner_solves_its_task_with_workers_that_never_err(
    manner: Manner, width: int
) -> None:
    """Alone or delegated; as many at once as it says, and no call is refused."""
    made = shown(manner, width)
    assert made.success == 1.0
    assert made.refused == 0
    if manner.width:
        assert made.spawned == width
        assert max(stage.width for stage in made.stages) == min(manner.width, width)
        assert made.created == manner.creates
    else:
        assert made.spawned == 0
    assert 0 < made.length == len(made.segments[0].choices)
    assert set(made.segments[0].logprobs) == {0.0}


@pytest.mark.requirement("parl.demonstrations")
def test_what_failed_is_assigned_again_as_often_as_the_manner_says() -> None:
    """Retries bring up what is there in the end; without them it stays missing."""
    tries = {
        retries: [shown(Manner(8, retries=retries), fail=0.5, seed=s).spawned for s in range(6)]
        for retries in (0, 2)
    }
    assert tries[0] == [4] * 6
    assert sum(tries[2]) > 4 * 6


@pytest.mark.requirement("parl.demonstrations")
@pytest.mark.parametrize("seat", [Seat(), Seat(spawn=False, reads=12), Seat(False, False)])
def test_a_seat_is_shown_what_it_can_do(seat: Seat) -> None:
    """A script never makes a call that its seat does not have."""
    env = environment()
    for seed in range(12):
        numbers = random.Random(seed)
        task = wide_task(3) if seed % 2 else fact_task(seed % 6)
        manner = draw_manner(task, numbers, spawn=seat.spawn, reads=seat.reads)
        made = anyio.run(env.rollout, request(task, seed=seed), Demonstrator(task, manner), seat)
        assert made.success == 1.0
        assert seat.spawn or not made.spawned
        assert made.main_steps > 1


@pytest.mark.requirement("parl.demonstrations")
def test_a_script_without_tools_left_answers() -> None:
    """At the end of a budget, and where nothing can be read."""
    env, task = environment(), wide_task(4)
    for manner in (Manner(1), Manner(0)):
        asked = request(task, critical=4)
        made = anyio.run(env.rollout, asked, Demonstrator(task, manner), Seat(direct=False))
        assert made.critical_steps <= 4


@pytest.mark.requirement("parl.demonstrations")
def test_manners_are_mostly_serial() -> None:
    """Of wide tasks half are read alone and a tenth done all at once; controls alone."""
    numbers = random.Random(1)
    wide = [draw_manner(wide_task(3), numbers, spawn=True, reads=12) for _ in range(2000)]
    share = {
        "alone": sum(m.width == 0 for m in wide) / 2000,
        "few": sum(0 < m.width <= 8 for m in wide) / 2000,
        "all": sum(m.width > 8 for m in wide) / 2000,
    }
    assert share["alone"] == pytest.approx(0.5, abs=0.05)
    assert share["few"] == pytest.approx(0.4, abs=0.05)
    assert share["all"] == pytest.approx(0.1, abs=0.03)
    assert all(m.retries == 2 for m in wide if m.width > 8)
    controls = [draw_manner(fact_task(), numbers, spawn=True, reads=12) for _ in range(2000)]
    assert sum(m.width > 0 for m in controls) / 2000 < 0.12
    alone = [draw_manner(wide_task(3), numbers, spawn=False, reads=1) for _ in range(50)]
    assert all((m.width, m.reads) == (0, 1) for m in alone)


@pytest.mark.requirement("parl.demonstrations")
def test_equal_seeds_demonstrate_alike() -> None:
    """And every seat of the study is among them."""
    tasks = curriculum()
    first, again = (demonstrate(environment(), tasks, 10, 3) for _ in range(2))
    assert first == again
    assert first != demonstrate(environment(), tasks, 10, 4)
    assert {(seat.spawn, seat.parallel) for seat in SEATS} == {
        (True, True), (False, True), (False, False),
    }  # fmt: skip
