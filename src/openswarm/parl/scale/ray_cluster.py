"""Ray, as far as rollouts need it: processes, calls, weights, and what a failure means.

The only module that imports Ray, and only when a cluster is asked for. Source of the calls: Ray
2.60's core API (`remote`, `put`, `wait`, `get`, `kill`) and its `ray.exceptions`. Knows no queue
of work.
"""

import os
from collections.abc import Sequence
from typing import Any

from openswarm.core.errors import SettingsError
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.process import RolloutProcess
from openswarm.parl.scale.protocol import Factory, RolloutError


class ProcessLost(RuntimeError):
    """The process, its node, or what it had sent is gone; the same call may work elsewhere."""


def connect(address: str = "auto", *, node_ip: str | None = None) -> None:
    """Joins the Ray cluster at `address`, once per process; "local" makes one of this machine.

    `node_ip` is this machine's address in the cluster; None lets Ray find it. Usage statistics
    stay off unless the environment turns them on. Raises `SettingsError` where Ray is not installed
    or no cluster answers.
    """
    ray = _ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(address, log_to_driver=False, ignore_reinit_error=True, _node_ip_address=node_ip)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SettingsError(f"no Ray cluster at {address}: {error}") from None


class RayCluster:
    """The processes of this driver in the cluster that it has joined."""

    def __init__(self, factory: Factory, *, cpus: float, resources: dict[str, float]) -> None:
        """Each process takes `cpus` and `resources` of its node.

        Raises `SettingsError` where Ray is missing or no cluster was joined.
        """
        self._ray = _ray()
        if not self._ray.is_initialized():
            raise SettingsError("no Ray cluster was joined; call connect() first")
        remote = self._ray.remote(
            num_cpus=cpus, resources=resources, max_restarts=0, max_task_retries=0
        )
        self._process = remote(RolloutProcess)
        self._factory = factory

    def start(self) -> tuple[Any, Any]:
        """A process that may still wait for a node, and the call that ends when it is up."""
        process = self._process.remote(self._factory, self._ray.get)
        return process, self.check(process)

    def check(self, process: Any) -> Any:
        """A call that ends when a process is up, and fails where it is gone."""
        return process.ready.remote()

    def put(self, weights: bytes) -> Any:
        """A reference to weights that every node fetches once."""
        return self._ray.put(weights)

    def call(self, process: Any, requests: Sequence[Any], version: int, weights: list[Any]) -> Any:
        """Begins `RolloutProcess.make`."""
        return process.make.remote(requests, version, weights)

    def wait(self, calls: Sequence[Any], seconds: float) -> list[Any]:
        """Those calls that have ended, at least one unless the time is up."""
        ended, _ = self._ray.wait(list(calls), num_returns=1, timeout=seconds)
        return ended

    def get(self, call: Any) -> list[Rollout]:
        """What a call that has ended returned.

        Raises `ProcessLost`, and `RolloutError` where the maker itself raised something.
        """
        try:
            return self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:
            raise RolloutError(f"the maker raised {error.cause!r}") from error
        except self._ray.exceptions.RayError as error:
            lines = str(error).splitlines()
            raise ProcessLost(f"{type(error).__name__}: {lines[0] if lines else ''}") from None

    def kill(self, process: Any) -> None:
        """Ends a process, whatever it does."""
        self._ray.kill(process, no_restart=True)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise SettingsError(
            "Ray is not installed; install it with: pip install 'openswarm[scale]'"
        ) from None
    return ray
