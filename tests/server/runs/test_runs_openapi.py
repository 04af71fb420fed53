"""The document of the runs API says what the server does: all calls, and answers as they come."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs_client import Runs, knowing, runs_api

from openswarm.llm.scripted import Say
from openswarm.server.app import make_app
from openswarm.server.failures import ApiError
from openswarm.server.runs.requests import RunRequest, body_of
from openswarm.server.runs.routes import CALLS

pytestmark = pytest.mark.anyio
RIVER = {"op": "add_column", "column": {"name": "river", "definition": "its longest one"}}


def validate(document: Any, method: str, path: str, status: int, value: Any) -> None:
    """Raises where an answer is not what the document says of that call."""
    answers = document["paths"][path][method.lower()]["responses"]
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    whole = {"components": document["components"], **schema}
    jsonschema.Draft202012Validator(whole).validate(value)


@pytest.mark.requirement("api.openapi")
async def test_every_route_of_the_api_is_in_the_document_and_no_other() -> None:
    async with runs_api() as api:
        document = await api.get("/openapi.json")
        app: Any = make_app(api.server.service)
        routes = {
            (method, route.path)
            for route in app._app.routes
            if route.path.startswith("/api/")
            for method in route.methods - {"HEAD"}
        }
    documented = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert documented == routes
    assert document["openapi"] == "3.1.0"
    ids = [op["operationId"] for ops in document["paths"].values() for op in ops.values()]
    assert len(set(ids)) == len(ids) == len(CALLS)
    assert json.dumps(document).count('"$ref": "#/components/schemas/') > 20


@pytest.mark.requirement("api.openapi")
async def test_the_document_holds_together() -> None:
    async with runs_api() as api:
        document = await api.get("/openapi.json")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert path.count("{") == len(named)
            assert {"400", "401"} <= {*operation["responses"]}


def references(value: Any) -> list[str]:
    """All that is referred to."""
    if isinstance(value, list):
        return [found for entry in value for found in references(entry)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for entry in value.values() for found in references(entry)]


@pytest.mark.requirement("api.openapi", "api.errors")
async def test_answers_are_what_the_document_says() -> None:
    """Of every call that answers with JSON, the answer; and an error."""
    model = knowing(asked=[Say("The capital of Peru is Lima.")])
    async with runs_api(model) as api:
        document = await api.get("/openapi.json")
        run_id = await api.finished()
        path, run = f"/api/runs/{run_id}", "/api/runs/{run_id}"
        seen = [
            ("GET", "/api/info", 200, await api.get("/api/info")),
            ("POST", "/api/preview", 200, await api.post("/api/preview", task="Do it.")),
            ("GET", "/api/runs", 200, await api.get("/api/runs")),
            ("GET", run, 200, await api.snapshot(run_id)),
            ("GET", f"{run}/events.json", 200, await api.get(f"{path}/events.json")),
            ("GET", f"{run}/transcript", 200, await api.get(f"{path}/transcript")),
            *await worked_on(api, path, run),
            ("GET", run, 404, await api.get("/api/runs/none", 404)),
            ("POST", "/api/runs", 400, await api.post("/api/runs", 400)),
            ("POST", f"{run}/kill", 409, await api.post(f"{path}/kill", 409)),
        ]
    for method, where, status, value in seen:
        validate(document, method, where, status, value)
    told = {where for _, where, status, _ in seen if status < 300}
    left = {call.path for call in CALLS if call.answer is not None} - told
    assert left == {
        f"{run}/{verb}" for verb in ("steer", "cancel", "kill", "approvals/{approval_id}", "resume")
    }


async def worked_on(api: Runs, path: str, run: str) -> list[tuple[str, str, int, Any]]:
    """The answers of calls that work on a finished run."""
    question = {"question": "What is Peru's capital?"}
    shown = await api.post(f"{path}/edits/preview", operations=[RIVER])
    asked = await api.post(f"{path}/ask", **question)
    begun = await api.post(f"{path}/edits", 202, operations=[RIVER])
    await api.over(path.rpartition("/")[2])
    seen = await api.get(path)
    events = await api.get(f"{path}/events.json", after=10)
    undone = await api.post(f"{path}/undo")
    return [
        ("POST", f"{run}/edits/preview", 200, shown),
        ("POST", f"{run}/ask", 200, asked),
        ("POST", f"{run}/edits", 202, begun),
        ("GET", run, 200, seen),
        ("GET", f"{run}/events.json", 200, events),
        ("POST", f"{run}/undo", 200, undone),
    ]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = {
    "task": st.text(max_size=30) | ANYTHING,
    "mode": st.sampled_from(["auto", "instant", "swarm"]) | ANYTHING,
    "model": st.sampled_from(["", "scripted"]) | ANYTHING,
    "over": st.lists(st.text(max_size=12), max_size=3) | ANYTHING,
    "roots": st.lists(st.text(max_size=12), max_size=3) | ANYTHING,
    "tools": st.lists(st.sampled_from(["read", "glob", ",", "x"]), max_size=3) | ANYTHING,
    "policy": st.dictionaries(st.text(max_size=5), st.sampled_from(["allow", "deny"])) | ANYTHING,
    "columns": st.text(st.sampled_from("ab:;(), number|"), max_size=20) | ANYTHING,
    "key": st.lists(st.text(max_size=5), max_size=3) | ANYTHING,
    "table": st.text(max_size=30) | ANYTHING,
    "attachments": st.lists(st.text(max_size=30), max_size=2) | ANYTHING,
    "complete": st.booleans() | ANYTHING,
    "on_conflict": st.sampled_from(["majority", "first"]) | ANYTHING,
    "limits": st.dictionaries(st.sampled_from(["usd", "tokens", "wall_s", "x"]), SCALARS)
    | ANYTHING,
    "surprise": ANYTHING,
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS) | ANYTHING


@pytest.mark.requirement("api.errors", "api.untrusted-folders")
@pytest.mark.slow
async def test_no_body_is_answered_with_a_500() -> None:
    bodies = collected(BODIES, 80)
    async with runs_api() as api:
        document = await api.get("/openapi.json")
        for body in bodies:
            data = json.dumps(body).encode("utf-8", "surrogatepass")
            async with api.server.client.post("/api/preview", data=data) as answer:
                assert answer.status in (200, 400), (body, await answer.text())
                value = await answer.json()
                validate(document, "POST", "/api/preview", answer.status, value)
                assert taken(data) or answer.status == 400, body


def collected(strategy: st.SearchStrategy[Any], number: int) -> list[Any]:
    """So many examples, the same ones every time."""
    found: list[Any] = []

    @settings(
        max_examples=number, derandomize=True, database=None, deadline=None,
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


def taken(data: bytes) -> bool:
    """Whether a body has the form of a request."""
    try:
        body_of(RunRequest, data)
    except ApiError:
        return False
    return True
