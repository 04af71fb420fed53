"""The guard of one stdio server: it starts the server, and ends it when openswarm ends.

A process of its own, the standard library alone: `python -I -S guard.py FD COMMAND …`. `FD` is a
socket to openswarm. When openswarm closes it, or is gone in whatever way, the server's process
group is ended; when the server ends, what it left behind in its group is, and the guard says how.
The server has stdin, stdout and stderr to itself.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress

GRACE_S = 1.0
"""From SIGTERM to SIGKILL."""
CANNOT_START = 127


def guard(life: socket.socket, command: list[str]) -> int:
    """Runs the command until it or openswarm ends; the exit code."""
    try:
        server = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        life.sendall(f"could not be started: {error.strerror}".encode())
        return CANNOT_START
    _let_go_of_pipes()
    exited = threading.Event()
    threading.Thread(target=_end_with, args=(life, server.pid, exited), daemon=True).start()
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    exited.set()
    _signal(server.pid, signal.SIGKILL)  # before the leader is reaped, so that its id is its own
    code = server.wait()
    with suppress(OSError):
        life.sendall(_how(code).encode())
    return 0


def _end_with(life: socket.socket, group: int, exited: threading.Event) -> None:
    """Ends the group when nobody holds the other end of the socket any more."""
    with suppress(OSError):
        while life.recv(64):
            pass
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not exited.is_set():
            _signal(group, number)
            exited.wait(GRACE_S)


def _let_go_of_pipes() -> None:
    """Else the guard's own ends would keep the server's pipes open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"


if __name__ == "__main__":
    sys.exit(guard(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
