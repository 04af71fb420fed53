"""Training: one loop over a mixture of text and pictures, resumable at any step.

The order of data is a function of the seed and the step alone, so a run that was ended goes on from
its last checkpoint exactly as if it had not been. Knows no data: `batches` gives them.

Legend of shapes: B batch, L positions, V vocabulary, E experts.
"""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

import torch
import torch.nn.functional as F

from openswarm.core.errors import UserError
from openswarm.k25.clip import TAU, qk_clip
from openswarm.k25.model import K25
from openswarm.k25.muon import MuonClip, param_groups
from openswarm.k25.parallel import (
    ALONE,
    Ranks,
    clip_gradients,
    distribute,
    reduce_load,
    reduce_max_logits,
)
from openswarm.k25.pixels import Patches
from openswarm.k25.training_state import latest_step, load_state, save_state


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens. `trained_BL[b, l]` says that token l of row b is to be predicted."""

    tokens_BL: torch.Tensor
    trained_BL: torch.Tensor
    media: tuple[Patches, ...] = ()


Batches = Callable[[int], Batch]
"""The batch of a step."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Defaults are those of `k25-mini`."""

    steps: int
    learning_rate: float = 2.5e-3
    """Of every group: Muon's updates are scaled to the size of AdamW's."""
    warmup: float = 0.03
    """The share of steps in which the rate rises from 0."""
    decay: float = 0.4
    """The share of steps at the end in which it falls linearly to a twentieth."""
    weight_decay: float = 0.1
    tau: float = TAU
    """QK-Clip bounds each head's largest logit."""
    clip_every: int = 10
    """Steps between two looks at the logits."""
    balance_rate: float = 1e-3
    """How fast router biases move against the load; 0 leaves them."""
    gradient_norm: float = 1.0
    extend_from: float = 0.9
    """The share of steps after which YaRN is on: the long-context stage; 1 is never."""
    qat_from: float = 0.8
    """The share of steps after which experts are trained as INT4; 1 is never."""
    bf16: bool = True
    checkpointing: bool = False
    save_every: int = 200
    """Steps between two checkpoints."""

    def rate(self, step: int) -> float:
        """The learning rate of a step: up, level, down."""
        warm = max(self.warmup * self.steps, 1)
        left = (self.steps - step) / max(self.decay * self.steps, 1)
        return self.learning_rate * min((step + 1) / warm, 1.0, max(left, 0.05))


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of the log."""

    step: int
    loss: float
    """Nats a trained token."""
    tokens: int
    """Seen since the first step, pictures' tokens included."""
    rate: float
    gradient: float
    """Norm before it was cut."""
    imbalance: float
    """The load of the busiest expert over the mean load, averaged over layers."""
    max_logit: float
    clipped: int
    """Heads that QK-Clip scaled at this step."""
    seconds: float


def share_of(batch: Batch, ranks: Ranks, pad: int) -> Batch:
    """This process's rows, and the media in them; `pad` is the token that media take the place of.

    Raises `SettingsError` when rows cannot be dealt out evenly.
    """
    if ranks.size == 1:
        return batch
    rows = ranks.rows(len(batch.tokens_BL))
    pads_B = (batch.tokens_BL == pad).sum(1)
    first, last = int(pads_B[: rows.start].sum()), int(pads_B[: rows.stop].sum())
    ends = accumulate(entry.tokens for entry in batch.media)
    media = tuple(
        entry for entry, end in zip(batch.media, ends, strict=True) if first < end <= last
    )
    return Batch(batch.tokens_BL[rows], batch.trained_BL[rows], media)


def loss_of(model: K25, batch: Batch, ranks: Ranks = ALONE) -> torch.Tensor:
    """Cross entropy, in nats, of the tokens that are to be predicted.

    Their mean, when averaged over processes: each divides by what all of them predict.
    """
    logits_BLV = model(batch.tokens_BL, batch.media)[:, :-1]
    wanted_BL = batch.trained_BL[:, 1:]
    logits_SV, tokens_S = logits_BLV[wanted_BL].float(), batch.tokens_BL[:, 1:][wanted_BL]
    return F.cross_entropy(logits_SV, tokens_S, reduction="sum") / ranks.mean(wanted_BL.sum())


class Trainer:
    """Trains a model in a folder: `log.jsonl`, and `state/` with the last checkpoint."""

    def __init__(
        self,
        model: K25,
        recipe: Recipe,
        batches: Batches,
        folder: Path,
        ranks: Ranks = ALONE,
    ) -> None:
        """With several `ranks` the model is spread over them; each gives the same arguments."""
        self.model, self.recipe, self.batches, self.folder = model, recipe, batches, folder
        self.ranks = ranks
        distribute(model, ranks, bf16=recipe.bf16)
        self.optimiser = MuonClip(
            param_groups(model), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.step = self.tokens = 0
        model.language_model.checkpointing = recipe.checkpointing
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> bool:
        """Goes on from the folder's last checkpoint, if it has one."""
        step = latest_step(self.folder)
        if step is None:
            return False
        self.tokens = load_state(self.folder, self.model, self.optimiser)
        self.step = step
        if self.ranks.is_main:
            _keep_log_before(self.folder / "log.jsonl", step)
        return True

    def run(self, tell: Callable[[Progress], None] = lambda _: None) -> None:
        """Trains to the recipe's last step, saving on the way."""
        self.model.train()
        path = self.folder / "log.jsonl" if self.ranks.is_main else Path(os.devnull)
        with path.open("a", encoding="utf-8") as log:
            while self.step < self.recipe.steps:
                progress = self.one_step()
                log.write(json.dumps(asdict(progress)) + "\n")
                log.flush()
                if self.ranks.is_main:
                    tell(progress)
                if self.step % self.recipe.save_every == 0 or self.step == self.recipe.steps:
                    self.save()

    def save(self) -> None:
        """Writes the checkpoint of this step; every process has to call it."""
        save_state(self.folder, self.step, self.tokens, self.model, self.optimiser, self.ranks)

    def one_step(self) -> Progress:
        """One update of all weights. Raises `UserError` when the loss is not finite any more."""
        started, recipe, step = time.perf_counter(), self.recipe, self.step
        looks = step % recipe.clip_every == 0
        self._prepare(looks)
        batch = self.batches(step)
        share = share_of(batch, self.ranks, self.model.config.media_placeholder_token_id)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
            part = loss_of(self.model, share, self.ranks)
        part.backward()
        loss = float(self.ranks.mean(part))
        norm = clip_gradients(self.model.parameters(), self.ranks, recipe.gradient_norm)
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise UserError(f"the loss of step {step} is {loss}: train with a lower --rate")
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate(step)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        reduce_max_logits(self.model, self.ranks)
        largest = self._largest_logit() if looks else 0.0
        clipped = qk_clip(self.model, recipe.tau) if looks else 0
        self.step += 1
        self.tokens += batch.tokens_BL.numel()
        return Progress(
            step=step,
            loss=round(loss, 5),
            tokens=self.tokens,
            rate=recipe.rate(step),
            gradient=round(norm, 4),
            imbalance=round(self._rebalance(), 3),
            max_logit=round(largest, 2),
            clipped=clipped,
            seconds=round(time.perf_counter() - started, 3),
        )

    def _prepare(self, looks: bool) -> None:
        qat = self.step >= self.recipe.qat_from * self.recipe.steps
        for experts in self.model.experts():
            experts.qat = qat
        self.model.language_model.stretch(self.step >= self.recipe.extend_from * self.recipe.steps)
        for attention in self.model.attentions():
            attention.record_max_logits = looks

    def _largest_logit(self) -> float:
        found = [attention.max_logits_H for attention in self.model.attentions()]
        return max(float(logits.max()) for logits in found if logits is not None)

    def _rebalance(self) -> float:
        reduce_load(self.model, self.ranks)
        loads = [router.rebalance(self.recipe.balance_rate) for router in self.model.routers()]
        return sum(float(load_E.max() / load_E.mean()) for load_E in loads) / max(len(loads), 1)


def _keep_log_before(path: Path, step: int) -> None:
    """Drops the lines of steps that are done again."""
    if not path.exists():
        return
    kept = [line for line in path.read_text("utf-8").splitlines() if _step_of(line) < step]
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return math.inf
