"""Which slot a reply gets."""

from openswarm.llm.slots import Slots


def test_a_conversation_comes_back_to_its_slot() -> None:
    """It has read all of its prompt but the end."""
    slots = Slots.of(3)
    first, second = slots.take(1, "a"), slots.take(2, "a")
    slots.give_back(first)
    slots.give_back(second)
    assert slots.take(2, "a") is not slots.take(1, "a")
    assert {first.conversation, second.conversation} == {1, 2}


def test_a_slot_that_has_read_the_head_is_preferred() -> None:
    """Even if another one was unused for longer."""
    slots = Slots.of(3)
    slot = slots.take(1, "a")
    slot.head = "a"
    slots.give_back(slot)
    assert slots.take(2, "a") is slot


def test_a_new_head_takes_the_slot_that_was_unused_longest() -> None:
    """The others may be wanted again sooner."""
    slots = Slots.of(2)
    taken = [slots.take(number, f"{number}") for number in (1, 2)]
    for slot in reversed(taken):
        slots.give_back(slot)
    assert slots.take(3, "c") is taken[0]
