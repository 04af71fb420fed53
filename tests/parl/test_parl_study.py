"""One file for the tests of several trainings: what is missing is made, and nothing is mixed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parl_cases import LANDS, curriculum, documents, file_of, small_policy

from openswarm.core.errors import UserError
from openswarm.evals.documents import Documents
from openswarm.llm.policy.folder import PolicyCard
from openswarm.parl.checkpoint import Training, save_policy, weights_sha256
from openswarm.parl.course import Surroundings
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.environment import Seat
from openswarm.parl.results import Result, read_results, write_results
from openswarm.parl.study import Subject, _missing, carry_out, subjects_of

pytestmark = pytest.mark.requirement("parl.command")
AROUND = Surroundings(home=None, profile="strong", command="openswarm train evaluate")
TASKS = Curriculum({"lands": documents()}, {"wide": curriculum().pools["wide"][:1]})
TESTS = {"wide": TASKS}


def trained(folder: Path, seed: int = 0, weights: int = 0) -> Path:
    """A folder as a training of an arm leaves it, with fresh weights."""
    folder.mkdir(exist_ok=True)
    Training(
        kind="arm", arm="parl", seed=seed, settings={}, openswarm="1", command="c"
    ).write(folder)  # fmt: skip
    save_policy(small_policy(weights), folder / "model", PolicyCard(name=f"parl-{seed}"))
    return folder


class Told(list[str]):
    """Which policies did a test."""

    def __call__(self, who: str, *_: object) -> None:
        """See `OnTest`."""
        self.append(who)


def study(
    folders: Sequence[Path], out: Path, tests: dict[str, Curriculum] = TESTS, **changes: Any
) -> tuple[list[Result], list[str]]:
    """What the file holds then, and whose rollouts were made."""
    given = {"budgets": (4,), **changes}
    told = Told()
    found = carry_out(subjects_of(folders), tests, out, AROUND, tell=told, **given)
    held = list(read_results(out))
    assert [(run.arm, run.seed, run.task, run.budget) for run in held] == [
        (run.arm, run.seed, run.task, run.budget) for run in found
    ]
    return held, told


def manner(out: Path) -> dict[str, Any]:
    """What stands beside the results."""
    return json.loads(out.with_suffix(".json").read_text("utf-8"))


def test_what_is_there_is_kept_and_the_rest_is_made(tmp_path: Path) -> None:
    """Another budget and another policy are added; decisions are the likeliest ones."""
    out, one, two = tmp_path / "r.csv", trained(tmp_path / "a"), trained(tmp_path / "b", 1, 1)
    first, told = study([one], out)
    assert (told, [(run.arm, run.seed, run.budget) for run in first]) == (
        ["parl-0"],
        [("parl", 0, 4)],
    )
    assert manner(out)["temperature"] == 0.0
    assert study([one], out) == (first, [])
    more, told = study([one, two], out, budgets=(4, 6))
    assert told == ["parl-0", "parl-1"]
    assert more[0] == first[0]
    assert [(run.seed, run.budget) for run in more] == [(0, 4), (0, 6), (1, 4), (1, 6)]
    folders = {"parl-0": one, "parl-1": two}
    hashes = {name: weights_sha256(folder / "model") for name, folder in folders.items()}
    assert manner(out)["policies"] == hashes


def test_a_policy_that_was_trained_anew_is_tested_anew(tmp_path: Path) -> None:
    """Its rollouts alone, at every budget; those of others stay."""
    out, one, two = tmp_path / "r.csv", trained(tmp_path / "a"), trained(tmp_path / "b", 1, 1)
    before, _ = study([one, two], out, budgets=(4, 6))
    trained(one, weights=5)
    after, told = study([one, two], out)
    assert told == ["parl-0"]
    assert [(run.seed, run.budget) for run in after] == [(1, 4), (1, 6), (0, 4)]
    assert after[:2] == before[2:]
    assert manner(out)["policies"]["parl-0"] == weights_sha256(one / "model")


def test_results_without_a_word_of_their_policy_are_made_anew(tmp_path: Path) -> None:
    """As files of before have them; results of policies that are not tested now stay."""
    out, one, two = tmp_path / "r.csv", trained(tmp_path / "a"), trained(tmp_path / "b", 1, 1)
    study([one, two], out)
    old = {name: manner(out)[name] for name in ("sample", "worker", "temperature", "command")}
    out.with_suffix(".json").write_text(json.dumps(old))
    found, told = study([one], out)
    assert told == ["parl-0"]
    assert [run.seed for run in found] == [1, 0]
    assert [*manner(out)["policies"]] == ["parl-0"]


def test_old_results_are_gone_before_the_file_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended in between, the new policy's are still missing."""
    out, one = tmp_path / "r.csv", trained(tmp_path / "a")
    study([one], out)
    trained(one, weights=5)

    def ending(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("openswarm.parl.study.load_policy", ending)
    with pytest.raises(KeyboardInterrupt):
        study([one], out)
    assert list(read_results(out)) == []
    monkeypatch.undo()
    assert study([one], out)[1] == ["parl-0"]


def other_corpus() -> dict[str, Curriculum]:
    """The same tasks over documents of which one was changed."""
    texts = {**documents().texts, file_of(LANDS[0]): "# Ardo\n\nThe capital is City Z.\n"}
    return {"wide": Curriculum({"lands": Documents("lands", texts)}, TASKS.pools)}


@pytest.mark.parametrize(
    "changes", [{"temperature": 1.0}, {"tests": other_corpus()}], ids=["temperature", "corpus"]
)
def test_results_that_were_made_otherwise_are_not_mixed(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    """The file stays as it was."""
    out, one = tmp_path / "r.csv", trained(tmp_path / "a")
    study([one], out)
    held = [path.read_bytes() for path in (out, out.with_suffix(".json"))]
    with pytest.raises(UserError, match="made otherwise"):
        study([one], out, **changes)
    assert [path.read_bytes() for path in (out, out.with_suffix(".json"))] == held


@pytest.mark.parametrize("again", [False, True], ids=["rows", "files"])
def test_files_of_one_manner_can_be_joined(again: bool, tmp_path: Path) -> None:
    """Line after line, with the columns' names again or not, if the policies of both are named."""
    folders = [trained(tmp_path / "a"), trained(tmp_path / "b", 1, 1)]
    parts = [tmp_path / f"{place}.csv" for place in range(2)]
    both = [
        run for folder, part in zip(folders, parts, strict=True) for run in study([folder], part)[0]
    ]
    out = tmp_path / "r.csv"
    if again:
        out.write_bytes(b"".join(part.read_bytes() for part in parts))
    else:
        write_results(out, both)
    first, second = map(manner, parts)
    joined = {**first, "policies": {**first["policies"], **second["policies"]}}
    out.with_suffix(".json").write_text(json.dumps(joined))
    assert study(folders, out) == (both, [])


def test_a_budget_is_missing_until_every_task_was_done_at_it(tmp_path: Path) -> None:
    """By this policy, in this test."""
    subject = Subject(tmp_path, "parl", 0, Seat())
    tasks = [task.id for pool in curriculum().pools.values() for task in pool]
    values = dict.fromkeys(Result.__slots__, 0)  # type: ignore[attr-defined]
    done = [
        Result(**{**values, "arm": "parl", "test": "wide", "task": task, "budget": budget})
        for budget in (4, 6)
        for task in tasks[budget == 6 :]
    ]
    assert _missing(done, subject, "wide", curriculum(), (4, 6, 8)) == [6, 8]
    assert _missing(done, subject, "other", curriculum(), (4,)) == [4]
    assert _missing(done, replace(subject, seed=1), "wide", curriculum(), (4,)) == [4]
