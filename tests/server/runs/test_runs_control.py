"""A run that is at work is steered, stopped and answered through the API."""

from pathlib import Path

import anyio
import pytest
from runs_client import Gate, Runs, is_event, knowing, runs_api

from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import FULL, WaitingModel, batch, brief, calls, turn

pytestmark = pytest.mark.anyio


async def three_at_work(api: Runs, gate: Gate) -> str:
    """A run whose three sub-agents wait for their models."""
    run_id = await api.start()
    await gate.held(3)
    return run_id


@pytest.mark.requirement("api.control")
@pytest.mark.parametrize("verb", ["kill", "cancel"])
async def test_one_sub_agent_of_three_is_stopped_within_two_seconds(verb: str) -> None:
    gate = Gate(lambda request: request.agent == "researcher" and turn(request) == 0)
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await three_at_work(api, gate)
        with anyio.fail_after(2):
            done = await api.post(f"/api/runs/{run_id}/{verb}", 202, agent="root/2")
        event = await api.until(run_id, is_event("cancelled"))
        assert (event["agent"], event["verb"], event["seq"]) == ("root/2", verb, done["seq"])
        assert event["request"] == done["request"]
        gate.opened.set()
        seen = await api.over(run_id)
        outcomes = {agent["path"]: agent["outcome"] for agent in seen["agents"]}
        assert (outcomes["root/1"], outcomes["root/3"]) == ("completed", "completed")
        if verb == "kill":
            assert outcomes["root/2"] == "cancelled"
            assert [row["name"] for row in seen["rows"]] == ["Chile", "Laos"]


@pytest.mark.requirement("api.control")
async def test_words_reach_one_sub_agent_at_its_next_turn() -> None:
    asked, told = anyio.Event(), anyio.Event()

    async def wait(request: Request) -> None:
        if request.agent == "researcher" and turn(request) == 0 and "Peru" in brief(request):
            asked.set()
            await told.wait()

    def work(request: Request) -> Say:
        if turn(request) == 0:
            return calls(("list_agents", {}))
        said = [message.text for message in request.history if message.role == "user"]
        return Say(f"I was told: {said[-1]}. {FULL}")

    scripts = {
        "orchestrator": [calls(batch(["Chile", "Peru"])), Say("Done.")],
        "researcher": work,
    }
    async with runs_api(WaitingModel(scripts, wait=wait)) as api:
        run_id = await api.start(columns="")
        await asked.wait()
        path = f"/api/runs/{run_id}/steer"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell, api, path)
            await requested(api.server.home, run_id)
            told.set()
        await api.over(run_id)
        told_to = await api.get(f"/api/runs/{run_id}/transcript", agent="root/2")
        other = await api.get(f"/api/runs/{run_id}/transcript", agent="root/1")
    said = [turn["text"] for turn in told_to["turns"] if turn["role"] == "user"]
    assert said == ["Use the figure of 2024."]
    assert "I was told: Use the figure of 2024." in told_to["turns"][-1]["text"]
    assert not [turn for turn in other["turns"] if turn["role"] == "user"]


async def tell(api: Runs, path: str) -> None:
    """Steers, and expects the event that says that the words were read."""
    done = await api.post(path, 202, agent="root/2", text="Use the figure of 2024.")
    assert done["seq"] > 0


async def requested(home: Path, run_id: str) -> None:
    """Returns when a request lies in the folder of the run, and was taken up."""
    file = anyio.Path(home) / "runs" / run_id / "requests.jsonl"
    with anyio.fail_after(5):
        while not await file.exists() or b"\n" not in await file.read_bytes():
            await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.5)  # the run looks for requests five times a second


@pytest.mark.requirement("api.control")
async def test_words_that_nobody_has_read_yet_are_left_without_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("openswarm.server.runs.control.PATIENCE_S", 0.1)
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await three_at_work(api, gate)
        done = await api.post(f"/api/runs/{run_id}/steer", 202, agent="root/1", text="Hurry.")
        assert (done["seq"], len(done["request"])) == (None, 32)
        gate.opened.set()
        await api.over(run_id)


@pytest.mark.requirement("api.control")
async def test_the_whole_run_is_killed_by_default() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await three_at_work(api, gate)
        async with api.server.client.post(f"/api/runs/{run_id}/kill") as answer:
            assert answer.status == 202
        seen = await api.over(run_id)
        assert (seen["outcome"], seen["why"]) == ("cancelled", "killed by user")


@pytest.mark.requirement("api.errors", "api.control")
async def test_who_is_not_there_cannot_be_spoken_to() -> None:
    gate = Gate(lambda request: request.agent == "researcher" and "Peru" in brief(request))
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await api.start()
        await api.until(run_id, is_event("report_received", agent="root/1"))
        path = f"/api/runs/{run_id}"
        for verb, body, status in (
            ("steer", {"agent": "root/9", "text": "x"}, 404),
            ("steer", {"agent": "root/1", "text": "x"}, 409),
            ("steer", {"agent": "root/2", "text": ""}, 400),
            ("steer", {"agent": "root/2"}, 400),
            ("kill", {"agent": 3}, 400),
            ("cancel", {"agent": "root/2", "why": "x"}, 400),
            ("approvals/1", {"answer": "allow"}, 404),
            ("approvals/1", {"answer": "sure"}, 400),
        ):
            refused = await api.post(f"{path}/{verb}", status, **body)
            assert refused["error"]["message"], verb
        gate.opened.set()
        await api.over(run_id)
        for verb in ("kill", "cancel"):
            refused = await api.post(f"{path}/{verb}", 409)
            assert refused["error"]["code"] == "not_alive"
        await api.post("/api/runs/nothing/kill", 404)


def writer_model() -> ScriptedModel:
    """An agent that makes one call of a tool that has to be allowed."""
    call = calls(("write", {"path": "notes.txt", "content": "Santiago"}))
    return ScriptedModel({"agent": [call, Say("Done.")]})


@pytest.mark.requirement("api.approve")
@pytest.mark.parametrize("answer", ["allow", "always", "deny"])
async def test_a_question_of_the_queue_is_answered_by_its_id(answer: str, tmp_path: Path) -> None:
    async with runs_api(writer_model(), folders=(tmp_path,)) as api:
        run_id = await api.start(
            mode="agent", columns="", tools=["files"], roots=[str(tmp_path)],
            policy={"write": "ask", "merge": "allow"},
        )  # fmt: skip
        await api.until(run_id, is_event("approval_asked"))
        (asked,) = (await api.snapshot(run_id))["approvals"]
        assert (asked["id"], asked["agent"], asked["tool"]) == ("1", "root", "write")
        assert "notes.txt" in asked["command"]
        path = f"/api/runs/{run_id}/approvals/1"
        done = await api.post(path, 202, answer=answer)
        event = await api.until(run_id, is_event("approval_given"))
        assert (event["seq"], event["request"]) == (done["seq"], done["request"])
        assert event["answer"] == ("deny" if answer == "deny" else "allow")
        assert event["always"] == (answer == "always")
        assert (await api.over(run_id))["approvals"] == []
        assert await anyio.Path(tmp_path / "notes.txt").exists() == (answer != "deny")


@pytest.mark.requirement("api.approve")
async def test_where_nobody_attends_the_question_is_denied(tmp_path: Path) -> None:
    async with runs_api(writer_model(), folders=(tmp_path,)) as api:
        run_id = await api.finished(
            mode="agent", columns="", tools=["files"], roots=[str(tmp_path)],
            policy={"write": "ask", "merge": "allow"}, attended=False,
        )  # fmt: skip
        event = await api.until(run_id, is_event("approval_given"))
        assert (event["answer"], event["by"]) == ("deny", "nobody is there to answer")
