"""The same twenty tasks through our runner, inspect_ai and verifiers: equal scores, equal steps.

The other two run in environments of their own, which `OPENSWARM_INSPECT_PYTHON` and
`OPENSWARM_VERIFIERS_PYTHON` name.
"""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from adapter_cases import ARMS, COUNT, FAMILIES, Figures, HalfKnowing, drawn

from openswarm.evals.adapters.attempt import FIGURES
from openswarm.evals.arms import named_arm
from openswarm.evals.runner import Eval, carry_out
from openswarm.evals.scoring.score import score

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.requirement("evals.equal-scores"),
]
HERE = Path(__file__).parent


@pytest.fixture
def own(tmp_path: Path) -> Figures:
    """The figures of our own runner."""
    families = drawn()
    tasks = [task for each in families.values() for task in each.tasks]
    model = HalfKnowing(tasks).model()
    wanted = Eval(
        tasks=tasks,
        arms=[named_arm(arm, model) for arm in ARMS],
        corpora={each.documents.name: each.documents for each in families.values()},
        out=tmp_path,
        scorer=score,
        home=tmp_path / "home",
        keep_runs=False,
    )
    episodes = anyio.run(partial(carry_out, wanted))
    assert not [episode.error for episode in episodes if episode.error]
    found: Figures = {arm: {} for arm in ARMS}
    for episode in episodes:
        figures = episode.score.model_dump() | {"critical_steps": episode.metrics.critical_steps}
        found[episode.arm][episode.task] = {name: figures[name] for name in FIGURES}
    assert len(found["single"]) == len(found["swarm"]) == COUNT * len(FAMILIES) == 20
    return found


def told(variable: str, program: str, environment: dict[str, str]) -> dict[str, Any]:
    """What a program says in the environment that a variable names; without one, a skip."""
    if not (python := environment.get(variable)):
        pytest.skip(f"{variable} names no interpreter that has the package")
    paths = f"{HERE.parents[1] / 'src'}:{HERE}"
    done = subprocess.run(
        [python, str(HERE / program)], capture_output=True, text=True, check=False,
        env={**environment, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def of_arms(found: dict[str, Any]) -> Figures:
    """The figures by arm and task, those that all harnesses have."""
    return {
        arm: {
            task: {name: figures[name] for name in FIGURES} for task, figures in found[arm].items()
        }
        for arm in ARMS
    }


def without_steps(tasks: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The scores alone."""
    return {
        task: {name: value for name, value in figures.items() if name != "critical_steps"}
        for task, figures in tasks.items()
    }


@pytest.mark.requirement("evals.inspect")
def test_inspect_gives_the_scores_of_our_runner(
    own: Figures, outer_environment: dict[str, str]
) -> None:
    found = told("OPENSWARM_INSPECT_PYTHON", "inspect_contract.py", outer_environment)
    assert of_arms(found) == own
    scores = {figures["item_f1"] for figures in own["swarm"].values()}
    assert 0 in scores
    assert 1 in scores
    assert len(scores) > 4
    assert without_steps(found["inspect"]) == without_steps(own["single"])
    assert {figures["critical_steps"] for figures in found["inspect"].values()} == {4}
    assert "<document" in found["read"]
    assert "There is no document" in found["refused"]
    assert found["registered"].rpartition("/")[2] == "tasks"


@pytest.mark.requirement("evals.verifiers")
def test_verifiers_gives_the_scores_of_our_runner(
    own: Figures, outer_environment: dict[str, str]
) -> None:
    found = told("OPENSWARM_VERIFIERS_PYTHON", "verifiers_evals_contract.py", outer_environment)
    assert of_arms(found) == own
    wide = [figures for figures in found["swarm"].values() if figures["spawned"]]
    assert len(wide) == 10
    assert all(figures["calls"] == figures["spawned"] + 1 for figures in wide)
