"""Root-mean-square normalisation (arXiv 1910.07467)."""

import torch
from torch import nn


class RMSNorm(nn.Module):
    """Scales the last dimension to unit root mean square, then by a learned weight."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(…, width)` to `(…, width)`; the mean square is taken in float32."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return wide.to(x.dtype) * self.weight
