"""The tasks in other harnesses: one run of ours, and verifiers' taskset of them."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
import verifiers_taskset_double
from adapter_cases import COUNT, HalfKnowing, as_openai, drawn, row, table
from aiohttp import web

from openswarm.core.errors import SettingsError, UserError
from openswarm.evals.adapters.attempt import Attempts, LentModels, Way, draw, usual_way
from openswarm.evals.adapters.inspect import inspect_tasks
from openswarm.evals.adapters.verifiers import plugin
from openswarm.evals.arms import Arm, named_arm
from openswarm.evals.runner import STEPS_OF_AN_AGENT, Eval, carry_out
from openswarm.evals.scoring.score import score
from openswarm.llm.scripted import ScriptedModel

runs_claim = pytest.mark.requirement("evals.inspect", "evals.verifiers")
verifiers_claim = pytest.mark.requirement("evals.verifiers")
ELEMENTS = draw("elements", "test", COUNT, 0, None)
TASKS = [task for each in drawn().values() for task in each.tasks]


def way(arm: str = "single", model: Any = None, home: Path = Path("unused")) -> Way:
    """A way with a scripted model."""
    return Way(named_arm(arm, model or HalfKnowing(TASKS).model()), home)


@pytest.fixture
def played_verifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in verifiers' place."""
    package = ModuleType("verifiers")
    package.v1 = verifiers_taskset_double
    monkeypatch.setitem(sys.modules, "verifiers", package)
    monkeypatch.setitem(sys.modules, "verifiers.v1", verifiers_taskset_double)


@pytest.mark.anyio
@pytest.mark.requirement("evals.equal-scores")
@pytest.mark.parametrize("arm", ["single", "swarm"])
async def test_an_attempt_has_the_score_and_the_steps_of_the_runners_episode(
    arm: str, tmp_path: Path
) -> None:
    model = HalfKnowing(TASKS).model()
    material, tasks = ELEMENTS.documents, ELEMENTS.tasks[:2]
    episodes = await carry_out(
        Eval(
            tasks=tasks, arms=[named_arm(arm, model)], corpora={material.name: material},
            out=tmp_path, scorer=score, home=tmp_path / "home", keep_runs=False,
        )
    )  # fmt: skip
    attempts = Attempts(way(arm, model), material)
    for task, episode in zip(tasks, episodes, strict=True):
        made = await attempts(task)
        assert score(task, made.prediction) == episode.score
        assert 0 < episode.score.item_f1 < 1
        assert made.critical_steps == episode.metrics.critical_steps
        assert made.spawned == episode.metrics.spawned == (len(task.gold) if arm == "swarm" else 0)
        assert made.input_tokens == episode.input_tokens


class Counted(ScriptedModel):
    """Counts how often it is closed."""

    closed = 0

    async def aclose(self) -> None:
        """See `ChatModel.aclose`."""
        type(self).closed += 1


@pytest.mark.anyio
@runs_claim
async def test_models_are_opened_once_for_all_who_are_there_and_closed_after_the_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = []

    def resolved(spec: str, *_: Any) -> Counted:
        opened.append(spec)
        return Counted({})

    monkeypatch.setattr("openswarm.evals.arms.resolve", resolved)
    lent = LentModels(Arm("single", "agent", "ollama/x"), way().settings, tmp_path)
    monkeypatch.setattr(Counted, "closed", 0)
    async with lent.arm() as one:
        async with lent.arm() as two:
            assert one.model is two.model
        assert Counted.closed == 0
    assert (opened, Counted.closed) == (["ollama/x"], 1)
    async with lent.arm() as again:
        assert again.model is not one.model
    assert (len(opened), Counted.closed) == (2, 2)


@pytest.mark.anyio
@runs_claim
async def test_a_model_that_was_handed_in_stays_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Counted, "closed", 0)
    model = Counted({"*": HalfKnowing(TASKS).request})
    await Attempts(way("single", model), ELEMENTS.documents)(ELEMENTS.tasks[0])
    assert Counted.closed == 0


@pytest.mark.anyio
@runs_claim
async def test_a_run_leaves_nothing_but_the_journal_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    attempts = Attempts(replace(way(), runs=tmp_path / "runs"), ELEMENTS.documents)
    made = await attempts(ELEMENTS.tasks[0])
    assert (tmp_path / "runs" / made.run / "events.jsonl").exists()
    assert [path async for path in anyio.Path(tmp_path / "tmp").iterdir()] == []
    plain = await Attempts(way(), ELEMENTS.documents)(ELEMENTS.tasks[0])
    assert plain.run == ""


@pytest.mark.anyio
async def test_a_task_over_another_corpus_is_refused() -> None:
    with pytest.raises(UserError, match="which is not here"):
        await Attempts(way())(ELEMENTS.tasks[0])


def test_a_family_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"no family 'nothing'; there are .*elements"):
        draw("nothing", "test", 1, 0, None)


def test_a_way_by_name_has_the_limits_of_an_eval(tmp_path: Path) -> None:
    made = usual_way("fixed-4", "local/x", home=tmp_path, critical_steps=16)
    assert (made.arm.mode, made.arm.subagents, made.budget.amount) == ("swarm", 4, 16)
    assert made.limits.subagent_steps == STEPS_OF_AN_AGENT


@pytest.mark.anyio
@verifiers_claim
@pytest.mark.usefixtures("played_verifiers")
async def test_verifiers_lends_its_endpoint_to_the_whole_run_and_rewards_our_score() -> None:
    task = ELEMENTS.tasks[0]
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        asked.append((body["model"], request.headers["authorization"]))
        brief = next(m["content"] for m in body["messages"] if m["role"] == "user")
        replies = sum(m["role"] == "assistant" for m in body["messages"])
        tools = {tool["function"]["name"] for tool in body.get("tools", ())}
        return web.json_response(as_openai(HalfKnowing(TASKS).say(brief, replies, tools), "m"))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        made = plugin("elements", "test", COUNT, 0, way=Way(named_arm("swarm"), Path("unused")))
        first = next(iter(made.taskset(verifiers_taskset_double.TasksetConfig()).load()))
        endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        found = await verifiers_taskset_double.episode(made, first, endpoint)
    finally:
        await runner.cleanup()
    own = await Attempts(way("swarm"), ELEMENTS.documents)(task)
    right = score(task, own.prediction)
    assert found == {
        "item_f1": right.item_f1,
        "figures": {"row_f1": right.row_f1, "success": right.success, "critical_steps": 3},
    }
    assert asked == [("m", "Bearer key")] * (len(task.gold) + 2)


@pytest.mark.anyio
@verifiers_claim
@pytest.mark.usefixtures("played_verifiers")
async def test_replies_of_another_harness_are_scored_by_its_last_one() -> None:
    task = ELEMENTS.tasks[0]
    made = plugin("elements", "test", 1, 0)
    first = next(iter(made.taskset(verifiers_taskset_double.TasksetConfig()).load()))
    assert all(name in first.data.prompt for name in task.contract.names)
    text = table(task, [row(task, gold) for gold in task.gold])
    trace = verifiers_taskset_double.Trace(last_reply=text, assistant_messages=["", text])
    found = await verifiers_taskset_double.scored(first, trace)
    assert found["item_f1"] == found["figures"]["success"] == 1
    assert found["figures"]["critical_steps"] == 2


@verifiers_claim
@pytest.mark.usefixtures("played_verifiers")
def test_verifiers_seat_is_on_this_computer_and_brings_the_model() -> None:
    made = plugin("elements", "test", 1, 0)
    runtime = made.config().agent.runtime
    assert isinstance(runtime, verifiers_taskset_double.SubprocessConfig)
    with pytest.raises(UserError, match="without a model"):
        plugin("elements", "test", 1, 0, way=way())


@pytest.mark.parametrize(
    ("module", "make", "extra"),
    [("inspect_ai", inspect_tasks, "inspect"), ("verifiers.v1", plugin, "verifiers")],
)
def test_without_the_package_its_extra_is_named(
    module: str, make: Any, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=rf"pip install 'openswarm\[{extra}\]'"):
        make("elements")
