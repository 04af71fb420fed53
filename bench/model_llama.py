"""llama.cpp with one model, in a process of its own, as the floor of generation.

`python -m bench.model_llama MODEL SLOTS TOKENS THREADS FOLDER` prints a line when it serves on a
Unix socket in the folder, and lives until its input ends. Everything else is llama.cpp's default.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from typing import Any

SOCKET = "llama.sock"
TIMEOUT_S = 120.0


class Llama:
    """Asks it."""

    def __init__(self, address: Path) -> None:
        self.address = address

    def generate(self, prompts: Sequence[list[int]], tokens: int) -> None:
        """The likeliest `tokens` after each prompt, all at once, nothing kept of earlier ones.

        Raises `RuntimeError` when a reply is shorter.
        """
        with ThreadPoolExecutor(len(prompts)) as pool:
            counts = list(pool.map(lambda prompt: self._reply(prompt, tokens), prompts))
        if set(counts) != {tokens}:
            raise RuntimeError(f"llama.cpp gave {sorted(set(counts))} tokens, not {tokens}")

    def _reply(self, prompt: list[int], tokens: int) -> int:
        body = {
            "prompt": prompt,
            "n_predict": tokens,
            "samplers": ["top_k"],
            "top_k": 1,
            "ignore_eos": True,
            "cache_prompt": False,
        }
        link = _Local(str(self.address), timeout=TIMEOUT_S)
        try:
            link.request("POST", "/completion", json.dumps(body))
            return json.load(link.getresponse())["tokens_predicted"]
        finally:
            link.close()


class _Local(HTTPConnection):
    """HTTP over a Unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


@contextmanager
def llama(model: Path, slots: int, tokens: int, threads: int) -> Iterator[Llama]:
    """llama.cpp with room for so many replies of so many tokens each, prompts included."""
    arguments = [model, slots, tokens, threads, model.parent]
    command = [sys.executable, "-m", "bench.model_llama", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        assert process.stdout is not None and process.stdin is not None
        if not process.stdout.readline():
            raise RuntimeError("llama.cpp did not start")
        yield Llama(model.parent / SOCKET)
        process.stdin.close()


def serve(model: str, address: Path, slots: int, tokens: int, threads: int) -> Any:
    """Starts it; the server works until the process ends."""
    xllamacpp: Any = import_module("xllamacpp")  # has no types
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel, params.n_ctx = slots, slots * tokens
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_threads_http = slots + 1
    params.cache_ram_mib, params.ui, params.verbosity = 0, False, -1
    params.hostnames = [str(address)]
    return xllamacpp.Server(params)


if __name__ == "__main__":
    path, *numbers, folder = sys.argv[1:]
    address = Path(folder) / SOCKET
    address.unlink(missing_ok=True)
    running = serve(path, address, *(int(number) for number in numbers))
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)  # the library's threads do not end by themselves
