"""Rounds over a real Ray cluster: a head and two nodes on loopback, of which one is killed."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from scale_makers import made

from openswarm.core.errors import SettingsError
from openswarm.parl.rollout import Rollout
from openswarm.parl.scale.protocol import Factory, RolloutError
from openswarm.parl.scale.ray_cluster import RayCluster, connect
from openswarm.parl.scale.ray_rollouts import Pool, RayRollouts

pytest.importorskip("ray", reason="needs the extra `scale`")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.requirement("parl.ray")]

STORE_BYTES = 80_000_000
MAKER = "scale_makers:deterministic"


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimpleNamespace]:
    """A head without processors, and two nodes with two each, every one at its own address."""
    import ray
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {
            "num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False,
            "node_ip_address": "127.0.0.2",
        }  # fmt: skip
        machines = Cluster(initialize_head=True, head_node_args=head)
        nodes = [
            machines.add_node(num_cpus=2, object_store_memory=STORE_BYTES, node_ip_address=address)
            for address in ("127.0.0.3", "127.0.0.4")
        ]
        connect(machines.address, node_ip="127.0.0.2")
        yield SimpleNamespace(machines=machines, nodes=nodes)
        ray.shutdown()
        machines.shutdown()


def test_the_same_rollouts_as_without_ray(cluster: SimpleNamespace) -> None:
    """For the same requests and weights, in their order, whoever made them."""
    requests = [f"r{i}" for i in range(21)]
    with RayRollouts(Factory(MAKER, {"salt": "s"}), Pool(3, batch=4)) as swarm:
        assert swarm.make(requests) == expected(requests, None, salt="s")
        for weights in (b"\x00" * 300_000, b"\x01" * 300_000):
            swarm.publish(weights)
            assert swarm.make(requests) == expected(requests, weights, salt="s")
        assert swarm.version == 2
        assert swarm.reruns == 0


def test_our_own_environment_gives_the_same_over_ray(cluster: SimpleNamespace) -> None:
    """For the same batches of requests and the same weights; log-probabilities to six digits."""
    pytest.importorskip("torch", reason="needs the extra `model`")
    from test_scale_policy import MAKER as POLICY
    from test_scale_policy import requests

    from openswarm.llm.policy.folder import new_policy
    from openswarm.parl.scale.policy_maker import weights_of

    asked, weights = requests(4), weights_of(new_policy(3))
    with RayRollouts(POLICY, Pool(2, batch=2)) as swarm:
        swarm.publish(weights)
        made_there = swarm.make(asked)
    maker = POLICY.build()
    made_here = [*maker.make(asked[:2], weights), *maker.make(asked[2:], weights)]
    for there, here in zip(made_there, made_here, strict=True):
        assert replace(there, segments=()) == replace(here, segments=())
        for one, other in zip(there.segments, here.segments, strict=True):
            assert (one.ids, one.mask) == (other.ids, other.mask)
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-6)


def test_a_process_that_dies_is_replaced(cluster: SimpleNamespace, tmp_path: Path) -> None:
    """And what it was doing is done again."""
    requests = ["a", "once", "b", "c"]
    with RayRollouts(Factory(MAKER, {"diary": str(tmp_path)}), Pool(2, batch=2)) as swarm:
        assert swarm.make(requests) == expected(requests, None)
        assert swarm.reruns == 2


def test_a_request_that_kills_every_process_is_named(
    cluster: SimpleNamespace, tmp_path: Path
) -> None:
    """After three tries; an error of the maker, or of its factory, is not tried again."""
    with RayRollouts(Factory(MAKER, {"diary": str(tmp_path)}), Pool(2, batch=2)) as swarm:
        with pytest.raises(RolloutError, match=r"lost 3 times .*: #1 'poison'$"):
            swarm.make(["a", "poison", "c"])
        with pytest.raises(RolloutError, match=r"ArithmeticError.*'faulty'"):
            swarm.make(["faulty"])
        assert swarm.make(["x"]) == expected(["x"], None)
    with (
        RayRollouts(Factory("scale_makers:broken"), Pool(1)) as swarm,
        pytest.raises(RolloutError, match="no corpus on this node"),
    ):
        swarm.make(["a"])


def test_a_node_that_is_killed_in_the_middle_costs_its_work_in_hand_alone(
    cluster: SimpleNamespace, tmp_path: Path
) -> None:
    """Its requests are made again on the other node; no other one is, and none comes twice."""
    requests = [*(f"r{i}" for i in range(6)), *(f"gate{i}" for i in range(8))]
    rollouts: list[Rollout] = []
    with RayRollouts(Factory(MAKER, {"diary": str(tmp_path)}), Pool(4, batch=1)) as swarm:
        swarm.publish(b"weights")
        round_ = threading.Thread(target=lambda: rollouts.extend(swarm.make(requests)))
        round_.start()
        await_true(lambda: all(any(tmp_path.glob(f"gate{i}@*")) for i in range(4)))
        node = cluster.nodes.pop(0)
        files = [file.name.split("@") for file in tmp_path.glob(f"gate*@{node.node_id}@*")]
        cluster.machines.remove_node(node, allow_graceful=False)
        await_true(lambda: not any(Path("/proc", pid).exists() for _, _, pid in files))
        (tmp_path / "open").touch()
        round_.join(120)
        assert swarm.reruns == 2
    assert len(files) == 2
    in_hand = {request for request, _, _ in files}
    begun = Counter(file.name.split("@")[0] for file in tmp_path.glob("*@*"))
    assert {request for request, times in begun.items() if times > 1} == in_hand
    assert set(begun) == set(requests)
    assert rollouts == expected(requests, b"weights")


def test_a_node_that_joins_late_is_given_work(cluster: SimpleNamespace, tmp_path: Path) -> None:
    """Processes without room wait without work; all are up once there is a further node."""
    room = 2 * len(cluster.nodes)
    requests = [f"gate{i}" for i in range(room + 2)]
    rollouts: list[Rollout] = []

    def begun() -> int:
        return len(list(tmp_path.glob("gate*@*")))

    with RayRollouts(Factory(MAKER, {"diary": str(tmp_path)}), Pool(room + 2, batch=1)) as swarm:
        round_ = threading.Thread(target=lambda: rollouts.extend(swarm.make(requests)))
        round_.start()
        await_true(lambda: begun() == room)
        node = cluster.machines.add_node(
            num_cpus=2, object_store_memory=STORE_BYTES, node_ip_address="127.0.0.5"
        )
        cluster.nodes.append(node)
        await_true(lambda: begun() == room + 2)
        (tmp_path / "open").touch()
        round_.join(120)
        assert swarm.reruns == 0
    assert rollouts == expected(requests, None)


def expected(requests: list[str], weights: bytes | None, *, salt: str = "") -> list[Rollout]:
    """What one process without a cluster makes of the requests."""
    return [made(request, salt, weights) for request in requests]


def await_true(condition: Callable[[], bool]) -> None:
    """Waits for something to be so."""
    for _ in range(3_000):
        if condition():
            return
        threading.Event().wait(0.02)
    raise TimeoutError("it never came true")


def test_without_a_cluster_it_says_what_to_call() -> None:
    """Before any process is started."""
    import ray

    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(SettingsError, match="connect"):
        RayCluster(Factory(MAKER), cpus=1, resources={})
