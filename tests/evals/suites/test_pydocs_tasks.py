"""Tasks of docs-wide: true by what the pages say, split by page, the same everywhere."""

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import SettingsError
from openswarm.evals.suites import pydocs
from openswarm.evals.suites.family import Dials, Material, split_of
from openswarm.evals.suites.freeze import tasks_sha256
from openswarm.evals.suites.pydocs_records import Mark, read_page
from openswarm.evals.task import EvalTask, Split
from openswarm.modes.settings import home_folder

SAMPLE_SHA256 = "fa2ed84925b411bf6b9b22fa3cb18fabd153dc64f939204d0679930e1db38a22"
TASKS_SHA256 = "206fd676fcaa691f3fb32f82ecf477c722e615806f57a2ff0fcc321511cf76df"
SPLITS: tuple[Split, ...] = ("train", "test")
OUTER_HOME = home_folder()
"""That of whoever runs the tests; the full corpus is built from the deb in it, if it has it."""

ENTRY = re.compile(r"#### (\w+) ([\w.]+)")
NOTE = re.compile(r"(New in|Changed in|Deprecated since) version (\d[\d.]*\d)(\.$)?")
CHANGES = {"New in": "added", "Changed in": "changed", "Deprecated since": "deprecated"}
ASKED = {"new in": "added", "changed in": "changed", "deprecated since": "deprecated"}


@cache
def sample() -> Material:
    """The frozen sample."""
    return pydocs.sample()


def tasks(split: Split, count: int, seed: int = 0, **dials: int) -> list[EvalTask]:
    """Tasks over the sample."""
    return list(pydocs.FAMILY.tasks(sample(), split, count, seed, Dials(**dials)))


def stated(text: str) -> list[Mark]:
    """The marks of a page, read out of its text by code that never saw the HTML."""
    owners: list[tuple[str, str]] = []
    marks: list[Mark] = []
    titled = False
    for block in text.strip().split("\n\n"):
        note = NOTE.match(block)
        if block.startswith("#"):
            owners = [(name, kind) for kind, name in ENTRY.findall(block)]
        elif titled and block.startswith("Module: "):
            owners = [(block.removeprefix("Module: "), "module")]
        elif note:
            change = CHANGES[note[1]]
            whole = note[3] is not None
            marks += [Mark(n, k, change, note[2], whole) for n, k in owners]  # type: ignore[arg-type]
        titled = block.startswith("# ")
    return marks


def true_rows(task: EvalTask, material: Material) -> list[dict[str, str]]:
    """The rows that a careful reader of all pages that are asked about would hand in."""
    assert task.contract is not None
    change = next(ASKED[verb] for verb in ASKED if verb in task.question)
    versions = set(re.findall(r"(?<![\w.])3\.\d+(?:\.\d+)?(?!\w)", task.question))
    listed = task.template.startswith("docs-listed")
    pages = [name.removesuffix(".md") for name in task.scope]
    words = set(re.findall(r"[\w.\-]*\w", task.question))
    rows: dict[str, dict[str, str]] = {}
    for page in (page for page in pages if not listed or page in words):
        for mark in stated(material.documents.texts[f"{page}.md"]):
            counts = mark.whole or change != "added"
            if counts and mark.change == change and mark.version in versions:
                cells = {"object": mark.object, "page": page, "kind": mark.kind}
                cells["version"] = mark.version
                rows[mark.object] = {name: cells[name] for name in task.contract.names}
    return sorted(rows.values(), key=lambda row: row["object"])


def assert_true(task: EvalTask, material: Material) -> None:
    """The gold is what the pages say, every value stands in a part, and no more rows fit."""
    assert true_rows(task, material) == sorted(task.gold, key=lambda row: row["object"])
    text = "".join(
        name + material.documents.texts[name] for part in task.parts for name in part.documents
    )
    assert all(value and value in text for row in task.gold for value in row.values())


@pytest.mark.requirement("evals.pydocs")
def test_the_marks_of_every_page_can_be_read_back_from_its_text() -> None:
    """All of them, in order, and no other."""
    marks = pydocs.marks_of(sample())
    assert len(marks) > 30
    for page, known in marks.items():
        assert stated(sample().documents.texts[f"{page}.md"]) == list(known), page


@pytest.mark.requirement("evals.pydocs")
@given(st.sampled_from(SPLITS), st.integers(0, 10_000), st.integers(3, 12))
@settings(max_examples=60, deadline=None)
def test_the_pages_in_scope_hold_every_right_value_and_no_other_row_of_the_docs(
    split: Split, seed: int, most: int
) -> None:
    """Read out of the text by code."""
    for task in tasks(split, 3, seed, min_rows=3, max_rows=most):
        assert_true(task, sample())


@pytest.mark.requirement("evals.pydocs")
def test_no_page_and_no_wording_of_the_tests_of_docs_is_in_training() -> None:
    """A hundred tasks of each split from the sample, both forms among them."""
    by_split = {split: tasks(split, 100, max_rows=6) for split in SPLITS}
    assert {len(drawn) for drawn in by_split.values()} == {100}
    for split in SPLITS:
        pages = {name for task in by_split[split] for name in task.scope}
        assert {split_of(name.removesuffix(".md")) for name in pages} == {split}
    wordings = [{task.template for task in by_split[split]} for split in SPLITS]
    assert not wordings[0] & wordings[1]
    assert {name.split("-")[1] for name in wordings[1]} == {"listed", "open"}
    for forms in (pydocs.LISTED, pydocs.OPEN):
        assert len(set(forms["train"]) - set(forms["test"])) >= 4
        assert len(forms["test"]) >= 2


@pytest.mark.requirement("evals.pydocs")
def test_the_dials_bound_the_rows_and_pages_of_a_task_over_docs() -> None:
    """All pages that have to be read are parts, those without a row too."""
    idle = 0
    for task in tasks("train", 60, min_rows=4, max_rows=7, columns=1, distractors=6):
        assert task.contract is not None
        needed = {name for part in task.parts for name in part.documents}
        assert 4 <= len(task.gold) <= 7
        assert len(task.contract.asked) == 1
        assert needed <= set(task.scope)
        assert len(task.scope) <= len(needed) + 6
        assert len({row["object"] for row in task.gold}) == len(task.gold)
        idle += task.width > len(task.gold)
    assert idle > 0
    assert tasks("test", 5, min_rows=500, max_rows=500) == []


@pytest.mark.requirement("evals.pydocs")
def test_the_sample_of_docs_and_its_tasks_are_the_ones_whose_hashes_are_noted() -> None:
    """On every machine and every version of Python."""
    assert sample().documents.sha256 == SAMPLE_SHA256
    assert tasks_sha256(pydocs.FAMILY) == TASKS_SHA256
    assert tasks("test", 9, seed=2) == tasks("test", 9, seed=2) != tasks("test", 9, seed=3)


@pytest.mark.requirement("evals.pydocs")
def test_pages_that_say_nothing_or_are_a_book_are_left_out() -> None:
    """By the length of their digest."""
    head = "<div class='body'><section id='module-x'><h1>x</h1>"
    pages = [
        read_page(name, f"{head}{'<p>word word</p>'}{entries}</section></div>")
        for name, entries in (
            ("short", ""),
            ("fit", "<dl class='py data'><dt id='x.a'>a</dt><dd><p>b</p></dd></dl>" * 60),
            ("book", "<dl class='py data'><dt id='x.a'>a</dt><dd><p>b</p></dd></dl>" * 3000),
        )
    ]
    assert list(pydocs.material_of(pages).documents.texts) == ["fit.md"]


@pytest.mark.requirement("evals.pydocs")
def test_a_machine_without_apt_is_told_the_command_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No HTML is read before the deb is there."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match="apt-get"):
        pydocs.build(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.requirement("evals.pydocs")
def test_the_whole_reference_has_a_thousand_tasks_to_train_and_two_hundred_to_test() -> None:
    """Of 20 to 200 rows as well as of few, all true by their pages."""
    if not list((OUTER_HOME / "evals").glob(pydocs.PACKAGE.file)):
        pytest.skip("python3.11-doc is not in the home of openswarm")
    material = pydocs.build(OUTER_HOME)
    for page, known in pydocs.marks_of(material).items():
        assert stated(material.documents.texts[f"{page}.md"]) == list(known), page
    for split, count in (("train", 1000), ("test", 200)):
        for dials in (Dials(), Dials(min_rows=20, max_rows=200, distractors=40)):
            drawn = list(pydocs.FAMILY.tasks(material, split, count, 0, dials))  # type: ignore[arg-type]
            assert len({task.id for task in drawn}) == count
            for task in drawn:
                assert_true(task, material)
