"""The `tools` of a request and the choice among them."""

import re
from typing import NamedTuple

import orjson

from openswarm.llm.model import ToolSpec
from openswarm.server.chat import Choice
from openswarm.server.completions.web_search import BUILTIN, SEARCH
from openswarm.server.fields import MAX_TOOLS, Fields

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ANY = {"type": "object", "properties": {}}
_CHOICES: dict[str, Choice] = {"auto": "auto", "none": "none", "required": "required"}


class Offered(NamedTuple):
    """What a model may call in one request."""

    tools: tuple[ToolSpec, ...] = ()
    choice: Choice = "auto"

    @property
    def search(self) -> bool:
        """Whether the builtin `$web_search` is among the tools."""
        return any(tool is SEARCH for tool in self.tools)


def read_tools(body: Fields, *, strict: bool) -> Offered:
    """The tools and the choice. Raises `ApiError` that names what is wrong."""
    if body.has("functions"):
        raise body.wrong("functions", "is a form of the past: use tools")
    entries = body.objects("tools", MAX_TOOLS)
    if strict and body.has("tools") and not entries:
        raise body.wrong("tools", "is empty: leave it out, or name a tool")
    tools: dict[str, ToolSpec] = {}
    for entry in entries:
        tool = _tool(entry)
        if tool.name in tools:
            raise entry.wrong("function", f"is a second one of the name {tool.name}")
        tools[tool.name] = tool
    return _chosen(tools, body, strict=strict)


def plain_name(fields: Fields, name: str) -> str:
    """A name that every endpoint takes. Raises `ApiError` for any other."""
    if not _NAME.fullmatch(fields.text(name)):
        raise fields.wrong(name, "has to be 1 to 64 letters, digits, _ or -")
    return fields.text(name)


def _tool(entry: Fields) -> ToolSpec:
    kind = entry.word("type", ("function", "builtin_function"))
    function = function_of(entry)
    if kind == "builtin_function":
        function.word("name", (BUILTIN,))
        return SEARCH
    schema = function.whole("parameters") or _ANY
    if schema.get("type", "object") != "object":
        raise function.wrong("parameters.type", "has to be object")
    return ToolSpec(
        name=plain_name(function, "name"),
        description=function.text("description", ""),
        parameters=orjson.dumps(schema).decode(),
    )


def function_of(entry: Fields) -> Fields:
    """The `function` of a tool, a call or a choice. Raises `ApiError` where there is none."""
    function = entry.inner("function")
    if function is None:
        raise entry.wrong("function", "has to be an object")
    return function


def _chosen(tools: dict[str, ToolSpec], body: Fields, *, strict: bool) -> Offered:
    offered = tuple(tools.values())
    if isinstance(body.value.get("tool_choice"), dict) and (named := body.inner("tool_choice")):
        if strict:
            raise body.wrong("tool_choice", "has to be auto, none or required")
        return Offered((_named(tools, named),), "required")
    choice = _CHOICES[body.word("tool_choice", tuple(_CHOICES), "auto")]
    if choice == "required" and not offered:
        if strict:
            raise body.wrong("tool_choice", "is required, but there are no tools")
        choice = "auto"
    return Offered(offered, choice)


def _named(tools: dict[str, ToolSpec], choice: Fields) -> ToolSpec:
    """The one function that has to be called."""
    choice.word("type", ("function",))
    function = function_of(choice)
    name = function.text("name")
    if name not in tools:
        raise function.wrong("name", "is none of the tools")
    return tools[name]
