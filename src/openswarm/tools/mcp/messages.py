"""Messages of JSON-RPC as a server writes them, strictly read, with one mercy.

Some servers cut texts in the middle of a character; such messages are mended, since a lost answer
would keep its caller waiting.
"""

import json
from typing import Any

INVALID = -32603


def message_of(line: bytes) -> Any:
    """The SDK's `SessionMessage` of a line, or None if it is no message.

    An answer that cannot be read becomes an answer that says so.
    """
    from mcp.shared.message import SessionMessage
    from mcp_types import ErrorData, JSONRPCError, jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        message = _parsed(line)
    if message is None:
        return None
    mended = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(mended, by_name=False))
    except ValueError:
        pass
    id_ = message.get("id")
    if not isinstance(id_, int | str) or "method" in message:
        return None
    error = ErrorData(code=INVALID, message="the answer is not JSON-RPC")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=id_, error=error))


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "jsonrpc" in value else None
