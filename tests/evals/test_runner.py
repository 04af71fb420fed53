"""The runner: every wanted run once, through the way users' runs go, each written down whole."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from eval_scripts import SINGLE, SWARM, alone, lead, model_of, stored, wanted, worker
from hypothesis import given
from hypothesis import strategies as st
from made_episodes import TEXTS, fact_task, wide_task

from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.limits import Limits
from openswarm.core.messages import Usage
from openswarm.evals.arms import Arm, check_names, named_arm
from openswarm.evals.budgets import Budget, limits_for, sweep
from openswarm.evals.documents import Documents
from openswarm.evals.results import PLAN_FILE, Episode
from openswarm.evals.runner import carry_out
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.llm.model import Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import brief

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("evals.runner")]


async def test_every_task_is_run_under_every_arm_budget_and_repeat(tmp_path: Path) -> None:
    budgets = sweep(critical_steps=(8, 16))
    found = await carry_out(wanted(tmp_path, budgets=budgets, repeats=2))
    assert len(found) == len({episode.key for episode in found}) == 2 * 2 * 2 * 2
    assert not [episode.error for episode in found if episode.error]
    assert {episode.score.item_f1 for episode in found} == {1.0}
    assert [e.arm for e in found[:2]] == ["single", "swarm"]
    assert {e.key: e for e in found} == {e.key: e for e in await stored(tmp_path)}


async def test_an_episode_holds_score_figures_and_its_run(tmp_path: Path) -> None:
    found = await carry_out(wanted(tmp_path, tasks=[wide_task()]))
    single, swarm = found
    assert (swarm.metrics.spawned, swarm.metrics.width, swarm.width) == (4, 4, 4)
    assert (swarm.metrics.critical_steps, swarm.metrics.total_steps) == (3, 6)
    assert (single.metrics.spawned, single.metrics.critical_steps) == (0, 5)
    assert swarm.tokens == 6 * 110
    assert swarm.metrics.main_tokens + swarm.metrics.subagent_tokens == swarm.tokens
    assert swarm.correct_cells == 8
    assert swarm.outcome == "completed"
    assert swarm.metrics.useful_rate == 1.0
    events = await anyio.to_thread.run_sync(
        lambda: list(read_events(tmp_path / "runs" / swarm.run / EVENTS_FILE))
    )
    assert events[0].task.limits.orchestrator_steps == 100


async def test_a_short_answer_is_asked_in_its_form_and_scored(tmp_path: Path) -> None:
    model = model_of()
    task = fact_task()
    arm = replace(SINGLE, model=model)
    found = await carry_out(wanted(tmp_path, tasks=[task], arms=[arm], keep_runs=False))
    assert found[0].score.success == 1.0
    assert found[0].run == ""
    assert not (tmp_path / "runs").exists()
    asked = model.requests["agent"][0][1].text
    assert "Exact Answer:" in asked


async def test_agents_see_the_documents_of_the_scope_alone(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path, tasks=[wide_task("Peru", "Laos")]))
    folders = [*(tmp_path / "documents").iterdir()]
    assert len(folders) == 1
    assert sorted(path.name for path in folders[0].iterdir()) == ["laos.md", "peru.md"]


async def test_two_runs_that_write_the_same_documents_leave_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here another one is always first."""
    write = Documents.write

    def second(self: Documents, folder: Path, scope: tuple[str, ...]) -> None:
        write(self, folder, scope)
        write(self, folder.with_name("-".join(folder.name[1:].split("-")[:2])), scope)

    monkeypatch.setattr(Documents, "write", second)
    found = await carry_out(wanted(tmp_path, tasks=[wide_task("Peru", "Laos")]))
    assert not [episode.error for episode in found if episode.error]
    left = await anyio.to_thread.run_sync(lambda: [*(tmp_path / "documents").iterdir()])
    assert [path.name for path in left] == [found[0].documents]


async def test_a_run_that_fails_ends_no_other(tmp_path: Path) -> None:
    def broken(request: Request) -> Say:
        if "Fiji" in brief(request):
            return Say(error=ModelError(Fault.REFUSED, "not this one"))
        return alone(request)

    found = await carry_out(wanted(tmp_path, model_of(agent=broken)))
    errors = [(e.task, e.arm, e.error) for e in found if e.error]
    assert [error[:2] for error in errors] == [(wide_task().id, "single")]
    assert errors[0][2].startswith("model refused: ")
    failed = next(episode for episode in found if episode.error)
    assert (failed.outcome, failed.score.item_f1) == ("failed", 0.0)
    assert sum(episode.score.item_f1 == 1 for episode in found) == 3


async def test_a_bug_in_one_run_is_an_error_of_that_run(tmp_path: Path) -> None:
    def buggy(request: Request) -> Say:
        raise KeyError("oh")

    found = await carry_out(wanted(tmp_path, model_of(agent=buggy), tasks=[wide_task()]))
    assert [episode.error[:17] for episode in found] == ["internal KeyError", ""]


async def test_no_more_runs_at_once_than_allowed_and_as_many(tmp_path: Path) -> None:
    inside, most = 0, 0
    met = anyio.Event()

    class Counting(ScriptedModel):
        async def reply(self, request: Request, on_delta: Any = ignore) -> Reply:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            if inside == 3:
                met.set()
            with anyio.fail_after(10):
                await met.wait()
            inside -= 1
            return await ScriptedModel.reply(self, request, on_delta)

    tasks = [wide_task("Peru", identity=f"t{place}") for place in range(6)]
    model = Counting({"agent": alone})
    arms = [replace(SINGLE, model=model)]
    await carry_out(wanted(tmp_path, tasks=tasks, arms=arms, at_once=3))
    assert most == 3


async def test_who_follows_is_told_of_each_run(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await carry_out(wanted(tmp_path), lambda _, done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


class Closing(ScriptedModel):
    """Counts how often it is closed."""

    closed = 0

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        Closing.closed += 1


async def test_a_model_that_arms_share_is_closed_once_at_the_end(tmp_path: Path) -> None:
    Closing.closed = 0
    model = Closing({"orchestrator": lead, "researcher": worker, "agent": alone})
    await carry_out(wanted(tmp_path, model))
    assert Closing.closed == 1


async def test_the_plan_says_what_was_run(tmp_path: Path) -> None:
    await carry_out(wanted(tmp_path, command="openswarm eval capitals"))
    text = await anyio.Path(tmp_path / PLAN_FILE).read_text()
    plan = json.loads(text)
    assert plan["command"] == "openswarm eval capitals"
    assert plan["arms"]["swarm"]["mode"] == "swarm"
    assert plan["corpora"]["capitals"] == Documents("capitals", TEXTS).sha256


# budgets


@pytest.mark.requirement("evals.budgets")
async def test_at_a_budget_of_critical_steps_the_answer_is_forced_not_lost(tmp_path: Path) -> None:
    """The agent alone has read two of four documents when it has to hand in."""
    budgets = sweep(critical_steps=(3, 16))
    tasks = [wide_task()]
    found = await carry_out(wanted(tmp_path, tasks=tasks, budgets=budgets))
    by_key = {(episode.arm, episode.budget): episode for episode in found}
    assert by_key["single", 3].score.item_f1 == 0.5
    assert by_key["single", 3].metrics.critical_steps == 3
    assert by_key["single", 16].score.item_f1 == 1.0
    assert by_key["swarm", 3].score.item_f1 == 1.0
    assert max(episode.metrics.critical_steps - episode.budget for episode in found) <= 0


@pytest.mark.requirement("evals.budgets")
async def test_no_run_uses_more_tokens_than_its_budget(tmp_path: Path) -> None:
    dear = Usage(input_tokens=900, output_tokens=100)

    def thirsty(request: Request) -> Say:
        return replace(alone(request), usage=dear)

    budgets = sweep(tokens=(20_000, 40_000))
    found = await carry_out(wanted(tmp_path, model_of(agent=thirsty), budgets=budgets))
    assert all(episode.tokens <= episode.budget for episode in found)
    assert {episode.budget_kind for episode in found} == {"tokens"}


@pytest.mark.requirement("evals.budgets")
@given(
    st.sampled_from(["single", "swarm", "parallel", "fixed-4", "fixed-16", "parl=local/x"]),
    st.sampled_from(["critical_steps", "tokens", "none"]),
    st.integers(600, 100_000),
)
def test_every_arm_has_the_same_limits_but_for_its_sub_agents(
    name: str, kind: Any, amount: int
) -> None:
    base, budget = Limits(), Budget(kind, 0 if kind == "none" else amount)
    plain = limits_for(base, budget, SINGLE)
    other = limits_for(base, budget, named_arm(name, "local/y"))
    assert other.model_copy(update={"max_subagents": plain.max_subagents}) == plain
    assert other.max_subagents <= base.max_subagents
    if kind == "critical_steps":
        assert plain.orchestrator_steps >= plain.critical_steps == amount
    if kind == "tokens":
        assert plain.tokens == amount
        assert plain.reply_tokens <= amount


@pytest.mark.requirement("evals.budgets")
def test_budgets_that_nobody_could_answer_in_are_refused() -> None:
    with pytest.raises(UserError, match="at least 3 critical steps"):
        sweep(critical_steps=(8, 2))
    with pytest.raises(UserError, match="at least 512 tokens"):
        sweep(tokens=(0,))
    assert sweep() == (Budget(),)
    assert [str(budget) for budget in sweep((16, 8, 8), (1000,))] == [
        "8 critical steps", "16 critical steps", "1,000 tokens",
    ]  # fmt: skip


# arms


def test_arms_have_the_mode_and_the_words_of_their_name() -> None:
    assert named_arm("single", "m/x").mode == "agent"
    assert named_arm("swarm", "m/x") == Arm("swarm", "swarm", "m/x")
    fixed = named_arm("fixed-16", "m/x", "m/y")
    assert (fixed.subagents, fixed.subagent_model) == (16, "m/y")
    assert "exactly 16 sub-agents" in fixed.prompt("Q")
    assert "tool calls" in named_arm("parallel").prompt("Q")
    assert named_arm("single").prompt("Q") == "Q"
    parl = named_arm("parl=local/parl-x", "m/y")
    assert (parl.mode, parl.model, parl.subagent_model) == ("swarm", "local/parl-x", "m/y")


@pytest.mark.parametrize(
    ("name", "message"),
    [("parl", "needs a model"), ("fixed-0", "no arm"), ("best", "single, swarm, parallel")],
)
def test_an_arm_that_there_is_not_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        named_arm(name)


def test_an_eval_has_each_arm_once() -> None:
    with pytest.raises(UserError, match="two arms are called swarm"):
        check_names([SWARM, SINGLE, SWARM])
    with pytest.raises(UserError, match="at least one arm"):
        check_names([])


def test_an_episode_comes_back_from_its_line(tmp_path: Path) -> None:
    from made_episodes import episode

    made = episode(metrics={"critical_steps_at_slots": {1: 4}}, cost_usd=None)
    assert Episode.model_validate_json(made.model_dump_json()) == made
