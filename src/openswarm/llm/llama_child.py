"""The process in which llama.cpp runs: `python -m openswarm.llm.llama_child SETTINGS FOLDER`.

It is a process of its own because the library holds Python's lock while it loads, up to ten
seconds in which nothing else would go on, and because its crash must not be the run's. It listens
on a Unix socket in its folder, which only this user can open, and wants a key that only its parent
is told: no port is open for others of the machine. It lives as long as its standard input is open,
and takes its folder with it, in case the parent was killed.
"""

import json
import os
import platform
import secrets
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

BATCH_TOKENS = 64
"""Prompt tokens between two looks at cancellation and at the other replies: about two seconds on
two cores. Larger batches read a prompt hardly faster there."""


def main() -> None:
    """Loads the model, says how to reach it in one line, and waits for the end of the input."""
    folder = Path(sys.argv[2])
    try:
        hello = _serve(json.loads(sys.argv[1]), folder)
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # ends the threads of the library, whatever they are doing


def _serve(settings: dict[str, Any], folder: Path) -> dict[str, str]:
    """Starts the server; `socket` and `key` to reach it, or why it did not start."""
    try:
        xllamacpp: Any = import_module("xllamacpp")  # has no types
    except ImportError as error:
        return {"missing": str(error)}
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["context_tokens"] * settings["parallel"]
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_ram_mib = 0  # the states of system prompts are saved in the folder instead
    # weights in a second layout cost half their size again and are no faster with AVX2
    params.no_extra_bufts = platform.machine() in ("x86_64", "AMD64")
    params.ui = False
    params.verbosity = -1
    params.slot_save_path = f"{folder}{os.sep}"
    socket, key = str(folder / "llama.sock"), secrets.token_urlsafe(24)
    params.hostnames, params.api_keys = [socket], [key]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        return {"failed": str(error)}
    _RUNNING.append(server)
    return {"socket": socket, "key": key}


_RUNNING: list[Any] = []
"""Keeps the server alive; it works in threads of its own."""


if __name__ == "__main__":
    main()
