"""Controls form a tree: cancel reaches the leaves, kill ends everything, time is a cancel."""

import anyio
import anyio.lowlevel
import pytest
from trio.testing import MockClock

from openswarm.agent.control import HAND_BACK_S, OUT_OF_TIME, Control, Steer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


async def forever(control: Control, ended: list[str]) -> None:
    """Turns without end, until told to hand back."""
    with control.scope:
        while not control.cancelled:
            with control.work():
                await anyio.sleep_forever()
        ended.append(f"{control.path}: {control.cancelled}")


async def test_cancel_ends_the_turn_at_work_and_the_agent_can_hand_back() -> None:
    control, ended = Control("root"), []
    with anyio.fail_after(1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(forever, control, ended)
            await anyio.wait_all_tasks_blocked()
            control.cancel("cancelled by ana")
    assert ended == ["root: cancelled by ana"]


@pytest.mark.requirement("agent.stop-soon")
async def test_cancel_reaches_the_leaves_and_leaves_who_waits_for_them_at_work() -> None:
    root, ended = Control("root"), []

    async def lead() -> None:
        with root.work(), root.child("root/1") as one, root.child("root/2") as two:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(forever, one, ended)
                tasks.start_soon(forever, two, ended)
            await anyio.lowlevel.checkpoint()
            ended.append("root waited")

    with anyio.fail_after(1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lead)
            await anyio.wait_all_tasks_blocked()
            root.cancel("enough")
    assert sorted(ended[:2]) == ["root/1: enough", "root/2: enough"]
    assert ended[2] == "root waited"
    assert root.cancelled == "enough"


@pytest.mark.requirement("swarm.time")
async def test_a_child_that_does_not_hand_back_in_its_time_is_ended() -> None:
    root = Control("root")
    begun = anyio.current_time()

    async def deaf(child: Control) -> None:
        with child.scope:
            await anyio.sleep_forever()

    with root.child("root/1") as child:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deaf, child)
            await anyio.wait_all_tasks_blocked()
            root.cancel("enough")
    assert anyio.current_time() - begun == pytest.approx(HAND_BACK_S)


async def test_a_child_that_comes_after_the_cancel_is_cancelled_too() -> None:
    root, ended = Control("root"), []
    root.cancel("enough")
    with root.child("root/1") as child:
        await forever(child, ended)
    assert ended == ["root/1: enough"]


@pytest.mark.requirement("agent.kill", "agent.stop-soon")
async def test_kill_ends_the_whole_subtree_at_once() -> None:
    root, ended = Control("root"), []

    async def deaf(child: Control) -> None:
        try:
            with child.scope:
                await anyio.sleep_forever()
        finally:
            ended.append(child.path)

    with anyio.fail_after(1):
        with root.scope, root.child("root/1") as one, root.child("root/2") as two:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(deaf, one)
                tasks.start_soon(deaf, two)
                await anyio.wait_all_tasks_blocked()
                root.kill("ana")
    assert sorted(ended) == ["root/1", "root/2"]
    assert one.killed == two.killed == root.killed == "ana"


async def test_killing_one_child_leaves_its_siblings_at_work() -> None:
    root, ended = Control("root"), []
    with anyio.fail_after(1):
        with root.child("root/1") as one, root.child("root/2") as two:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(forever, one, ended)
                tasks.start_soon(forever, two, ended)
                await anyio.wait_all_tasks_blocked()
                one.kill("ana")
                await anyio.wait_all_tasks_blocked()
                assert not two.scope.cancel_called
                two.cancel("ana")
    assert ended == ["root/2: ana"]


async def test_an_agent_whose_time_is_up_is_told_so() -> None:
    control, ended = Control("root/1"), []
    control.deadline = anyio.current_time() + 600
    await forever(control, ended)
    assert ended == [f"root/1: {OUT_OF_TIME}"]


async def test_the_first_reason_to_stop_stays() -> None:
    control = Control("root")
    control.cancel("first")
    control.cancel("second")
    control.kill("one")
    control.kill("two")
    assert (control.cancelled, control.killed) == ("first", "one")


async def test_a_turn_that_begins_after_the_cancel_brings_nothing() -> None:
    control, reached = Control("root"), []
    control.cancel("enough")
    with control.work():
        await anyio.lowlevel.checkpoint()
        reached.append("too far")
    assert reached == []


async def test_only_agents_that_live_are_found() -> None:
    root = Control("root")
    with root.child("root/1") as child:
        assert root.find("root/1") is child
        assert root.find("root") is root
        assert root.find("root/9") is None
    assert root.find("root/1") is None


async def test_words_wait_in_their_order() -> None:
    control = Control("root")
    control.steer(Steer("one", "ana"))
    control.steer(Steer("two", "ana"))
    assert [steer.text for steer in control.mail] == ["one", "two"]
