"""The training loop: it learns, and goes on where it was ended as if it had not been."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from full_disk import full_disk
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from openswarm.core.errors import UserError
from openswarm.k25.config import K25Config
from openswarm.k25.errors import ModelFileError
from openswarm.k25.model import K25
from openswarm.k25.pixels import PATCH, Patches
from openswarm.k25.rope import softmax_scale
from openswarm.k25.training import Batch, Recipe, Trainer
from openswarm.k25.training_state import latest_step

RECIPE = Recipe(steps=6, learning_rate=0.01, clip_every=1, save_every=2, bf16=False)


def batch(step: int, pad: int) -> Batch:
    """Two rows of text; the second begins with a picture of one token."""
    generator = torch.Generator().manual_seed(step)
    tokens = torch.randint(0, 3000, (2, 24), generator=generator)
    tokens[1, 2] = pad
    pixels = torch.randn(4, 3, PATCH, PATCH, generator=generator)
    return Batch(tokens, torch.ones_like(tokens, dtype=torch.bool), (Patches(pixels, (1, 2, 2)),))


Start = Callable[..., Trainer]
Tensors = dict[str, torch.Tensor]
Numbers = dict[str, Any]


@pytest.fixture
def start(config: K25Config, tmp_path: Path) -> Start:
    """A trainer of fresh weights in a folder of this name."""

    def make(name: str, recipe: Recipe = RECIPE, *, same: bool = False) -> Trainer:
        model = K25(config)
        model.initialise(1)
        pad = config.media_placeholder_token_id
        return Trainer(model, recipe, lambda s: batch(0 if same else s, pad), tmp_path / name)

    return make


@pytest.mark.requirement("model.training")
def test_the_loss_of_one_batch_falls_to_almost_nothing(start: Start) -> None:
    trainer = start(
        "learn", Recipe(steps=60, learning_rate=0.02, bf16=False, qat_from=1), same=True
    )
    losses = [trainer.one_step().loss for _ in range(60)]
    assert losses[0] == pytest.approx(8.3, abs=0.3)
    assert losses[-1] < 0.3


@pytest.mark.requirement("model.resume")
def test_a_run_that_was_ended_goes_on_as_if_it_had_not_been(start: Start) -> None:
    whole = start("whole")
    whole.run()
    part = start("part")
    while part.step < 2:
        part.one_step()
    part.save()
    log = part.folder / "log.jsonl"
    log.write_text('{"step": 0}\n{"step": 1}\n{"step": 2}\n{"step": 3, "lo')
    again = start("part")
    assert again.resume()
    assert again.step == 2
    again.run()
    for (name, one), other in zip(
        whole.model.state_dict().items(), again.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [0, *range(1, 6)]
    assert latest_step(again.folder) == 6


@pytest.mark.requirement("model.resume")
@pytest.mark.parametrize(
    "line",
    ['{"step": "x"}', '{"step": null}', '{"step": 1e999}', f'{{"step": {10**400}}}', "[" * 100_000],
)
def test_a_line_of_the_log_that_has_no_step_is_dropped(start: Start, line: str) -> None:
    trainer = start("odd")
    trainer.one_step()
    trainer.save()
    log = trainer.folder / "log.jsonl"
    log.write_text(f'{{"step": 0}}\n{line}\n')
    assert start("odd").resume()
    assert log.read_text() == '{"step": 0}\n'


@pytest.mark.requirement("model.training", "model.qat-exact")
def test_stages_come_when_the_recipe_says(start: Start, config: K25Config) -> None:
    trainer = start("stages", Recipe(steps=4, qat_from=0.5, extend_from=0.75, bf16=False))
    seen = []
    for _ in range(4):
        trainer.one_step()
        scale = trainer.model.attentions()[0].scale
        seen.append((trainer.model.experts()[0].qat, scale == softmax_scale(config.text_config)))
    assert seen == [(False, False), (False, False), (True, False), (True, True)]


@pytest.mark.requirement("model.training")
def test_the_rate_rises_stays_and_falls() -> None:
    recipe = Recipe(steps=100, learning_rate=1.0, warmup=0.1, decay=0.4)
    assert [round(recipe.rate(step), 3) for step in (0, 9, 50, 60, 80, 99)] == [
        0.1, 1.0, 1.0, 1.0, 0.5, 0.05,
    ]  # fmt: skip


@pytest.mark.requirement("model.training")
def test_a_loss_that_is_no_number_ends_the_run_and_says_what_to_do(start: Start) -> None:
    trainer = start("nan")
    with torch.no_grad():
        trainer.model.language_model.norm.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="loss of step 0 is nan: train with a lower --rate"):
        trainer.run()
    assert latest_step(trainer.folder) is None


@pytest.mark.requirement("model.resume")
@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"\xff" * 4096])
def test_a_damaged_state_is_named(start: Start, damage: bytes) -> None:
    trainer = start("damaged")
    trainer.one_step()
    trainer.save()
    path = trainer.folder / "state" / "state.safetensors"
    path.write_bytes(damage)
    with pytest.raises(ModelFileError, match=r"state\.safetensors is no training state"):
        start("damaged").resume()


def without_metadata(tensors: Tensors, numbers: Numbers) -> None:
    numbers.clear()


def without_a_weight(tensors: Tensors, numbers: Numbers) -> None:
    del tensors["model:language_model.norm.weight"]


def with_a_short_moment(tensors: Tensors, numbers: Numbers) -> None:
    tensors["optimiser:0:momentum"] = torch.zeros(3)


def with_a_moment_of_nothing(tensors: Tensors, numbers: Numbers) -> None:
    tensors["optimiser:first"] = torch.zeros(3)


def with_moments_in_a_list(tensors: Tensors, numbers: Numbers) -> None:
    numbers["moments"] = []


@pytest.mark.requirement("model.resume")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without_metadata, "no training state: 'step'"),
        (with_moments_in_a_list, "no training state: its moments"),
        (without_a_weight, r"damaged, or of another model: .*language_model\.norm\.weight"),
        (with_a_short_moment, r"damaged, or of another model: momentum 0 is \(3,\)"),
        (with_a_moment_of_nothing, "damaged, or of another model"),
    ],
)
def test_a_state_whose_parts_do_not_fit_is_named(
    start: Start, change: Callable[[Tensors, Numbers], None], named: str
) -> None:
    trainer = start("unfit")
    trainer.one_step()
    trainer.save()
    path = trainer.folder / "state" / "state.safetensors"
    with safe_open(path, framework="pt") as file:
        numbers = json.loads(file.metadata()["training"])
    tensors = load_file(path)
    change(tensors, numbers)
    save_file(tensors, path, metadata={"training": json.dumps(numbers)})
    with pytest.raises(ModelFileError, match=rf"(?s)state\.safetensors is {named}"):
        start("unfit").resume()


@pytest.mark.requirement("model.resume")
def test_a_state_that_the_disk_does_not_take_leaves_the_one_before(start: Start) -> None:
    trainer = start("full")
    trainer.one_step()
    trainer.save()
    trainer.one_step()
    with full_disk(), pytest.raises(ModelFileError, match="cannot be written"):
        trainer.save()
    assert [path.name for path in (trainer.folder / "state").iterdir()] == ["state.safetensors"]
    assert latest_step(trainer.folder) == 1
