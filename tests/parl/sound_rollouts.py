"""Rollouts that hold together, drawn, for the tests of exporters."""

from hypothesis import strategies as st

from openswarm.parl.rollout import Rollout, Segment, Stage

COUNTS = st.integers(0, 10**9)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=12)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """A prompt of at least one token, and what follows it."""
    mask = (False, *draw(st.lists(st.booleans(), max_size=12)))
    ids = draw(st.lists(st.integers(0, 200_000), min_size=len(mask), max_size=len(mask)))
    logprobs = tuple(draw(st.floats(-50, 0)) if chosen else 0.0 for chosen in mask)
    return Segment(tuple(ids), mask, logprobs)


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """Up to four sub-agents."""
    width = draw(st.integers(0, 4))

    def column(values: st.SearchStrategy) -> tuple:
        return tuple(draw(st.lists(values, min_size=width, max_size=width)))

    return Stage(
        column(COUNTS), column(TEXTS), column(TEXTS), column(st.booleans()), column(FLOATS),
        column(COUNTS),
    )  # fmt: skip


def rollouts() -> st.SearchStrategy[Rollout]:
    """Any rollout that holds together."""
    return st.builds(
        Rollout, task=TEXTS, group=TEXTS,
        segments=st.lists(segments(), max_size=3).map(tuple),
        stages=st.lists(stages(), max_size=3).map(tuple),
        main_steps=COUNTS, created=COUNTS, refused=COUNTS, critical_steps=COUNTS,
        total_steps=COUNTS, seconds=FLOATS, tokens=COUNTS, outcome=TEXTS,
        budget_hit=st.booleans(), quality=FLOATS, item_f1=FLOATS, success=FLOATS,
        correct_cells=COUNTS, meta=st.dictionaries(TEXTS, FLOATS | TEXTS, max_size=3),
    )  # fmt: skip
