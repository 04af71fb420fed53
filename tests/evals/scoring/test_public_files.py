"""The public files, as small made rows in the published schema."""

import base64
import csv
import hashlib
import json
from pathlib import Path

import pytest
from scored_tasks import written

from openswarm.core.errors import UserError
from openswarm.evals.scoring.public import read_browsecomp, read_deepsearchqa, read_widesearch
from openswarm.evals.scoring.score import score

pytestmark = pytest.mark.requirement("evals.public-files")
RULES = {
    "required": ["country", "area(km2)"],
    "unique_columns": ["country"],
    "eval_pipeline": {
        "country": {"preprocess": ["norm_str"], "metric": ["exact_match"], "criterion": None},
        "area(km2)": {"preprocess": ["extract_number"], "metric": ["number_near"],
                      "criterion": 0.05},
    },
}  # fmt: skip


def widesearch(
    folder: Path, gold: str = "Country,Area (km2)\nChile,100\n", **changes: object
) -> Path:
    """A file of one task with its right table."""
    record = {"instance_id": "ws_en_001", "query": "Areas?", "language": "en",
              "evaluation": json.dumps(RULES)} | changes  # fmt: skip
    (folder / "widesearch_gold").mkdir(exist_ok=True)
    (folder / "widesearch_gold" / "ws_en_001.csv").write_text(gold, encoding="utf-8")
    path = folder / "widesearch.jsonl"
    path.write_text("\n" + json.dumps(record) + "\n", encoding="utf-8")
    return path


def table(path: Path, *rows: list[str]) -> Path:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def hidden(text: str, canary: str) -> str:
    """A text as BrowseComp's file hides it."""
    key = hashlib.sha256(canary.encode()).digest()
    return base64.b64encode(bytes(b ^ key[i % 32] for i, b in enumerate(text.encode()))).decode()


def test_widesearch_is_read_and_scored(tmp_path: Path) -> None:
    """Contract, key, checks and right rows; an evaluation may be text or an object."""
    (task,) = read_widesearch(widesearch(tmp_path))
    assert (task.id, task.family, task.question) == ("ws_en_001", "widesearch", "Areas?")
    assert task.contract
    assert (task.contract.names, task.contract.key) == (("country", "area(km2)"), ("country",))
    assert task.gold == ({"country": "Chile", "area(km2)": "100"},)
    assert task.checks["area(km2)"].criterion == 0.05
    assert read_widesearch(widesearch(tmp_path, evaluation=RULES)) == (task,)
    found = written([{"Country": "chile", "Area (km2)": "about 104 km2"}])
    assert score(task, found, "official").success == score(task, found).success == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"instance_id": "../x"}, "line 2: instance_id"),
        ({"query": ""}, "line 2: query"),
        ({"evaluation": "{"}, "line 2, evaluation: not JSON"),
        ({"evaluation": RULES | {"required": []}}, "line 2: required"),
        ({"evaluation": RULES | {"unique_columns": ["x"]}}, "line 2: key x"),
        ({"evaluation": RULES | {"eval_pipeline": {"x": {}}}}, "line 2: eval_pipeline"),
        ({"evaluation": RULES | {"eval_pipeline": {"country": {"metric": ["guess"]}}}}, "country"),
        (
            {"evaluation": RULES | {"eval_pipeline": {"country": {"criterion": 10**400}}}},
            "too large",
        ),
        ({"gold": "Country\nChile\n"}, r"001\.csv, line 2: there is no column area"),
        ({"gold": "Country,Area (km2)\nChile\n"}, r"001\.csv, line 2: 1 cells"),
        ({"gold": "Country,Area (km2)\n"}, "no rows"),
    ],
)
def test_a_malformed_widesearch_task_is_named(tmp_path: Path, changes: dict, says: str) -> None:
    """File, line, and what is wrong."""
    with pytest.raises(UserError, match=says):
        read_widesearch(widesearch(tmp_path, **changes))


def test_browsecomp_is_decoded_with_its_canary(tmp_path: Path) -> None:
    """Longer and shorter than the key; texts in any script."""
    question, canary = "Who wrote the book about the sea, after 1900? " * 3, "canary-1"
    row = [hidden(question, canary), hidden("Åse", canary), "Art", canary]
    path = table(tmp_path / "b.csv", ["problem", "answer", "problem_topic", "canary"], row)
    (task,) = read_browsecomp(path)
    assert (task.id, task.question, task.answer) == ("browsecomp-0001", question, "Åse")


@pytest.mark.parametrize(
    "row",
    [["?", "?", "", "c"], [hidden("q", "c"), hidden("a", "c"), "", ""], ["", "", "", "c"],
     [base64.b64encode(b"\xff" * 8).decode(), hidden("a", "d"), "", "d"], ["x"]],
)  # fmt: skip
def test_a_malformed_browsecomp_row_is_named(tmp_path: Path, row: list[str]) -> None:
    """No base64, no canary, nothing in it, no text."""
    path = table(tmp_path / "b.csv", ["problem", "answer", "problem_topic", "canary"], row)
    with pytest.raises(UserError, match=r"b\.csv, line 2"):
        read_browsecomp(path)


def test_deepsearchqa_has_parts(tmp_path: Path) -> None:
    """Cut at commas, but not within brackets, quotes and numbers; a single answer is one part."""
    rows = (["Which?", "Geo", 'Lima, "Washington, D.C.", Bonn (old, west), 1,200', "Set Answer"],
            ["Who?", "Art", "Smith, John", "Single Answer"])  # fmt: skip
    header = ["problem", "problem_category", "answer", "answer_type"]
    both = read_deepsearchqa(table(tmp_path / "d.csv", header, *rows))
    assert both[0].answers == ("Lima", "Washington, D.C.", "Bonn (old, west)", "1,200")
    assert both[1].answers == ("Smith, John",)
    tight = table(tmp_path / "f.csv", header, ["Which?", "", "1,2,3", "Set Answer"])
    assert read_deepsearchqa(tight)[0].answers == ("1", "2", "3")
    assert [task.id for task in both] == ["deepsearchqa-0001", "deepsearchqa-0002"]
    named = table(tmp_path / "e.csv", [*header, "example_id"], *([*row, "7"] for row in rows))
    with pytest.raises(UserError, match="two tasks have the id 7"):
        read_deepsearchqa(named)


@pytest.mark.parametrize(
    "rows", [[["problem", "answer"]], [["problem", "answer", "answer_type"], ["q", "a", "Other"]],
             [["problem", "answer", "answer_type"], ["q", "", "Set Answer"]]]
)  # fmt: skip
def test_a_malformed_deepsearchqa_file_is_named(tmp_path: Path, rows: list[list[str]]) -> None:
    """A column that is missing, a kind that is unknown, an answer that is empty."""
    with pytest.raises(UserError, match=r"d\.csv, line [12]"):
        read_deepsearchqa(table(tmp_path / "d.csv", *rows))
    with pytest.raises(UserError, match="cannot be read"):
        read_deepsearchqa(tmp_path / "none.csv")
