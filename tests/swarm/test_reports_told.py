"""What the orchestrator is told of a stage: short, whole where it can be, and what is missing."""

import pytest

from openswarm.core.errors import Fault, ModelError
from openswarm.core.events import ReportReceived
from openswarm.core.limits import Limits
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from swarm_scripts import (
    COLUMNS,
    FULL,
    Swarm,
    assign,
    batch,
    brief,
    calls,
    hand_in,
    last_told,
    of,
    scripted,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")


@pytest.mark.requirement("swarm.long-report")
@pytest.mark.parametrize("letter", ["x", "ü", "漢"])
async def test_a_report_of_4_kb_arrives_whole(letter: str) -> None:
    text = letter * (4096 // len(letter.encode()))
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say(text)])
    await Swarm(model).run()
    assert text in last_told(model)[0]
    assert "[cut" not in last_told(model)[0]


@pytest.mark.requirement("swarm.long-report")
@pytest.mark.parametrize("letter", ["x", "ü", "漢"])
async def test_a_longer_report_is_cut_with_a_pointer_and_kept_whole_in_the_journal(
    letter: str,
) -> None:
    text = letter * 5000
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say(text)])
    swarm = Swarm(model)
    await swarm.run()
    shown = last_told(model)[0]
    assert len(shown.encode()) < 4096 + 200
    assert "of 5000 characters; the run keeps it whole]" in shown
    assert "�" not in shown
    report = of(swarm, ReportReceived)[0]
    assert swarm.journal.read(report.text) == text


@pytest.mark.requirement("swarm.missing")
async def test_what_is_missing_is_named_with_the_reason() -> None:
    def work(request: Request) -> Say:
        if "Peru" in brief(request):
            return Say("")
        if "Laos" in brief(request):
            return Say(error=ModelError(Fault.REFUSED, "no"))
        return Say(FULL)

    made = calls(batch(["Chile", "Peru"]), assign("Look at Laos."))
    model = scripted([made, ANSWER], researcher=work)
    await Swarm(model).run()
    first, second = last_told(model)
    assert first.startswith("1 of 2 completed.")
    assert "Missing: Peru (empty: the model answered nothing)." in first
    assert "Assign these once more if it may help" in first
    assert "Nothing is known of them." in first
    assert "Missing: root/3 (failed: model: refused)." in second


@pytest.mark.requirement("swarm.missing")
async def test_nothing_is_said_of_missing_work_when_all_is_there() -> None:
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say(FULL)])
    await Swarm(model).run()
    assert "Missing" not in last_told(model)[0]


@pytest.mark.requirement("swarm.missing")
async def test_missing_rows_are_named_to_the_orchestrator_and_in_the_result() -> None:
    def work(request: Request) -> Say:
        if "Peru" in brief(request):
            return Say("I found nothing.")
        return hand_in(capital="Santiago", population="19000000")

    model = scripted([calls(batch(["Chile", "Peru"])), ANSWER], researcher=work)
    result = await Swarm(model, columns=COLUMNS).run()
    text = last_told(model)[0]
    assert "Missing: Peru (partial: it handed in no row)." in text
    assert "The table has 1 rows:\ncountry | capital | population\nChile | Santiago" in text
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Peru")
    assert result.answer == "Done."


async def test_a_row_that_a_second_try_brings_is_not_missing() -> None:
    tries = iter([Say("Nothing."), Say("Nothing."), hand_in(capital="Lima", population="34")])
    model = scripted(
        [calls(batch(["Peru"])), calls(batch(["Peru"])), ANSWER], researcher=lambda _: next(tries)
    )
    result = await Swarm(model, columns=COLUMNS).run()
    assert result.outcome == "completed"
    assert [row.values()["capital"] for row in result.table.rows] == ["Lima"]


async def test_rows_are_shown_as_a_table_and_only_the_first_hundred() -> None:
    model = scripted(
        [calls(batch([f"unit {n}" for n in range(103)])), ANSWER],
        researcher=[hand_in(capital="Here", population="1")],
    )
    await Swarm(model, columns=COLUMNS).run()
    text = last_told(model)[0]
    assert text.startswith("103 of 103 completed.")
    assert "unit 99 | Here | 1\n… and 3 more" in text
    assert "unit 100" not in text


@pytest.mark.parametrize("item", ["New  York", "new york", "'Chile'"])
async def test_an_item_and_the_key_of_its_row_are_the_same_whatever_the_spelling(
    item: str,
) -> None:
    model = scripted(
        [calls(batch([item])), ANSWER], researcher=[hand_in(capital="Here", population="1")]
    )
    result = await Swarm(model, columns=COLUMNS).run()
    assert result.outcome == "completed"


async def test_rows_of_an_assignment_without_an_item_make_nothing_missing() -> None:
    rows = [{"country": name, "capital": "Here", "population": 1} for name in ("Chile", "Peru")]
    model = scripted(
        [calls(assign("Find the countries of the Andes.")), ANSWER],
        researcher=[calls(("report", {"rows": rows}))],
    )
    result = await Swarm(model, columns=COLUMNS, limits=Limits(max_subagents=1)).run()
    assert result.outcome == "completed"
    assert [row.values()["country"] for row in result.table.rows] == ["Chile", "Peru"]
