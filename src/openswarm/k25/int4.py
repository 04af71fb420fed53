"""INT4 weights in groups: how they are rounded, packed into 32-bit numbers, and trained through.

Owns the one rounding rule, which training (`fake_quantize`) and files (`quantize`) share, so that a
packed model computes with exactly the weights that its training saw in float32 (bf16 autocast
rounds their product with the scale once more). Knows neither experts nor
files. Format: compressed-tensors' `pack-quantized`, symmetric, groups along the input dimension.

Shapes: … any leading dimensions (experts), R rows (outputs), C columns (inputs), S = C/32 scales,
P = C/8 packed numbers.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from openswarm.k25.layout import GROUP, NIBBLES

LARGEST = 7
"""Of the 16 values of a nibble the symmetric range -7 … 7 is used."""
OFFSET = 8
"""A nibble stores the value plus this."""
BITS = 4
_NIBBLE = (1 << BITS) - 1


def quantize(weight_RC: Tensor) -> tuple[Tensor, Tensor]:
    """Rounds to the nearest of 15 multiples of the group's scale.

    The scale is a 7th of the group's largest magnitude, in bf16 before anything is divided by it.
    A group of zeros has scale 1. Returns int8 […, R, C] in -7 … 7 and bf16 […, R, S]. Raises
    `ValueError` when a weight is not finite or the columns are not whole groups.
    """
    groups = _groups(weight_RC.detach().float())
    scale_RS = _scales(groups)
    rounded = _rounded(groups, scale_RS)
    return rounded.to(torch.int8).view(weight_RC.shape), scale_RS


def dequantize(q_RC: Tensor, scale_RS: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The weights that `q` and `scale` stand for: exact in float32, rounded once in others.

    From float32, `quantize` finds the same `q` and `scale` again, if it made them.
    """
    groups = _groups(q_RC.float())
    return groups.mul_(scale_RS.float().unsqueeze(-1)).view(q_RC.shape).to(dtype)


def pack(q_RC: Tensor) -> Tensor:
    """Int8 […, R, C] to int32 […, R, P]: eight nibbles each, the first in the lowest bits."""
    if q_RC.shape[-1] % NIBBLES:
        raise ValueError(f"{q_RC.shape[-1]} columns are no multiple of {NIBBLES}")
    packed_RP = torch.zeros(
        *q_RC.shape[:-1], q_RC.shape[-1] // NIBBLES, dtype=torch.int32, device=q_RC.device
    )
    for place in range(NIBBLES):
        nibble_RP = q_RC[..., place::NIBBLES].to(torch.int32).add_(OFFSET).bitwise_and_(_NIBBLE)
        packed_RP |= nibble_RP << BITS * place
    return packed_RP


def unpack(packed_RP: Tensor, columns: int) -> Tensor:
    """Int32 […, R, P] back to int8 […, R, C]. Raises `ValueError` when `columns` do not fit."""
    if packed_RP.dtype != torch.int32 or -(-columns // NIBBLES) != packed_RP.shape[-1]:
        raise ValueError(
            f"{packed_RP.shape[-1]} numbers of type {packed_RP.dtype} do not hold"
            f" {columns} columns of INT4"
        )
    q_RPN = torch.empty(*packed_RP.shape, NIBBLES, dtype=torch.int8, device=packed_RP.device)
    for place in range(NIBBLES):
        q_RPN[..., place] = ((packed_RP >> BITS * place) & _NIBBLE) - OFFSET
    return q_RPN.flatten(-2)[..., :columns]


def fake_quantize(weight_RC: Tensor) -> Tensor:
    """What the weight is once packed, in its own type; its gradient passes unchanged.

    Equals `dequantize(*quantize(weight))` bit for bit (straight-through estimator). Raises
    `ValueError` as `quantize` does.
    """
    return _StraightThrough.apply(weight_RC)


class _StraightThrough(torch.autograd.Function):
    """Rounds forwards, is the identity backwards.

    `weight + (rounded - weight).detach()` would not do: the sum differs from `rounded` in its last
    bits, and training would see other weights than the file has.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, weight_RC: Tensor) -> Tensor:
        groups = _groups(weight_RC.float())
        scale_RS = _scales(groups)
        values = _rounded(groups, scale_RS).mul_(scale_RS.float().unsqueeze(-1))
        return values.view(weight_RC.shape).to(weight_RC.dtype)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        return gradients[0]


def _groups(values_RC: Tensor) -> Tensor:
    """[…, R, C] as […, R, S, 32]."""
    if values_RC.shape[-1] % GROUP:
        raise ValueError(f"{values_RC.shape[-1]} columns are no multiple of the group, {GROUP}")
    return values_RC.contiguous().unflatten(-1, (-1, GROUP))


def _scales(groups: Tensor) -> Tensor:
    """The bf16 scale of each group, never zero."""
    scale_RS = groups.abs().amax(dim=-1).div_(LARGEST).to(torch.bfloat16)
    if not scale_RS.isfinite().all():
        raise ValueError("a weight is infinite or not a number, so it has no INT4 value")
    return torch.where(scale_RS == 0, torch.ones_like(scale_RS), scale_RS)


def _rounded(groups: Tensor, scale_RS: Tensor) -> Tensor:
    """Whole numbers from -7 to 7, as floats: a scale that bf16 rounded down is clipped."""
    return (groups / scale_RS.float().unsqueeze(-1)).round_().clamp_(-LARGEST, LARGEST)
