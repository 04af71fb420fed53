"""Makers of rollouts for the tests of scale: what they give depends on their arguments alone."""

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openswarm.parl.rollout import Rollout, Segment, Stage

PATIENCE_S = 60


class Deterministic:
    """A rollout that is a function of its request and the weights."""

    def __init__(self, salt: str = "", diary: str = "") -> None:
        """`diary` is a folder in which each request that was begun leaves a file."""
        self.salt, self.diary = salt, diary

    def make(self, requests: Sequence[Any], weights: bytes | None) -> list[Rollout]:
        """See `RolloutMaker`.

        The request "once" ends its process the first time, "poison" each time, "faulty" raises;
        one that begins with "gate" waits for the diary to have a file "open".
        """
        for request in requests:
            self._begin(str(request))
        return [made(str(request), self.salt, weights) for request in requests]

    def _begin(self, request: str) -> None:
        before = bool(self.diary) and any(Path(self.diary).glob(f"{request}@*"))
        if self.diary:
            (Path(self.diary) / f"{request}@{_node()}@{os.getpid()}").touch()
        if request == "poison" or (request == "once" and not before):
            os._exit(1)
        if request == "faulty":
            raise ArithmeticError("no such rollout")
        if request.startswith("gate"):
            await_file(Path(self.diary) / "open")


def await_file(file: Path) -> None:
    """Waits for a file to be there."""
    for _ in range(PATIENCE_S * 50):
        if file.exists():
            return
        threading.Event().wait(0.02)
    raise TimeoutError(f"{file.name} never came")


def made(request: str, salt: str, weights: bytes | None) -> Rollout:
    """A rollout whose numbers come from a hash of all that it depends on."""
    digest = hashlib.sha256(f"{request}/{salt}/".encode() + (weights or b"")).digest()
    ids = tuple(digest[:12])
    mask = (False,) * 4 + tuple(bool(byte % 2) for byte in digest[4:12])
    logprobs = tuple(-byte / 64 if chosen else 0.0 for byte, chosen in zip(ids, mask, strict=True))
    stage = Stage((digest[0],), (request,), ("completed",), (True,), (0.5,), (digest[1],))
    return Rollout(
        task=request, group=salt, segments=(Segment(ids, mask, logprobs),), stages=(stage,),
        main_steps=2, created=1, refused=0, critical_steps=3, total_steps=4, seconds=1.5,
        tokens=int(digest[2]), outcome="completed", budget_hit=False, quality=digest[3] / 255,
        item_f1=0.5, success=0.0, meta={"first": float(digest[4]), "salt": salt},
    )  # fmt: skip


def deterministic(**options: Any) -> Deterministic:
    """The factory."""
    return Deterministic(**options)


def broken() -> Deterministic:
    """A factory that cannot build its maker."""
    raise LookupError("no corpus on this node")


def _node() -> str:
    import ray

    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
