"""Tools as K2.5 is told of them: TypeScript types, one for each tool, in one namespace.

Owns the translation of JSON Schema into that notation, as the published tokenizer does it:
required parameters first, each group by name; `integer` is `number`; limits and defaults are
comments. Knows nothing of chats. What the notation has no word for is `any`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from openswarm.k25.errors import ModelFileError

MAX_DEPTH: Final = 32
"""Schemas inside each other at most."""
INDENT: Final = "  "
ROOT: Final = "parameters"
"""The name of a tool's whole parameters, for a schema that refers to itself."""
DEFINITIONS: Final = "#/$defs/"

_WORDS: Final = {"integer": "number", "object": "{}", "array": "Array<any>"}
_PLAIN: Final = ("string", "number", "integer", "boolean", "null", "any")
_LIMITS: Final = {
    "string": ("maxLength", "minLength", "pattern"),
    "number": ("maximum", "minimum"),
    "integer": ("maximum", "minimum"),
    "array": ("maxItems", "minItems"),
}


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool: its name, what it does, and the JSON Schema of its arguments (an object)."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


def declare(tools: Sequence[ToolDeclaration]) -> str:
    """The text of a `tool_declare` turn, "" without tools.

    Raises `ModelFileError` naming the tool, for a schema that is none, is too deep, or refers to
    anything but itself (`#`) and its own definitions (`#/$defs/NAME`).
    """
    if not tools:
        return ""
    declared = "\n".join(_Signature(tool).text() for tool in tools)
    return f"# Tools\n\n## functions\nnamespace functions {{\n{declared}\n}}\n"


class _Signature:
    """One tool's declaration in the making: its definitions, and whether it refers to itself."""

    def __init__(self, tool: ToolDeclaration) -> None:
        self._tool = tool
        self._root = self._mapping(tool.parameters, ROOT)
        self._definitions = self._mapping(self._root.get("$defs", {}), "$defs")
        self._refers_to_root = False

    def text(self) -> str:
        """The interfaces that the tool needs, its description, its type."""
        try:
            root = self._object(self._root, "", 0)
            interfaces = [self._interface(name) for name in sorted(self._definitions)]
        except RecursionError:  # a schema that a caller built of itself
            raise self._error("the schema is nested too deeply") from None
        if self._refers_to_root:
            inner = ",\n".join(self._fields(self._root, INDENT, 0, ordered=False))
            body = f"\n{inner}\n" if inner else ""
            interfaces.insert(0, f"interface {ROOT} {{{body}}}")
            root = ROOT
        description = _commented(self._tool.description, "")
        lines = [*interfaces, *description, f"type {self._tool.name} = (_: {root}) => any;"]
        return "\n".join(lines)

    def _interface(self, name: str) -> str:
        schema = self._mapping(self._definitions[name], f"$defs.{name}")
        lines = [*_commented(_described(schema), ""), f"interface {name} "]
        return "\n".join(lines) + self._type(schema, "", 0)

    def _type(self, schema: Any, indent: str, depth: int) -> str:
        """A schema as a type; its further lines are indented by `indent`."""
        if depth > MAX_DEPTH:
            raise self._error(f"the schema is nested more than {MAX_DEPTH} deep")
        if isinstance(schema, bool):
            return "any" if schema else "null"
        schema = self._mapping(schema, "a schema")
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "anyOf" in schema:
            options = self._list(schema["anyOf"], "anyOf")
            return " | ".join(self._type(option, indent, depth + 1) for option in options)
        if "enum" in schema:
            return " | ".join(_literal(value) for value in self._list(schema["enum"], "enum"))
        kind = schema.get("type", "any")
        if isinstance(kind, list):
            return " | ".join(_WORDS.get(str(word), str(word)) for word in kind)
        if kind == "object":
            return self._object(schema, indent, depth)
        if kind == "array":
            return self._array(schema, indent, depth)
        if kind not in _PLAIN:
            raise self._error(f"the schema has the type {str(kind)[:40]!r}, which is none")
        return _WORDS.get(kind, kind)

    def _object(self, schema: Mapping[str, Any], indent: str, depth: int) -> str:
        inner = indent + INDENT
        fields = list(self._fields(schema, inner, depth))
        further = schema.get("additionalProperties")
        if further is not None:
            kind = "never" if further is False else self._type(further, inner, depth + 1)
            fields.append(f"{inner}[k: string]: {kind}")
        return "{\n" + ",\n".join(fields) + f"\n{indent}}}" if fields else "{}"

    def _fields(
        self, schema: Mapping[str, Any], indent: str, depth: int, *, ordered: bool = True
    ) -> Iterator[str]:
        """The properties, each with its comments. `ordered`: the required ones first."""
        properties = self._mapping(schema.get("properties", {}), "properties")
        required = set(map(str, self._list(schema.get("required", []), "required")))
        order = sorted(properties, key=lambda name: (ordered and name not in required, name))
        for name in order:
            below = properties[name]
            mark = "" if name in required else "?"
            comments = [*_comments(below, indent), *_default(below, indent)]
            typed = self._type(below, indent, depth + 1)
            yield "\n".join([*comments, f"{indent}{name}{mark}: {typed}"])

    def _array(self, schema: Mapping[str, Any], indent: str, depth: int) -> str:
        items = schema.get("items") or {}
        inner = indent + INDENT
        comments = _comments(items, inner)
        if not comments:
            return f"Array<{self._type(items, indent, depth + 1)}>"
        lines = ["Array<", *comments, f"{inner}{self._type(items, inner, depth + 1)}", f"{indent}>"]
        return "\n".join(lines)

    def _reference(self, target: Any) -> str:
        if target == "#":
            self._refers_to_root = True
            return ROOT
        name = str(target).removeprefix(DEFINITIONS)
        if not str(target).startswith(DEFINITIONS) or name not in self._definitions:
            raise self._error(f"the schema refers to {str(target)[:80]!r}, which it does not have")
        return name

    def _mapping(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self._error(f"{what} is {str(value)[:40]!r}, not an object")
        return value

    def _list(self, value: Any, what: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self._error(f"{what} is {str(value)[:40]!r}, not a list")
        return list(value)

    def _error(self, problem: str) -> ModelFileError:
        return ModelFileError(f"the tool {self._tool.name[:80]!r} cannot be declared: {problem}")


def _comments(schema: Any, indent: str) -> list[str]:
    """The description of a schema and its limits, a line of limits at most."""
    if not isinstance(schema, Mapping):
        return []
    lines = _commented(_described(schema), indent)
    named = not {"$ref", "anyOf", "enum"}.isdisjoint(schema)
    kind = schema.get("type")
    limits = () if named or not isinstance(kind, str) else _LIMITS.get(kind, ())
    given = [f"{limit}: {schema[limit]}" for limit in limits if limit in schema]
    return [*lines, f"{indent}// {', '.join(given)}"] if given else lines


def _default(schema: Any, indent: str) -> list[str]:
    default = schema.get("default") if isinstance(schema, Mapping) else None
    if default is None:
        return []
    return [f"{indent}// Default: {json.dumps(default, ensure_ascii=False, sort_keys=True)}"]


def _described(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or "")


def _commented(text: str, indent: str) -> list[str]:
    """The lines of a text as comments; an empty line stays empty."""
    return [f"{indent}// {line}" if line else "" for line in text.split("\n")] if text else []


def _literal(value: Any) -> str:
    """A value of an enumeration. Strings are quoted as they are, without escapes, as published."""
    return f'"{value}"' if isinstance(value, str) else json.dumps(value, sort_keys=True)
