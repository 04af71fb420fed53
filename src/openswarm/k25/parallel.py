"""Training by several processes, behind one word: `none`, `fsdp` or `experts`.

Each process takes its rows of a batch. With `fsdp` every parameter is spread over all processes and
brought together layer by layer; with `experts` routed experts stay where they are and tokens travel
to them (`expert_parallel`), all else being as with `fsdp`. Either way a step is the step that one
process would make on the whole batch. With `none` nothing here does anything, so that a training
loop needs no branches.

Knows no optimiser and no files. Processes talk by gloo, on the CPU; where all are on one computer,
by its loopback interface. Source: PyTorch FSDP (arXiv 2304.11277).

Legend of shapes: E experts, H heads, B batch, L positions, D hidden size.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import nn

from openswarm.core.errors import SettingsError
from openswarm.k25.model import K25
from openswarm.k25.moe import MixtureOfExperts
from openswarm.k25.pixels import PATCH, Patches
from openswarm.k25.sharding import gathered, local

Mode = Literal["none", "fsdp", "experts"]
DEVICE = "cpu"
PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it gives up."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The processes that train together, and which of them this one is."""

    mode: Mode = "none"
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files and talks to the user."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """This process's rows of a batch. Raises `SettingsError` where they do not divide."""
        if batch % self.size:
            raise SettingsError(
                f"a batch of {batch} rows cannot be dealt out evenly to {self.size} processes"
            )
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, the same in each."""
        return self._reduced(value, dist.ReduceOp.SUM)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean over all processes, the same in each."""
        return self.sum(value) / self.size

    def largest(self, value: torch.Tensor) -> torch.Tensor:
        """The elementwise maximum over all processes, the same in each."""
        return self._reduced(value, dist.ReduceOp.MAX)

    def finish(self) -> None:
        """Ends the talk between processes; each has to call it."""
        if self.mode != "none":
            dist.destroy_process_group()

    def _reduced(self, value: torch.Tensor, how: Any) -> torch.Tensor:
        value = value.detach().clone()
        if self.mode != "none":
            dist.all_reduce(value, how)
        return value


ALONE = Ranks()
"""One process."""


def start(
    mode: Mode, environment: Mapping[str, str] = os.environ, rendezvous: str = "env://"
) -> Ranks:
    """Joins the processes that torchrun started, as its environment variables say.

    Raises `SettingsError` when mode and launch do not fit: `none` in one of many processes, or
    another mode without torchrun.
    """
    try:
        rank, size = int(environment.get("RANK", 0)), int(environment.get("WORLD_SIZE", 1))
    except ValueError as error:
        raise SettingsError(f"RANK and WORLD_SIZE have to be numbers: {error}") from None
    if mode == "none":
        if size > 1:
            raise SettingsError(f"{size} processes were started: say --parallel fsdp or experts")
        return Ranks()
    if "RANK" not in environment:
        raise SettingsError(
            f"--parallel {mode} needs a launch by torchrun: torchrun --nproc-per-node 2 …"
        )
    if environment.get("LOCAL_WORLD_SIZE") == str(size):
        # all are on this computer: their sockets need not be seen from others
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())
    dist.init_process_group("gloo", rendezvous, timeout=PATIENCE, rank=rank, world_size=size)
    return Ranks(mode, rank, size)


def distribute(model: K25, ranks: Ranks, *, experts: int | None = None, bf16: bool = False) -> K25:
    """Spreads the parameters of a model, in place; every process starts from the same weights.

    To be called before an optimiser is made of them. `experts` is the number of processes that
    share one set of experts in the mode of that name, all by default; the model is spread over
    `size / experts` such sets. `bf16` brings parameters together in bf16, for training under
    autocast; they stay float32 where they are kept, and so do routers everywhere. Raises
    `SettingsError` or `ModelFileError` for numbers that do not divide.
    """
    if ranks.mode == "none":
        return model
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    exact = MixedPrecisionPolicy(cast_forward_inputs=False)
    policy = MixedPrecisionPolicy(
        torch.bfloat16 if bf16 else None, torch.float32, cast_forward_inputs=False
    )
    everyone = init_device_mesh(DEVICE, (ranks.size,), mesh_dim_names=("ranks",))
    if ranks.mode == "experts":
        _deal_out_experts(model, ranks, experts or ranks.size, policy)
    for router in model.routers():
        fully_shard(router, mesh=everyone, mp_policy=exact)
    for block in (*model.vision_tower.encoder.blocks, *model.language_model.layers):
        fully_shard(block, mesh=everyone, mp_policy=policy)
    fully_shard(model, mesh=everyone, mp_policy=policy)
    _keep_in_step(model, ranks)
    return model


def reduce_load(model: K25, ranks: Ranks) -> None:
    """Makes every router's load that of all processes; to be called before `rebalance`."""
    for router in model.routers():
        router.load_E.copy_(ranks.sum(router.load_E))


def reduce_max_logits(model: K25, ranks: Ranks) -> None:
    """Makes the recorded largest logits those of all processes; to be called before QK-Clip."""
    for attention in model.attentions():
        if attention.max_logits_H is not None:
            attention.max_logits_H = ranks.largest(attention.max_logits_H)


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], ranks: Ranks, limit: float) -> float:
    """Scales all gradients so that their common norm is at most `limit`. Returns it as it was."""
    grads = [local(each.grad) for each in parameters if each.grad is not None]
    # each number of each gradient is in one process: parts add up whatever they are parts of
    square = ranks.sum(torch.nn.utils.get_total_norm(grads).square())
    norm = float(square.sqrt())
    factor = limit / (norm + 1e-6)
    if factor < 1:
        for grad in grads:
            grad.mul_(factor)
    return norm


@torch.no_grad()
def full_state(model: nn.Module, ranks: Ranks) -> dict[str, torch.Tensor]:
    """The model's whole state by its names, for `load_state_dict` of a model that is not spread.

    Every process has to call it; all but the main one get an empty dictionary. Tensors are brought
    together one at a time.
    """
    state: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        whole = gathered(local(value), value)
        if ranks.is_main:
            state[name] = whole
    return state


def _loopback() -> str:
    """The name of the interface that leads to this computer: `lo`, `lo0`."""
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))


def _deal_out_experts(model: K25, ranks: Ranks, experts: int, policy: Any) -> None:
    """Puts an `ExpertShard` in the place of each layer's experts."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from openswarm.k25.expert_parallel import ExpertShard

    if ranks.size % experts:
        raise SettingsError(f"{ranks.size} processes are no multiple of {experts} for experts")
    sets = ranks.size // experts
    mesh = init_device_mesh(DEVICE, (sets, experts), mesh_dim_names=("data", "experts"))
    for layer in model.language_model.layers:
        if isinstance(layer.mlp, MixtureOfExperts):
            shard = ExpertShard(layer.mlp.experts, model.config.text_config, mesh["experts"])
            layer.mlp.experts = shard
            sharded = fully_shard(shard, mesh=mesh["data"], mp_policy=policy)
            # over the sets alone it would be a mean over `sets`, not over all processes
            sharded.set_gradient_divide_factor(ranks.size)
            if sets > 1:
                # gloo adds and cannot multiply on the way
                sharded.set_force_sum_reduction_for_comms(True)


def _keep_in_step(model: K25, ranks: Ranks) -> None:
    """Runs the vision tower in every process when it runs in any.

    Its parameters are brought together block by block, which all have to take part in; a process
    whose rows have no picture looks at a blank one and adds nothing of it.
    """
    blank = Patches(torch.zeros(4, 3, PATCH, PATCH), (1, 2, 2))

    def look(_: nn.Module, args: tuple[Any, ...], embeds_BLD: torch.Tensor) -> torch.Tensor:
        sees = (args[0] == model.config.media_placeholder_token_id).any()
        anyone_sees = ranks.sum(sees.int())
        if sees or not anyone_sees:
            return embeds_BLD
        (vectors,) = model.mm_projector(model.vision_tower((blank,)))
        return embeds_BLD + 0 * vectors.sum().to(embeds_BLD.dtype)

    model.language_model.embed_tokens.register_forward_hook(look)
