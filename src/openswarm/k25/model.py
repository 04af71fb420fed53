"""The whole model: pictures and text in one sequence, logits out.

    pictures ─ MoonViT-3D ─ projector ─┐
    tokens ─ embedding ────────────────┴─ text backbone ─ head ─ logits

Legend of shapes: B batch, L positions, D hidden size, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import nn

from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.cache import LatentCache
from openswarm.k25.config import K25Config
from openswarm.k25.errors import ModelFileError
from openswarm.k25.moe import Experts, MixtureOfExperts, Router
from openswarm.k25.pixels import Patches
from openswarm.k25.projector import Projector
from openswarm.k25.text import TextModel
from openswarm.k25.vision import MoonViT3D


class K25(nn.Module):
    """Kimi K2.5's architecture at any size."""

    def __init__(self, config: K25Config) -> None:
        super().__init__()
        self.config = config
        self.vision_tower = MoonViT3D(config.vision_config)
        self.mm_projector = Projector(config.vision_config)
        self.language_model = TextModel(config.text_config)

    def embed(self, tokens_BL: torch.Tensor, media: Sequence[Patches] = ()) -> torch.Tensor:
        """Embeddings `(B, L, D)`, those of `<|media_pad|>` tokens taken from `media`, in order.

        Raises `ModelFileError` when the pads are not as many as the media's tokens.
        """
        embeds_BLD = self.language_model.embed_tokens(tokens_BL)
        pads_BL = tokens_BL == self.config.media_placeholder_token_id
        wanted, given = int(pads_BL.sum()), sum(entry.tokens for entry in media)
        if wanted != given:
            raise ModelFileError(
                f"the text has room for {wanted} media tokens, the pictures given have {given}"
            )
        if not media:
            return embeds_BLD
        vectors = torch.cat(self.mm_projector(self.vision_tower(media)))
        return embeds_BLD.masked_scatter(pads_BL[..., None], vectors.to(embeds_BLD.dtype))

    def forward(
        self,
        tokens_BL: torch.Tensor,
        media: Sequence[Patches] = (),
        *,
        positions_BL: torch.Tensor | None = None,
        cache: LatentCache | None = None,
        slots_B: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits `(B, L, V)` of the next token at every position. See `TextModel.forward`."""
        hidden_BLD = self.language_model(self.embed(tokens_BL, media), positions_BL, cache, slots_B)
        return self.language_model.lm_head(hidden_BLD)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Fresh weights: normal with `initializer_range`, norms one, biases zero."""
        generator = torch.Generator().manual_seed(seed)
        spread = self.config.text_config.initializer_range
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, spread, generator=generator)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)

    def routers(self) -> list[Router]:
        """The routers of the sparse layers, from the bottom up."""
        return [mixture.gate for mixture in self._mixtures()]

    def experts(self) -> list[Experts]:
        """The routed experts of the sparse layers, from the bottom up."""
        return [mixture.experts for mixture in self._mixtures()]

    def attentions(self) -> list[MultiHeadLatentAttention]:
        """The attention of every layer, from the bottom up."""
        return [layer.self_attn for layer in self.language_model.blocks()]

    def _mixtures(self) -> list[MixtureOfExperts]:
        blocks = [layer.mlp for layer in self.language_model.blocks()]
        return [block for block in blocks if isinstance(block, MixtureOfExperts)]
