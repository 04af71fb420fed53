"""openswarm, the open Agent Swarm: one task, as many sub-agents as it deserves, one answer.

result = await openswarm.run("…", over=["docs/"], columns="name: …; year: …")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from openswarm.core.version import VERSION as __version__

if TYPE_CHECKING:
    from openswarm.core import operations
    from openswarm.core.contract import Column, Contract
    from openswarm.core.errors import OpenswarmError
    from openswarm.core.limits import Limits
    from openswarm.core.result import RunResult
    from openswarm.llm.scripted import Say, ScriptedModel
    from openswarm.modes.edits import edit, preview, propose, undo
    from openswarm.modes.questions import ask
    from openswarm.modes.run import resume, run, stream
    from openswarm.tools.tool import tool

_HOME = {
    "Column": "core.contract",
    "Contract": "core.contract",
    "Limits": "core.limits",
    "OpenswarmError": "core.errors",
    "RunResult": "core.result",
    "Say": "llm.scripted",
    "ScriptedModel": "llm.scripted",
    "ask": "modes.questions",
    "edit": "modes.edits",
    "preview": "modes.edits",
    "propose": "modes.edits",
    "resume": "modes.run",
    "run": "modes.run",
    "stream": "modes.run",
    "tool": "tools.tool",
    "undo": "modes.edits",
}
_MODULES = {"operations": "core.operations"}
__all__ = [
    "Column",
    "Contract",
    "Limits",
    "OpenswarmError",
    "RunResult",
    "Say",
    "ScriptedModel",
    "__version__",
    "ask",
    "edit",
    "operations",
    "preview",
    "propose",
    "resume",
    "run",
    "stream",
    "tool",
    "undo",
]


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use, so that `import openswarm` costs next to nothing."""
    if name in _MODULES:
        value = import_module(f"openswarm.{_MODULES[name]}")
    elif name in _HOME:
        value = getattr(import_module(f"openswarm.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'openswarm' has no attribute {name!r}")
    globals()[name] = value
    return value
