"""QK-Clip: bounds the logits of attention by scaling the weights that make them.

The half of MuonClip that follows its step. Owns how a head's weights share the scaling; the logits
are recorded by attention itself. Source: Kimi K2 (arXiv 2507.20534) 2.1.

Legend of shapes: H heads, N and R a head's parts without position and rotated, V its value, Q = N +
R, A = N + V, C the rank that is projected up.
"""

import torch
from torch import nn

from openswarm.k25.attention import MultiHeadLatentAttention
from openswarm.k25.sharding import local, part_of

TAU = 100.0
"""The largest logit that K2's training left alone."""


@torch.no_grad()
def qk_clip(model: nn.Module, tau: float = TAU) -> int:
    """Scales each head whose largest recorded logit is above `tau`, so that it becomes `tau`.

    Reads `max_logits_H` of every attention layer, as the last forward pass left it, and clears it:
    a logit is acted on once. Layers that recorded none and logits that are not finite are left
    alone. Returns the number of heads that were scaled.
    """
    clipped = 0
    for module in model.modules():
        if isinstance(module, MultiHeadLatentAttention) and module.max_logits_H is not None:
            clipped += _clip(module, module.max_logits_H, tau)
            module.max_logits_H = None
    return clipped


def _clip(attention: MultiHeadLatentAttention, max_logits_H: torch.Tensor, tau: float) -> int:
    """A logit is the sum of two products, and both have to shrink by the same factor.

    In the product without position, query and key are the head's own and take a root of it each. In
    the rotated one the key belongs to all heads, so the query takes all of it.
    """
    above_H = (max_logits_H > tau) & max_logits_H.isfinite()
    factor_H1 = torch.where(above_H, tau / max_logits_H, 1.0)[:, None]
    plain, config = factor_H1.sqrt(), attention.config
    nope, rotated, value = config.qk_nope_head_dim, config.qk_rope_head_dim, config.v_head_dim
    query_HQ = torch.cat((plain.expand(-1, nope), factor_H1.expand(-1, rotated)), dim=1)
    key_value_HA = torch.cat((plain.expand(-1, nope), torch.ones(len(plain), value)), dim=1)
    _scale_rows(attention.q_b_proj.weight, query_HQ.flatten())
    _scale_rows(attention.kv_b_proj.weight, key_value_HA.flatten())
    return int(above_H.sum())


def _scale_rows(weight: torch.Tensor, factors: torch.Tensor) -> None:
    """Each row of a matrix times its factor, in place; rows may be spread over processes."""
    local(weight).mul_(part_of(factors, weight)[:, None])
