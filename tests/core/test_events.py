"""Events: a closed, tagged, frozen union."""

import pytest
from pydantic import ValidationError

from openswarm.core.events import EVENT, Admitted, Content, ModelReplied, Resumed
from openswarm.core.limits import Limits
from openswarm.core.messages import ToolCall


@pytest.mark.requirement("journal.union")
def test_an_event_comes_back_from_its_line_as_the_type_that_it_was() -> None:
    call = ToolCall(id="1", name="search", arguments='{"q": "\\u20ac"}')
    event = ModelReplied(agent="root/1", model="m", text=Content(text="€"), calls=(call,))
    assert EVENT.validate_json(event.model_dump_json()) == event


@pytest.mark.requirement("journal.union")
@pytest.mark.parametrize(
    "line", ['{"type":"telepathy"}', '{"type":"admitted","colour":"red"}', "{}", "[]", "7"]
)
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_json(line)


@pytest.mark.requirement("journal.union")
def test_events_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Resumed().seq = 7
    assert Admitted(agent="root/1").agent == "root/1"


def test_as_many_run_at_once_as_there_may_be_unless_told_otherwise() -> None:
    assert Limits().parallel == 300
    assert Limits(max_subagents=7).parallel == 7
    assert Limits(max_subagents=7, max_parallel=2).parallel == 2
    assert Limits(max_subagents=0).parallel == 1


@pytest.mark.parametrize(
    "wrong", [{"max_subagents": 1001}, {"depth": 2}, {"usd": 0}, {"steps": 0}, {"width": 3}]
)
def test_limits_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Limits(**wrong)
