"""The ledger: what fits now, what can never fit, and that reserving bounds what is spent."""

import pytest

from openswarm.core.budget import NOTHING, Amount, Ledger
from openswarm.core.limits import Limits

ONE_CALL = Amount(steps=1, tokens=100, usd=0.5)


def test_amounts_add_and_subtract_field_by_field() -> None:
    twice = ONE_CALL + ONE_CALL
    assert twice == Amount(2, 200, 1.0)
    assert twice - ONE_CALL == ONE_CALL


@pytest.mark.parametrize(
    ("ledger", "limit"),
    [
        (Ledger(steps=1), "steps"),
        (Ledger(tokens=150), "tokens"),
        (Ledger(usd=0.75), "usd"),
    ],
)
def test_the_ceiling_that_a_second_call_passes_is_named(ledger: Ledger, limit: str) -> None:
    assert ledger.exceeded(ONE_CALL) == ""
    ledger.reserve(ONE_CALL)
    assert ledger.exceeded(ONE_CALL) == limit


@pytest.mark.requirement("budget.reserve")
def test_what_is_only_reserved_makes_a_call_wait_and_never_hopeless() -> None:
    ledger = Ledger(steps=1)
    ledger.reserve(ONE_CALL)
    assert ledger.exceeded(ONE_CALL) == "steps"
    assert ledger.hopeless(ONE_CALL) == ""


def test_what_is_spent_makes_a_call_hopeless() -> None:
    ledger = Ledger(steps=1)
    ledger.reserve(ONE_CALL)
    ledger.settle(ONE_CALL, ONE_CALL)
    assert ledger.reserved == NOTHING
    assert ledger.hopeless(ONE_CALL) == "steps"


def test_an_amount_that_just_reaches_the_ceiling_fits() -> None:
    ledger = Ledger(steps=2, tokens=200, usd=0.3)
    ledger.settle(NOTHING, Amount(1, 100, 0.1))
    assert ledger.exceeded(Amount(1, 100, 0.2)) == ""


@pytest.mark.requirement("budget.reserve")
def test_a_call_that_failed_gives_back_all_that_it_had_reserved() -> None:
    ledger = Ledger(tokens=100)
    ledger.reserve(ONE_CALL)
    ledger.settle(ONE_CALL, NOTHING)
    assert ledger.spent == NOTHING
    assert ledger.exceeded(ONE_CALL) == ""


def test_without_ceilings_everything_fits() -> None:
    ledger = Ledger()
    ledger.settle(NOTHING, Amount(10**9, 10**12, 1e9))
    assert ledger.exceeded(ONE_CALL) == ledger.hopeless(ONE_CALL) == ""


def test_a_ledger_takes_its_ceilings_from_the_limits() -> None:
    ledger = Ledger.of(Limits(steps=3, tokens=4, usd=5.0))
    assert (ledger.steps, ledger.tokens, ledger.usd) == (3, 4, 5.0)
