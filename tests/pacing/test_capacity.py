"""The learned capacity of a resource: no ramp, down to what was admitted, steady growth."""

import pytest

from openswarm.pacing.capacity import FAULTS_IN_A_ROW, UNLIMITED, Capacity


def admitted(count: int, limit: int = UNLIMITED) -> Capacity:
    capacity = Capacity(limit=limit)
    for _ in range(count):
        capacity.admit()
    return capacity


def refuse(capacity: Capacity) -> None:
    capacity.release()
    capacity.throttled()


def serve(capacity: Capacity, count: int) -> None:
    for _ in range(count):
        capacity.admit()
        capacity.release()
        capacity.succeeded()


@pytest.mark.requirement("pacing.no-ramp")
def test_a_resource_is_unlimited_until_it_refuses() -> None:
    capacity = admitted(1000)
    assert capacity.free > 100_000
    capacity.release()
    capacity.succeeded()
    assert capacity.limit == UNLIMITED


@pytest.mark.requirement("pacing.learn")
def test_after_a_burst_of_refusals_the_limit_is_what_was_admitted() -> None:
    capacity = admitted(100)
    for _ in range(80):
        refuse(capacity)
    assert capacity.limit == capacity.in_flight == 20
    assert capacity.free == 0


def test_the_limit_never_falls_below_one() -> None:
    capacity = admitted(1)
    refuse(capacity)
    assert capacity.limit == capacity.free == 1


def test_a_refusal_never_raises_the_limit() -> None:
    capacity = admitted(30, limit=5)
    refuse(capacity)
    assert capacity.limit == 5


@pytest.mark.requirement("pacing.learn")
def test_the_limit_grows_by_one_after_a_clean_round_then_faster() -> None:
    capacity = Capacity(limit=20)
    serve(capacity, 19)
    assert capacity.limit == 20
    serve(capacity, 1)
    assert capacity.limit == 21
    serve(capacity, 21)
    assert capacity.limit == 23
    serve(capacity, 23)
    assert capacity.limit == 27


def test_growth_is_never_more_than_a_quarter_at_once() -> None:
    capacity = Capacity(limit=8)
    for _ in range(12):
        before = capacity.limit
        serve(capacity, before)
        assert before < capacity.limit <= before + max(1, before // 4) + 1


def test_a_refusal_ends_the_fast_growth() -> None:
    capacity = Capacity(limit=20)
    serve(capacity, 20 + 21 + 23)
    for _ in range(10):
        capacity.admit()
    refuse(capacity)
    serve(capacity, capacity.limit)
    assert capacity.limit == 10


def test_failures_in_a_row_halve_what_is_admitted() -> None:
    capacity = admitted(40)
    for _ in range(FAULTS_IN_A_ROW):
        capacity.release()
        capacity.failed()
    assert capacity.limit == 20


def test_a_success_between_failures_shows_that_the_resource_is_well() -> None:
    capacity = admitted(40)
    for _ in range(10):
        capacity.release()
        capacity.failed()
        capacity.release()
        capacity.succeeded()
    assert capacity.limit == UNLIMITED
