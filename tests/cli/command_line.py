"""Names for command lines in tests, and an endpoint that holds its replies back."""

import json
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

COLUMNS = "country; capital; population (number)"


class Done(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]
Begin = Callable[..., "subprocess.Popen[str]"]
Script = Callable[[dict[str, Any]], str]


class Endpoint:
    """A model on loopback. The first `held` requests get no reply until `release` is set.

    With `until`, it calls a tool that does not exist until it is asked with that text in it.
    """

    def __init__(self, held: int, until: str = "") -> None:
        self.held = held
        self.until = until
        self.asked = threading.Event()
        """Set when a request came."""
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["content-length"])).decode()
                number = endpoint._next()
                if number <= endpoint.held:
                    endpoint.release.wait()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                again = endpoint.until not in asked
                self.wfile.write(_stream(_call(number) if again else {"content": "Handed back."}))

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def spec(self) -> str:
        """Its specification as a model."""
        return f"http://127.0.0.1:{self._server.server_port}/v1#m"

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            self.asked.set()
            return self._count

    def close(self) -> None:
        """Lets go of everything."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _call(number: int) -> dict[str, Any]:
    function = {"name": "wait", "arguments": f'{{"number": {number}}}'}
    return {
        "tool_calls": [{"index": 0, "id": f"c{number}", "type": "function", "function": function}]
    }


def _stream(message: dict[str, Any]) -> bytes:
    delta = {"choices": [{"index": 0, "delta": {"role": "assistant", **message}}]}
    end = {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }
    lines = (json.dumps({"model": "m", **chunk}) for chunk in (delta, end))
    return "".join(f"data: {line}\n\n" for line in (*lines, "[DONE]")).encode()
