"""An eval goes on where it was stopped: what stands is kept, what is torn is made again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from eval_scripts import SINGLE, SWARM, alone, model_of, stored, wanted
from made_episodes import TEXTS, wide_task

from openswarm.core.errors import UserError
from openswarm.core.limits import Limits
from openswarm.evals.arms import named_arm
from openswarm.evals.documents import Documents
from openswarm.evals.results import EPISODES_FILE, read_plan
from openswarm.evals.runner import carry_out
from openswarm.llm.model import Reply, Request, ignore
from openswarm.llm.scripted import ScriptedModel

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("evals.resume")]


def lines_of(out: Path) -> list[bytes]:
    """The lines of the results file."""
    return (out / EPISODES_FILE).read_bytes().splitlines(keepends=True)


async def test_what_stands_there_is_not_run_again(tmp_path: Path) -> None:
    first = await carry_out(wanted(tmp_path))
    before = await anyio.to_thread.run_sync(lines_of, tmp_path)
    again = await carry_out(wanted(tmp_path, ScriptedModel({})))
    assert again == first
    assert await anyio.to_thread.run_sync(lines_of, tmp_path) == before


@pytest.mark.parametrize("torn", [1, 40, -1])
async def test_a_file_that_was_cut_in_the_middle_of_a_line_goes_on(
    tmp_path: Path, torn: int
) -> None:
    """The torn line is dropped and its run made again; the whole ones stay as they are."""
    first = await carry_out(wanted(tmp_path))

    def cut() -> list[bytes]:
        lines = lines_of(tmp_path)
        (tmp_path / EPISODES_FILE).write_bytes(b"".join(lines[:2]) + lines[2][:torn])
        return lines[:2]

    kept = await anyio.to_thread.run_sync(cut)
    told: list[int] = []
    again = await carry_out(wanted(tmp_path), lambda _, done, __: told.append(done))
    lines = await anyio.to_thread.run_sync(lines_of, tmp_path)
    assert (lines[:2], len(lines), told) == (kept, 4, [3, 4])
    assert [episode.key for episode in again] == [episode.key for episode in first]


async def test_more_tasks_budgets_and_arms_are_added_to_what_is_there(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path, tasks=[wide_task()]))
    told: list[int] = []
    model = model_of()
    arms = [replace(named_arm("fixed-4"), model=model), replace(SWARM, model=model)]
    found = await carry_out(wanted(tmp_path, arms=arms), lambda _, done, __: told.append(done))
    assert len(found) == 4
    assert told == [2, 3, 4]
    assert len(await stored(tmp_path)) == 5


async def test_errors_are_run_again_when_that_is_asked_for(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path, ScriptedModel({})))
    assert all(episode.error for episode in await stored(tmp_path))
    same = await carry_out(wanted(tmp_path))
    assert all(episode.error for episode in same)
    mended = await carry_out(wanted(tmp_path, again=True))
    assert not [episode.error for episode in mended if episode.error]
    assert {episode.key: episode for episode in await stored(tmp_path)} == {
        episode.key: episode for episode in mended
    }


async def test_another_eval_is_not_mixed_into_the_folder(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path))
    other = ScriptedModel({}, spec="other")
    with pytest.raises(UserError, match="another arm 'single'"):
        await carry_out(wanted(tmp_path, other))
    with pytest.raises(UserError, match="other limits"):
        await carry_out(wanted(tmp_path, limits=Limits(depth=0)))
    corpora = {"capitals": Documents("capitals", TEXTS | {"new.md": "# New"})}
    with pytest.raises(UserError, match="another edition of capitals"):
        await carry_out(wanted(tmp_path, corpora=corpora))


async def test_two_processes_do_not_work_on_one_folder(tmp_path: Path) -> None:
    """Here the second one comes while the first is at its first run."""
    refused: list[str] = []

    async def second(request: Request) -> None:
        try:
            await carry_out(wanted(tmp_path))
        except UserError as error:
            refused.append(str(error))

    class Meeting(ScriptedModel):
        async def reply(self, request: Request, on_delta: Any = ignore) -> Reply:
            await second(request)
            return await ScriptedModel.reply(self, request, on_delta)

    arms = [replace(SINGLE, model=Meeting({"agent": alone}))]
    await carry_out(wanted(tmp_path, tasks=[wide_task("Peru")], arms=arms))
    assert refused
    assert "another process works on" in refused[0]


async def test_damage_in_the_middle_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path))

    def damage() -> None:
        lines = lines_of(tmp_path)
        lines[1] = b'{"v": 1, "task": 5}\n'
        (tmp_path / EPISODES_FILE).write_bytes(b"".join(lines))

    await anyio.to_thread.run_sync(damage)
    with pytest.raises(UserError, match=r"episodes\.jsonl, line 2: "):
        await carry_out(wanted(tmp_path))


async def test_a_task_over_other_documents_is_not_taken_for_the_same(tmp_path: Path) -> None:
    """Distractors are no part of a task's name; with others the run would be another one."""
    task = wide_task("Peru", "Laos")
    done = await carry_out(wanted(tmp_path, tasks=[task]))
    assert {episode.documents for episode in done} == {
        path.name for path in await anyio.to_thread.run_sync(kept_documents, tmp_path)
    }
    more = task.model_copy(update={"scope": (*task.scope, "fiji.md")})
    with pytest.raises(UserError, match=f"a run of {task.id} over other documents"):
        await carry_out(wanted(tmp_path, tasks=[more]))
    with pytest.raises(UserError, match="the corpus capitals, which is not here"):
        await carry_out(wanted(tmp_path, corpora={}))


def kept_documents(out: Path) -> list[Path]:
    """The folders with the documents of tasks."""
    return list((out / "documents").iterdir())


async def test_the_plan_has_every_command_that_added_to_the_folder(tmp_path: Path) -> None:
    """In the order of time, each once: together they make the folder again."""
    for command in ("eval a --arm single", "eval a --arm swarm", "eval a --arm single"):
        await carry_out(wanted(tmp_path, command=command))
    plan = await anyio.to_thread.run_sync(read_plan, tmp_path)
    assert plan is not None
    assert plan.command == "eval a --arm single && eval a --arm swarm"
