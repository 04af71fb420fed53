"""Models to export and to compare with llama.cpp."""

from pathlib import Path

import torch

from openswarm.k25.config import K25Config
from openswarm.k25.gguf_export import Written, export
from openswarm.k25.gguf_layout import Form, Plain, state_of
from openswarm.k25.model import K25
from openswarm.k25.scheme import with_int4
from openswarm.k25.tokenizer import Tokenizer


def with_text(config: K25Config, **changes: object) -> K25Config:
    text = config.text_config.model_copy(update=changes)
    return config.model_copy(update={"text_config": text})


@torch.no_grad()
def random_model(config: K25Config) -> K25:
    """Weights large enough that attention, routing and logits are far from uniform."""
    generator = torch.Generator().manual_seed(3)
    model = K25(config).eval()
    model.initialise(3)
    for name, weight in model.language_model.named_parameters():
        if weight.dim() == 1:
            weight.uniform_(0.5, 1.5, generator=generator)
        else:
            spread = 1.0 if name == "embed_tokens.weight" else 0.15
            weight.normal_(0.0, spread, generator=generator)
    for router in model.routers():
        router.e_score_correction_bias.normal_(0.0, 0.2, generator=generator)
    return model


def exported(
    model: K25, tokenizer: Tokenizer, path: Path, dense: Plain, experts: Form, int4: bool = False
) -> Written:
    config = with_int4(model.config, int4)
    state = state_of(model, config.text_config)
    return export(state, config, tokenizer, path, dense=dense, experts=experts)
