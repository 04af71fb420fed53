"""Multi-head latent attention, in two forms that give the same numbers.

    x ─ q_a ─ norm ─ q_b ─┬─ query without position (N) ──┐
                          └─ rotated query (R) ───────────┤
    x ─ kv_a ─┬─ norm ─ latent (C') ─ kv_b ─┬─ key (N) ───┼─ softmax ─ · value ─ o ─ y
              │                             └─ value (V) ─┘
              └─ rotated key (R), one for all heads ──────┘

*Naive*: keys and values of all heads are made from the latents; best where many new tokens attend
to each other. *Absorbed*: kv_b is multiplied into the query and into the output instead, so that
attention runs on the latents themselves and only they are cached.

Legend of shapes: B batch, L new tokens, T tokens attended to, D hidden size, H heads, N, R, V the
parts of a head, Q = N + R, C' kv_lora_rank, C = C' + R. Source: DeepSeek-V2 (arXiv 2405.04434).
"""

import torch
import torch.nn.functional as F
from torch import nn

from openswarm.k25.cache import LatentCache
from openswarm.k25.config import TextConfig
from openswarm.k25.norm import RMSNorm
from openswarm.k25.rope import rotate, softmax_scale


class MultiHeadLatentAttention(nn.Module):
    """Causal attention over latents. Names of weights are the published ones."""

    def __init__(self, config: TextConfig, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        heads, hidden = config.num_attention_heads, config.hidden_size
        key_value = config.qk_nope_head_dim + config.v_head_dim
        self.q_a_proj = nn.Linear(hidden, config.q_lora_rank, bias=False)
        self.q_a_layernorm = RMSNorm(config.q_lora_rank, config.rms_norm_eps)
        self.q_b_proj = nn.Linear(config.q_lora_rank, heads * config.qk_head_dim, bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(hidden, config.latent_dim, bias=False)
        self.kv_a_layernorm = RMSNorm(config.kv_lora_rank, config.rms_norm_eps)
        self.kv_b_proj = nn.Linear(config.kv_lora_rank, heads * key_value, bias=False)
        self.o_proj = nn.Linear(heads * config.v_head_dim, hidden, bias=False)
        self.scale = softmax_scale(config)
        self.record_max_logits = False
        self.max_logits_H: torch.Tensor | None = None
        """The largest logit of each head in the last naive forward, if it was to be recorded."""

    def forward(
        self,
        x_BLD: torch.Tensor,
        angles_2BLP: torch.Tensor,
        *,
        cache: LatentCache | None = None,
        slots_B: torch.Tensor | None = None,
        positions_BL: torch.Tensor | None = None,
        absorbed: bool | None = None,
    ) -> torch.Tensor:
        """`(B, L, D)` to `(B, L, D)`. With a cache the form is absorbed, else naive by default."""
        query_BLHQ = self._queries(x_BLD, angles_2BLP)
        latents_BTC = self._latents(x_BLD, angles_2BLP)
        visible_BLT = None
        if cache is not None:
            assert slots_B is not None and positions_BL is not None
            upto = int(positions_BL.max()) + 1
            latents_BTC = cache.write(self.layer, slots_B, positions_BL, latents_BTC, upto)
            visible_BLT = torch.arange(upto) <= positions_BL[..., None]
        if absorbed if absorbed is not None else cache is not None:
            y_BLHV = self._absorbed(query_BLHQ, latents_BTC, visible_BLT)
        else:
            y_BLHV = self._naive(query_BLHQ, latents_BTC, visible_BLT)
        return self.o_proj(y_BLHV.flatten(-2))

    def _queries(self, x_BLD: torch.Tensor, angles_2BLP: torch.Tensor) -> torch.Tensor:
        query = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x_BLD)))
        query_BLHQ = query.unflatten(-1, (-1, self.config.qk_head_dim))
        plain_BLHN, rotated_BLHR = query_BLHQ.split(
            (self.config.qk_nope_head_dim, self.config.qk_rope_head_dim), dim=-1
        )
        return torch.cat((plain_BLHN, rotate(rotated_BLHR, angles_2BLP)), dim=-1)

    def _latents(self, x_BLD: torch.Tensor, angles_2BLP: torch.Tensor) -> torch.Tensor:
        """What is cached: the normalised latent and the rotated key."""
        latent, key = self.kv_a_proj_with_mqa(x_BLD).split(
            (self.config.kv_lora_rank, self.config.qk_rope_head_dim), dim=-1
        )
        key_BLR = rotate(key.unsqueeze(-2), angles_2BLP).squeeze(-2)
        return torch.cat((self.kv_a_layernorm(latent), key_BLR), dim=-1)

    def _naive(
        self,
        query_BLHQ: torch.Tensor,
        latents_BTC: torch.Tensor,
        visible_BLT: torch.Tensor | None,
    ) -> torch.Tensor:
        latent_BTC, shared_BTR = latents_BTC.split(
            (self.config.kv_lora_rank, self.config.qk_rope_head_dim), dim=-1
        )
        key_value = self.kv_b_proj(latent_BTC).unflatten(-1, (self.config.num_attention_heads, -1))
        key_BTHN, value_BTHV = key_value.split(
            (self.config.qk_nope_head_dim, self.config.v_head_dim), dim=-1
        )
        shared_BTHR = shared_BTR.unsqueeze(-2).expand(*key_BTHN.shape[:-1], -1)
        key_BTHQ = torch.cat((key_BTHN, shared_BTHR), dim=-1)
        if self.record_max_logits and visible_BLT is None:
            self.max_logits_H = _max_logits(query_BLHQ.detach(), key_BTHQ.detach(), self.scale)
        # the CPU's fused kernel wants values as wide as keys
        padding = self.config.qk_head_dim - self.config.v_head_dim
        y_BHLV = F.scaled_dot_product_attention(
            query_BLHQ.transpose(1, 2),
            key_BTHQ.transpose(1, 2),
            F.pad(value_BTHV, (0, max(padding, 0))).transpose(1, 2),
            attn_mask=None if visible_BLT is None else visible_BLT.unsqueeze(1),
            is_causal=visible_BLT is None,
            scale=self.scale,
        )
        return y_BHLV[..., : self.config.v_head_dim].transpose(1, 2)

    def _absorbed(
        self,
        query_BLHQ: torch.Tensor,
        latents_BTC: torch.Tensor,
        visible_BLT: torch.Tensor | None,
    ) -> torch.Tensor:
        up_HKC = self.kv_b_proj.weight.unflatten(0, (self.config.num_attention_heads, -1))
        up_HKC = up_HKC.to(query_BLHQ.dtype)
        key_HNC, value_HVC = up_HKC.split(
            (self.config.qk_nope_head_dim, self.config.v_head_dim), dim=1
        )
        plain_BLHN, rotated_BLHR = query_BLHQ.split(
            (self.config.qk_nope_head_dim, self.config.qk_rope_head_dim), dim=-1
        )
        absorbed_BLHC = torch.einsum("blhn,hnc->blhc", plain_BLHN, key_HNC)
        query_BHLC = torch.cat((absorbed_BLHC, rotated_BLHR), dim=-1).transpose(1, 2)
        shared_BHTC = latents_BTC.unsqueeze(1).expand(-1, query_BHLC.shape[1], -1, -1)
        y_BHLC = F.scaled_dot_product_attention(
            query_BHLC,
            shared_BHTC,
            shared_BHTC,
            attn_mask=None if visible_BLT is None else visible_BLT.unsqueeze(1),
            is_causal=visible_BLT is None,
            scale=self.scale,
        )
        latent_BHLC = y_BHLC[..., : self.config.kv_lora_rank]
        return torch.einsum("bhlc,hvc->blhv", latent_BHLC, value_HVC)


def _max_logits(query_BLHQ: torch.Tensor, key_BTHQ: torch.Tensor, scale: float) -> torch.Tensor:
    """The largest causal logit of each head, `(H,)`; one sequence at a time, to spare memory."""
    length = query_BLHQ.shape[1]
    future_LT = torch.ones(length, length, dtype=torch.bool).triu(1)
    rows = []
    for query_LHQ, key_THQ in zip(query_BLHQ, key_BTHQ, strict=True):
        logits_HLT = torch.einsum("lhq,thq->hlt", query_LHQ.float(), key_THQ.float())
        rows.append(logits_HLT.masked_fill(future_LT, -torch.inf).amax(dim=(1, 2)))
    return torch.stack(rows).amax(dim=0) * scale
