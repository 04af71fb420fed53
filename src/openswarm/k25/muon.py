"""The MuonClip optimiser's step: Muon for hidden matrices, AdamW for all else.

Muon makes the momentum of each matrix nearly orthogonal (its singular values near 1) by five
Newton-Schulz iterations, and scales the result to the size of an AdamW step, so that both rules
share one learning rate. Which parameters get which rule is `param_groups`'s; the other half of
MuonClip, bounding attention's logits after the step, is `clip`'s. Sources: Kimi K2 (arXiv
2507.20534) 2.1, Moonlight (arXiv 2502.16982) 2.2.

Legend of shapes: B matrices, N rows, M columns.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from openswarm.k25.moe import Experts
from openswarm.k25.sharding import gathered, local, part_of

ITERATIONS = 5
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315
"""The odd polynomial that brings singular values near 1: steep at 0, so it needs few rounds."""
ADAMW_SIZE = 0.2
"""The root mean square of a usual AdamW update, which Muon's is given."""
CHUNK = 1 << 19
"""Numbers of a batch of matrices that are worked on at once: they stay in a core's cache."""
TINY = 1e-7
HEAD = "lm_head"

Group = dict[str, Any]


class MuonClip(torch.optim.Optimizer):
    """Steps groups made by `param_groups`; each may have its own `lr` and `weight_decay`.

    Moments have the type of their parameter, which for training is float32. The state dict resumes
    a run exactly.
    """

    def __init__(
        self,
        groups: list[Group],
        lr: float = 2e-4,
        *,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        precision: torch.dtype = torch.bfloat16,
    ) -> None:
        """`weight_decay` is decoupled: times `lr`, of the weight itself.

        `momentum` is Muon's (Nesterov), `betas` and `eps` are AdamW's. `precision` is what
        Newton-Schulz computes in.
        """
        self.precision = precision
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "betas": betas,
            "eps": eps,
            "rule": "adamw",
            "parts": 1,
        }
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient; returns what `closure` does."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._step_muon([group for group in self.param_groups if group["rule"] == "muon"])
        for group in self.param_groups:
            if group["rule"] == "adamw":
                self._step_adamw(group)
        return loss

    def _step_muon(self, groups: list[Group]) -> None:
        """Matrices of one shape, lying or standing, are made orthogonal in one batch."""
        alike: dict[tuple[int, ...], list[tuple[Tensor, Group, Tensor]]] = defaultdict(list)
        for group in groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    gradient = local(parameter.grad)
                    update = self._nesterov(parameter, gradient, group["momentum"])
                    if parameter.dim() == 2:  # processes have whole experts, but rows of these
                        update = gathered(update, parameter)
                    # rounded here, what is copied together below is half as large
                    lying_BNM = _lying(_matrices(update, group["parts"])).to(self.precision)
                    alike[lying_BNM.shape[1:]].append((parameter, group, lying_BNM))
        for members in alike.values():
            updates = [lying_BNM for _, _, lying_BNM in members]
            orthogonal_BNM = orthogonalise(torch.cat(updates), self.precision)
            shares = orthogonal_BNM.split([len(update) for update in updates])
            for (parameter, group, _), share_BNM in zip(members, shares, strict=True):
                _apply(parameter, group, share_BNM)

    def _nesterov(self, parameter: Tensor, gradient: Tensor, decay: float) -> Tensor:
        """The momentum as the next step would have it, were its gradient the same."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum = state["momentum"].mul_(decay).add_(gradient)
        return torch.add(gradient, momentum, alpha=decay)

    def _step_adamw(self, group: Group) -> None:
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not parameters:
            return
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(local(parameter)),
                    "exp_avg_sq": torch.zeros_like(local(parameter)),
                }
        states = [self.state[parameter] for parameter in parameters]
        adamw(
            [local(parameter) for parameter in parameters],
            [local(parameter.grad) for parameter in parameters],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def param_groups(model: nn.Module) -> list[Group]:
    """All trainable parameters of a model, each in one group with its rule.

    Muon: weights of linear layers but the output head, and of experts, each expert's gate, up and
    down being a matrix of its own. AdamW: embeddings, head, routers, convolutions and, without
    decay, norms and biases.
    """
    whole, halves = [], []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] != HEAD:
            whole.append(module.weight)
        elif isinstance(module, Experts):
            halves.append(module.gate_up_EGH)
            whole.append(module.down_EHI)
    muon = {id(parameter) for parameter in (*whole, *halves)}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in muon]
    groups: list[Group] = [
        {"params": whole, "rule": "muon"},
        {"params": halves, "rule": "muon", "parts": 2},
        {"params": [parameter for parameter in rest if parameter.dim() > 1]},
        {"params": [parameter for parameter in rest if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    return list(_trainable(groups))


def orthogonalise(x_BNM: Tensor, precision: torch.dtype = torch.bfloat16) -> Tensor:
    """Newton-Schulz: U Vᵀ of each matrix's singular value decomposition, approximately.

    Singular values come out between 0.7 and 1.2, except those near 0, which come out smaller. Best
    with N <= M. Returns the input's type.
    """
    chunk = max(1, CHUNK // (x_BNM.shape[1] * x_BNM.shape[2] or 1))
    return torch.cat([_newton_schulz(x.to(precision)) for x in x_BNM.split(chunk)]).to(x_BNM.dtype)


def _newton_schulz(x_BNM: Tensor) -> Tensor:
    x_BNM = x_BNM / x_BNM.norm(dim=(-2, -1), keepdim=True).clamp_min(TINY)
    for _ in range(ITERATIONS):
        square_BNN = x_BNM @ x_BNM.mT
        factor_BNN = torch.baddbmm(square_BNN, square_BNN, square_BNN, beta=CUBIC, alpha=QUINTIC)
        x_BNM = torch.baddbmm(x_BNM, factor_BNN, x_BNM, beta=LINEAR)
    return x_BNM


def _trainable(groups: list[Group]) -> Iterator[Group]:
    for group in groups:
        parameters = [parameter for parameter in group["params"] if parameter.requires_grad]
        if parameters:
            yield {**group, "params": parameters}


def _matrices(value: Tensor, parts: int) -> Tensor:
    """The matrices in a parameter, `(B, N, M)`: experts side by side, each cut in `parts`."""
    return value.view(-1, value.shape[-2] // parts, value.shape[-1])


def _lying(x_BNM: Tensor) -> Tensor:
    """Transposed if need be, so that the product with itself is the smaller one."""
    return x_BNM.mT if x_BNM.shape[1] > x_BNM.shape[2] else x_BNM


def _apply(parameter: Tensor, group: Group, update_BNM: Tensor) -> None:
    """Decay, then the update, scaled by the square root of the longer side."""
    size = ADAMW_SIZE * max(update_BNM.shape[1:]) ** 0.5
    weight = local(parameter)
    weight.mul_(1 - group["lr"] * group["weight_decay"])
    if update_BNM.shape[1] != parameter.shape[-2] // group["parts"]:
        update_BNM = update_BNM.mT
    update_BNM = update_BNM.to(weight.dtype)
    if parameter.dim() == 2:
        weight.add_(part_of(update_BNM[0], parameter), alpha=-group["lr"] * size)
    else:
        _matrices(weight, group["parts"]).add_(update_BNM, alpha=-group["lr"] * size)
