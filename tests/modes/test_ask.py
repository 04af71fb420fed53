"""A question about a finished run is answered from what it found; no sub-agent works for it."""

from pathlib import Path

import pytest
from test_undo import asks, finished, knowing, whole

import openswarm
from openswarm import Limits, ScriptedModel
from openswarm.core.errors import Fault, JournalError, ModelError, UserError
from openswarm.core.events import Answered, GenerationStarted, ModelReplied, TaskAssigned
from openswarm.journal.fold import fold
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, Step
from openswarm.swarm.stages import fold_stages
from openswarm.tools.documents import Document, fence
from swarm_scripts import (
    FULL,
    PRICED,
    batch,
    calls,
    last_told,
    of,
    written,
)

pytestmark = pytest.mark.anyio
QUESTION = "What is the capital of Peru?"


def asked(*steps: Step) -> ScriptedModel:
    """A model that answers questions by a script, and does nothing else."""
    return ScriptedModel({"asked": list(steps)}, info=PRICED)


def looks_up(words: str) -> Say:
    """A reply that searches what the run has read."""
    return calls(("look_up", {"words": words}))


@pytest.mark.requirement("table.ask", "table.citations")
async def test_a_question_is_answered_from_the_table_and_the_answer_names_its_cells() -> None:
    run = await finished()
    model = asked(Say("It is Lima [[Peru | capital]]."))
    answer = await openswarm.ask(run.run_id, QUESTION, model=model)
    assert asks(model) == {"asked": 1}
    assert (answer.text, answer.outcome, answer.steps) == ("It is Lima [c1].", "completed", 1)
    (citation,) = answer.citations
    assert (citation.row, citation.column, citation.cell) == (
        "Peru", "capital", run.table.rows[1].cells["capital"]
    )  # fmt: skip
    system, said = (message.text for message in model.requests["asked"][0])
    assert "Add nothing from elsewhere" in system
    assert said.startswith("The run's task: Find them.\n\nIts answer:\nSantiago is the capital of")
    assert "country | capital | population\nChile | Santiago | 19\nPeru | Lima | 34" in said
    assert said.endswith(f"The question: {QUESTION}")


@pytest.mark.requirement("table.ask", "table.unsupported")
async def test_what_an_answer_says_beyond_the_run_is_marked() -> None:
    run = await finished()
    model = asked(Say("Lima lies in Peru. It has 10,092,000 people."))
    answer = await openswarm.ask(run.run_id, QUESTION, model=model)
    assert answer.text == "Lima lies in Peru [c1]. It has 10,092,000 people [no cell]."
    assert answer.unsupported == ("It has 10,092,000 people.",)


@pytest.mark.requirement("table.ask")
async def test_what_is_not_in_the_table_is_looked_up_in_what_sub_agents_reported_and_read() -> None:
    report = f"The yearbook of 1971 says that the Ucayali is 1,771 km long. {FULL}"

    @openswarm.tool(read_only=True)
    async def read(name: str) -> str:
        """Reads a page."""
        return fence(Document(f"{name}.md", f"# {name}\n\nThe lake of {name} is the Titicaca.\n"))

    def work(request: Request) -> Say:
        return Say(report) if len(request.history) > 2 else calls(("read", {"name": "peru"}))

    model = ScriptedModel(
        {"orchestrator": [calls(batch(["Peru"])), Say("It is done.")], "researcher": work}
    )
    run = await openswarm.run("Find it.", model=model, mode="swarm", tools=[read])
    model = asked(
        looks_up("lake Titicaca"),
        looks_up("length of the Ucayali, yearbook"),
        looks_up("volcano"),
        Say("The lake is the Titicaca (peru.md)."),
    )
    answer = await openswarm.ask(run.run_id, "Which lake?", model=model)
    lake, river, nothing = last_told(model, "asked")
    assert '<document source="peru.md">' in lake
    assert "The lake of peru is the Titicaca." in lake
    assert '<document source="report of root/1">' in river
    assert "the Ucayali is 1,771 km long" in river
    assert nothing == "Nothing that the run has read has these words."
    assert (answer.text, answer.citations) == ("The lake is the Titicaca (peru.md).", ())
    assert answer.steps == 4


@pytest.mark.requirement("table.ask")
async def test_documents_of_a_corpus_that_were_opened_can_be_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "chile.md"
    path.write_text("# Chile\n\nThe capital is Santiago.\n")
    run = await finished(knowing(rows=["Chile"]), over=[path])
    path.unlink()
    model = asked(looks_up("capital Santiago"), Say("Santiago [[Chile | capital]]."))
    answer = await openswarm.ask(run.run_id, "Which one?", model=model)
    assert '<document source="chile.md#1">' in last_told(model, "asked")[0]
    assert answer.citations[0].cell.quote == "The capital is Santiago."


@pytest.mark.requirement("table.ask")
async def test_a_question_changes_nothing_of_the_run_but_what_it_cost() -> None:
    run = await finished(knowing(info=PRICED))
    before = await written(run.folder)
    model = asked(looks_up("Lima"), Say("It is Lima."))
    answer = await openswarm.ask(run.run_id, QUESTION, model=model)
    assert answer.cost_usd == pytest.approx(0.04)
    assert (answer.tokens.input_tokens, answer.tokens.output_tokens) == (200, 20)
    events = await written(run.folder)
    assert events[: len(before)] == before
    assert len(of(events, ModelReplied)) == len(of(before, ModelReplied)) + 2
    news = events[len(before) :]
    assert {event.agent for event in news} == {"ask/1"}
    assert of(news, TaskAssigned)[0].label == QUESTION
    assert not of(news, Answered)
    assert not of(events, GenerationStarted)
    view = fold(events)
    assert (view.table, view.outcome) == (run.table, run.outcome)
    assert len(view.sub_agents) == 2
    assert view.cost_usd == pytest.approx(0.08 + 0.04)
    assert fold_stages(events).critical_steps == run.stats.critical_steps
    resumed = await openswarm.resume(run.run_id)
    assert whole(resumed) == whole(run)
    assert resumed.stats.critical_steps == run.stats.critical_steps
    assert resumed.stats.cost_usd == pytest.approx(0.12)


@pytest.mark.requirement("table.ask")
async def test_each_question_is_a_conversation_of_its_own() -> None:
    run = await finished()
    model = asked(Say("Lima."))
    for question in (QUESTION, QUESTION, "And of Chile?"):
        await openswarm.ask(run.run_id, question, model=model)
    assert asks(model) == {"asked": 3}
    made = of(await written(run.folder), TaskAssigned)[-3:]
    assert [(event.agent, event.label) for event in made] == [
        ("ask/1", QUESTION), ("ask/2", QUESTION), ("ask/3", "And of Chile?")
    ]  # fmt: skip


@pytest.mark.requirement("table.ask")
async def test_who_answers_is_told_what_is_missing_and_sees_the_table_as_it_was_edited() -> None:
    known = {"Chile": {"capital": "Santiago", "population": "19"}}
    run = await finished(knowing(known))
    rename = openswarm.operations.RenameColumn(column="capital", to="seat")
    await openswarm.edit(run.run_id, rename)
    model = asked(Say("Nothing is known of Peru."))
    answer = await openswarm.ask(run.run_id, QUESTION, model=model)
    said = model.requests["asked"][0][1].text
    assert "country | seat | population\nChile | Santiago | 19" in said
    assert "Not there: 1 row is missing: Peru" in said
    assert answer.unsupported == ()


@pytest.mark.requirement("table.ask")
async def test_a_run_without_a_table_can_be_asked_too() -> None:
    model = ScriptedModel({"instant": [Say("Hello.")]})
    run = await openswarm.run("Hi?", model=model, mode="instant")
    model = asked(Say("It said Hello."))
    answer = await openswarm.ask(run.run_id, "What did it say?", model=model)
    assert (answer.text, answer.citations, answer.unsupported) == ("It said Hello.", (), ())
    assert "Its answer:\nHello." in model.requests["asked"][0][1].text


@pytest.mark.requirement("table.ask")
async def test_what_cannot_be_asked_is_refused_with_what_to_do() -> None:
    run = await finished()
    for question in ("", " \n"):
        with pytest.raises(UserError, match="the question is empty; say what you want to know"):
            await openswarm.ask(run.run_id, question, model=asked())
    with pytest.raises(JournalError, match="is not a run"):
        await openswarm.ask("20260101-000000-abcdef", QUESTION, model=asked())
    path = Path(run.folder) / EVENTS_FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="is not over; go on with it first: openswarm resume"):
        await openswarm.ask(run.run_id, QUESTION, model=asked())


@pytest.mark.requirement("table.ask")
async def test_the_limits_of_the_run_hold_for_a_question_anew() -> None:
    run = await finished(limits=Limits(steps=4))
    assert (run.outcome, run.stats.total_steps) == ("completed", 4)
    answer = await openswarm.ask(run.run_id, QUESTION, model=asked(Say("Lima.")))
    assert answer.outcome == "completed"
    endless = ScriptedModel({"asked": lambda r: looks_up(f"Lima {len(r.history)}")})
    answer = await openswarm.ask(run.run_id, QUESTION, model=endless)
    assert (answer.outcome, answer.text, answer.steps) == ("partial", "", 4)


@pytest.mark.requirement("table.ask")
async def test_a_model_that_cannot_be_had_leaves_the_run_as_it_was() -> None:
    run = await finished()
    with pytest.raises(ModelError, match="the key is wrong"):
        wrong = Say(error=ModelError(Fault.AUTH, "the key is wrong"))
        await openswarm.ask(run.run_id, QUESTION, model=asked(wrong))
    assert whole(await openswarm.resume(run.run_id)) == whole(run)
