"""A very small training learns, and delegates in the end only where something pays for it."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from parl_cases import documents, environment, wide_task

from openswarm.k25.model import K25
from openswarm.llm.policy.folder import policy_config
from openswarm.parl.arms import ARMS
from openswarm.parl.curriculum import Curriculum
from openswarm.parl.environment import Environment
from openswarm.parl.start import StartRecipe, demonstrate, imitate
from openswarm.parl.trainer import Progress, Recipe, Trainer

UPDATES = 12
START = StartRecipe(demonstrations=120, steps=40, batch=16)
FAILS = 0.4
"""Of the assignments: who does the work itself is right more often."""


def tasks() -> Curriculum:
    """Tables of three or four lands, without other documents."""
    wide = [wide_task(width) for width in (3, 4)]
    own = [task.model_copy(update={"scope": task.scope[: task.width]}) for task in wide]
    return Curriculum({"lands": documents()}, {"wide": own}, {"wide": 1.0})


def begun(env: Environment, curriculum: Curriculum, seed: int) -> K25:
    """A policy of two layers after a short imitation."""
    config = policy_config()
    small = {"num_hidden_layers": 2, "n_routed_experts": 4, "max_position_embeddings": 1024}
    text = config.text_config.model_copy(update=small)
    model = K25(config.model_copy(update={"text_config": text}))
    model.initialise(seed)
    shown = demonstrate(env, curriculum, START.demonstrations, seed)
    imitate(model, shown, START)
    return model


def mean(values: Sequence[float]) -> float:
    """Of some updates."""
    return statistics.fmean(values)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.requirement("parl.learns", "parl.annealing", "parl.frozen-workers")
def test_a_small_training_learns_and_collapses_where_nothing_pays_for_parallel_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reward up in both arms, λ exactly 0 at last, and the workers as they were.

    Paid for results alone, with time enough, the policy ends by working alone; PARL delegates on.
    """
    monkeypatch.setattr("openswarm.parl.trainer.LOOSE_STEPS", 2)
    torch.set_num_threads(1)
    env, curriculum = environment(fail_rate=FAILS), tasks()
    before = env.profile.sha256
    model = begun(env, curriculum, 0)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    logs: dict[str, list[Progress]] = {"result-only": [], "parl": []}
    for name, log in logs.items():
        model.load_state_dict(start)
        recipe = Recipe(UPDATES, tasks=4, rollouts=8, rate=2e-3, save_every=UPDATES)
        made = Trainer(model, ARMS[name], recipe, curriculum, env, tmp_path / name)
        made.run(log.append)
    alone, parl = logs["result-only"], logs["parl"]
    for log in logs.values():
        first, last = (mean([p.figures.wide_f1 for p in part]) for part in (log[:2], log[-4:]))
        assert last > first
    assert mean([p.reward for p in alone[-4:]]) > mean([p.reward for p in alone[:2]])
    began = alone[0].figures.wide_delegated
    late = [mean([p.figures.wide_delegated for p in log[-3:]]) for log in (alone, parl)]
    assert late[0] < 0.5 * began < began < late[1]
    assert parl[0].lambda_parallel > 0 == parl[-1].lambda_parallel == parl[-1].lambda_finish
    assert parl[0].reward > parl[0].figures.quality
    assert env.profile.sha256 == before
