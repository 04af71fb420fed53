"""Matching, merging and showing texts by lines, for any texts."""

import time
from pathlib import Path

import pytest
from file_tools import apply_patch, fill
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openswarm.tools.files.lines import lines_of, matching, merge
from openswarm.tools.files.patch import Side, counts, file_patch
from openswarm.tools.files.versions import version_of

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "", "é"]), max_size=12).map("\n".join)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_match_is_true_in_order_and_complete_at_the_end(one: str, other: str) -> None:
    a, b = lines_of(one), lines_of(other)
    assert "".join(a) == one
    at_a = at_b = 0
    for block in matching(a, b):
        assert block.a >= at_a
        assert block.b >= at_b
        assert a[block.a : block.a + block.size] == b[block.b : block.b + block.size]
        at_a, at_b = block.a + block.size, block.b + block.size
    assert (at_a, at_b) == (len(a), len(b))


@pytest.mark.requirement("files.merge")
@settings(deadline=None)
@given(st.permutations(range(8)), st.lists(st.sampled_from(["", "new\n", "x\ny\n"]), min_size=8))
def test_edits_of_different_lines_all_arrive_in_any_order(
    order: list[int], edits: list[str]
) -> None:
    """Eight agents, each with a line of its own that it deletes or replaces."""
    base = [f"line {n}\n" for n in range(17)]
    now = "".join(base)
    for agent in order:
        at = 2 * agent + 1
        theirs = "".join([*base[:at], edits[agent], *base[at + 1 :]])
        merged = merge("".join(base), now, theirs)
        assert merged.conflicts == ()
        now = merged.text
    wanted = [edits[n // 2] if n % 2 else base[n] for n in range(17)]
    assert now == "".join(wanted)


@pytest.mark.requirement("files.conflicts")
@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_change_is_in_the_result_or_there_is_a_conflict(
    base: str, ours: str, theirs: str
) -> None:
    """Marked lines, which only one side has, are never lost, and nobody's deletion is undone."""
    ours = "".join(f"ours {line}" if line == "d\n" else line for line in lines_of(ours))
    theirs = "".join(f"theirs {line}" if line == "d\n" else line for line in lines_of(theirs))
    merged = merge(base, ours, theirs)
    if merged.conflicts:
        assert ours not in (base, theirs)
        assert theirs != base
        return
    assert merged.text.count("ours ") == ours.count("ours ")
    assert merged.text.count("theirs ") == theirs.count("theirs ")
    if ours == base:
        assert merged.text == theirs
    if theirs == base:
        assert merged.text == ours


@pytest.mark.requirement("files.conflicts")
def test_different_changes_of_one_place_are_a_conflict_with_its_lines() -> None:
    base = "a\nb\nc\nd\n"
    assert merge(base, "a\nX\nc\nd\n", "a\nY\nc\nd\n").conflicts == ((2, 2),)
    assert merge(base, "a\nX\nb\nc\nd\n", "a\nY\nb\nc\nd\n").conflicts == ((2, 2),)
    assert merge(base, "a\nd\n", "a\nb\nC\nd\n").conflicts == ((2, 2),)
    assert merge(base, "a\nb\nc\nd\ne", "a\nb\nc\nd\nf").conflicts == ((5, 5),)
    assert merge(base, base, "").text == ""


def test_large_texts_that_difflib_would_take_hours_for_take_seconds() -> None:
    """Every other line changed; and nothing but a few lines that repeat."""
    many = [f"line {n}\n" for n in range(60_000)]
    started = time.monotonic()
    other = ["changed\n" if n % 2 else line for n, line in enumerate(many)]
    assert merge("".join(many), "".join(many), "".join(other)).text == "".join(other)
    same = "a\nb\n" * 30_000
    matching(lines_of(same), lines_of("b\nb\na\n" * 20_000))
    assert time.monotonic() - started < 10


@pytest.mark.requirement("files.merge")
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXTS, TEXTS)
def test_git_applies_every_patch(tmp_path: Path, was: str, now: str) -> None:
    old, new = (Side(version_of(text.encode(), 0o644), text.encode()) for text in (was, now))
    fill(tmp_path, {"f.txt": was})
    patch = file_patch("f.txt", old, new)
    added, removed = counts(patch)
    assert added - removed == len(lines_of(now)) - len(lines_of(was))
    if was != now:
        apply_patch(tmp_path, patch)
    assert (tmp_path / "f.txt").read_text() == now
