"""A whole training, from fresh weights to files that can be served: train, examine, write.

Owns the folder of a run: `run.json` (what was asked), `log.jsonl`, `state/` (from which it goes
on), `scores.json` and `model/`, a checkpoint in the published layout with its vocabulary.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from openswarm.core.errors import UserError
from openswarm.k25.checkpoint import load_model, save_model
from openswarm.k25.config import K25Config
from openswarm.k25.generation import Engine
from openswarm.k25.model import K25
from openswarm.k25.parallel import ALONE, Ranks, full_state
from openswarm.k25.recipe.evaluate import held_out_cases, held_out_loss, mark, scores
from openswarm.k25.recipe.examples import Prompt
from openswarm.k25.recipe.runs import Run, batches
from openswarm.k25.requests import GenerationRequest
from openswarm.k25.sampling import Sampling
from openswarm.k25.tokenizer import BUNDLED, FILE, Tokenizer
from openswarm.k25.tokens import IM_END
from openswarm.k25.training import Batch, Progress, Recipe, Trainer, loss_of
from openswarm.k25.training_state import load_weights

RUN = "run.json"
REPLY_TOKENS = 160
"""Of an examined reply; the longest right one is shorter."""
WINDOW = 2048
"""Of an examined conversation: as long as the positions of the smallest model."""


def train(
    config: K25Config,
    recipe: Recipe,
    run: Run,
    folder: Path,
    tell: Callable[[Progress], None] = lambda _: None,
    *,
    start: Path | None = None,
    ranks: Ranks = ALONE,
) -> K25 | None:
    """Trains in a folder, or goes on there; `start` is another run's folder to begin from.

    Of several `ranks` only the main one gets the trained model. Raises `UserError` when the folder
    cannot be written or holds a run of other settings, and when the rows of any stage are longer
    than the model's positions; `SettingsError` when they cannot be dealt out evenly: at the first
    step, and not hours later. `run.json` is there once all of that is checked.
    """
    _check_shapes(config, recipe, run, ranks)
    asked = _asked(config, recipe, run, start)
    if ranks.is_main:
        _open(folder, asked)
    tokenizer = Tokenizer.load(BUNDLED)
    model = K25(config)
    model.initialise(run.seed)
    if start is not None:
        load_weights(start, model)
    trainer = Trainer(model, recipe, batches(run, recipe, config, tokenizer), folder, ranks)
    trainer.resume()
    if ranks.is_main:
        _claim(folder, asked)
    trainer.run(tell)
    return _whole(model, ranks)


def _whole(model: K25, ranks: Ranks) -> K25 | None:
    """The model in one process again."""
    if ranks.size == 1:
        return model.eval()
    state = full_state(model, ranks)
    if not ranks.is_main:
        return None
    whole = K25(model.config)
    whole.load_state_dict(state)
    return whole.eval()


def examine(model: K25, each: int = 20) -> dict[str, Any]:
    """Held-out scores by skill (share of exact replies), and held-out losses in nats."""
    tokenizer = Tokenizer.load(BUNDLED)
    end = tokenizer.special[IM_END]
    engine = Engine(model, tokens=WINDOW)

    def generate(prompts: Sequence[Prompt]) -> list[list[int]]:
        sampling = Sampling(temperature=0.0, max_tokens=REPLY_TOKENS, stop=frozenset({end}))
        requests = [
            GenerationRequest(tuple(prompt.tokens), tuple(prompt.media), sampling)
            for prompt in prompts
        ]
        return [[token for token in made.ids if token != end] for made in engine.generate(requests)]

    @torch.no_grad()
    def loss(batch: Batch) -> float:
        return loss_of(model, batch).item()

    marked = mark(generate, tokenizer, list(held_out_cases(each)))
    return {"each": each, "scores": scores(marked), "loss": held_out_loss(loss, tokenizer)}


def finish(model: K25, folder: Path, *, int4: bool, each: int) -> None:
    """Writes the checkpoint, and the scores of what was written: of the rounded weights."""
    written = load_model(write(model, folder, int4=int4))
    text = json.dumps(examine(written, each), indent=2) + "\n"
    (folder / "scores.json").write_text(text, encoding="utf-8")


def write(model: K25, folder: Path, *, int4: bool) -> Path:
    """The checkpoint `model/` in the folder, with its vocabulary; one that is there is replaced."""
    target = folder / "model"
    shutil.rmtree(target, ignore_errors=True)
    save_model(model, target, int4=int4)
    shutil.copy(BUNDLED / FILE, target)
    return target


def _check_shapes(config: K25Config, recipe: Recipe, run: Run, ranks: Ranks) -> None:
    """Raises `UserError` and `SettingsError` for rows that some stage could not have."""
    short, long = run.shapes(config)
    positions = config.text_config.max_position_embeddings
    for rows, length in (short, long) if recipe.extend_from < 1 else (short,):
        ranks.rows(rows)
        if length > positions:
            raise UserError(
                f"--length {run.length} makes rows of {length} tokens, and the model has"
                f" {positions} positions"
            )


def _asked(config: K25Config, recipe: Recipe, run: Run, start: Path | None) -> str:
    """What a folder's `run.json` says."""
    asked = {
        "config": json.loads(config.to_json()),
        "recipe": asdict(recipe),
        "run": asdict(run),
        "start": str(start) if start else "",
    }
    return json.dumps(asked, indent=2) + "\n"


def _open(folder: Path, asked: str) -> None:
    """Makes the folder. Raises `UserError` when that cannot be, or another run is in it."""
    path = folder / RUN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = path.read_text("utf-8") if path.exists() else asked
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder} cannot hold a training: {error}") from None
    if held != asked:
        raise UserError(
            f"{folder} holds a training with other settings ({RUN}); give another folder, or"
            " remove it"
        )


def _claim(folder: Path, asked: str) -> None:
    try:
        (folder / RUN).write_text(asked, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot hold a training: {error}") from None
