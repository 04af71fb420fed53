"""The prefix, and all from a stop text on, are left out of an answer alike at any split."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.llm.model import Delta
from openswarm.server.passing import Passing

pytestmark = pytest.mark.requirement("api.partial", "api.frames")

few = st.text("ab🐙", max_size=12)
stops = st.lists(st.text("ab🐙", min_size=1, max_size=4), max_size=3).map(tuple)


def rule(text: str, prefix: str, stop: tuple[str, ...]) -> tuple[str, str]:
    """The answer and the text that ended it, from the whole text: the stop that is whole first,
    of several the longest."""
    text = text.removeprefix(prefix)
    for end in range(1, len(text) + 1):
        ended = sorted((s for s in stop if text[:end].endswith(s)), key=len)
        if ended:
            return text[: end - len(ended[-1])], ended[-1]
    return text, ""


@given(few, few, stops, st.lists(st.integers(0, 12), max_size=6))
@settings(max_examples=300, deadline=None)
def test_prefix_and_stop_texts_are_left_out_alike_at_any_split(
    text: str, prefix: str, stop: tuple[str, ...], places: list[int]
) -> None:
    """What was passed on is what the rule makes of the whole text."""
    passed: list[str] = []
    passing = Passing(
        lambda delta: passed.append(delta.text) if isinstance(delta, Delta) else None,
        stop=stop, prefix=prefix,
    )  # fmt: skip
    edges = sorted({0, len(text), *(min(place, len(text)) for place in places)})
    for start, end in pairwise(edges):
        passing.take(Delta("text", text[start:end]))
    passing.finish()
    assert ("".join(passed), passing.stopped_at) == rule(text, prefix, stop)
    assert passing.text == "".join(passed)


@given(few, few, stops)
@settings(max_examples=100, deadline=None)
def test_what_began_anew_is_as_if_it_had_never_begun(
    text: str, prefix: str, stop: tuple[str, ...]
) -> None:
    """A reply that broke off before any of it was passed on leaves nothing behind."""
    passing = Passing(lambda _: None, stop=stop, prefix=prefix)
    passing.take(Delta("text", text[:1]))
    if passing.has_sent:
        return
    passing.restart()
    passing.take(Delta("text", text))
    passing.finish()
    assert (passing.text, passing.stopped_at) == rule(text, prefix, stop)
