"""The one place where transformers is imported: a causal model with its tokenizer, in memory.

Owns reading and writing of weights, the passes through the model and what it may not know of the
rest: conversations, runs and rewards are others' business. Code that comes with a model is never
run.

Legend of shapes: B rows, L positions, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from openswarm.core.errors import SettingsError
from openswarm.llm.model import UNKNOWN_WINDOW

EXTRA = "pip install 'openswarm[causal]'"
Choose = Callable[[torch.Tensor], torch.Tensor]
"""Scores `(B, V)` of the next token to the tokens `(B,)` that are taken."""


@dataclass(frozen=True, slots=True)
class Causal:
    """A model and its tokenizer."""

    model: Any
    """A `transformers.PreTrainedModel` that ends in a language model's head."""
    tokenizer: Any
    """A `transformers.PreTrainedTokenizerBase` with a chat template."""
    stops: tuple[int, ...]
    """The tokens that end a reply."""
    window: int
    """Tokens of one conversation."""

    def generate(self, contexts: list[list[int]], most: int, choose: Choose) -> None:
        """Reads contexts and asks `choose` for up to `most` tokens each, as long as rows go on.

        A row that is given one of `stops` is over; `choose` is asked for it all the same until
        every row is. The settings for sampling that came with the model are not used.
        """
        from transformers import GenerationConfig

        longest = max(map(len, contexts))
        pad = self.stops[0]
        rows = [[pad] * (longest - len(ids)) + ids for ids in contexts]
        seen = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in contexts]
        device = self.model.device
        plain = GenerationConfig(
            max_new_tokens=most, do_sample=False, eos_token_id=list(self.stops), pad_token_id=pad
        )
        self.model.eval()
        shipped, self.model.generation_config = self.model.generation_config, plain
        try:
            self.model.generate(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(seen, device=device),
                logits_processor=[_Chooser(choose)],
            )
        finally:
            self.model.generation_config = shipped

    def save(self, folder: Path) -> None:
        """Writes weights (of adapters alone, where there are some) and tokenizer into a folder."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


@dataclass(frozen=True, slots=True)
class _Chooser:
    """A processor of scores that leaves only the token that was chosen."""

    choose: Choose

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen_B1 = self.choose(scores)[:, None].to(scores.device)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen_B1, 0.0)


def load_causal(where: str, *, dtype: str = "float32", device: str = "cpu") -> Causal:
    """The model of a folder, or of a name on the Hub.

    Raises `SettingsError` when transformers is missing, or the model cannot be used.
    """
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        raise SettingsError(f"a causal model needs transformers: {EXTRA}") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(where)
        model = AutoModelForCausalLM.from_pretrained(where, dtype=dtype)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise SettingsError(f"{where} cannot be used as a causal model: {error}") from None
    return causal_of(model.to(device), tokenizer)


def causal_of(model: Any, tokenizer: Any) -> Causal:
    """A model and a tokenizer that are in memory. Raises `SettingsError` when no token ends."""
    named = [tokenizer.eos_token_id]
    shipped = getattr(model, "generation_config", None)
    more = getattr(shipped, "eos_token_id", None)
    named += more if isinstance(more, list) else [more]
    stops = tuple(dict.fromkeys(stop for stop in named if stop is not None))
    if not stops:
        raise SettingsError("the tokenizer names no token that ends a reply (eos_token)")
    window = getattr(model.config, "max_position_embeddings", None) or UNKNOWN_WINDOW
    return Causal(model, tokenizer, stops, int(window))


def adapted(causal: Causal, *, rank: int = 16, folder: Path | None = None) -> Causal:
    """The same model, of which only adapters of low rank are trained (LoRA, by peft).

    The adapters are new ones, or those that were saved into `folder`. Raises `SettingsError` when
    peft is missing, or the folder has none that fit.
    """
    try:
        from peft import LoraConfig, PeftModel, get_peft_model  # type: ignore[import-not-found]
    except ImportError:
        raise SettingsError("adapters of low rank need peft: pip install peft") from None
    if folder is None:
        config = LoraConfig(
            task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, lora_dropout=0.0,
            target_modules="all-linear",
        )  # fmt: skip
        return replace(causal, model=get_peft_model(causal.model, config))
    try:
        model = PeftModel.from_pretrained(causal.model, str(folder), is_trainable=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise SettingsError(f"{folder} has no adapters for this model: {error}") from None
    return replace(causal, model=model)
