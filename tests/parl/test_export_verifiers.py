"""The verifiers environment: two seats, one trained, one lent to all sub-agents."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import anyio
import pytest
import verifiers_double
from compacted_rollout import compacted

from openswarm.core.errors import SettingsError
from openswarm.evals.task import EvalTask
from openswarm.parl.export.samples import from_line
from openswarm.parl.export.verifiers import ROLLOUT, Endpoint, plugin
from openswarm.parl.rollout import Rollout

HERE = Path(__file__).parent
PYTHON = "OPENSWARM_VERIFIERS_PYTHON"


class Swarm:
    """One task, whose rollout tells which endpoints it had."""

    def __init__(self, fails: bool = False) -> None:
        """Where it fails it raises in the middle."""
        self.fails = fails

    def tasks(self) -> Iterator[EvalTask]:
        """The one."""
        yield EvalTask(
            id="wide-1", family="f", kind="fact", split="train", template="", question="which?",
            corpus="", scope=(), answer="secret",
        )  # fmt: skip

    async def rollout(self, task: EvalTask, orchestrator: Endpoint, subagents: Endpoint) -> Rollout:
        """Nothing is called."""
        if self.fails:
            raise ArithmeticError("no such run")
        return compacted(meta={"main": orchestrator.model, "sub": subagents.base_url})

    def rewards(self, rollout: Rollout) -> dict[str, float]:
        """Two terms."""
        return {"r_perf": rollout.quality, "r_parallel": 0.1}


@pytest.fixture(autouse=True)
def played_verifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in verifiers' place."""
    package = ModuleType("verifiers")
    package.v1 = verifiers_double
    monkeypatch.setitem(sys.modules, "verifiers", package)
    monkeypatch.setitem(sys.modules, "verifiers.v1", verifiers_double)


@pytest.mark.anyio
@pytest.mark.requirement("parl.export-verifiers")
async def test_only_the_orchestrators_seat_is_trained_and_rewarded() -> None:
    """Its trace has the rollout, the terms of the reward and the figures."""
    with anyio.fail_after(5):
        done = await verifiers_double.episode(plugin("test_export_verifiers:Swarm"))
    sub, main = sorted(done.traces, key=lambda trace: trace.agent.trainable)
    assert (sub.agent.name, main.agent.name) == ("subagent", "orchestrator")
    assert main.rewards == {"r_perf": 0.75, "r_parallel": 0.1}
    assert main.metrics["critical_steps"] == 6
    assert not sub.rewards
    rollout = from_line(json.dumps(main.info[ROLLOUT]).encode())
    assert rollout.meta == {"main": "orchestrator", "sub": "http://subagent"}


@pytest.mark.anyio
@pytest.mark.requirement("parl.export-verifiers")
@pytest.mark.parametrize(
    ("fails", "broken", "says"),
    [(True, "", "no such run"), (False, "subagent", "no endpoint"), (False, "orchestrator", "")],
)
async def test_a_seat_that_fails_ends_the_episode_and_not_its_wait(
    fails: bool, broken: str, says: str
) -> None:
    """The other seat does not wait for ever, and nothing is rewarded."""
    made = plugin("test_export_verifiers:Swarm", {"fails": fails})
    with anyio.fail_after(5):
        done = await verifiers_double.episode(made, broken=broken)
    main = next(trace for trace in done.traces if trace.agent.name == "orchestrator")
    assert not main.rewards
    assert says in main.errors[0]


@pytest.mark.requirement("parl.export-verifiers")
def test_a_limit_under_which_the_seats_would_wait_for_each_other_is_refused() -> None:
    """verifiers' own default is 1; ours is no limit."""
    made = plugin("test_export_verifiers:Swarm")
    assert made.config().max_concurrent_agents is None
    with pytest.raises(SettingsError, match="max_concurrent_agents has to be None"):
        made.environment(made.config(max_concurrent_agents=1))


@pytest.mark.requirement("parl.export-verifiers")
def test_the_model_is_shown_the_question_alone() -> None:
    """What is right stays with the scorer."""
    made = plugin("test_export_verifiers:Swarm")
    task = next(iter(made.taskset(verifiers_double.TasksetConfig()).load()))
    assert task.data.prompt == "which?"
    assert task.data.task.answer == "secret"


def test_without_verifiers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setitem(sys.modules, "verifiers.v1", None)
    monkeypatch.delitem(sys.modules, "verifiers")
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[verifiers\]'"):
        plugin("test_export_verifiers:Swarm")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.requirement("parl.export-verifiers")
def test_verifiers_itself_runs_episodes(outer_environment: dict[str, str]) -> None:
    """In an environment that has it: found as a plugin, four sub-agents at once on loopback."""
    if not (python := outer_environment.get(PYTHON)):
        pytest.skip(f"{PYTHON} names no interpreter that has verifiers 0.4")
    done = subprocess.run(
        [python, str(HERE / "verifiers_contract.py")], check=True, capture_output=True, text=True,
        env={**outer_environment, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    wide, alone, fault = told["episodes"]
    for episode in told["episodes"]:
        trainable = {name: seat["trainable"] for name, seat in episode["seats"].items()}
        assert trainable == {"orchestrator": True, "subagent": False}
    assert wide["ok"]
    assert wide["most"] == 4
    assert wide["asked"][-1].count("frozen: part") == 4
    assert wide["seats"]["orchestrator"]["reward"] == pytest.approx(1.1)
    assert wide["seats"]["subagent"]["branches"] == 4
    assert alone["ok"]
    assert alone["seats"]["subagent"]["branches"] == 0
    assert not fault["ok"]
    assert fault["seats"]["orchestrator"]["reward"] == 0
    assert "max_concurrent_agents" in told["refused"]
