"""(f) The orchestrator's work: one sub-agent for a wide task, assignments in one turn, the list.

The tools are the published ones: `create_subagent` and `assign_task`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from openswarm.core.messages import Message
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, calls, reply, result, user
from openswarm.k25.recipe.draws import Draw

_TEXT = {"type": "string"}
CREATE = ToolDeclaration(
    "create_subagent",
    "Registers a sub-agent that can be given tasks.",
    {
        "type": "object",
        "properties": {"name": _TEXT, "system_prompt": _TEXT},
        "required": ["name", "system_prompt"],
    },
)
ASSIGN = ToolDeclaration(
    "assign_task",
    "Gives a sub-agent a task. Assign several at once.",
    {
        "type": "object",
        "properties": {"agent": _TEXT, "prompt": _TEXT},
        "required": ["agent", "prompt"],
    },
)
TOOLS = (CREATE, ASSIGN)

ASPECTS = {
    "city": {"population": "number", "river": "name", "area": "number", "founding year": "number"},
    "company": {"revenue": "number", "head office": "cities", "number of employees": "number"},
    "package": {"latest version": "version", "licence": "licences", "language": "languages"},
    "product": {"price": "number", "weight": "number", "maker": "name", "material": "materials"},
    "country": {"capital": "name", "currency": "currencies", "population": "number"},
}
"""What is found out of each kind of thing, and what the findings look like."""
PLURALS = {"city": "cities", "company": "companies", "country": "countries"}
WIDE = (
    "Find the {aspect} of each of these {kinds}: {items}.",
    "What is the {aspect} of {items}?",
    "Compare the {kinds} {items} by {aspect}.",
    "Research the {aspect} of these {kinds}: {items}",
    "{items}: what is the {aspect} of each {kind}?",
    "I need the {aspect} of {items}.",
    "Make a list of the {aspect} of the {kinds} {items}.",
)
WIDTHS = ((2, 3.0), (3, 4.0), (4, 3.0), (5, 2.0), (6, 1.0))


def wide_task(draw: Draw) -> Case:
    """The same question about two to six things: create, assign all at once, list the results."""
    kind = draw.pick(list(ASPECTS))
    aspect = draw.pick(list(ASPECTS[kind]))
    items = draw.subject(lambda: things.names(draw, draw.weighted(WIDTHS)))
    question = draw.pick(WIDE).format(
        aspect=aspect, kind=kind, kinds=PLURALS.get(kind, f"{kind}s"), items=things.listed(items)
    )
    thinking = draw.chance(0.3)
    messages = (user(question), *_work(draw, kind, aspect, items, thinking=thinking))
    return Case("swarm", messages, TOOLS, thinking=thinking)


def work_not_wide(draw: Draw, others: Sequence[Callable[[Draw], Case]]) -> Case:
    """Another task with the orchestrator's tools declared: it is answered directly."""
    return replace(draw.pick(others)(draw), skill="no_swarm", tools=TOOLS)


def _work(
    draw: Draw, kind: str, aspect: str, items: list[str], *, thinking: bool
) -> tuple[Message, ...]:
    agent = f"{kind}_researcher"
    prompt = f"You find facts about {things.article(kind)} {kind} and report them shortly."
    create = calls(("create_subagent", json.dumps({"name": agent, "system_prompt": prompt})))
    assign = calls(
        *(
            ("assign_task", json.dumps({"agent": agent, "prompt": f"Find the {aspect} of {item}."}))
            for item in items
        ),
        first=1,
    )
    finding = things.values(ASPECTS[kind][aspect])
    found = {item: str(finding(draw)) for item in items}
    if thinking:
        plan = f"{len(items)} items, independent: one sub-agent each."
        create = create.model_copy(update={"reasoning": plan})
        assign = assign.model_copy(update={"reasoning": f"I assign {', '.join(items)} at once."})
    reports = (
        result(call, _report(draw, aspect, item, found[item]))
        for call, item in zip(assign.tool_calls, items, strict=True)
    )
    listing = "\n".join(f"- {item}: {value}" for item, value in found.items())
    reasoning = "All reports are there." if thinking else ""
    created = result(create.tool_calls[0], f"{agent} is registered")
    return create, created, assign, *reports, reply(listing, reasoning)


def _report(draw: Draw, aspect: str, item: str, value: str) -> str:
    forms = (
        "The {aspect} of {item} is {value}.",
        "{item}: {value}",
        "{aspect}: {value}",
        "{value}",
    )
    return draw.pick(forms).format(aspect=aspect, item=item, value=value)
