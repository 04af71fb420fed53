"""Tensors that are spread over processes: this process's part, the whole, a part of a whole.

What an optimiser, a checkpoint or a clip has to know of distributed training, and all of it: a
tensor that is not spread is its own part and its own whole, so that their code has one path. Knows
no model. `parallel` decides what is spread.
"""

import torch


def is_spread(tensor: torch.Tensor) -> bool:
    """Whether this process holds a part of the tensor only."""
    # asked by name: importing DTensor takes a second, and most programs never have one
    return hasattr(tensor, "device_mesh")


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This process's part, sharing memory and gradients with the tensor; maybe of no rows."""
    if not is_spread(tensor):
        return tensor
    from torch.distributed.tensor import DTensor

    assert isinstance(tensor, DTensor)
    return tensor.to_local()


def gathered(part: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The whole of what `part` is this process's part of, spread as `like` is.

    All processes have to call it, in one order.
    """
    if not is_spread(like):
        return part
    from torch.distributed.tensor import DTensor, Replicate

    assert isinstance(like, DTensor)
    spread = DTensor.from_local(
        part,
        like.device_mesh,
        like.placements,
        run_check=False,
        shape=like.shape,
        stride=like.stride(),
    )
    # experts are dealt out first and each share is spread then, over a dimension further left: from
    # left to right, the last cut is mended first
    placements = list(like.placements)
    for dimension in range(len(placements)):
        placements[dimension] = Replicate()
        spread = spread.redistribute(placements=placements)
    return spread.to_local()


def spread_as(whole: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`whole`, which every process has, spread as `like` is; nothing is sent.

    It may lack `like`'s last dimensions: one factor for each row, say.
    """
    if not is_spread(like):
        return whole
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)


def part_of(whole: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This process's part of `whole`, were it spread as `like` is."""
    return local(spread_as(whole, like))
