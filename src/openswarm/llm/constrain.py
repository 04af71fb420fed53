"""What a small model may write: a grammar for its reply, and the reading of what it wrote.

A reply is one JSON object, `{"tool": NAME, "arguments": {…}}` or `{"answer": …}`. Schemas are
cut down to what a grammar can hold, and everything that could go on forever gets an end: a small
model that repeats itself would else write until its window is full. Knows no engine.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from openswarm.core.messages import ToolCall
from openswarm.llm.model import ToolSpec
from openswarm.llm.textcalls import new_call

MAX_STRING = 1000
"""Characters of a string for which the tool sets no limit."""
MAX_ANSWER = 6000
"""Characters of an answer."""
MAX_ITEMS = 100
"""Entries of a list for which the tool sets no limit."""
MAX_DEPTH = 8
"""How deep a schema is followed; below it there are only plain values."""

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "maxLength": MAX_STRING}
_PLAIN: Schema = {"anyOf": [_TEXT, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}
_ANSWER: Schema = {"type": "string", "maxLength": MAX_ANSWER}
# one spelling of white space, or small models spend a third of their tokens on indentation
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def reply_schema(
    tools: Collection[ToolSpec], answer: Schema | None = None, *, must_call: bool = False
) -> Schema:
    """The schema of a reply that calls one of the tools or, unless it has to call, answers."""
    forms = [
        _closed({"tool": {"const": tool.name}, "arguments": bounded(json.loads(tool.parameters))})
        for tool in tools
    ]
    if not must_call or not forms:
        forms.append(_closed({"answer": _ANSWER if answer is None else bounded(answer)}))
    return {"anyOf": forms}


def grammar(schema: Schema) -> str:
    """The schema as a grammar of llama.cpp with llguidance, in one spelling of white space."""
    return "%llguidance {}\nstart: %json " + json.dumps({**schema, "x-guidance": _COMPACT})


def read_reply(text: str, names: Collection[str]) -> tuple[str, tuple[ToolCall, ...]]:
    """The answer and the calls in a reply. What is not whole JSON is all answer."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text, ()
    if not isinstance(value, dict):
        return text, ()
    name, arguments = value.get("tool"), value.get("arguments")
    if isinstance(name, str) and name in names and isinstance(arguments, dict):
        return "", (new_call(name, arguments),)
    if set(value) == {"answer"}:
        answer = value["answer"]
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False), ()
    return text, ()


def bounded(schema: Schema) -> Schema:
    """A schema that says the same with references written out and an end to everything."""
    definitions = schema.get("$defs")
    return _bounded(schema, definitions if isinstance(definitions, dict) else {}, 0)


def _bounded(schema: Any, definitions: Mapping[str, Any], depth: int) -> Schema:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return _PLAIN
    if "$ref" in schema:
        target = definitions.get(str(schema["$ref"]).removeprefix("#/$defs/"))
        return _bounded(target, definitions, depth + 1)
    for key in ("const", "enum"):
        if key in schema:
            return {key: schema[key]}
    forms = _alternatives(schema)
    if forms:
        return {"anyOf": [_bounded(form, definitions, depth + 1) for form in forms]}
    return _typed(schema, definitions, depth)


def _alternatives(schema: Schema) -> list[Any]:
    """The forms that a value may have, where there are several."""
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return list(schema[key])
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else []


def _typed(schema: Schema, definitions: Mapping[str, Any], depth: int) -> Schema:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _object(schema, definitions, depth)
    if kind == "array":
        return {
            "type": "array",
            "items": _bounded(schema.get("items"), definitions, depth + 1),
            **_kept(schema, "minItems"),
            "maxItems": schema.get("maxItems", MAX_ITEMS),
        }
    if kind == "string":
        limit = schema.get("maxLength", MAX_STRING)
        return {"type": "string", **_kept(schema, "minLength"), "maxLength": limit}
    if kind in ("integer", "number"):
        return {"type": kind, **_kept(schema, "minimum", "maximum")}
    return {"type": kind} if kind in ("boolean", "null") else _PLAIN


def _object(schema: Schema, definitions: Mapping[str, Any], depth: int) -> Schema:
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    if not properties and extra is not False:
        free = _bounded(extra, definitions, depth + 1)
        return {"type": "object", "additionalProperties": free}
    required = schema.get("required") or []
    fields = {
        name: _bounded(value if name in required else _without_null(value), definitions, depth + 1)
        for name, value in properties.items()
    }
    return _closed(fields, [name for name in required if name in fields])


def _closed(fields: dict[str, Schema], required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields) if required is None else required,
        "additionalProperties": False,
    }


def _without_null(schema: Any) -> Any:
    """A field that may be left out need not also be null."""
    if not isinstance(schema, dict) or not isinstance(schema.get("anyOf"), list):
        return schema
    forms = [form for form in schema["anyOf"] if form != {"type": "null"}]
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _kept(schema: Schema, *keys: str) -> Schema:
    return {key: schema[key] for key in keys if key in schema}
