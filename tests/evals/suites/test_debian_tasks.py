"""Tasks of debian-wide: true by what the pages say, split by section, the same everywhere."""

import re
from collections.abc import Iterable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.evals.suites import debian
from openswarm.evals.suites.debian_records import host_of
from openswarm.evals.suites.family import Dials, Material
from openswarm.evals.suites.freeze import tasks_sha256
from openswarm.evals.task import EvalTask, Split
from openswarm.modes.settings import home_folder

SAMPLE_SHA256 = "d136a7ca07885b8cc2032c8b58d78cf86c5e12717fd50e506e6f075436cd5ef1"
TASKS_SHA256 = "06b193216fa9914d001da9aa467ec251ddb7d7da3f38425861b8a2e10fc07f2e"
SPLITS: tuple[Split, ...] = ("train", "test")
OUTER_HOME = home_folder()
"""That of whoever runs the tests; the full corpus is built from the lists in it, if it has any."""

STATED = {
    "version": r"(?:Version: |this distribution is )(\S+?)(?:\. |, built)",
    "installed_size": r"(?:Installed size: |what it installs takes )(\d+) kB",
    "file_size": r"(?:Package file: |to download holds )(\d+) bytes",
    "maintainer": r"(?:Maintainer: (.+)\. Source|looked after by (.+)\.\n)",
    "source": r"(?:Source package: |from the source package )(\S+?)(?:\.\n| and looked)",
    "architecture": r"(?:Architecture: (\S+)\.\n|for the architecture (\S+);)",
    "section": r"(?:Section: (\S+)\. |to the section (\S+) and)",
    "depends": r"\n\S+ depends on: (.+)\.\n",
}
"""How a page states each thing, in either wording."""


@cache
def sample() -> Material:
    """The frozen sample."""
    return debian.sample()


def tasks(split: Split, count: int, seed: int = 0, **dials: int) -> list[EvalTask]:
    """Tasks over the sample."""
    return list(debian.FAMILY.tasks(sample(), split, count, seed, Dials(**dials)))


@cache
def stated(text: str, what: str) -> str:
    """What a page says, read by code that knows nothing of the records; '' for nothing."""
    if what == "homepage_host":
        found = re.search(r"Its home page is (\S+)\n", text)
        return host_of(found[1]) if found else ""
    found = re.search(STATED[what], text.rpartition("## Release")[2])
    return next(filter(None, found.groups()), "") if found else ""


@cache
def needs(text: str) -> frozenset[str]:
    """The packages that a page names as dependencies with no other in their place."""
    groups = stated(text, "depends").split(", ")
    return frozenset(group.split(" ")[0] for group in groups if group and " or " not in group)


def true_rows(task: EvalTask, material: Material) -> list[dict[str, str]]:
    """The rows that a careful reader of all documents in scope would hand in."""
    assert task.contract is not None
    texts = {name.removesuffix(".md"): material.documents.texts[name] for name in task.scope}
    form = task.template.split("-")[1]
    if form == "listed":
        words = set(re.findall(r"[a-z0-9][a-z0-9+.\-]*[a-z0-9+]", task.question))
        named = [name for name in texts if name in words]
    elif form == "depends":
        named = [name for name, text in texts.items() if asked(task.question, needs(text))]
    else:
        named = [n for n, text in texts.items() if stated(text, "maintainer") in task.question]
    columns = [column.name for column in task.contract.asked]
    rows = [{"package": n} | {c: stated(texts[n], c) for c in columns} for n in named]
    return sorted(rows, key=lambda row: row["package"])


def asked(question: str, names: Iterable[str]) -> bool:
    """Whether the question is about one of the names."""
    return not targets(question).isdisjoint(names)


@cache
def targets(question: str) -> frozenset[str]:
    """What stands where a question names its target."""
    before = r"(?:depends? on|without|dependency on|for which|^) ?"
    return frozenset(re.findall(rf"{before}([a-z0-9][a-z0-9+.\-]*[a-z0-9+])", question))


def assert_true(task: EvalTask, material: Material) -> None:
    """The gold is what the documents in scope say, and no more rows fit the question."""
    right = sorted(task.gold, key=lambda row: row["package"])
    assert true_rows(task, material) == right, task.question
    for part, row in zip(task.parts, task.gold, strict=True):
        text = "".join(material.documents.texts[name] for name in part.documents)
        assert part.name == row["package"]
        assert all(value and value in text for value in row.values())


@pytest.mark.requirement("evals.debian")
@given(st.sampled_from(SPLITS), st.integers(0, 10_000), st.integers(3, 12))
@settings(max_examples=60, deadline=None)
def test_the_pages_in_scope_hold_every_right_value_and_no_other_row(
    split: Split, seed: int, most: int
) -> None:
    """Read out of the prose by code, alternatives and recommendations left aside."""
    for task in tasks(split, 3, seed, min_rows=3, max_rows=most):
        assert_true(task, sample())


@pytest.mark.requirement("evals.debian")
def test_no_section_no_page_and_no_wording_of_the_tests_is_in_training() -> None:
    """A hundred tasks of each split from the sample, all forms among them."""
    by_split = {split: tasks(split, 100, max_rows=6) for split in SPLITS}
    assert {len(drawn) for drawn in by_split.values()} == {100}
    pages = [{name for task in by_split[split] for name in task.scope} for split in SPLITS]
    wordings = [{task.template for task in by_split[split]} for split in SPLITS]
    assert not pages[0] & pages[1]
    assert not wordings[0] & wordings[1]
    assert {name.split("-")[1] for name in wordings[1]} == {"depends", "maintainer", "listed"}
    assert not set(debian.SECTIONS["train"]) & set(debian.SECTIONS["test"])
    for forms in debian.WORDINGS.values():
        assert len(set(forms["train"]) - set(forms["test"])) >= 4
        assert len(forms["test"]) >= 2


@pytest.mark.requirement("evals.debian")
def test_the_dials_bound_rows_columns_and_distractors() -> None:
    """And what no section can give is not drawn for ever."""
    for task in tasks("train", 60, min_rows=4, max_rows=5, columns=2, distractors=3):
        assert task.contract is not None
        assert 4 <= len(task.gold) <= 5
        assert 1 <= len(task.contract.asked) <= 2
        assert len(task.gold) <= len(task.scope) <= len(task.gold) + 3
        assert task.width == len(task.gold)
    assert tasks("test", 5, min_rows=500, max_rows=500) == []


@pytest.mark.requirement("evals.debian")
def test_packages_that_only_recommend_the_target_stand_among_the_distractors() -> None:
    """So that a search for its name is not the answer."""
    near = 0
    for task in tasks("train", 200, max_rows=8):
        rows = {part.documents[0] for part in task.parts}
        for name in sorted(set(task.scope) - rows):
            hints = material_hints(name)
            near += task.template.startswith("debian-depends") and asked(task.question, hints)
    assert near > 0


def material_hints(name: str) -> set[str]:
    """What a package of the sample recommends or suggests."""
    return set(sample().records[name.removesuffix(".md")]["hints"])


@pytest.mark.requirement("evals.debian")
def test_the_sample_and_its_tasks_are_the_ones_whose_hashes_are_noted() -> None:
    """On every machine and every version of Python."""
    assert sample().documents.sha256 == SAMPLE_SHA256
    assert tasks_sha256(debian.FAMILY) == TASKS_SHA256
    assert tasks("test", 9, seed=2) == tasks("test", 9, seed=2) != tasks("test", 9, seed=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.requirement("evals.debian")
def test_the_full_lists_have_a_thousand_wide_tasks_to_train_and_two_hundred_to_test() -> None:
    """Of 20 to 200 rows as well as of few, all true by their pages."""
    if not (OUTER_HOME / "evals" / "apt" / "lists").is_dir():
        pytest.skip("Debian's lists are not in the home of openswarm")
    material = debian.build(OUTER_HOME)
    for split, count in (("train", 1000), ("test", 200)):
        for dials in (Dials(), Dials(min_rows=20, max_rows=200, distractors=40)):
            drawn = list(debian.FAMILY.tasks(material, split, count, 0, dials))  # type: ignore[arg-type]
            assert len({task.id for task in drawn}) == count
            for task in drawn:
                assert_true(task, material)
