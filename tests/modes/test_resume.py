"""Going on with a run: what it needs, what it refuses, and what the model is told."""

from pathlib import Path

import anyio
import pytest

import openswarm
from openswarm.agent.conversation import INTERRUPTED
from openswarm.core.errors import Fault, JournalError, ModelError, SettingsError
from openswarm.core.events import (
    Answered,
    ModeChosen,
    ReportReceived,
    Resumed,
    RunStarted,
    ToolCalled,
)
from openswarm.core.limits import Limits
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import (
    COLUMNS,
    FULL,
    assign,
    batch,
    brief,
    calls,
    hand_in,
    last_told,
    of,
    scripted,
    told,
    turn,
    written,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")


@openswarm.tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def cut_after(folder: str | Path, kind: type) -> None:
    """Ends a journal with the first event of a type."""
    path = Path(folder) / EVENTS_FILE
    name = kind.model_fields["type"].default  # type: ignore[attr-defined]
    lines = path.read_bytes().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines, 1) if f'"type":"{name}"'.encode() in line)
    path.write_bytes(b"".join(lines[:end]))


@pytest.mark.requirement("swarm.resume")
async def test_a_finished_run_gives_back_its_result_without_any_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Chile: Santiago.")
    model = scripted(
        [calls(batch(["Chile"])), ANSWER], researcher=[hand_in(capital="Santiago", population="1")]
    )
    model.spec = "nobody/knows-this"
    first = await openswarm.run(
        "Find it.", model=model, mode="swarm", columns=COLUMNS, tools=[add],
        over=[tmp_path / "notes.txt"],
    )  # fmt: skip
    (tmp_path / "notes.txt").unlink()
    before = await written(first.folder)
    again = await openswarm.resume(first.run_id)
    same = {"stats": {"wall_s"}}
    assert again.model_dump(exclude=same) == first.model_dump(exclude=same)
    assert again.stats.wall_s == pytest.approx(first.stats.wall_s, abs=0.5)
    assert await written(first.folder) == before


@pytest.mark.requirement("modes.python-tools")
async def test_python_tools_that_a_resume_lacks_are_named() -> None:
    model = ScriptedModel({"agent": [Say("")]})
    first = await openswarm.run("Add.", model=model, tools=[add])
    with pytest.raises(SettingsError, match=r"tools written in Python: add; .*tools=\[add\]"):
        await openswarm.resume(first.run_id, model=model)
    model = ScriptedModel({"agent": [Say(""), calls(("add", {"a": 1, "b": 2})), ANSWER]})
    result = await openswarm.resume(first.run_id, model=model, tools=[add])
    assert (result.outcome, last_told(model, "agent")) == ("completed", ["3"])


@pytest.mark.requirement("journal.lock")
async def test_a_run_that_is_alive_cannot_be_taken_up_by_another() -> None:
    asked, go_on = anyio.Event(), anyio.Event()
    runs: list[str] = []

    async def wait(_: Request) -> None:
        asked.set()
        await go_on.wait()

    async def work() -> None:
        model = scripted([ANSWER], wait=wait)
        observer = lambda event: runs.append(getattr(event, "run", ""))  # noqa: E731
        await openswarm.run("Hello?", model=model, mode="swarm", observer=observer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await asked.wait()
        with pytest.raises(JournalError, match=f"{runs[0]} is alive.*openswarm watch") as caught:
            await openswarm.resume(runs[0], model=scripted([ANSWER]))
        assert caught.value.kind == "locked"
        go_on.set()


@pytest.mark.parametrize("run_id", ["20990101-000000-abcdef", "", "../elsewhere"])
async def test_a_run_that_is_not_there_is_named(run_id: str) -> None:
    with pytest.raises(JournalError, match="is not a run"):
        await openswarm.resume(run_id, model=scripted([ANSWER]))


async def test_a_partial_run_goes_on_and_is_told_to_finish() -> None:
    tries = iter([Say(""), Say(""), Say(FULL)])
    steps = [calls(batch(["Chile"])), Say("Half."), calls(batch(["Chile"])), Say("Whole.")]
    limits = Limits(orchestrator_steps=1)

    def model() -> ScriptedModel:
        return scripted(steps, researcher=lambda _: next(tries))

    first = await openswarm.run("Do it.", model=model(), mode="swarm", limits=limits)
    assert (first.outcome, first.why, first.answer) == ("partial", "limit of 1 steps", "Half.")
    second = model()
    result = await openswarm.resume(first.run_id, model=second, limits=Limits())
    assert (result.outcome, result.answer) == ("completed", "Whole.")
    said = [m.text for m in second.requests["orchestrator"][0] if m.role == "user"]
    assert said[0] == "Do it."
    assert said[-1].startswith("Go on with the task")
    assert result.stats.total_steps == 4 + 3
    events = await written(result.folder)
    assert len(of(events, Resumed)) == 1
    assert [event.outcome for event in of(events, Answered)] == ["partial", "completed"]


@pytest.mark.requirement("budget.resume")
async def test_a_resumed_run_goes_on_from_what_was_spent() -> None:
    limits = Limits(steps=4)
    model = scripted([calls(batch(["1", "2", "3"])), ANSWER], researcher=[Say(FULL)])
    first = await openswarm.run("Do it.", model=model, mode="swarm", limits=limits)
    assert first.stats.total_steps == 4
    again = await openswarm.resume(first.run_id, model=model)
    assert (again.outcome, again.stats.total_steps) == ("partial", 4)
    assert "budget" in again.why
    more = await openswarm.resume(first.run_id, model=model, limits=Limits(steps=5))
    assert (more.outcome, more.answer, more.stats.total_steps) == ("completed", "Done.", 5)


async def test_a_run_whose_model_was_gone_goes_on_with_the_rows_that_it_had() -> None:
    gone = ModelError(Fault.QUOTA, "no money left")
    lead = iter([calls(batch(["Chile"])), Say(error=gone), Say("One row.")])
    work = [hand_in(capital="Santiago", population="1")]
    model = ScriptedModel({"orchestrator": lambda _: next(lead), "researcher": work})
    first = await openswarm.run("Find it.", model=model, mode="swarm", columns=COLUMNS)
    assert first.outcome == "partial"
    result = await openswarm.resume(first.run_id, model=model)
    assert (result.outcome, result.answer) == ("completed", "One row.")
    assert len(model.requests["researcher"]) == 1


@pytest.mark.requirement("swarm.equal-briefs")
async def test_what_was_completed_before_a_resume_is_not_assigned_again() -> None:
    def model() -> ScriptedModel:
        lead = [calls(assign("Look at Chile.")), calls(assign("look at  CHILE.")), ANSWER]
        return scripted(lead, researcher=[Say(FULL)])

    limits = Limits(orchestrator_steps=1)
    first = await openswarm.run("Do it.", model=model(), mode="swarm", limits=limits)
    cut_after(first.folder, ReportReceived)
    second = model()
    result = await openswarm.resume(first.run_id, model=second, limits=Limits())
    assert "root/1 has done exactly this" in last_told(second)[1]
    assert result.stats.sub_agents == 1


@pytest.mark.requirement("swarm.lost-call")
async def test_a_call_that_may_have_taken_effect_is_not_repeated_and_the_model_is_told() -> None:
    sent: list[str] = []

    @openswarm.tool
    async def send(to: str) -> str:
        """Sends."""
        sent.append(to)
        return "sent"

    def model() -> ScriptedModel:
        return ScriptedModel({"agent": [calls(("send", {"to": "Chile"})), ANSWER]})

    first = await openswarm.run("Send it.", model=model(), mode="agent", tools=[send])
    cut_after(first.folder, ToolCalled)
    second = model()
    result = await openswarm.resume(first.run_id, model=second, tools=[send])
    assert (result.outcome, sent) == ("completed", ["Chile"])
    assert last_told(second, "agent") == [INTERRUPTED]


async def test_what_is_attached_is_there_though_the_run_was_cut_before_its_first_turn(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").write_text("The secret is 42.")
    model = ScriptedModel({"instant": [ANSWER]})
    first = await openswarm.run(
        "What is it?", model=model, mode="instant", attachments=[tmp_path / "notes.txt"]
    )
    cut_after(first.folder, ModeChosen)
    second = ScriptedModel({"instant": [ANSWER]})
    await openswarm.resume(first.run_id, model=second)
    assert second.requests == model.requests
    assert "The secret is 42." in second.requests["instant"][0][1].text


async def test_a_mode_that_was_not_yet_chosen_is_chosen_by_the_resume() -> None:
    first = await openswarm.run("What is it?", model=ScriptedModel({"instant": [ANSWER]}))
    cut_after(first.folder, RunStarted)
    result = await openswarm.resume(first.run_id, model=ScriptedModel({"instant": [ANSWER]}))
    assert (result.mode, result.mode_reason) == ("instant", "one question that needs no tools")
    assert result.answer == "Done."


async def test_an_observer_of_a_resume_sees_the_run_from_its_beginning() -> None:
    seen: list = []
    first = await openswarm.run("What?", model=ScriptedModel({"instant": [Say("")]}))
    model = ScriptedModel({"instant": [Say(""), ANSWER]})
    result = await openswarm.resume(first.run_id, model=model, observer=seen.append)
    events = [event for event in seen if hasattr(event, "seq")]
    assert events == await written(result.folder)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_sub_agent_that_was_at_work_goes_on_in_its_own_context() -> None:
    def work(request: Request) -> Say:
        if turn(request) < 2:
            return calls(("add", {"a": turn(request), "b": 1}))
        return Say(f"{FULL} {told(request.history)} {brief(request)}")

    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=work)
    first = await openswarm.run("Do it.", model=model, mode="swarm", tools=[add])
    path = Path(first.folder) / EVENTS_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    end = max(n for n, line in enumerate(lines, 1) if b'"tool_returned"' in line and b"add" in line)
    path.write_bytes(b"".join(lines[:end]))
    second = scripted([calls(batch(["Chile"])), ANSWER], researcher=work)
    await openswarm.resume(first.run_id, model=second, tools=[add])
    assert second.requests["researcher"] == model.requests["researcher"][2:]
    assert second.requests["orchestrator"] == model.requests["orchestrator"][1:]


@pytest.mark.requirement("bad.newer-run")
async def test_a_run_of_a_newer_version_is_refused_with_what_to_upgrade() -> None:
    first = await openswarm.run("What?", model=ScriptedModel({"instant": [Say("")]}))
    path = Path(first.folder) / EVENTS_FILE
    path.write_bytes(path.read_bytes().replace(b'"v":1', b'"v":2'))
    with pytest.raises(JournalError, match=r"newer openswarm.*pip install -U openswarm"):
        await openswarm.resume(first.run_id, model=ScriptedModel({"instant": [ANSWER]}))
