"""What the server offers: models, modes, tools, limits, folders."""

from openswarm.core.version import VERSION
from openswarm.modes.toolbox import SETS
from openswarm.server.names import MODES
from openswarm.server.runs.answers import Info, InfoLimits, ToolInfo
from openswarm.server.runs.calls import Asked

SET_WORDS = {
    "web": "Searches the web, fetches pages and drives a browser.",
    "python": "Runs Python code in a sandbox.",
    "shell": "Runs commands in a sandbox.",
    "files": "Reads and changes files in the folders that are given as roots.",
    "http": "Calls the HTTP APIs that the settings allow.",
    "mcp": "Uses the MCP servers that are set up.",
}
TOOL_WORDS = {
    "web_search": "Searches the web.",
    "fetch": "Reads a page by its address.",
    "browser": "Drives a real browser.",
    "read": "Reads files.",
    "write": "Writes files.",
    "edit": "Changes parts of files.",
    "glob": "Lists files by a pattern.",
    "grep": "Searches in files.",
    "http_request": "Calls the HTTP APIs that the settings allow.",
}


async def info(asked: Asked) -> Info:
    """What this server offers."""
    options = asked.api.service.options
    names = dict.fromkeys((*SETS, *(name for names in SETS.values() for name in names)))
    words = SET_WORDS | TOOL_WORDS
    return Info(
        version=VERSION,
        model=options.specs[0],
        models=list(options.specs),
        modes=list(MODES),
        tools=[ToolInfo(name=name, description=words.get(name, "")) for name in names],
        limits=InfoLimits(defaults=asked.api.service.limits),
        folders=[str(folder) for folder in options.folders],
        preview_usd=options.settings.preview_usd,
        docs=True,
    )
