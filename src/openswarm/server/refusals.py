"""Errors in the shape of each wire."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from openswarm.server.failures import ApiError

_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def openai_body(error: ApiError) -> dict[str, Any]:
    """`{"error": {message, type, code, param}}`."""
    kind = _OPENAI_TYPES.get(error.status)
    kind = kind or ("invalid_request_error" if error.status < 500 else "server_error")
    detail = {
        "message": error.message, "type": kind, "code": error.kind, "param": error.param,
    }  # fmt: skip
    return {"error": detail}


def anthropic_body(error: ApiError) -> dict[str, Any]:
    """`{"type": "error", "error": {type, message}}`."""
    kind = _ANTHROPIC_TYPES.get(error.status)
    kind = kind or ("invalid_request_error" if error.status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": error.message}}


def runs_body(error: ApiError) -> dict[str, Any]:
    """`{"error": {message, type, code}}`: the boundary that was crossed, and how."""
    return {"error": {"message": error.message, "type": error.boundary, "code": error.kind}}


def refuse_openai(error: ApiError) -> Response:
    """The answer of OpenAI's wire."""
    return JSONResponse(openai_body(error), error.status, headers=error.headers)


def refuse_anthropic(error: ApiError) -> Response:
    """The answer of Anthropic's wire."""
    return JSONResponse(anthropic_body(error), error.status, headers=error.headers)


def refuse_run(error: ApiError) -> Response:
    """The answer of the runs API."""
    return JSONResponse(runs_body(error), error.status, headers=error.headers)


def refuse_at(path: str, headers: Mapping[str, str], error: ApiError) -> Response:
    """The answer in the shape that a client of this path reads."""
    if path.startswith(("/anthropic", "/v1/messages")) or "anthropic-version" in headers:
        return refuse_anthropic(error)
    return refuse_openai(error) if path.startswith("/v1/") else refuse_run(error)
