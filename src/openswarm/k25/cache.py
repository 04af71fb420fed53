"""The latent cache: what attention keeps of past tokens, one small vector a token and layer.

Legend of shapes: N layers, S slots (conversations), T tokens, C latent width (kv_lora_rank plus the
rotated key's dimensions: 576 when published). A slot is a row; rows grow independently, so that
replies of different lengths are made together.
"""

import torch

from openswarm.k25.config import TextConfig
from openswarm.k25.errors import ModelFileError


class LatentCache:
    """Room for `slots` conversations of up to `tokens` tokens each."""

    def __init__(
        self, config: TextConfig, slots: int, tokens: int, dtype: torch.dtype = torch.float32
    ) -> None:
        """Raises `ModelFileError` when `tokens` is more than the model's positions."""
        if tokens > config.max_position_embeddings:
            raise ModelFileError(
                f"a sequence of {tokens} tokens is longer than the model's"
                f" max_position_embeddings ({config.max_position_embeddings})"
            )
        shape = (config.num_hidden_layers, slots, tokens, config.latent_dim)
        self.latents_NSTC = torch.zeros(shape, dtype=dtype)

    @property
    def tokens(self) -> int:
        """The longest conversation that fits."""
        return self.latents_NSTC.shape[2]

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return self.latents_NSTC.nbytes

    def write(
        self,
        layer: int,
        slots_B: torch.Tensor,
        positions_BL: torch.Tensor,
        latents_BLC: torch.Tensor,
        upto: int,
    ) -> torch.Tensor:
        """Keeps new latents, and returns all `(B, upto, C)` of these slots, old and new."""
        layer_STC = self.latents_NSTC[layer]
        layer_STC[slots_B[:, None], positions_BL] = latents_BLC.to(layer_STC.dtype)
        return layer_STC[slots_B, :upto].to(latents_BLC.dtype)

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Gives a slot the first tokens of another one: a shared prefix is computed once."""
        self.latents_NSTC[:, target, :tokens] = self.latents_NSTC[:, source, :tokens]
