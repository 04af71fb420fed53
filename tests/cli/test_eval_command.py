"""`openswarm eval`: from a family's name to a table of arms, figures, and scored answers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Command, Script

from openswarm.evals.results import read_episodes, read_plan
from openswarm.evals.suites.catalogue import FAMILIES
from openswarm.evals.task import EvalTask

pytestmark = pytest.mark.requirement("evals.command")
Answering = Callable[[list[EvalTask]], str]


def drawn(count: int) -> list[EvalTask]:
    """The first test tasks of the family `fact`, as the command draws them."""
    family = FAMILIES["fact"]
    from openswarm.evals.suites.family import Dials

    return list(family.tasks(family.sample(), "test", count, 0, Dials(3, 20)))


@pytest.fixture
def answering(script: Script) -> Answering:
    """A model that answers each of these tasks rightly at once, alone and as an orchestrator."""

    def make(tasks: list[EvalTask]) -> str:
        cases = {task.question: [{"text": f"Exact Answer: {task.answer}"}] for task in tasks}
        return script({"agent": cases, "orchestrator": cases})

    return make


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a Markdown table."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


@pytest.fixture
def done_eval(openswarm: Command, answering: Answering, tmp_path: Path) -> Path:
    """The folder of an eval of two tasks, two arms and two budgets."""
    out = tmp_path / "out"
    done = openswarm("eval", "fact", "--sample", "--tasks", "2", "--model", answering(drawn(2)),
                     "--budgets", "8,4", "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    return out


def test_arms_are_compared_in_a_table(
    openswarm: Command, answering: Answering, tmp_path: Path
) -> None:
    """One of three answers is wrong, so the arms reach two thirds, and nobody is spawned."""
    right = drawn(3)
    wrong = right[2].model_copy(update={"answer": "no such thing"})
    done = openswarm(
        "eval", "fact", "--sample", "--tasks", "3", "--arm", "single", "--arm", "swarm",
        "--model", answering([*right[:2], wrong]), "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 0, done.err
    by_arm = {row["arm"]: row for row in rows_of(done.out)}
    assert by_arm["single"]["item-F1"] == by_arm["swarm"]["item-F1"] == "0.667"
    assert by_arm["swarm"]["against"] == "+0.000"
    assert by_arm["swarm"]["spawned"] == "0.0"
    assert "errors" not in by_arm["single"]
    assert "3 of 6 runs" in done.err
    assert "6 of 6 runs" in done.err
    assert f"openswarm eval figures {tmp_path / 'out'}" in done.err


def test_json_is_one_object_with_the_figures(
    openswarm: Command, answering: Answering, tmp_path: Path
) -> None:
    done = openswarm(
        "eval", "run", "fact", "--sample", "--tasks", "2", "--model", answering(drawn(2)),
        "--seeds", "2", "--token-budgets", "60000", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    found = json.loads(done.out)
    assert [line["arm"] for line in found["lines"]] == ["single", "swarm"]
    first = found["lines"][0]
    assert first["budget"] == {"kind": "tokens", "amount": 60_000}
    assert first["item_f1"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "tasks": 2}
    assert (first["runs"], first["errors"], first["spawned"]) == (4, 0, 0)
    assert first["critical_steps"] == 1


def test_the_same_command_goes_on_where_it_was_stopped(
    openswarm: Command, done_eval: Path, answering: Answering
) -> None:
    path = done_eval / "episodes.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    done = openswarm("eval", "fact", "--sample", "--tasks", "2", "--model", answering(drawn(2)),
                     "--budgets", "8,4", "--out", done_eval)  # fmt: skip
    assert done.code == 0
    assert path.read_bytes().splitlines(keepends=True)[:5] == lines[:5]
    assert len(read_episodes(done_eval)) == len(lines) == 8


def test_the_plan_holds_the_command_without_its_defaults(done_eval: Path) -> None:
    plan = read_plan(done_eval)
    assert plan is not None
    assert plan.command.startswith("openswarm eval run fact --out ")
    assert "--sample" in plan.command
    assert "--budgets 8,4" in plan.command
    assert "--seeds" not in plan.command


def test_a_run_that_failed_shows_in_the_exit_code(
    openswarm: Command, script: Script, tmp_path: Path
) -> None:
    refusing = script({"agent": [{"error": "refused"}]})
    done = openswarm("eval", "fact", "--sample", "--tasks", "1", "--arm", "single", "--model",
                     refusing, "--out", tmp_path / "out")  # fmt: skip
    assert done.code == 3
    assert "single: model refused: scripted refused" in done.err


@pytest.mark.requirement("evals.figures")
def test_figures_are_drawn_with_the_command_that_made_them(
    openswarm: Command, done_eval: Path
) -> None:
    done = openswarm("eval", "figures", done_eval)
    assert done.code == 0
    made = {path.name for path in (done_eval / "figures").iterdir()}
    assert {"f1-critical-steps.png", "f1-critical-steps.csv", "time-to-target.png"} <= made
    first = (done_eval / "figures" / "cost.csv").read_text().splitlines()[0]
    assert re.fullmatch(r"# openswarm eval run fact .* && openswarm eval figures \S+", first)


def test_figures_of_no_eval_are_refused(openswarm: Command, done_eval: Path) -> None:
    done = openswarm("eval", "figures", done_eval.parent)
    assert done.code == 2
    assert "holds no eval" in done.err
    done = openswarm("eval", "figures", done_eval, "--family", "chain")
    assert done.code == 2
    assert "no run of chain" in done.err


def test_the_families_are_listed(openswarm: Command) -> None:
    listed = openswarm("eval", "list").out
    assert all(name in listed for name in FAMILIES)
    found = json.loads(openswarm("eval", "list", "--json").out)
    assert {entry["family"] for entry in found} == set(FAMILIES)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nothing",), "there is no family 'nothing'; there are factbook-wide"),
        (("fact", "--arm", "best"), "there is no arm 'best'"),
        (("fact", "--arm", "single", "--arm", "single"), "two arms are called single"),
        (("fact", "--budgets", "8,x"), "--budgets takes whole numbers"),
        (("fact", "--budgets", "1"), "at least 3 critical steps"),
        (("fact", "--rows", "3-4-5"), "--rows is like 3-20"),
        (("fact", "--split", "all"), "--split is one of train, test"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_runs(
    openswarm: Command, script: Script, tmp_path: Path, options: Any, said: str
) -> None:
    model = script({"agent": []})
    out = tmp_path / "out"
    done = openswarm("eval", *options, "--sample", "--model", model, "--out", out)
    assert done.code == 2
    assert said in done.err
    assert not (out / "runs").exists()


@pytest.mark.parametrize("command", [(), ("run",), ("list",), ("figures",), ("score",)])
def test_the_help_teaches_with_an_example(openswarm: Command, command: tuple[str, ...]) -> None:
    done = openswarm("eval", *command, "--help")
    assert done.code == 0
    assert "Example" in done.out
    assert "openswarm eval" in done.out


# public files


@pytest.fixture
def widesearch(tmp_path: Path) -> Path:
    """A file of WideSearch's form, with two made tasks."""
    rules = {
        "required": ["country", "capital"],
        "unique_columns": ["country"],
        "eval_pipeline": {
            name: {"preprocess": ["norm_str"], "metric": ["exact_match"]}
            for name in ("country", "capital")
        },
    }
    gold = tmp_path / "widesearch_gold"
    gold.mkdir()
    lines = []
    for name, rows in {"a": "Peru,Lima\nLaos,Vientiane\n", "b": "Fiji,Suva\n"}.items():
        (gold / f"{name}.csv").write_text(f"country,capital\n{rows}")
        lines.append({"instance_id": name, "query": "Capitals?", "evaluation": json.dumps(rules)})
    path = tmp_path / "widesearch.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def table(*rows: str) -> str:
    """A Markdown answer."""
    return "\n".join(("| country | capital |", "|---|---|", *(f"| {row} |" for row in rows)))


def test_answers_to_a_public_file_are_scored(
    openswarm: Command, widesearch: Path, tmp_path: Path
) -> None:
    """Of task a half the rows are there, task b is not answered: (2/3 + 0) / 2."""
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "a.md").write_text(table("Peru | Lima"))
    done = openswarm("eval", "score", widesearch, "--answers", answers, "--json")
    found = json.loads(done.out)
    assert (found["tasks"], found["answered"], found["mode"]) == (2, 1, "official")
    assert found["figures"]["item_f1"] == pytest.approx(1 / 3)
    assert "1 of 2 tasks have no answer" in done.err


def test_trials_give_the_mean_and_the_best(
    openswarm: Command, widesearch: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.jsonl"
    good = {"a": table("Peru | Lima", "Laos | Vientiane"), "b": table("Fiji | Suva")}
    lines = [{"id": name, "text": text} for name, text in good.items()]
    lines += [{"id": name, "text": "I do not know."} for name in good]
    answers.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    done = openswarm("eval", "score", widesearch, "--answers", answers, "--mode", "strict")
    assert re.search(r"item-F1 avg@2 *\| *0\.5000", done.out)
    assert re.search(r"item-F1 max@2 *\| *1\.0000", done.out)


def test_a_judge_grades_and_is_recorded(openswarm: Command, script: Script, tmp_path: Path) -> None:
    path = tmp_path / "DSQA-full.csv"
    path.write_text("problem,answer,answer_type\nWhich city?,Lima,Single Answer\n")
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"id": "deepsearchqa-0001", "text": "the city of kings"}) + "\n")
    grade = {"Answer Correctness": {"Correctness Details": {"Lima": True}, "Excessive Answers": []}}
    judge = script({"judge": [{"text": f"```json\n{json.dumps(grade)}\n```"}]})
    kept = tmp_path / "verdicts.jsonl"
    done = openswarm("eval", "score", path, "--answers", answers, "--judge", judge,
                     "--verdicts", kept, "--json")  # fmt: skip
    assert json.loads(done.out)["figures"]["success"] == 1.0
    assert "city of kings" in kept.read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "zzz", "text": "x"}', "is no task of"),
        ('{"id": 5}', "line 1:"),
        ("", "holds no answer"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(
    openswarm: Command, widesearch: Path, tmp_path: Path, line: str, said: str
) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text(f"{line}\n")
    done = openswarm("eval", "score", widesearch, "--answers", answers)
    assert done.code == 2
    assert said in done.err


def test_a_file_of_nobody_is_refused(openswarm: Command, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    done = openswarm("eval", "score", path, "--answers", path)
    assert done.code == 2
    assert "none of WideSearch's" in done.err
