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
    """A model on loopback. The first `held` requests get no reply until `release` is set."""

    def __init__(self, held: int) -> None:
        self.held = held
        self.asked = threading.Event()
        """Set when a request came."""
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                if endpoint._next() <= endpoint.held:
                    endpoint.release.wait()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                self.wfile.write(_stream("Handed back."))

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


def _stream(text: str) -> bytes:
    delta = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}
    end = {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }
    return (
        b"".join(
            b"data: " + json.dumps({"model": "m", **chunk}).encode() + b"\n\n"
            for chunk in (delta, end)
        )
        + b"data: [DONE]\n\n"
    )
