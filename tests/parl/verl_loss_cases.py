"""One batch of tokens, its loss by `parl.objective` and by the loss for verl. Needs PyTorch."""

from types import SimpleNamespace

import torch

from openswarm.parl.export.verl_loss import policy_loss
from openswarm.parl.objective import Objective, loss_of

OBJECTIVE = Objective(alpha=0.7, beta=1.4, tau=0.05, entropy=0.0)
CONFIG = SimpleNamespace(
    clip_ratio=0.2, clip_ratio_low=0.3, clip_ratio_high=0.4, global_batch_info={},
    policy_loss=SimpleNamespace(dro_beta=0.05),
)  # fmt: skip


def both() -> tuple[float, float, list[float], list[float]]:
    """The loss of verl's form and of ours, and the gradients of both by chosen token.

    Ratios run from far below α to far above β, with advantages of both signs.
    """
    generator = torch.Generator().manual_seed(0)
    old = -torch.rand(6, 40, generator=generator)
    start = old + 1.2 * (torch.rand(6, 40, generator=generator) - 0.5)
    advantage = torch.tensor([1.0, -1.0, 0.5, -0.5, 0.25, -0.25])[:, None].expand(6, 40)
    mask = torch.rand(6, 40, generator=generator) < 0.6
    theirs = start.clone().requires_grad_()
    loss, _ = policy_loss(old, theirs, advantage, mask.float(), config=CONFIG)
    loss.backward()
    ours = start[mask].clone().requires_grad_()
    weights = torch.full_like(ours, 1.0 / int(mask.sum()))
    taken = torch.zeros(len(ours), dtype=torch.long)
    total = loss_of(ours[:, None], taken, old[mask], advantage[mask], weights, OBJECTIVE).total
    total.backward()
    assert theirs.grad is not None
    assert ours.grad is not None
    assert not theirs.grad[~mask].any()
    return loss.item(), total.item(), theirs.grad[mask].tolist(), ours.grad.tolist()
