"""Time that is up, on a clock that jumps: who hangs hands back or is ended, the rest is whole."""

import anyio
import pytest
from trio.testing import MockClock

from openswarm.core.limits import Limits
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.tools.tool import tool
from swarm_scripts import FULL, Swarm, batch, brief, calls, last_told, scripted, turn

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
LIMITS = Limits(subagent_wall_s=100, wall_s=1000)


@pytest.fixture
def anyio_backend() -> object:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@tool
async def dig() -> str:
    """Never comes back."""
    await anyio.sleep_forever()
    return ""


@pytest.mark.requirement("swarm.time")
async def test_one_whose_time_is_up_drops_what_it_is_at_and_hands_back() -> None:
    def work(request: Request) -> Say:
        if "Chile" not in brief(request):
            return Say(FULL)
        return calls(("dig", {}), text="I dig.") if turn(request) == 0 else Say("No bottom.")

    model = scripted([calls(batch(["Chile", "Peru"])), ANSWER], researcher=work)
    swarm = Swarm(model, tools=[dig], limits=LIMITS)
    begun = anyio.current_time()
    result = await swarm.run()
    assert anyio.current_time() - begun == pytest.approx(100, abs=1)
    chile, peru = swarm.reports()["Chile"], swarm.reports()["Peru"]
    assert (chile.outcome, chile.why, chile.text.text) == (
        "partial", "its time is up", "No bottom."
    )  # fmt: skip
    assert peru.outcome == "completed"
    assert "Missing: Chile (partial: its time is up)" in last_told(model)[-1]
    assert result.outcome == "completed"


@pytest.mark.requirement("swarm.time")
async def test_one_that_does_not_even_hand_back_is_ended_and_the_others_are_whole() -> None:
    async def wait(request: Request) -> None:
        if request.agent == "researcher" and "Chile" in brief(request):
            await anyio.sleep_forever()

    items = ["Chile", *(f"unit {n}" for n in range(9))]
    model = scripted([calls(batch(items)), ANSWER], wait=wait, researcher=[Say(FULL)])
    swarm = Swarm(model, limits=LIMITS)
    begun = anyio.current_time()
    result = await swarm.run()
    assert anyio.current_time() - begun == pytest.approx(160, abs=1)
    ended = swarm.reports()
    assert (ended["Chile"].outcome, ended["Chile"].why) == ("failed", "budget: wall_s")
    assert [r.outcome for r in ended.values()].count("completed") == 9
    assert [(f.agent, f.kind) for f in result.failures] == [("root/1", "wall_s")]
    assert "give it less" in result.failures[0].message


@pytest.mark.requirement("swarm.time")
async def test_the_time_of_a_sub_agent_counts_from_its_admission() -> None:
    async def wait(request: Request) -> None:
        if request.agent == "researcher":
            await anyio.sleep(90)

    model = scripted([calls(batch(["1", "2", "3"])), ANSWER], wait=wait, researcher=[Say(FULL)])
    swarm = Swarm(model, limits=LIMITS.model_copy(update={"max_parallel": 1}))
    await swarm.run()
    assert {report.outcome for report in swarm.reports().values()} == {"completed"}


@pytest.mark.requirement("modes.time")
async def test_a_run_whose_time_is_up_hands_back_what_its_sub_agents_have() -> None:
    async def wait(request: Request) -> None:
        handing_back = "Stop now (limit of 30 s)" in request.history[-1].text
        if "Peru" in brief(request) and not handing_back:
            await anyio.sleep_forever()

    model = scripted(
        [calls(batch(["Chile", "Peru"])), Say("Chile alone.")],
        wait=wait,
        researcher=lambda request: Say(FULL if "Chile" in brief(request) else "Nothing on Peru."),
    )
    swarm = Swarm(model, limits=Limits(wall_s=30))
    begun = anyio.current_time()
    result = await swarm.run()
    assert anyio.current_time() - begun == pytest.approx(30, abs=1)
    assert (result.outcome, result.why) == ("partial", "limit of 30 s")
    assert result.answer == "Chile alone."
    assert swarm.reports()["Chile"].outcome == "completed"
    assert swarm.reports()["Peru"].why == "limit of 30 s"


@pytest.mark.requirement("modes.time")
async def test_a_run_that_does_not_even_hand_back_is_ended_with_what_there_is() -> None:
    async def wait(request: Request) -> None:
        if turn(request) == 1:
            await anyio.sleep_forever()

    model = scripted([calls(batch(["Chile"]))], wait=wait, researcher=[Say(FULL)])
    swarm = Swarm(model, limits=Limits(wall_s=30))
    begun = anyio.current_time()
    result = await swarm.run()
    assert anyio.current_time() - begun == pytest.approx(150, abs=1)
    assert (result.outcome, result.why) == ("cancelled", "killed by limit of 30 s")
    assert result.answer
    assert swarm.reports()["Chile"].outcome == "completed"
