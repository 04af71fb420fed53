"""Errors of the server as values that every wire can write in its own shape."""

from openswarm.core.errors import (
    BudgetError,
    ContractError,
    EndpointError,
    Fault,
    JournalError,
    OpenswarmError,
    UserError,
)

_OF_FAULT = {
    Fault.THROTTLED: 429,
    Fault.QUOTA: 429,
    Fault.CONTEXT: 400,
    Fault.REFUSED: 400,
    Fault.STALLED: 504,
    Fault.UNREACHABLE: 502,
}
_OF_JOURNAL = {"no_run": 404, "locked": 409, "exists": 409}
RETRY_S = 5.0
"""What a client is asked to wait where nobody said for how long."""


class ApiError(Exception):
    """A request that is answered with an error.

    `boundary` and `kind` are those of `core.errors`; `param` is the field that is wrong, where it
    is one. Each wire chooses its own words for the type by `status`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        boundary: str = "user",
        kind: str = "invalid_request",
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.boundary = boundary
        self.kind = kind
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the error in every wire."""
        if self.status not in (429, 503):
            return {}
        return {"retry-after": str(max(1, round(self.retry_after_s or RETRY_S)))}


def bad_request(message: str, param: str | None = None) -> ApiError:
    """What was sent cannot be used; `param` names the field."""
    return ApiError(400, message, param=param)


def api_error(error: OpenswarmError) -> ApiError:
    """An error of openswarm as the answer to a request."""
    wait = error.retry_after_s if isinstance(error, EndpointError) else None
    return ApiError(
        _status(error), str(error), boundary=error.boundary, kind=error.kind, retry_after_s=wait
    )


def _status(error: OpenswarmError) -> int:
    if isinstance(error, EndpointError):
        return _OF_FAULT.get(error.fault, 502)
    if isinstance(error, JournalError):
        return _OF_JOURNAL.get(error.kind, 500)
    return 400 if isinstance(error, UserError | BudgetError | ContractError) else 500
