"""Training samples: what is written is read back, and nothing else is read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compacted_rollout import compacted
from hypothesis import given
from hypothesis import strategies as st
from sound_rollouts import rollouts

from openswarm.core.errors import UserError
from openswarm.parl.export.samples import (
    MAX_LINE_BYTES,
    from_line,
    read_samples,
    to_line,
    write_samples,
)
from openswarm.parl.rollout import Rollout, Segment


@pytest.mark.requirement("parl.samples")
@given(rollouts())
def test_a_line_is_read_back_as_it_was_written(rollout: Rollout) -> None:
    """Each line is one line, and its JSON says which version it has."""
    line = to_line(rollout)
    assert from_line(line) == rollout
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line)["v"] == 1


@pytest.mark.requirement("parl.samples")
def test_a_file_is_read_back_in_its_order(tmp_path: Path) -> None:
    """And what is written anew takes the place of what was there, whole."""
    file = tmp_path / "samples.jsonl"
    written = [compacted(task=f"t{i}") for i in range(5)]
    assert write_samples(file, written) == 5
    assert list(read_samples(file)) == written
    assert write_samples(file, []) == 0
    assert list(read_samples(file)) == []
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.requirement("parl.samples")
def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path) -> None:
    """A rollout that does not hold together stops the writing, and leaves no draft."""
    file = tmp_path / "samples.jsonl"
    write_samples(file, [compacted()])
    with pytest.raises(ValueError, match="quality"):
        write_samples(file, [compacted(), compacted(quality=float("nan"))])
    assert list(read_samples(file)) == [compacted()]
    assert not list(tmp_path.glob(".*.part"))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The line of a sound rollout, of which one thing was changed."""
    document = json.loads(to_line(compacted()))
    change(document)
    return json.dumps(document).encode() + b"\n"


@pytest.mark.requirement("parl.samples")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(v=2), "version 2; this openswarm reads 1"),
        (lambda d: d.update(v=True), "version True"),
        (lambda d: d.pop("v"), "version None"),
        (lambda d: d.update(extra=1), "unknown field 'extra' in a rollout"),
        (lambda d: d["segments"][1].update(text="x"), "unknown field 'text' in a segment"),
        (lambda d: d["stages"][0].update(x=1), "unknown field 'x' in a stage"),
        (lambda d: d.pop("quality"), "at quality"),
        (lambda d: d.update(main_steps="3"), "at main_steps"),
        (lambda d: d.update(main_steps=True), "at main_steps"),
        (lambda d: d.update(budget_hit=1), "at budget_hit"),
        (lambda d: d.update(segments={}), "at segments"),
        (lambda d: d["segments"][0]["mask"].__setitem__(2, 1), r"at segments\.0\.mask\.2"),
        (lambda d: d["segments"][0]["ids"].append(7), "differ in length"),
        (lambda d: d["segments"][0]["ids"].__setitem__(0, -1), "negative"),
        (lambda d: d["segments"][0]["mask"].__setitem__(0, True), "has no prompt"),
        (lambda d: d["segments"][0]["logprobs"].__setitem__(0, -1.0), "did not choose"),
        (lambda d: d["stages"][0]["steps"].append(1), "columns of a stage"),
        (lambda d: d.update(quality=float("inf")), "Infinity is no number"),
        (lambda d: d["meta"].update(x=[1]), "at meta"),
    ],
)
def test_a_line_with_anything_else_in_it_is_refused(change: Any, says: str) -> None:
    """And the message says where."""
    with pytest.raises(ValueError, match=says):
        from_line(changed(change))


@pytest.mark.requirement("parl.samples")
@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "Expecting value"),
        (b"[]", "not an object"),
        (b'{"v": 1, "v": 1}', "given twice"),
        (b'{"v": 1, "quality": 1e999}', "Field required"),
        (b'{"v": 1, "task": ' + b"[" * 100_000, "nested too deeply"),
        (b" " * (MAX_LINE_BYTES + 1), "over"),
        (b'{"v": 1, "task": "\xff"}', "utf-8"),
    ],
)
def test_a_line_that_is_no_object_is_refused(line: bytes, says: str) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match=says):
        from_line(line)


@pytest.mark.requirement("parl.samples")
@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (((12, 7),), "1 choices for 3 tokens"),
        (((12,), (13,), (15,), (15,)), "4 choices for 3 tokens"),
        (((12, 7), (7, 8), (15,)), "not among its choices"),
        (((12, 7), (), (15,)), "not among its choices"),
    ],
)
def test_choices_that_do_not_fit_what_was_chosen_are_refused(choices: Any, says: str) -> None:
    """On both sides; those that fit are read back."""
    first, second = compacted().segments
    whole = replace(first, choices=((12, 7), (13,), (15, 8)))
    narrow = compacted(segments=(whole, second))
    assert from_line(to_line(narrow)) == narrow
    with pytest.raises(ValueError, match=says):
        to_line(compacted(segments=(replace(first, choices=choices), second)))
    document = json.loads(to_line(narrow))
    document["segments"][0]["choices"] = choices
    with pytest.raises(ValueError, match=says):
        from_line(json.dumps(document).encode() + b"\n")


@given(st.binary(max_size=60))
def test_bytes_that_nobody_wrote_are_refused_and_nothing_worse(line: bytes) -> None:
    """The error is always the same kind."""
    with pytest.raises(ValueError):
        from_line(line)


@pytest.mark.requirement("parl.samples")
@pytest.mark.parametrize("tail", [b"", b"{", b"null\n"])
def test_damage_is_named_with_file_and_line(tmp_path: Path, tail: bytes) -> None:
    """A torn last line, too; what stands before it was read."""
    file = tmp_path / "samples.jsonl"
    write_samples(file, [compacted()])
    whole = file.read_bytes()
    file.write_bytes(whole + (tail or whole[:-1]))
    reader = read_samples(file)
    assert next(reader) == compacted()
    with pytest.raises(UserError, match=r"samples\.jsonl, line 2: "):
        next(reader)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """In the words of the system."""
    with pytest.raises(UserError, match="No such file"):
        next(read_samples(tmp_path / "none.jsonl"))


@pytest.mark.parametrize(
    "rollout",
    [
        compacted(task="\ud800"),
        compacted(tokens=2**70),
        compacted(segments=(Segment((1, 2), (False, True), (0.0, float("-inf"))),)),
        replace(compacted(), meta={"x": float("nan")}),
    ],
)
def test_what_has_no_form_in_json_is_not_written(rollout: Rollout) -> None:
    """The message names the task."""
    with pytest.raises(ValueError, match="rollout of task"):
        to_line(rollout)
