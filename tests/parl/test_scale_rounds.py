"""Rounds over a cluster that is played by this process: who works, who is replaced, what fails."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scale_makers import Deterministic

from openswarm.core.errors import SettingsError
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.protocol import Factory, RolloutError
from openswarm.parl.scale.ray_cluster import ProcessLost, RayCluster
from openswarm.parl.scale.ray_rollouts import Pool, RayRollouts

FACTORY = Factory("scale_makers:deterministic")
REQUESTS = [f"r{i}" for i in range(13)]


class PlayedCluster:
    """Has the form of `RayCluster`; calls are made when they are waited for, the oldest first."""

    def __init__(self, dies: Callable[[int], bool] = lambda _: False) -> None:
        """`dies` is asked with the number of each call whether its process dies over it."""
        self.dies = dies
        self.maker = Deterministic()
        self.numbers = itertools.count()
        self.calls: dict[int, Callable[[], Any]] = {}
        self.alive: set[int] = set()
        self.room = True
        self.unanswered = 0
        self.silent: set[int] = set()
        self.puts: list[bytes] = []

    def start(self) -> tuple[int, int]:
        """A process, and the call that says it is up."""
        process = next(self.numbers)
        self.alive.add(process)
        return process, self.check(process)

    def check(self, process: int) -> int:
        """Ends where the process is alive."""
        return self._queue(process, lambda: [])

    def put(self, weights: bytes) -> bytes:
        """A reference that is the thing."""
        self.puts.append(weights)
        return weights

    def call(self, process: int, requests: Sequence[Any], version: int, weights: list[Any]) -> int:
        """Begins a batch."""
        call = self._queue(
            process, lambda: self.maker.make(requests, weights[0] if weights else None)
        )
        if self.unanswered:
            self.unanswered -= 1
            self.silent.add(call)
        return call

    def wait(self, calls: Sequence[int], seconds: float) -> list[int]:
        """The oldest call, or none where nothing moves."""
        ended = set(calls) - self.silent if self.room else set()
        return [min(ended)] if ended else []

    def get(self, call: int) -> list[Rollout]:
        """What it gave."""
        return self.calls.pop(call)()

    def kill(self, process: int) -> None:
        """Ends a process."""
        self.alive.discard(process)

    def _queue(self, process: int, work: Callable[[], Any]) -> int:
        call = next(self.numbers)

        def done() -> Any:
            if process not in self.alive or self.dies(call):
                self.alive.discard(process)
                raise ProcessLost("the node died")
            try:
                return work()
            except ArithmeticError as error:
                raise RolloutError(f"the maker raised {error!r}") from error

        self.calls[call] = done
        return call


def expected(requests: Sequence[str], weights: bytes | None = None) -> list[Rollout]:
    """The same without any cluster."""
    return Deterministic().make(requests, weights)


@pytest.mark.requirement("parl.ray")
@given(
    dead=st.sets(st.integers(0, 60), max_size=6), processes=st.integers(1, 4),
    batch=st.integers(1, 5),
)  # fmt: skip
def test_processes_that_die_lose_nothing_but_their_work_in_hand(
    dead: set[int], processes: int, batch: int
) -> None:
    """Whoever dies and when, the rollouts are those of one process without a cluster."""
    cluster = PlayedCluster(lambda call: call in dead)
    with RayRollouts(FACTORY, Pool(processes, batch=batch, tries=9), cluster=cluster) as swarm:
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        assert swarm.make(REQUESTS[:3]) == expected(REQUESTS[:3])
        assert len(cluster.alive) == processes
    assert not cluster.alive


@pytest.mark.requirement("parl.ray")
def test_processes_that_died_between_two_rounds_cost_no_try() -> None:
    """They are asked before they are given work."""
    cluster = PlayedCluster()
    with RayRollouts(FACTORY, Pool(4, tries=1), cluster=cluster) as swarm:
        swarm.make(REQUESTS)
        cluster.alive.clear()
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        assert swarm.reruns == 0


@pytest.mark.requirement("parl.ray")
def test_weights_are_put_once_a_version_and_hold_for_all_later_rollouts() -> None:
    """However many batches they are used for."""
    cluster = PlayedCluster()
    with RayRollouts(FACTORY, Pool(2, batch=1), cluster=cluster) as swarm:
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        for version, weights in enumerate((b"one", b"two"), 1):
            assert swarm.publish(weights) == version
            assert swarm.make(REQUESTS) == expected(REQUESTS, weights)
    assert cluster.puts == [b"one", b"two"]


@pytest.mark.requirement("parl.ray")
def test_a_request_that_is_lost_each_time_fails_the_round_by_name() -> None:
    """And the next round finds all processes again."""
    cluster = PlayedCluster()

    def make(requests: Sequence[Any], weights: bytes | None) -> list[Rollout]:
        if "poison" in requests:
            raise ProcessLost("out of memory")
        return expected(requests, weights)

    cluster.maker.make = make
    with RayRollouts(FACTORY, Pool(3, batch=4), cluster=cluster) as swarm:
        with pytest.raises(RolloutError, match=r"lost 3 times .*out of memory.*'poison'$"):
            swarm.make([*REQUESTS, "poison", *REQUESTS])
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        assert len(cluster.alive) == 3


@pytest.mark.requirement("parl.ray")
def test_an_error_of_the_maker_is_not_tried_again() -> None:
    """It would fail again; its requests are named."""
    cluster = PlayedCluster()
    with RayRollouts(FACTORY, Pool(2, batch=1), cluster=cluster) as swarm:
        with pytest.raises(RolloutError, match=r"no such rollout.*#2 'faulty'"):
            swarm.make(["a", "b", "faulty", "d"])
        assert swarm.reruns == 0
        assert swarm.make(REQUESTS) == expected(REQUESTS)


def test_requests_that_cannot_be_sent_cost_no_process() -> None:
    """The next round finds all of them."""
    cluster = PlayedCluster()
    with RayRollouts(FACTORY, Pool(2), cluster=cluster) as swarm:
        send, cluster.call = cluster.call, refuse
        with pytest.raises(TypeError, match="cannot pickle"):
            swarm.make(REQUESTS)
        cluster.call = send
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        assert len(cluster.alive) == 2
    assert not cluster.alive


def refuse(*_: object) -> int:
    """As Ray does with a request that has no form in bytes."""
    raise TypeError("cannot pickle this")


def test_a_cluster_without_room_fails_the_round() -> None:
    """After the time that the pool gives it."""
    cluster = PlayedCluster()
    cluster.room = False
    with (
        RayRollouts(FACTORY, Pool(2, start_s=0.0), cluster=cluster) as swarm,
        pytest.raises(RolloutError, match="none of 2 processes came up in 0 s"),
    ):
        swarm.make(REQUESTS)


def test_processes_that_always_die_at_once_fail_the_round() -> None:
    """They are not started for ever."""
    cluster = PlayedCluster(lambda _: True)
    with (
        RayRollouts(FACTORY, Pool(2), cluster=cluster) as swarm,
        pytest.raises(RolloutError, match="die before they are up"),
    ):
        swarm.make(REQUESTS)


@pytest.mark.requirement("parl.ray")
def test_a_batch_that_takes_too_long_is_given_to_another_process() -> None:
    """Its process is ended, so that nothing late can come of it; too often, and it fails."""
    cluster = PlayedCluster()
    with RayRollouts(FACTORY, Pool(1, batch=99, tries=2, batch_s=0.0), cluster=cluster) as swarm:
        first = set(cluster.alive)
        cluster.unanswered = 1
        assert swarm.make(REQUESTS) == expected(REQUESTS)
        assert not first & cluster.alive
        cluster.unanswered = 2
        with pytest.raises(RolloutError, match=r"lost 2 times \(no answer in 0 s\): #0 'r0'"):
            swarm.make(REQUESTS)


@pytest.mark.anyio
@pytest.mark.requirement("parl.ray")
async def test_a_round_can_be_awaited() -> None:
    """It waits in a thread."""
    with RayRollouts(FACTORY, Pool(2), cluster=PlayedCluster()) as swarm:
        assert await swarm.rollouts(REQUESTS) == expected(REQUESTS)


def test_a_pool_without_processes_is_refused() -> None:
    """Nothing would ever come back."""
    with pytest.raises(ValueError, match="at least one process"):
        RayRollouts(FACTORY, Pool(0), cluster=PlayedCluster())


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[scale\]'"):
        RayCluster(FACTORY, cpus=1, resources={})
