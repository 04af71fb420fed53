"""Errors, named for the boundary that they crossed.

    OpenswarmError
    ├── UserError       the task, an option, a path: what the user gave
    ├── SettingsError   a key, a setting, an extra that is missing
    ├── EndpointError   something on the network: kind says how it failed, and whether it may pass
    │   ├── ModelError  the model's endpoint
    │   └── WebError    a web server that a tool asked
    ├── ToolError       a tool that was called
    ├── ContractError   rows that do not fit the table's contract
    ├── BudgetError     a limit that is used up
    └── JournalError    the run folder: full disk, newer version, another process

Every message says what to do. A failed sub-agent is a value (`core.result.Report`), not one of
these; only cancellation propagates.
"""

from enum import StrEnum


class OpenswarmError(Exception):
    """The root of all errors that openswarm raises on purpose."""

    boundary = "internal"
    kind = "error"


class UserError(OpenswarmError):
    """What the user gave cannot be used; the message says how to give it."""

    boundary = "user"


class SettingsError(OpenswarmError):
    """A key, a setting or an optional package is missing or wrong."""

    boundary = "settings"


class ContractError(OpenswarmError):
    """A table's contract is not well-formed, or rows do not fit it."""

    boundary = "contract"


class ToolError(OpenswarmError):
    """A tool could not do what was asked; the text goes to the model."""

    boundary = "tool"


class BudgetError(OpenswarmError):
    """A limit does not allow the next call."""

    boundary = "budget"

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.kind = limit


class JournalError(OpenswarmError):
    """The run folder cannot be read or written."""

    boundary = "journal"

    def __init__(self, message: str, kind: str = "error") -> None:
        super().__init__(message)
        self.kind = kind


def sole_error(group: BaseExceptionGroup) -> BaseException:
    """The error inside nested groups that says why: the only one, or the first of ours."""
    leaves: list[BaseException] = []
    rest: list[BaseException] = [group]
    while rest:
        error = rest.pop(0)
        if isinstance(error, BaseExceptionGroup):
            rest.extend(error.exceptions)
        else:
            leaves.append(error)
    ours = [error for error in leaves if isinstance(error, OpenswarmError)]
    return ours[0] if ours else (leaves[0] if len(leaves) == 1 else group)


class Fault(StrEnum):
    """How a call to an endpoint failed."""

    THROTTLED = "throttled"
    """429, or overloaded: the endpoint admits less than was asked."""
    SERVER = "server"
    """5xx."""
    BROKEN = "broken_stream"
    """The connection ended, or the stream was cut, before the reply was whole."""
    STALLED = "stalled"
    """Nothing arrived for as long as `stall_s`."""
    UNREACHABLE = "unreachable"
    """No connection: wrong address, or the endpoint is down."""
    REFUSED = "refused"
    """4xx other than the ones below: the request itself is wrong."""
    AUTH = "auth"
    """401 or 403: the key is missing or wrong."""
    QUOTA = "quota"
    """The account has no money or quota left."""
    CONTEXT = "context_overflow"
    """The conversation is longer than the model's window."""
    UNKNOWN_MODEL = "unknown_model"
    """404: the endpoint has no such model."""
    PROTOCOL = "protocol"
    """The reply is not what the wire format promises."""


PASSING = frozenset({Fault.THROTTLED, Fault.SERVER, Fault.BROKEN, Fault.STALLED, Fault.UNREACHABLE})
"""The faults that may pass, and are therefore tried again."""


class EndpointError(OpenswarmError):
    """Something on the network failed. `retry_after_s` is what it asked for, if it did."""

    def __init__(
        self, fault: Fault, message: str, *, retry_after_s: float | None = None, status: int = 0
    ) -> None:
        super().__init__(message)
        self.kind = fault.value
        self.fault = fault
        self.retry_after_s = retry_after_s
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed later."""
        return self.fault in PASSING


class ModelError(EndpointError):
    """A model's endpoint failed."""

    boundary = "model"


class WebError(EndpointError):
    """A web server that a tool asked failed."""

    boundary = "tool"
