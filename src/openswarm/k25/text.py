"""The text backbone: embedding, layers of attention and feed-forward, the last norm, the head.

Legend of shapes: B batch, L positions, D hidden size, V vocabulary, P pairs of rotated dimensions.
"""

from typing import cast

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.cache import LatentCache
from openswarm.k25.config import TextConfig
from openswarm.k25.errors import ModelFileError
from openswarm.k25.moe import MixtureOfExperts, SwiGLU
from openswarm.k25.norm import RMSNorm
from openswarm.k25.rope import angles, inverse_frequencies, rotation_scale, softmax_scale


class DecoderLayer(nn.Module):
    """Attention, then a dense block in the first layers and experts above; both residual."""

    def __init__(self, config: TextConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = MultiHeadLatentAttention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = (
            MixtureOfExperts(config)
            if config.is_sparse(layer)
            else SwiGLU(config.hidden_size, config.intermediate_size)
        )

    def forward(
        self,
        x_BLD: torch.Tensor,
        angles_2BLP: torch.Tensor,
        cache: LatentCache | None = None,
        slots_B: torch.Tensor | None = None,
        positions_BL: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`(B, L, D)` to `(B, L, D)`."""
        x_BLD = x_BLD + self.self_attn(
            self.input_layernorm(x_BLD),
            angles_2BLP,
            cache=cache,
            slots_B=slots_B,
            positions_BL=positions_BL,
        )
        return x_BLD + self.mlp(self.post_attention_layernorm(x_BLD))


class TextModel(nn.Module):
    """The backbone. `checkpointing` recomputes each layer in the backward pass, to save memory."""

    inverse_P: torch.Tensor

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(
            DecoderLayer(config, layer) for layer in range(config.num_hidden_layers)
        )
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.register_buffer("inverse_P", inverse_frequencies(config), persistent=False)
        self.rotation_scale = rotation_scale(config)
        self.checkpointing = False

    def stretch(self, on: bool) -> None:
        """Switches YaRN on or off: off while training at the original length, on to extend it."""
        config = self.config if on else self.config.model_copy(update={"rope_scaling": None})
        self.inverse_P.copy_(inverse_frequencies(config))
        self.rotation_scale = rotation_scale(config)
        for layer in self.blocks():
            layer.self_attn.scale = softmax_scale(config)

    def blocks(self) -> list[DecoderLayer]:
        """The layers, from the bottom up."""
        return [cast("DecoderLayer", layer) for layer in self.layers]

    def forward(
        self,
        embeds_BLD: torch.Tensor,
        positions_BL: torch.Tensor | None = None,
        cache: LatentCache | None = None,
        slots_B: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Hidden states after the last norm, `(B, L, D)`.

        With a cache, row b belongs to slot `slots_B[b]`, its tokens stand at `positions_BL[b]`,
        and each attends to all that its slot holds up to its own position. Raises
        `ModelFileError` for a position beyond `max_position_embeddings`.
        """
        batch, length, _ = embeds_BLD.shape
        if positions_BL is None:
            positions_BL = torch.arange(length, device=embeds_BLD.device).expand(batch, -1)
        last = int(positions_BL.max()) + 1
        if last > self.config.max_position_embeddings:
            raise ModelFileError(
                f"a sequence of {last} tokens is longer than the model's"
                f" max_position_embeddings ({self.config.max_position_embeddings})"
            )
        angles_2BLP = angles(positions_BL, self.inverse_P, self.rotation_scale)
        x_BLD = embeds_BLD
        for layer in self.layers:
            if self.checkpointing and self.training:
                x_BLD = checkpoint(layer, x_BLD, angles_2BLP, use_reentrant=False)
            else:
                x_BLD = layer(x_BLD, angles_2BLP, cache, slots_B, positions_BL)
        return self.norm(x_BLD)
