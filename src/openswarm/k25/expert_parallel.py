"""Expert parallelism: each process of a group keeps some of the experts, and tokens travel.

    my tokens ─ sorted by expert ─ all to all ─ my experts, on everyone's tokens ─┐
    my tokens' sums ── weighted ── all to all ────────────────────────────────────┘

Counts travel first, so no token is dropped and none is padded. Owns the exchange and its gradient;
which process has which experts is `parallel`'s to say. Source: GShard (arXiv 2006.16668).

Legend of shapes: T tokens of this process, H hidden size, K experts of a token, S = T K copies
sorted by expert, P processes of the group, F experts of one process, N copies that arrive here.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Shard, distribute_tensor

from openswarm.k25.config import TextConfig
from openswarm.k25.errors import ModelFileError
from openswarm.k25.moe import Experts


class ExpertShard(Experts):
    """`Experts` of which this process keeps its part. Parameters have the names they had.

    A parameter's gradient is the sum over the tokens of all processes of the group.
    """

    def __init__(self, experts: Experts, config: TextConfig, mesh: DeviceMesh) -> None:
        """Takes the weights of `experts`, the same in every process, and keeps its own part.

        Raises `ModelFileError` when the experts cannot be dealt out evenly.
        """
        processes = mesh.size()
        if config.n_routed_experts % processes:
            raise ModelFileError(
                f"n_routed_experts ({config.n_routed_experts}) cannot be dealt out evenly to"
                f" {processes} processes"
            )
        own = config.n_routed_experts // processes
        super().__init__(config.model_copy(update={"n_routed_experts": own}))
        self.group, self.processes, self.own = mesh.get_group(), processes, own
        self.qat = experts.qat
        self.gate_up_EGH = _dealt(experts.gate_up_EGH, mesh)
        self.down_EHI = _dealt(experts.down_EHI, mesh)

    def forward(
        self, x_TH: torch.Tensor, chosen_TK: torch.Tensor, weights_TK: torch.Tensor
    ) -> torch.Tensor:
        """The weighted sum of the chosen experts' outputs, `(T, H)`, wherever they are kept.

        Every process of the group has to call it, with any number of tokens.
        """
        order_S = chosen_TK.flatten().argsort(stable=True)
        token_S = order_S // chosen_TK.shape[1]
        counts = torch.bincount(chosen_TK.flatten(), minlength=self.processes * self.own)
        sent_PF = counts.view(self.processes, self.own)
        arriving_PF = torch.empty_like(sent_PF)
        dist.all_to_all_single(arriving_PF, sent_PF, group=self.group)
        sent, arriving = sent_PF.sum(1).tolist(), arriving_PF.sum(1).tolist()

        rows_NH = exchanged(x_TH[token_S], sent, arriving, self.group)
        expert_N = torch.arange(self.own, device=x_TH.device).repeat(self.processes)
        expert_N = expert_N.repeat_interleave(arriving_PF.flatten())
        once_N1 = torch.ones(len(rows_NH), 1, device=x_TH.device)
        y_NH = super().forward(rows_NH, expert_N[:, None], once_N1)

        y_SH = exchanged(y_NH, arriving, sent, self.group)
        y_SH = y_SH * weights_TK.flatten()[order_S, None].to(y_SH.dtype)
        return torch.zeros_like(x_TH, dtype=y_SH.dtype).index_add(0, token_S, y_SH)


def exchanged(
    x_SH: torch.Tensor, sent: list[int], arriving: list[int], group: dist.ProcessGroup
) -> torch.Tensor:
    """Sends the first `sent[0]` rows to process 0 of the group, the next `sent[1]` to 1, and so on.

    Returns the rows that arrive, `arriving[p]` from process p, in the order of processes.
    Gradients travel back the same way.
    """
    return _Exchange.apply(x_SH, sent, arriving, group)


class _Exchange(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_SH: torch.Tensor, sent: Any, arriving: Any, group: Any) -> torch.Tensor:
        ctx.sent, ctx.arriving, ctx.group = sent, arriving, group
        y_NH = x_SH.new_empty((sum(arriving), *x_SH.shape[1:]))
        dist.all_to_all_single(y_NH, x_SH.contiguous(), arriving, sent, group=group)
        return y_NH

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return exchanged(grads[0], ctx.arriving, ctx.sent, ctx.group), None, None, None


def _dealt(weight: nn.Parameter, mesh: DeviceMesh) -> nn.Parameter:
    """This process's experts of a stacked parameter."""
    spread = distribute_tensor(weight.detach(), mesh, [Shard(0)], src_data_rank=None)
    return nn.Parameter(spread, requires_grad=weight.requires_grad)
