"""The mixture of experts: sigmoid router with bias balancing, grouped experts, shared expert.

Legend of shapes: T tokens, H hidden size, E experts, K experts of a token, I width of an expert,
G = 2 I (gate and up together), S = T K token copies, sorted by expert. Source: DeepSeek-V3
(arXiv 2412.19437) 2.1.2; balancing without an auxiliary loss: arXiv 2408.15664.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from openswarm.k25.config import TextConfig
from openswarm.k25.int4 import fake_quantize
from openswarm.k25.sharding import local


class SwiGLU(nn.Module):
    """A dense feed-forward block: `down(silu(gate x) * up x)`."""

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(…, H)` to `(…, H)`."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Router(nn.Module):
    """Chooses experts by sigmoid scores; a bias moves the choice only, never the weights."""

    e_score_correction_bias: torch.Tensor
    load_E: torch.Tensor

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        experts = config.n_routed_experts
        self.weight = nn.Parameter(torch.empty(experts, config.hidden_size))
        self.register_buffer("e_score_correction_bias", torch.zeros(experts))
        self.register_buffer("load_E", torch.zeros(experts), persistent=False)

    def forward(self, x_TH: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The chosen experts `(T, K)` and their weights `(T, K)`, in float32."""
        with torch.autocast(x_TH.device.type, enabled=False):
            scores_TE = torch.sigmoid(F.linear(x_TH.float(), self.weight.float()))
        favoured_TE = scores_TE.detach() + self.e_score_correction_bias
        chosen_TK = favoured_TE.topk(self.config.num_experts_per_tok, dim=-1).indices
        weights_TK = scores_TE.gather(-1, chosen_TK)
        weights_TK = weights_TK / (weights_TK.sum(-1, keepdim=True) + 1e-20)
        if self.training:
            self.load_E += torch.bincount(chosen_TK.flatten(), minlength=self.load_E.numel())
        return chosen_TK, weights_TK * self.config.routed_scaling_factor

    @torch.no_grad()
    def rebalance(self, rate: float) -> torch.Tensor:
        """Moves the bias against the load since the last call, which is returned `(E,)`."""
        load_E = self.load_E.clone()
        self.e_score_correction_bias += rate * torch.sign(load_E.mean() - load_E)
        self.load_E.zero_()
        return load_E


class Experts(nn.Module):
    """The routed experts, stacked: one parameter for gate and up, one for down."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        experts, hidden, inner = (
            config.n_routed_experts,
            config.hidden_size,
            config.moe_intermediate_size,
        )
        self.gate_up_EGH = nn.Parameter(torch.empty(experts, 2 * inner, hidden))
        self.down_EHI = nn.Parameter(torch.empty(experts, hidden, inner))
        self.qat = False
        """Whether weights are rounded to INT4 on the way, for quantisation-aware training."""

    def forward(
        self, x_TH: torch.Tensor, chosen_TK: torch.Tensor, weights_TK: torch.Tensor
    ) -> torch.Tensor:
        """The weighted sum of the chosen experts' outputs, `(T, H)`.

        Token copies are sorted by expert, so that each of the three products is one grouped
        product over all experts, whatever their loads; no copy is dropped.
        """
        gate_up_EGH, down_EHI = self._weights(x_TH)
        order_S = chosen_TK.flatten().argsort(stable=True)
        ends_E = chosen_TK.flatten().bincount(minlength=len(down_EHI)).cumsum(0).to(torch.int32)
        x_SH = x_TH.to(down_EHI.dtype)[:, None].expand(-1, chosen_TK.shape[1], -1).flatten(0, 1)
        x_SH = Permuted.apply(x_SH, order_S)
        gate_SI, up_SI = F.grouped_mm(x_SH, gate_up_EGH.mT, offs=ends_E).chunk(2, dim=-1)
        y_SH = F.grouped_mm(F.silu(gate_SI) * up_SI, down_EHI.mT, offs=ends_E)
        y_TKH = Permuted.apply(y_SH, order_S.argsort()).unflatten(0, chosen_TK.shape)
        return (weights_TK.to(y_TKH.dtype)[:, None] @ y_TKH).squeeze(1)

    def _weights(self, x_TH: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate_up_EGH, down_EHI = local(self.gate_up_EGH), local(self.down_EHI)
        if self.qat:
            gate_up_EGH, down_EHI = fake_quantize(gate_up_EGH), fake_quantize(down_EHI)
        device = x_TH.device.type
        dtype = (
            torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x_TH.dtype
        )
        return gate_up_EGH.to(dtype), down_EHI.to(dtype)


class Permuted(torch.autograd.Function):
    """Rows in another order. Its gradient is a permutation too, where indexing would add up."""

    @staticmethod
    def forward(ctx: Any, x_SH: torch.Tensor, order_S: torch.Tensor) -> torch.Tensor:
        """`x_SH[order_S]`."""
        ctx.save_for_backward(order_S)
        return x_SH.index_select(0, order_S)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Every row back where it came from."""
        (order_S,) = ctx.saved_tensors
        return torch.empty_like(grads[0]).index_copy_(0, order_S, grads[0]), None


class MixtureOfExperts(nn.Module):
    """Router, routed experts, and the shared expert that every token meets."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.gate = Router(config)
        self.experts = Experts(config)
        shared = config.moe_intermediate_size * config.n_shared_experts
        self.shared_experts = SwiGLU(config.hidden_size, shared) if shared else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(…, H)` to `(…, H)`."""
        x_TH = x.flatten(0, -2)
        y_TH = self.experts(x_TH, *self.gate(x_TH)).to(x.dtype).view_as(x)
        return y_TH if self.shared_experts is None else y_TH + self.shared_experts(x)
