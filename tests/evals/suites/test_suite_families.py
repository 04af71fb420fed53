"""The families: enough tasks, the same on every machine, split cleanly, and true."""

import json
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import UserError
from openswarm.evals.suites import factbook
from openswarm.evals.suites.catalogue import FAMILIES, Dials, Family, Material
from openswarm.evals.suites.elements import MENDELEEV
from openswarm.evals.suites.elements import build as build_elements
from openswarm.evals.suites.factbook_records import NOW, THEN
from openswarm.evals.suites.facts import number_in, stands_in
from openswarm.evals.suites.family import split_of
from openswarm.evals.suites.freeze import tasks_sha256
from openswarm.evals.suites.oracle import edge_in, from_gold, from_prose
from openswarm.evals.suites.wording import CLUES, FORMS, SETUPS, STEPS
from openswarm.evals.task import EvalTask, Split
from openswarm.modes.settings import home_folder

NAMES = ("factbook-wide", "factbook-change", "elements", "chain", "join", "fact", "sequential")
CORPORA = ("factbook", "factbook-change", "elements", "ledgers")
SPLITS: tuple[Split, ...] = ("train", "test")
OUTER_HOME = home_folder()
"""That of whoever runs the tests; full corpora are built from what it holds, if it does."""
HASHES = Path(factbook.__file__).with_name("hashes.json")


@cache
def sample(name: str) -> Material:
    """The sample of a family."""
    return FAMILIES[name].sample()


def tasks(name: str, split: Split, count: int, seed: int = 0, **dials: int) -> list[EvalTask]:
    """Tasks over the sample."""
    return list(FAMILIES[name].tasks(sample(name), split, count, seed, Dials(**dials)))


def full(family: Family) -> Material:
    """The full material, if the packages are on this computer."""
    for package in () if family.name == "sequential" else (NOW, THEN, MENDELEEV):
        if not (OUTER_HOME / "evals" / package.file).is_file():
            pytest.skip(f"{package.file} is not in the home of openswarm")
    return family.build(OUTER_HOME)


@pytest.mark.requirement("evals.suites")
@pytest.mark.parametrize("name", NAMES)
def test_every_family_draws_as_many_tasks_as_are_asked_for_from_its_sample(name: str) -> None:
    """A hundred of each split, each with its parts in scope."""
    for split in SPLITS:
        drawn = tasks(name, split, 100, min_rows=3, max_rows=6)
        assert len({task.id for task in drawn}) == 100
        for task in drawn:
            needed = {document for part in task.parts for document in part.documents}
            assert needed
            assert needed <= set(task.scope) <= set(sample(name).documents.texts)
            assert task.kind in FAMILIES[name].kinds
            assert (task.contract is None) == (task.answer != "")


@pytest.mark.requirement("evals.suite-truth")
@pytest.mark.parametrize("name", ["chain", "fact", "sequential"])
def test_no_question_has_its_answer_in_it(name: str) -> None:
    """A number may come out of the registers as it went in: such a task is not drawn."""
    for split in SPLITS:
        drawn = tasks(name, split, 250, max_rows=6)
        assert not [task.id for task in drawn if stands_in(task.answer, task.question)]


@pytest.mark.slow
@pytest.mark.requirement("evals.suites")
@pytest.mark.parametrize("name", NAMES)
def test_the_full_corpus_of_a_family_has_a_thousand_tasks_to_train_and_two_hundred_to_test(
    name: str,
) -> None:
    """All different, all true where code can read them, the hash the one that is noted."""
    family = FAMILIES[name]
    material = full(family)
    noted = json.loads(HASHES.read_text("utf-8"))[material.documents.name]
    assert material.documents.sha256 == noted["sha256"]
    for split, count in (("train", 1000), ("test", 200)):
        drawn = list(family.tasks(material, split, count, 0))  # type: ignore[arg-type]
        assert len({task.id for task in drawn}) == count
        for task in drawn:
            assert_true(task, material)


@pytest.mark.requirement("evals.suite-splits")
@pytest.mark.parametrize("name", NAMES)
def test_no_wording_and_no_entity_of_the_tests_is_in_training(name: str) -> None:
    """Entities are those that a part is about, and of chains the first and the last country."""
    by_split = {split: tasks(name, split, 120, min_rows=3, max_rows=6) for split in SPLITS}
    wordings = [{task.template for task in by_split[split]} for split in SPLITS]
    entities = [{e for t in by_split[split] for e in entities_of(t)} for split in SPLITS]
    questions = [{task.question for task in by_split[split]} for split in SPLITS]
    assert len(wordings[0]) >= 4
    assert len(wordings[1]) >= 2
    assert not wordings[0] & wordings[1]
    assert not entities[0] & entities[1]
    assert not questions[0] & questions[1]


def entities_of(task: EvalTask) -> set[str]:
    """What a task is about, by the documents that stand for it."""
    if task.family == "chain":
        walk = task.parts[0].documents
        return {walk[0], walk[-1]}
    return {part.documents[0] for part in task.parts}


@pytest.mark.requirement("evals.suite-splits")
def test_every_form_has_wordings_for_both_splits_and_shares_none() -> None:
    """At least four to train and two to test; of the clauses inside them at least one each."""
    for form in FORMS.values():
        assert len(form.train) >= 4
        assert len(form.test) >= 2
    for form in (*FORMS.values(), *CLUES.values(), *STEPS.values(), *SETUPS.values()):
        assert form.train
        assert form.test
        assert not set(form.train) & set(form.test)


@pytest.mark.requirement("evals.suite-splits")
def test_about_a_third_of_the_entities_are_for_tests_and_always_the_same() -> None:
    """The split hangs on the name alone."""
    counts = Counter(split_of(f"entity {number}") for number in range(2000))
    assert 560 < counts["test"] < 760
    assert [split_of(name) for name in ("Chile", "Peru")] == ["test", "train"]


@pytest.mark.requirement("evals.suite-truth")
@given(st.sampled_from(NAMES), st.sampled_from(SPLITS), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_every_right_value_stands_in_the_documents_that_an_oracle_would_read(
    name: str, split: Split, seed: int
) -> None:
    """And what code reads out of the prose, without seeing the gold, is the gold."""
    for task in tasks(name, split, 2, seed, min_rows=3, max_rows=7):
        assert_true(task, sample(name))


def assert_true(task: EvalTask, material: Material) -> None:
    """Every cell stands in the text of its part; the oracles agree."""
    texts = material.documents.texts
    by_name = {part.name: "\n".join(texts[d] for d in part.documents) for part in task.parts}
    for row in task.gold:
        assert task.contract is not None
        key = task.contract.key[0]
        for column, value in row.items():
            derived = column.endswith(" change")
            assert derived or stands_in(value, by_name[row[key]]), (task.id, column, value)
    everything = "\n".join(by_name.values())
    if task.family == "join" and "sum" in task.template:
        assert Decimal(task.answer) > 0
    elif task.answer:
        assert stands_in(task.answer, everything)
    read = from_prose(task, material.documents)
    if read is not None:
        right = from_gold(task)
        order = str if task.contract is None else (lambda row: row[task.contract.key[0]])  # type: ignore[union-attr]
        assert read.text == right.text
        assert sorted(read.rows, key=order) == sorted(right.rows, key=order)


@pytest.mark.requirement("evals.suite-truth")
def test_the_edge_that_a_chain_walks_is_the_one_that_the_document_states() -> None:
    """Read by code that knows nothing of the records."""
    material = sample("chain")
    countries = material.records["countries"]
    other_names = dict.fromkeys(("USA", "US"), "United States") | {"UK": "United Kingdom"}
    walked = 0
    for record in countries.values():
        for kind, code in record["edges"].items():
            stated = edge_in(kind, material.documents.texts[record["document"]])
            assert other_names.get(stated, stated) == countries[code]["name"]
            walked += 1
    assert walked > 80


@pytest.mark.requirement("evals.suite-truth")
def test_a_chain_has_one_answer_and_an_answer_of_a_join_is_ahead_of_all_others() -> None:
    """Checked against the records by a second way than the generator's."""
    countries = sample("chain").records["countries"].values()
    by_document = {record["document"]: record for record in countries}
    for task in tasks("chain", "train", 60):
        path = [by_document[name] for name in task.parts[0].documents]
        assert len({record["name"] for record in path}) == len(path)
        assert 3 <= len(path) <= 6
        assert task.answer in path[-1]["facts"].values()
    for task in tasks("join", "train", 60):
        ends = [by_document[part.documents[-1]]["name"] for part in task.parts]
        assert len(set(ends)) == len(ends)
        assert task.template.startswith("join-sum") or task.answer in ends


@pytest.mark.requirement("evals.suite-hashes")
@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_equal_tasks_and_other_seeds_give_others(name: str) -> None:
    """Also from a material that was loaded anew."""
    first = tasks(name, "train", 12, seed=3)
    again = list(FAMILIES[name].tasks(FAMILIES[name].sample(), "train", 12, 3, Dials()))
    assert first == again
    assert first != tasks(name, "train", 12, seed=4)


@pytest.mark.requirement("evals.suite-hashes")
@pytest.mark.parametrize("name", NAMES)
def test_the_tasks_of_a_sample_are_the_ones_whose_hash_is_noted(name: str) -> None:
    """On every machine and every version of Python."""
    noted = json.loads(HASHES.read_text("utf-8"))["tasks"]
    assert tasks_sha256(FAMILIES[name]) == noted[name]


@pytest.mark.requirement("evals.suite-hashes")
def test_the_samples_are_the_ones_whose_hashes_are_noted() -> None:
    """A change of a corpus shows in `hashes.json`, and the shipped files stay small."""
    noted = json.loads(HASHES.read_text("utf-8"))
    found = {m.documents.name: m.documents.sha256 for m in map(sample, NAMES)}
    assert found == {name: noted[name]["sample_sha256"] for name in CORPORA}
    files = [HASHES.with_name("sample") / f"{name}.json.gz" for name in CORPORA[:3]]
    assert sum(path.stat().st_size for path in files) < 250_000


@pytest.mark.requirement("evals.suite-hashes")
def test_a_saved_material_is_the_one_that_is_loaded(tmp_path: Path) -> None:
    """Byte by byte; what is no material is refused."""
    material = sample("elements")
    for name in ("a.gz", "b.gz"):
        material.save(tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert Material.load(tmp_path / "a.gz") == material
    (tmp_path / "c.gz").write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"c\.gz is no material"):
        Material.load(tmp_path / "c.gz")


@pytest.mark.requirement("evals.suites")
def test_the_dials_say_how_many_rows_columns_and_distractors_there_are() -> None:
    """And dials that contradict themselves are refused."""
    for task in tasks("factbook-wide", "train", 40, min_rows=5, max_rows=6, columns=2,
                      distractors=3):  # fmt: skip
        assert task.contract is not None
        assert 5 <= len(task.gold) <= 6
        assert len(task.contract.asked) <= 2
        assert len(task.scope) <= 6 + 3
    with pytest.raises(UserError, match="contradict"):
        Dials(min_rows=9, max_rows=3)


@pytest.mark.requirement("evals.suites")
def test_a_family_ends_where_it_has_no_more_tasks() -> None:
    """Rows that no split has are asked for: nothing comes, and nothing hangs."""
    assert tasks("elements", "test", 5, min_rows=100, max_rows=100) == []
    assert tasks("chain", "train", 5, min_hops=30, max_hops=30) == []


@pytest.mark.requirement("evals.suite-truth")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2,381,740 sq km", "2381740"),
        ("$30,200 (2024 est.)", "30200"),
        ("-6.6% (2024 est.)", "-6.6"),
        ("−40 m", "-40"),
        ("13.294 million (2024 est.)", None),
        ("$722.912 billion", None),
        ("none", None),
        ("1,23,456", None),
    ],
)
def test_a_number_counts_only_where_it_is_written_plainly(text: str, number: str | None) -> None:
    """Millions would be a matter of rounding."""
    assert number_in(text) == number


def test_elements_and_countries_are_built_from_the_packages_that_are_named() -> None:
    """The families name their builders; nothing is built at import."""
    assert FAMILIES["elements"].build is build_elements
    assert FAMILIES["chain"].build is factbook.build
    assert set(NAMES) <= set(FAMILIES)
