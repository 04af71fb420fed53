"""(e) Tool use: the right call, calls side by side, the answer from results, and no call at all."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openswarm.core.messages import Message
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.recipe import things
from openswarm.k25.recipe.case import Case, calls, reply, result, user
from openswarm.k25.recipe.draws import Draw

Slots = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ability:
    """What a tool can do: names it may have, what is asked of it, what it gives back.

    The first slot is the item; a second one, where there is one, is the same for several items.
    """

    names: tuple[str, ...]
    description: str
    slots: dict[str, tuple[tuple[str, ...], str]]
    """Of each slot the names that its parameter may have, and its JSON type."""
    asks: tuple[str, ...]
    fill: Callable[[Draw], Slots]
    gives: Callable[[Draw], str]
    answers: str
    """The answer, of the slots and {out}."""


def _expression(draw: Draw) -> str:
    return f"{draw.between(2, 99)} {draw.pick('+-*')} {draw.between(2, 99)}"


def _weather(draw: Draw) -> str:
    return f"{draw.pick(('sunny', 'cloudy', 'rainy', 'windy', 'snow'))}, {draw.between(-9, 35)} C"


def _path(draw: Draw) -> str:
    ending = draw.pick(("txt", "md", "csv", "json", "py"))
    return f"{draw.pick(('', 'docs/', 'src/', 'data/'))}{things.word(draw)}.{ending}"


def _sentence(draw: Draw) -> str:
    return f"{things.name(draw)} is {draw.pick(things.COLOURS)} and made of {things.word(draw)}"


def _clock(draw: Draw) -> str:
    return f"{draw.between(0, 23):02}:{draw.between(0, 59):02}"


def _city(draw: Draw) -> str:
    return draw.pick(things.CITIES) if draw.chance(0.5) else things.name(draw)


ABILITIES = (
    Ability(("get_weather", "weather", "forecast"), "The weather of a city.",
            {"city": (("city", "location", "place"), "string")},
            ("What is the weather in {city}?", "How is the weather in {city}?",
             "Is it raining in {city}?", "Weather in {city}?"),
            lambda draw: {"city": _city(draw)}, _weather, "The weather in {city} is {out}."),
    Ability(("search", "web_search", "find"), "Searches the web.",
            {"query": (("query", "q", "text"), "string")},
            ("Search for {query}.", "Look up {query}.", "Find something about {query}.",
             "What can you find on {query}?"),
            lambda draw: {"query": f"{things.word(draw)} {things.name(draw)}"}, _sentence,
            "I found this: {out}."),
    Ability(("read_file", "open_file", "cat"), "The text of a file.",
            {"path": (("path", "file", "name"), "string")},
            ("What does {path} say?", "Read {path}.", "Show me {path}.", "What is in {path}?"),
            lambda draw: {"path": _path(draw)}, _sentence, "{path} says: {out}."),
    Ability(("calculate", "calculator", "evaluate"), "Evaluates arithmetic.",
            {"expression": (("expression", "formula"), "string")},
            ("Use the tool to work out {expression}.", "Calculate {expression} with the tool.",
             "Evaluate {expression} by tool."),
            lambda draw: {"expression": _expression(draw)},
            lambda draw: str(draw.between(-99, 9999)), "{expression} = {out}."),
    Ability(("get_time", "clock", "local_time"), "The time in a city.",
            {"city": (("city", "zone", "place"), "string")},
            ("What time is it in {city}?", "Time in {city}?", "How late is it in {city}?"),
            lambda draw: {"city": _city(draw)}, _clock, "It is {out} in {city}."),
    Ability(("get_price", "price", "lookup_price"), "The price of a product.",
            {"product": (("product", "item", "name"), "string")},
            ("What does the {product} cost?", "How much is the {product}?",
             "Price of the {product}?"),
            lambda draw: {"product": things.name(draw)},
            lambda draw: f"{draw.between(1, 999)} {draw.pick(things.CURRENCIES)}",
            "The {product} costs {out}."),
    Ability(("convert", "exchange", "convert_currency"), "Converts an amount of money.",
            {"amount": (("amount", "value"), "number"),
             "to": (("to", "currency", "target"), "string")},
            ("Convert {amount} dollars to {to}.", "How much is {amount} dollars in {to}?",
             "{amount} dollars in {to}?"),
            lambda draw: {"amount": draw.between(1, 999), "to": draw.pick(things.CURRENCIES)},
            lambda draw: str(draw.between(1, 9999)), "{amount} dollars are {out} {to}."),
    Ability(("set_timer", "timer", "start_timer"), "Starts a timer.",
            {"minutes": (("minutes", "duration"), "integer")},
            ("Set a timer for {minutes} minutes.", "Start a timer of {minutes} minutes.",
             "Remind me in {minutes} minutes."),
            lambda draw: {"minutes": draw.between(2, 90)}, lambda _: "started",
            "The timer of {minutes} minutes is {out}."),
    Ability(("translate", "translate_text"), "Translates a word.",
            {"word": (("word", "text"), "string"), "language": (("language", "to"), "string")},
            ("Translate {word} into {language}.", "What is {word} in {language}?",
             "How do you say {word} in {language}?"),
            lambda draw: {"word": things.word(draw),
                          "language": draw.pick(("French", "German", "Spanish", "Latin"))},
            lambda draw: things.name(draw).lower(), "{word} in {language} is {out}."),
    Ability(("switch_light", "set_light", "light"), "Switches a light on or off.",
            {"room": (("room", "place"), "string"), "on": (("on", "state"), "boolean")},
            ("Set the light in the {room} to {on}.", "Light in the {room}: {on}.",
             "Make the {room} light state {on}."),
            lambda draw: {"room": things.word(draw), "on": draw.chance(0.5)}, lambda _: "done",
            "The light in the {room}: {out}."),
    Ability(("version_of", "latest_version", "package_version"), "The version of a package.",
            {"package": (("package", "name"), "string")},
            ("What is the latest version of {package}?", "Which version does {package} have?",
             "Version of {package}?"),
            lambda draw: {"package": things.name(draw).lower()},
            lambda draw: f"{draw.between(0, 9)}.{draw.between(0, 30)}.{draw.between(0, 9)}",
            "The latest version of {package} is {out}."),
    Ability(("list_files", "ls", "list_folder"), "The files of a folder.",
            {"folder": (("folder", "path", "directory"), "string")},
            ("What is in the folder {folder}?", "List the files of {folder}.",
             "Which files does {folder} have?"),
            lambda draw: {"folder": f"{things.word(draw)}/{things.word(draw)}"},
            lambda draw: ", ".join(_path(draw) for _ in range(draw.between(1, 3))),
            "{folder} has {out}."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tool:
    """An ability under the names that one conversation gives it."""

    ability: Ability
    name: str
    parameters: dict[str, str]
    """The parameter of each slot."""

    @property
    def declaration(self) -> ToolDeclaration:
        """As the model is told of it."""
        properties = {
            self.parameters[slot]: {"type": kind} for slot, (_, kind) in self.ability.slots.items()
        }
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        return ToolDeclaration(self.name, self.ability.description, schema)

    def call(self, slots: Slots) -> tuple[str, str]:
        """The name and the arguments as JSON text."""
        arguments = {self.parameters[slot]: slots[slot] for slot in self.ability.slots}
        return self.name, json.dumps(arguments)


def tool_of(draw: Draw, ability: Ability) -> Tool:
    """A tool with this ability."""
    parameters = {slot: draw.pick(names) for slot, (names, _) in ability.slots.items()}
    return Tool(ability, draw.pick(ability.names), parameters)


def tool_use(draw: Draw) -> Case:
    """A request that a tool can do for one item or for two; the wanted tool stands among others."""
    count = draw.weighted(((1, 3.0), (2, 4.0), (3, 2.0)))
    wanted, *others = (tool_of(draw, ability) for ability in draw.some(ABILITIES, count))
    declared = _declared(draw, [wanted, *others])
    slots = [_slots(draw, wanted.ability)]
    if draw.chance(0.35):
        second = _slots(draw, wanted.ability)
        slots.append(slots[0] | {next(iter(second)): next(iter(second.values()))})
    question = _question(draw, wanted.ability, slots)
    thinking = draw.chance(0.3)
    messages = _conversation(draw, wanted, slots, question, thinking=thinking)
    skill = "tool" if len(slots) == 1 else "tools_at_once"
    return Case(skill, messages, declared, thinking=thinking)


def tools_not_needed(draw: Draw, others: Sequence[Callable[[Draw], Case]]) -> Case:
    """Another task with tools declared that are of no use to it."""
    case = draw.pick(others)(draw)
    abilities = draw.some(ABILITIES, draw.between(1, 2))
    tools = [tool_of(draw, ability) for ability in abilities]
    return replace(case, skill="no_tool", tools=_declared(draw, tools))


def _declared(draw: Draw, tools: list[Tool]) -> tuple[ToolDeclaration, ...]:
    """The declarations in any order. The abilities' names differ, so a name is given once."""
    return tuple(tool.declaration for tool in draw.some(tools, len(tools)))


def _slots(draw: Draw, ability: Ability) -> Slots:
    return draw.subject(lambda: ability.fill(draw))


def _question(draw: Draw, ability: Ability, slots: list[Slots]) -> str:
    ask = draw.pick(ability.asks)
    if len(slots) == 1:
        return ask.format(**slots[0])
    first = next(iter(slots[0]))
    both = f"{slots[0][first]} and {slots[1][first]}"
    together = ask.format(**slots[0] | {first: both})
    apart = " ".join(ask.format(**each) for each in slots)
    return draw.pick((together, together, apart))


def _conversation(
    draw: Draw, tool: Tool, slots: list[Slots], question: str, *, thinking: bool
) -> tuple[Message, ...]:
    """Request, calls in one turn, a result for each, and the answer."""
    asked = calls(*(tool.call(each) for each in slots))
    if thinking:
        items = " and ".join(str(next(iter(each.values()))) for each in slots)
        asked = asked.model_copy(update={"reasoning": f"I call {tool.name} for {items}."})
    outcomes = [tool.ability.gives(draw) for _ in slots]
    results = [result(call, out) for call, out in zip(asked.tool_calls, outcomes, strict=True)]
    answers = (
        tool.ability.answers.format(**each, out=out)
        for each, out in zip(slots, outcomes, strict=True)
    )
    reasoning = "The results are there." if thinking else ""
    return user(question), asked, *results, reply(" ".join(answers), reasoning)
