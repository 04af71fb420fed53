"""How large a model is, from its configuration alone: parameters, bytes, cache. Needs no torch."""

from collections import Counter
from dataclasses import dataclass

from openswarm.k25.config import K25Config, TextConfig
from openswarm.k25.layout import Part, tensors

BF16_BYTES = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """Parameters and bytes of a model."""

    parts: dict[Part, int]
    """Parameters of each part."""
    active: int
    """Text parameters that one token meets, embedding row excluded and output head included."""
    file_bytes: int
    """All tensors in the published layout."""
    tensors: int
    cache_bytes: int
    """Latent cache of one token over all layers, in bf16."""
    plain_cache_bytes: int
    """What plain multi-head attention would keep: every head's key and value."""

    @property
    def text(self) -> int:
        """Parameters of the text backbone: 1,026,408,232,448 when published."""
        return sum(count for part, count in self.parts.items() if part != "vision")

    @property
    def total(self) -> int:
        """Parameters, vision tower and projector included."""
        return sum(self.parts.values())


def sizes(config: K25Config) -> Sizes:
    """Adds up a model without allocating it."""
    parts: Counter[Part] = Counter()
    file_bytes = count = 0
    for tensor in tensors(config):
        parts[tensor.part] += tensor.parameters
        file_bytes += tensor.bytes
        count += 1
    text = config.text_config
    heads = text.num_attention_heads * (text.qk_head_dim + text.v_head_dim)
    return Sizes(
        parts=dict(parts),
        active=_active(text, parts),
        file_bytes=file_bytes,
        tensors=count,
        cache_bytes=text.latent_dim * text.num_hidden_layers * BF16_BYTES,
        plain_cache_bytes=heads * text.num_hidden_layers * BF16_BYTES,
    )


def _active(config: TextConfig, parts: Counter[Part]) -> int:
    """Everything that is dense, the chosen share of the experts, and one of the two embeddings."""
    text = sum(count for part, count in parts.items() if part not in ("vision", "experts"))
    chosen = parts["experts"] * config.num_experts_per_tok // config.n_routed_experts
    return text + chosen - config.vocab_size * config.hidden_size
