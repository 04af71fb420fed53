"""A server of MCP in plain Python, which answers as its environment says.

It misbehaves on demand. `OFFERS`, or the file `OFFERS_FILE`: the pages of `tools/list`, as JSON.
`AT_START`: what it does before it serves. `ONCE`: a file that tells that it was started before.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

heard: list[Any] = []
waiting: list[Any] = []
Arguments = dict[str, Any]
SLEEPER = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"


def send(message: dict[str, Any]) -> None:
    """Writes one message."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(value: str) -> dict[str, Any]:
    """A result of text."""
    return {"content": [{"type": "text", "text": value}]}


def echo(_: Any, arguments: Arguments) -> Any:
    """Hands back its text."""
    return text(str(arguments.get("text", "")))


def never(_: Any, __: Arguments) -> Any:
    """Does not answer."""


def together(request: Any, arguments: Arguments) -> Any:
    """Is answered when `count` calls are open at once."""
    waiting.append(request["id"])
    if len(waiting) == arguments["count"]:
        for id_ in waiting:
            send({"id": id_, "result": text(str(len(waiting)))})
        waiting.clear()


def report_heard(_: Any, __: Arguments) -> Any:
    """All messages so far."""
    return text(json.dumps(heard))


def die(_: Any, __: Arguments) -> Any:
    """Ends the process."""
    sys.stderr.write("out of \x1b[31mcheese\n")
    sys.stderr.flush()
    os._exit(3)


def raw(_: Any, arguments: Arguments) -> Any:
    """Hands back a result as it was given."""
    return arguments["result"]


def error(request: Any, arguments: Arguments) -> Any:
    """Answers with an error."""
    send({"id": request["id"], "error": {"code": -32000, "message": arguments["message"]}})


def write(_: Any, arguments: Arguments) -> Any:
    """Writes to stdout beside the protocol."""
    for _number in range(arguments.get("times", 1)):
        sys.stdout.write(arguments["text"])
    return text("")


def report(request: Any, _: Arguments) -> Any:
    """Reports progress and a changed list."""
    token = request["params"]["_meta"]["progressToken"]
    params = {"progressToken": token, "progress": 1, "total": 4, "message": "a\x1bb"}
    send({"method": "notifications/progress", "params": params})
    send({"method": "notifications/tools/list_changed"})
    return text("")


def children(_: Any, __: Arguments) -> Any:
    """Starts a process that does not end by itself; the ids of both."""
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SLEEPER])
    return text(json.dumps([os.getpid(), child.pid]))


def daemon(_: Any, __: Arguments) -> Any:
    """Starts a process that leaves the group and keeps our pipes; its id."""
    command = [sys.executable, "-I", "-S", "-c", SLEEPER]
    return text(str(subprocess.Popen(command, start_new_session=True).pid))


def env(_: Any, __: Arguments) -> Any:
    """What it was started with."""
    seen = {
        "env": dict(os.environ), "cwd": str(Path.cwd()), "args": sys.argv[1:], "pid": os.getpid(),
    }  # fmt: skip
    return text(json.dumps(seen))


TOOLS: dict[str, Callable[[Any, Arguments], Any]] = {
    "echo": echo, "never": never, "heard": report_heard, "die": die, "raw": raw, "error": error,
    "write": write, "report": report, "children": children, "env": env, "daemon": daemon,
    "together": together,
}  # fmt: skip


def pages() -> dict[str, Any]:
    """What is offered, by cursor."""
    file = os.environ.get("OFFERS_FILE")
    given = Path(file).read_text() if file else os.environ.get("OFFERS")
    if given:
        return dict(json.loads(given))
    return {"": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}}


def answer(request: dict[str, Any]) -> Any:
    """The result of a request, or None."""
    params = request.get("params", {})
    match request["method"]:
        case "initialize" if os.environ.get("AT_START") == "modern":
            send({"id": request["id"], "error": {"code": -32601, "message": "what?"}})
            return None
        case "server/discover":
            return {
                "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                "ttlMs": 0, "cacheScope": "private", "resultType": "complete",
            }  # fmt: skip
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "plain", "version": "1"},
            }
        case "tools/list":
            return pages()[params.get("cursor") or ""]
        case "tools/call":
            tool = TOOLS.get(params["name"], echo)
            return tool(request, params.get("arguments") or {})
    return None


def begin(at_start: str) -> None:
    """What it does before it serves."""
    match at_start:
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "deaf":
            signal.pause()
        case "fail":
            sys.stderr.write("the \x1b[31mlicence has expired\n")
            sys.exit(4)
        case "talk":
            print("Welcome to the plain server!", flush=True)
    if once := os.environ.get("ONCE"):
        if Path(once).exists():
            sys.stderr.write("only once\n")
            sys.exit(5)
        Path(once).touch()


def main() -> None:
    """Serves until stdin ends."""
    at_start = os.environ.get("AT_START", "")
    begin(at_start)
    for line in sys.stdin:
        message = json.loads(line)
        heard.append(message)
        if "id" in message and (result := answer(message)) is not None:
            send({"id": message["id"], "result": result})
    while at_start == "stubborn":
        signal.pause()


if __name__ == "__main__":
    main()
