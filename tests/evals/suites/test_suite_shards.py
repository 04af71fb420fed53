"""Tasks in files."""

from pathlib import Path

import pytest

from openswarm.core.errors import UserError
from openswarm.evals.suites.catalogue import FAMILIES
from openswarm.evals.suites.shards import CANARY, read_shard, write_shards
from openswarm.evals.task import EvalTask


def drawn(count: int) -> list[EvalTask]:
    """Tasks of one family."""
    family = FAMILIES["elements"]
    return list(family.tasks(family.sample(), "test", count, 0))


@pytest.mark.requirement("evals.suites")
def test_every_shard_begins_with_the_canary_and_holds_its_tasks(tmp_path: Path) -> None:
    """What is read is what was written, in order."""
    tasks = drawn(5)
    paths = write_shards(tasks, tmp_path / "tasks", size=2)
    assert [path.name for path in paths] == ["00000.jsonl", "00001.jsonl", "00002.jsonl"]
    for path in paths:
        assert CANARY in path.read_text("utf-8").partition("\n")[0]
    assert [task for path in paths for task in read_shard(path)] == tasks


@pytest.mark.requirement("evals.suites")
def test_a_file_without_the_canary_or_with_a_line_that_is_no_task_is_refused(
    tmp_path: Path,
) -> None:
    """The error names the line."""
    (path,) = write_shards(drawn(2), tmp_path)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[1:]), "utf-8")
    with pytest.raises(UserError, match="does not begin with the canary"):
        list(read_shard(path))
    path.write_text("[" * 200_000, "utf-8")
    with pytest.raises(UserError, match="does not begin with the canary"):
        list(read_shard(path))
    path.write_text("\n".join([lines[0], lines[1], '{"id": "x"}']), "utf-8")
    with pytest.raises(UserError, match="line 3: this is no task"):
        list(read_shard(path))
    with pytest.raises(UserError, match="cannot read tasks"):
        list(read_shard(tmp_path / "nothing.jsonl"))
