"""Assigning work: all that a turn asks for is checked first, then all of it starts, or none."""

import json

import pytest

from openswarm.core.events import AgentCreated
from openswarm.core.limits import Limits
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.tools.tool import tool
from swarm_scripts import (
    FULL,
    Swarm,
    assign,
    assigned,
    batch,
    calls,
    create,
    last_told,
    of,
    scripted,
    turn,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")


async def refusal(*made: tuple, limits: Limits | None = None) -> str:
    """What the orchestrator is told of a turn of which nothing may start."""
    model = scripted([calls(*made), ANSWER])
    swarm = Swarm(model, limits=limits)
    result = await swarm.run()
    assert not assigned(swarm)
    assert result.stats.sub_agents == 0
    assert result.outcome == "completed"
    return last_told(model)[-1]


@pytest.mark.requirement("swarm.unknown-agent")
async def test_an_unknown_agent_is_refused_with_those_that_are_registered() -> None:
    text = await refusal(create("checker"), batch(["Chile"], agent="reseacher"))
    assert "Nothing was started: there is no agent 'reseacher'" in text
    assert "researcher, checker" in text
    assert "create_subagent" in text


@pytest.mark.requirement("swarm.empty-batch")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (batch(["Chile"], template="Do it."), "has no {{item}}"),
        (batch([]), "items: List should have at least 1 item"),
        (batch(["Chile", " \n "]), "an item is empty"),
        (batch(["Chile", "x" * 401]), "longer than 400 characters"),
        (assign(""), "prompt: String should have at least 1 character"),
    ],
)
async def test_a_batch_without_items_or_place_for_them_is_refused(call: tuple, said: str) -> None:
    assert said in await refusal(call)


@pytest.mark.requirement("swarm.equal-briefs")
@pytest.mark.parametrize(
    "made",
    [
        [batch(["Chile", " CHILE "])],
        [assign("Look at  Chile."), assign("look at chile.\n")],
        [batch(["Chile"]), assign("Do Chile.")],
    ],
)
async def test_equal_briefs_in_one_turn_are_refused_case_and_space_aside(made: list) -> None:
    assert "the same work is assigned twice in this turn" in await refusal(*made)


@pytest.mark.requirement("swarm.equal-briefs")
async def test_a_brief_that_was_completed_before_is_refused_with_who_did_it() -> None:
    model = scripted(
        [calls(batch(["Chile", "Peru"])), calls(assign("do  CHILE."), assign("Do Laos.")), ANSWER],
        researcher=[Say(FULL)],
    )
    swarm = Swarm(model)
    await swarm.run()
    first, second = last_told(model)[-2:]
    assert "root/1 has done exactly this: 'do  CHILE.'; use its report" in first
    assert "another assignment of this turn was refused. Repeat all of them" in second
    assert [event.label for event in assigned(swarm)] == ["Chile", "Peru"]


@pytest.mark.requirement("swarm.equal-briefs")
async def test_what_failed_may_be_assigned_again_word_for_word() -> None:
    attempts = iter([Say(""), Say(FULL)])
    model = scripted(
        [calls(assign("Do Chile.")), calls(assign("Do Chile.")), ANSWER],
        researcher=lambda request: next(attempts) if turn(request) == 0 else Say(""),
    )
    swarm = Swarm(model)
    await swarm.run()
    outcomes = [event.outcome for event in swarm if event.type == "report_received"]
    assert outcomes == ["empty", "completed"]


@pytest.mark.requirement("swarm.cap")
async def test_more_than_the_run_may_start_is_refused_with_how_many_are_left() -> None:
    model = scripted(
        [calls(batch(["1", "2"])), calls(batch(["3"]), batch(["4"])), calls(batch(["5"])), ANSWER],
        researcher=[Say(FULL)],
    )
    swarm = Swarm(model, limits=Limits(max_subagents=3))
    await swarm.run()
    for text in last_told(model)[1:3]:
        assert "2 sub-agents are asked for, but only 1 of 3 are left; assign fewer" in text
    assert [event.label for event in assigned(swarm)] == ["1", "2", "5"]


@pytest.mark.requirement("swarm.depth")
async def test_at_depth_0_sub_agents_are_refused() -> None:
    text = await refusal(batch(["Chile"]), limits=Limits(depth=0))
    assert "sub-agents are switched off in this run; do the work yourself" in text


@pytest.mark.requirement("swarm.depth")
async def test_sub_agents_have_no_tools_to_make_sub_agents_with() -> None:
    model = scripted(
        [calls(batch(["Chile"])), ANSWER], researcher=[calls(batch(["Peru"])), Say(FULL)]
    )
    swarm = Swarm(model)
    await swarm.run()
    assert "There is no tool 'assign_batch'. The tools: none." in last_told(model, "researcher")[0]
    assert len(assigned(swarm)) == 1


@pytest.mark.requirement("swarm.all-or-none")
async def test_one_wrong_call_of_a_turn_keeps_all_others_from_starting() -> None:
    text = await refusal(batch(["Chile", "Peru"]), assign("Do Laos.", agent="nobody"))
    assert "there is no agent 'nobody'" in text


async def test_a_call_with_broken_arguments_keeps_the_others_of_its_turn_from_starting() -> None:
    model = scripted([calls(("assign_batch", "{broken"), batch(["Chile"])), ANSWER])
    swarm = Swarm(model)
    await swarm.run()
    assert "assign_batch was not run" in last_told(model)[0]
    assert "Nothing was started" in last_told(model)[1]
    assert not swarm.reports()


@pytest.mark.requirement("swarm.similar")
async def test_briefs_of_one_template_are_alike_and_not_refused() -> None:
    model = scripted(
        [calls(batch([f"unit {n}" for n in range(20)])), ANSWER], researcher=[Say(FULL)]
    )
    swarm = Swarm(model)
    await swarm.run()
    assert len(swarm.reports()) == 20


@pytest.mark.requirement("swarm.schemas")
async def test_the_published_tools_require_the_published_fields_alone() -> None:
    offered: dict[str, dict] = {}

    def lead(request: Request) -> Say:
        offered.update({spec.name: json.loads(spec.parameters) for spec in request.tools})
        return ANSWER

    await Swarm(scripted(lead)).run()
    assert {name: schema["required"] for name, schema in offered.items()} == {
        "create_subagent": ["name", "system_prompt"],
        "assign_task": ["agent", "prompt"],
        "assign_batch": ["agent", "prompt_template", "items"],
        "declare_table": ["columns", "key"],
    }
    assert set(offered["create_subagent"]["properties"]) == {
        "name", "system_prompt", "tools", "model"
    }  # fmt: skip


@tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@tool
def multiply(a: int, b: int) -> int:
    """Multiplies."""
    return a * b


async def test_a_configuration_may_be_made_and_used_in_the_same_turn_in_any_order() -> None:
    model = scripted(
        [calls(assign("Check it.", agent="checker"), create("checker")), ANSWER],
        checker=[Say(FULL)],
    )
    swarm = Swarm(model)
    await swarm.run()
    assert [event.name for event in assigned(swarm)] == ["checker"]
    assert model.requests["checker"][0][0].text.startswith("You check facts.")


async def test_a_configuration_can_be_narrowed_to_some_tools() -> None:
    seen: dict[str, list[str]] = {}

    def work(request: Request) -> Say:
        seen[request.agent] = [spec.name for spec in request.tools]
        return Say(FULL)

    model = scripted(
        [
            calls(
                create("adder", tools=["add"]),
                create("thinker", tools=[]),
                create("all"),
                *(assign(f"Work, {name}.", agent=name) for name in ("adder", "thinker", "all")),
            ),
            ANSWER,
        ],
        **dict.fromkeys(("adder", "thinker", "all"), work),
    )
    await Swarm(model, tools=[add, multiply]).run()
    assert seen == {"adder": ["add"], "thinker": [], "all": ["add", "multiply"]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"tools": ["add", "shell"]}, "there is no tool 'shell' to give; there are add, multiply"),
        ({"tools": ["assign_task"]}, "there is no tool 'assign_task' to give"),
        ({"model": "openai/gpt-9"}, "there is no model 'openai/gpt-9' to give; there are scripted"),
    ],
)
async def test_a_configuration_gets_no_tool_or_model_that_the_run_has_not(
    more: dict, said: str
) -> None:
    model = scripted([calls(create("wide", **more)), ANSWER])
    swarm = Swarm(model, tools=[add, multiply])
    await swarm.run()
    assert f"Not registered: {said}" in last_told(model)[0]
    assert [event.name for event in of(swarm, AgentCreated)] == ["researcher"]


async def test_a_name_is_not_given_to_two_configurations() -> None:
    model = scripted(
        [calls(create("checker")), calls(create("checker"), create("checker", "Other.")), ANSWER]
    )
    swarm = Swarm(model)
    await swarm.run()
    _, same, other = last_told(model)
    assert "'checker' is registered" in same
    assert "'checker' is registered already with another prompt; choose another name" in other
    assert len(of(swarm, AgentCreated)) == 2
