"""The training loop in two processes: the same updates, one log, one checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import torch
from processes import together
from test_parallel import LENGTH, ROWS, SEEN, batch, fresh

from openswarm.k25.parallel import ALONE, Ranks
from openswarm.k25.training import Batch, Recipe, Trainer

RECIPE = Recipe(
    steps=4, learning_rate=1e-3, tau=0.01, clip_every=2, qat_from=0.5, bf16=False, save_every=2
)


def whole_batch(step: int) -> Batch:
    tokens_BL, counts_BL, pictures = batch(step % len(SEEN), slice(0, ROWS))
    return Batch(tokens_BL, counts_BL, tuple(pictures))


def train(folder: Path, ranks: Ranks, steps: int) -> Trainer:
    trainer = Trainer(fresh(), RECIPE, whole_batch, folder, ranks)
    trainer.optimiser.precision = torch.float32
    trainer.resume()
    trainer.model.train()
    for _ in range(steps):
        trainer.one_step()
    return trainer


def half_and_rest(ranks: Ranks, folder: str) -> list[int]:
    """Two steps, and the other two by another trainer from what the first one saved."""
    train(Path(folder), ranks, 2).save()
    trainer = train(Path(folder), ranks, 0)
    trainer.run()
    return [trainer.step, trainer.tokens]


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.requirement("model.parallel")
@pytest.mark.parametrize("mode", ["fsdp", "experts"])
def test_two_processes_train_and_resume_as_one_process_that_was_not_ended(
    mode: Any, tmp_path: Path
) -> None:
    whole = train(tmp_path / "one", ALONE, RECIPE.steps)
    found = together(mode, 2, half_and_rest, tmp_path / "two", str(tmp_path / "run"))
    assert found == [[RECIPE.steps, RECIPE.steps * ROWS * LENGTH]] * 2
    resumed = Trainer(fresh(), RECIPE, whole_batch, tmp_path / "run")
    assert resumed.resume()
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(
            resumed.model.state_dict()[name], value, rtol=0, atol=1e-4, msg=name
        )
    log = (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()
    assert len(log) == RECIPE.steps - 2
