"""The document of the runs API, OpenAPI 3.1, made of the table of its calls and their types."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from openswarm.core.version import VERSION
from openswarm.server.runs.answers import Problem
from openswarm.server.runs.calls import Call

REFERENCE = "#/components/schemas/{model}"
JSON = "application/json"
WORDS = {
    400: "What was sent cannot be used",
    401: "The token is missing or wrong",
    404: "There is no such run, or no such part of it",
    409: "The run is alive, or over, or not over",
    429: "Too many runs are at work, or the model admits no more",
    500: "The run cannot be read, or openswarm has a bug",
    502: "The model cannot be reached",
    503: "The server is shutting down",
    504: "The model does not answer",
}
_PLACE = re.compile(r"\{(\w+)\}")


def document(calls: Sequence[Call]) -> bytes:
    """The document as JSON."""
    schemas, references = _schemas(calls)
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, references)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "openswarm runs API", "version": VERSION},
            "security": [{"bearer": []}, {"key": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    )


References = dict[Any, dict[str, Any]]
"""How each type is referred to."""


def _schemas(calls: Iterable[Call]) -> tuple[dict[str, Any], References]:
    """All types as they are sent, and how each is referred to."""
    bodies = {call.body for call in calls if call.body is not None}
    given = {Problem, *(call.answer for call in calls if call.answer is not None)}
    wanted = [(kind, "validation") for kind in sorted(bodies, key=_name)]
    wanted += [(kind, "serialization") for kind in sorted(given, key=_name)]
    found, definitions = models_json_schema(wanted, ref_template=REFERENCE)  # type: ignore[arg-type]
    return definitions["$defs"], {kind: schema for (kind, _), schema in found.items()}


def _name(kind: type[BaseModel]) -> str:
    return kind.__name__


def _operation(call: Call, references: References) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": call.summary,
        "operationId": _operation_id(call),
        "parameters": [*_path_parameters(call), *_query_parameters(call)],
        "responses": {
            str(call.status): _answer(call, references),
            **{str(status): _problem(status, references) for status in _problems(call)},
        },
    }
    if call.body is not None:
        needed = any(field.is_required() for field in call.body.model_fields.values())
        content = {JSON: {"schema": references[call.body]}}
        operation["requestBody"] = {"required": needed, "content": content}
    return operation


def _operation_id(call: Call) -> str:
    """Such as `get_runs_events`: the method, and the path without its places."""
    words = _PLACE.sub("one", call.path.removeprefix("/api/"))
    return f"{call.method.lower()}_{re.sub(r'[^a-z]+', '_', words)}"


def _path_parameters(call: Call) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(call.path)
    ]


def _query_parameters(call: Call) -> list[dict[str, Any]]:
    if call.query is None:
        return []
    schema = call.query.model_json_schema()
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _answer(call: Call, references: References) -> dict[str, Any]:
    if call.answer is not None:
        return {"description": "Done", "content": {JSON: {"schema": references[call.answer]}}}
    if call.status == 204:
        return {"description": "Done"}
    return {"description": "Done", "content": {call.media: {}}}


def _problems(call: Call) -> list[int]:
    own = 404 if "{run_id}" in call.path else 0
    return sorted({400, 401, 500, *call.problems, own} - {0})


def _problem(status: int, references: References) -> dict[str, Any]:
    content = {JSON: {"schema": references[Problem]}}
    return {"description": WORDS[status], "content": content}
