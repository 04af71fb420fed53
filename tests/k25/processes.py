"""Processes that train together in a test: started, waited for, and gone at the end."""

import warnings
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import multiprocessing

from openswarm.k25.parallel import Mode, start

PATIENCE_S = 120
Work = Callable[..., Any]


def together(mode: Mode, size: int, work: Work, folder: Path, *given: Any) -> list[Any]:
    """What `work` returns in each of `size` processes: numbers, tensors, lists and dictionaries.

    They meet at a file and talk by the loopback interface. `work`, a function of a module, is
    called with the process's `Ranks` and what is `given`.
    """
    folder.mkdir()
    context = multiprocessing.spawn(
        _one, (size, mode, work, folder, given), nprocs=size, join=False
    )
    assert context is not None
    end = monotonic() + PATIENCE_S
    try:
        while not context.join(PATIENCE_S):  # each call waits for one of them
            assert monotonic() < end, f"{size} processes were not done after {PATIENCE_S} s"
    finally:
        for process in context.processes:
            process.kill()
            process.join()
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(size)]


def _one(
    rank: int, size: int, mode: Mode, work: Work, folder: Path, given: tuple[Any, ...]
) -> None:
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    environment = {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size)}
    ranks = start(mode, environment, f"file://{folder / 'rendezvous'}")
    torch.save(work(ranks, *given), folder / f"{rank}.pt")
    ranks.finish()
