"""From the vision tower's width to the text backbone's: norm, merge of 2 x 2 patches, two layers.

Source: the published `patchmerger`. Knows nothing of pictures.

Shape suffixes: M tokens, K patches of a token, W width of the tower, D hidden size of the text.
"""

from collections.abc import Sequence

import torch
from torch import nn

from openswarm.k25.config import VisionConfig


class Projector(nn.Module):
    """One vector in the text's width for each token of a picture."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.pre_norm = nn.LayerNorm(config.mm_hidden_size, eps=config.projector_ln_eps)
        self.proj = nn.Sequential(
            nn.Linear(config.merged_dim, config.merged_dim),
            nn.GELU(),
            nn.Linear(config.merged_dim, config.text_hidden_size),
        )

    def forward(self, merged: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Takes `(M, K, W)` for each image or chunk, gives `(M, D)` for each, in the same order."""
        if not merged:
            return []
        packed_MKW = torch.cat(list(merged))
        out_MD = self.proj(self.pre_norm(packed_MKW).flatten(1))
        return list(out_MD.split([len(entry) for entry in merged]))
