"""The books of a round: each request is answered once, lost work is done again, within bounds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.errors import SettingsError
from openswarm.parl.scale.ledger import Ledger
from openswarm.parl.scale.protocol import Factory, RolloutError


@pytest.mark.requirement("parl.ray")
@given(count=st.integers(0, 40), batch=st.integers(1, 9), tries=st.integers(1, 5), data=st.data())
def test_whatever_is_lost_each_request_is_answered_once_in_order(
    count: int, batch: int, tries: int, data: st.DataObject
) -> None:
    """Or the round fails with an error, after no request was begun more than `tries` times."""
    ledger: Ledger[str, str] = Ledger([f"r{i}" for i in range(count)], batch, tries)
    out, begun = [], Counter[int]()
    while not ledger.done:
        if ledger.waiting and (not out or data.draw(st.booleans())):
            out.append(ledger.take())
            begun.update(out[-1].places)
            assert len(out[-1].places) <= batch
            continue
        work = out.pop(data.draw(st.integers(0, len(out) - 1)))
        if data.draw(st.integers(0, 3)):
            ledger.finish(work, [f"{request}!" for request in ledger.of(work)])
            continue
        try:
            ledger.lose(work, "the node died")
        except RolloutError as error:
            assert all(begun[place] == tries for place in work.places)
            assert f"r{work.places[0]}" in str(error)
            return
    assert ledger.results() == [f"r{i}!" for i in range(count)]
    assert max(begun.values(), default=0) <= tries
    assert ledger.reruns == sum(begun.values()) - count


@pytest.mark.requirement("parl.ray")
def test_a_request_that_kills_its_process_is_found_and_named_alone() -> None:
    """Its batch is handed out as a whole once more, then request by request."""
    ledger: Ledger[str, str] = Ledger(["a", "poison", "c"], 3, 3)
    with pytest.raises(RolloutError, match=r"lost 3 times \(gone\): #1 'poison'$"):
        while not ledger.done:
            batch = ledger.take()
            if "poison" in ledger.of(batch):
                ledger.lose(batch, "gone")
            else:
                ledger.finish(batch, ledger.of(batch))


@pytest.mark.requirement("parl.ray")
def test_a_batch_is_settled_once() -> None:
    """What comes late, of a batch that was given up, finds no place."""
    ledger: Ledger[str, str] = Ledger(["a"], 1, 3)
    batch = ledger.take()
    ledger.lose(batch, "gone")
    with pytest.raises(KeyError):
        ledger.finish(batch, ["late"])


def test_a_maker_that_returns_too_few_is_named_with_its_requests() -> None:
    """The message shows three requests at most, and none of them at length."""
    ledger: Ledger[str, str] = Ledger(["x" * 1000, *"bcde"], 5, 3)
    batch = ledger.take()
    with pytest.raises(RolloutError, match="1 rollouts came back for 5 requests") as raised:
        ledger.finish(batch, ["only"])
    assert "and 2 more" in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(("batch", "tries"), [(0, 1), (1, 0)])
def test_a_round_without_room_or_tries_is_refused(batch: int, tries: int) -> None:
    """Both are at least 1."""
    with pytest.raises(ValueError, match="at least 1"):
        Ledger(["a"], batch, tries)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("os.system", "not of the form"),
        ("os:system; rm", "not of the form"),
        ("no_such_module_here:f", "cannot be imported"),
        ("openswarm.parl.rollout:nothing", "cannot be imported"),
    ],
)
def test_a_factory_that_is_not_there_says_so(place: str, says: str) -> None:
    """Nothing but `module:function` is tried."""
    with pytest.raises(SettingsError, match=says):
        Factory(place).build()


def test_a_factory_is_called_with_its_options() -> None:
    """By name."""
    assert Factory("collections:Counter", {"a": 2}).build() == Counter("aa")
