"""The version of openswarm, where every room can read it."""

VERSION = "0.1.0"
USER_AGENT = f"openswarm/{VERSION}"
"""How openswarm names itself to web servers."""
