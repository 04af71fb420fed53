"""Rotary positions with YaRN: frequencies, the softmax scale that goes with them, the rotation.

Legend of shapes: B batch, L positions, H heads, R rotated dimensions of a head, P pairs (R / 2).
Sources: RoFormer (arXiv 2104.09864), YaRN (arXiv 2309.00071) in DeepSeek-V3's form.
"""

import math

import torch

from openswarm.k25.config import RopeScaling, TextConfig


def inverse_frequencies(config: TextConfig) -> torch.Tensor:
    """Radians a position for each pair of rotated dimensions, `(P,)` in float32.

    Pairs that turn more often than `beta_fast` times within the trained length keep their
    frequency, pairs that turn less often than `beta_slow` times are slowed by `factor`, and
    between them it goes over linearly.
    """
    rotated = config.qk_rope_head_dim
    exponents_P = torch.arange(0, rotated, 2, dtype=torch.float64) / rotated
    plain_P = config.rope_theta**-exponents_P
    scaling = config.rope_scaling
    if scaling is None or scaling.factor == 1:
        return plain_P.float()
    low = math.floor(_pair_turning(scaling.beta_fast, config, scaling))
    high = math.ceil(_pair_turning(scaling.beta_slow, config, scaling))
    low, high = max(low, 0), min(high, rotated - 1)
    width = max(high - low, 1e-3)
    slowed_P = ((torch.arange(rotated // 2, dtype=torch.float64) - low) / width).clamp(0, 1)
    return (plain_P * (1 - slowed_P) + plain_P / scaling.factor * slowed_P).float()


def _pair_turning(turns: float, config: TextConfig, scaling: RopeScaling) -> float:
    """The (fractional) index of the pair that turns so often within the trained length."""
    trained = scaling.original_max_position_embeddings
    radians = trained / (turns * 2 * math.pi)
    return config.qk_rope_head_dim * math.log(radians) / (2 * math.log(config.rope_theta))


def _temperature(factor: float, weight: float) -> float:
    """YaRN's attention temperature for a stretch by `factor`."""
    return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0


def softmax_scale(config: TextConfig) -> float:
    """What dot products of queries and keys are multiplied with: 0.14468 when published."""
    scale = config.qk_head_dim**-0.5
    scaling = config.rope_scaling
    if scaling is None:
        return scale
    return scale * _temperature(scaling.factor, scaling.mscale_all_dim) ** 2


def rotation_scale(config: TextConfig) -> float:
    """What cosine and sine are multiplied with: 1 when published, as both `mscale` are equal."""
    scaling = config.rope_scaling
    if scaling is None:
        return 1.0
    return _temperature(scaling.factor, scaling.mscale) / _temperature(
        scaling.factor, scaling.mscale_all_dim
    )


def angles(positions_BL: torch.Tensor, inverse_P: torch.Tensor, scale: float) -> torch.Tensor:
    """Cosine and sine of every position and pair, stacked: `(2, B, L, P)` in float32."""
    angle_BLP = positions_BL[..., None].float() * inverse_P
    return torch.stack((angle_BLP.cos(), angle_BLP.sin())) * scale


def rotate(x_BLHR: torch.Tensor, angles_2BLP: torch.Tensor) -> torch.Tensor:
    """Turns each pair of neighbouring dimensions by its angle, in float32 or better.

    `angles_2BLP` are cosine and sine; both tensors may have other leading dimensions than B and L.
    """
    even_BLHP, odd_BLHP = x_BLHR.unflatten(-1, (-1, 2)).unbind(-1)
    cos_BL1P, sin_BL1P = angles_2BLP.unsqueeze(-2)
    turned = (
        even_BLHP * cos_BL1P - odd_BLHP * sin_BL1P,
        even_BLHP * sin_BL1P + odd_BLHP * cos_BL1P,
    )
    return torch.stack(turned, dim=-1).flatten(-2).to(x_BLHR.dtype)
