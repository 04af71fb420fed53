"""The one place that says what is missing without the MCP SDK, and keeps it from our terminal."""

import logging

from openswarm.core.errors import SettingsError


def load_sdk() -> None:
    """Imports the SDK, which takes about a second; blocks. Raises `SettingsError` without it."""
    try:
        import jsonschema  # noqa: F401
        import mcp.client.session  # noqa: F401
        import mcp.client.streamable_http  # noqa: F401
    except ImportError:
        raise SettingsError("MCP servers need an extra: pip install 'openswarm[mcp]'") from None
    for name in ("mcp", "client"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            # without a handler, logging prints warnings, which hold words of servers
            logger.addHandler(logging.NullHandler())
