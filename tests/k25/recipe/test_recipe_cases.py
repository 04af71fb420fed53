"""The conversations of the recipe: answers are right, splits are apart, draws are repeatable."""

import json
import re
from collections.abc import Callable

import pytest

from openswarm.k25.recipe import about, chats, facts, pages, records, sums, swarm_data, tools_data
from openswarm.k25.recipe.case import Case
from openswarm.k25.recipe.draws import Draw, Split, is_held_out

KINDS = tuple(kind for kind, _ in (*chats.KINDS, *pages.KINDS))
APART = [kind for kind in KINDS if kind not in (chats.without_tools, chats.two_turns)]


def cases(kind: Callable[[Draw], Case], split: Split = "train", count: int = 60) -> list[Case]:
    return [kind(Draw(0, split, "test", number)) for number in range(count)]


def content(case: Case) -> tuple[object, ...]:
    """All that a model is given and has to write."""
    texts = tuple((message.role, message.text) for message in case.messages)
    return texts, case.tools, tuple(image.tobytes() for clip in case.clips for image in clip)


def numbers(case: Case) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", case.prompt[-1].text)]


def items(case: Case) -> list[str]:
    """The items of a list in a question, which stands in its later lines."""
    listing = case.prompt[-1].text.partition("\n")[2]
    return [item for item in re.split(r"[,\s-]+", listing) if item]


@pytest.mark.requirement("model.recipe-repeatable")
@pytest.mark.parametrize("kind", KINDS)
def test_a_case_is_a_function_of_seed_split_and_number(kind: Callable[[Draw], Case]) -> None:
    first = [content(case) for case in cases(kind, count=12)]
    assert first == [content(case) for case in cases(kind, count=12)]
    assert first != [content(kind(Draw(1, "train", "test", number))) for number in range(12)]
    assert first != [content(case) for case in cases(kind, "held-out", 12)]


@pytest.mark.requirement("model.recipe-splits")
@pytest.mark.parametrize("kind", APART)
def test_no_held_out_case_is_met_in_training(kind: Callable[[Draw], Case]) -> None:
    trained = {str(content(case)) for case in cases(kind, count=300)}
    assert trained.isdisjoint(str(content(case)) for case in cases(kind, "held-out", 40))


@pytest.mark.requirement("model.recipe-splits")
def test_what_is_held_out_depends_on_the_subject_and_not_on_the_seed() -> None:
    for seed in range(20):
        draw = Draw(seed, "train", "test", 0)
        assert not is_held_out(str(draw.subject(lambda draw=draw: draw.between(0, 99))))
    with pytest.raises(ValueError, match="belongs to the held-out split"):
        Draw(0, "held-out", "test", 0).subject(lambda: "bread")


@pytest.mark.requirement("model.recipe-splits")
def test_every_fact_is_trained_and_no_held_out_wording_is() -> None:
    known = facts.facts()
    assert len({(fact.of, fact.wordings) for fact in known}) == len(known) >= 150
    for fact in known:
        assert set(fact.wordings).isdisjoint(fact.held_out)
        assert all("{x}" in wording for wording in (*fact.wordings, *fact.held_out))
    seen = {case.reply.text for case in cases(facts.closed_book, count=3000)}
    assert seen == {fact.answer for fact in known}


@pytest.mark.requirement("model.recipe-splits")
def test_small_talk_has_its_own_held_out_wordings() -> None:
    for answer, wordings in about.HELD_OUT_TALK.items():
        assert set(wordings).isdisjoint(about.TALK[answer])
    assert about.HELD_OUT_TALK.keys() == about.TALK.keys()


@pytest.mark.requirement("model.recipe-right")
def test_sums_and_differences_are_right_and_so_are_their_steps() -> None:
    for case in cases(sums.adding):
        assert int(case.reply.text) == sum(numbers(case))
    for case in cases(sums.subtracting):
        high, low = sorted(numbers(case), reverse=True)
        assert int(case.reply.text) == high - low
    for case in (*cases(sums.adding), *cases(sums.subtracting)):
        for step in re.findall(r"(\d+) ([+-]) (\d+) = (\d+)", case.reply.reasoning):
            a, sign, b, total = step
            assert int(a) + (int(b) if sign == "+" else -int(b)) == int(total)


@pytest.mark.requirement("model.recipe-right")
def test_lists_are_counted_sorted_and_reversed() -> None:
    for case in cases(sums.counting):
        assert int(case.reply.text) == len(items(case))
    for case in cases(sums.sorting):
        assert case.reply.text.split(", ") == sorted(items(case))
    for case in cases(sums.reversing):
        assert case.reply.text.split(", ") == items(case)[::-1]
    for case in cases(sums.comparing):
        wants_more = re.search("larger|max|bigger|greater", case.prompt[-1].text)
        assert int(case.reply.text) == (max if wants_more else min)(numbers(case))


@pytest.mark.requirement("model.recipe-right")
def test_the_value_asked_for_stands_in_the_text_or_is_said_to_be_missing() -> None:
    missing = 0
    for case in cases(records.one_value, count=200):
        if case.reply.text == records.NOT_SAID:
            missing += 1
        else:
            assert case.reply.text in case.prompt[-1].text
    assert 5 < missing < 60


@pytest.mark.requirement("model.recipe-right")
def test_json_has_the_keys_in_the_order_they_are_asked_for() -> None:
    for case in cases(records.as_json):
        data, text = json.loads(case.reply.text), case.prompt[-1].text
        assert 2 <= len(data) <= 5
        assert all(str(value) in text for value in data.values())
        keys = list(data)
        assert f"{', '.join(keys[:-1])} and {keys[-1]}" in text


@pytest.mark.requirement("model.recipe-right")
def test_calls_fit_their_declaration_and_each_has_its_result() -> None:
    at_once = 0
    for case in cases(tools_data.tool_use, count=120):
        declared = {tool.name: tool.parameters["properties"] for tool in case.tools}
        assert len(declared) == len(case.tools)
        calling, *results, answer = case.messages[1:]
        at_once += len(calling.tool_calls) > 1
        for call, result in zip(calling.tool_calls, results, strict=True):
            assert json.loads(call.arguments).keys() == declared[call.name].keys()
            assert result.tool_call_id == call.id
            assert result.text in answer.text
    assert 20 < at_once < 70


@pytest.mark.requirement("model.recipe-right")
def test_declared_tools_that_are_not_needed_are_not_called() -> None:
    for case in cases(chats.without_tools):
        assert case.tools
        assert not any(message.tool_calls for message in case.messages)


@pytest.mark.requirement("model.recipe-swarm")
def test_a_wide_task_is_assigned_in_one_turn_to_one_registered_sub_agent() -> None:
    widths = set()
    for case in cases(swarm_data.wide_task, count=100):
        question, create, created, assign, *reports, answer = case.messages
        agent = json.loads(create.tool_calls[0].arguments)["name"]
        assert agent in created.text
        assert [message.role for message in reports] == ["tool"] * len(assign.tool_calls)
        listed = [line.removeprefix("- ").split(": ") for line in answer.text.splitlines()]
        for call, report, (item, value) in zip(assign.tool_calls, reports, listed, strict=True):
            work = json.loads(call.arguments)
            assert work["agent"] == agent
            assert item in work["prompt"] and item in question.text
            assert value in report.text
        assert answer.tool_calls == ()
        ids = [call.id for message in case.messages for call in message.tool_calls]
        assert [call_id.rpartition(":")[2] for call_id in ids] == [str(n) for n in range(len(ids))]
        widths.add(len(assign.tool_calls))
    assert widths == {2, 3, 4, 5, 6}


@pytest.mark.requirement("model.recipe-right")
def test_a_case_ends_at_any_turn_of_the_assistant() -> None:
    (case,) = cases(swarm_data.wide_task, count=1)
    ends = [case.until(turn).reply for turn in range(4)]
    assert [len(end.tool_calls) > 0 for end in ends] == [True, True, False, True]
    assert ends[3] == ends[0]
    assert case.until(1).prompt[-1].role == "tool"


@pytest.mark.requirement("model.recipe-systems")
def test_the_system_prompt_of_a_run_is_read_from_the_package() -> None:
    prompts = about.prompts()
    assert prompts[about.ANSWER_PROMPT].startswith("You answer the user's question")
    assert not any("{%" in text or "{{" in text for text in prompts.values())
    drawn = {about.system_prompt(Draw(0, "train", "test", n), "irrelevant") for n in range(200)}
    assert {"", prompts[about.ANSWER_PROMPT], "irrelevant", *about.SHORT_SYSTEMS} <= drawn
