"""Runs a program where there are no namespaces, and ends all that it started.

`supervise.py SETTINGS PROGRAM …`: the parent stays outside of the rules. It lives as long as the
program does and the runtime holds the other end of `lifeline`; then every descendant is killed,
those too that left their session, since orphans come back to it.
"""

import base64
import ctypes
import json
import os
import select
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ADOPT, DEATH_SIGNAL, DROP = 36, 1, 24
CAPABILITIES = 64


def main() -> None:
    """Starts the program, waits for it or for the runtime's end, and leaves with its code."""
    settings = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for file in settings["groups"]:
        Path(file).write_text("0")
    _control(ADOPT, 1)
    news, rung = os.pipe()
    os.set_blocking(rung, False)
    signal.set_wakeup_fd(rung)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if not child:
        _become(settings, sys.argv[2:])
    os.close(settings["control"])
    status = _wait(child, news, settings["lifeline"])
    _end_descendants()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _wait(child: int, news: int, lifeline: int) -> int:
    """The child's status; orphans that end meanwhile are taken away. It is killed with the
    runtime."""
    while True:
        ready, _, _ = select.select([news, lifeline], [], [])
        if lifeline in ready:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]
        os.read(news, 64)
        ended = -1
        while ended:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == child:
                return status


def _become(settings: dict[str, Any], command: list[str]) -> None:
    """The child's part; it never returns."""
    try:
        _control(DEATH_SIGNAL, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        os.close(settings["lifeline"])
        rules = import_module("rules")
        if settings["landlock"]:
            for number in range(CAPABILITIES):
                _control(DROP, number)
            rules.restrict(settings["read"], settings["write"])
        if settings["seccomp"]:
            rules.filter_calls(base64.b64decode(settings["seccomp"]))
        os.execv(command[0], command)
    except BaseException as error:  # noqa: BLE001 - the child has nobody to raise to
        os.write(2, f"the sandbox was not set up: {error}\n".encode())
    os._exit(126)


def _control(option: int, value: int) -> None:
    """`prctl`, where the system has it."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(option, value, 0, 0, 0)


def _end_descendants() -> None:
    """Kills what is left until nothing is: those whose parents die come here."""
    while True:
        for process in _children():
            os.kill(process, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in children.split()]


if __name__ == "__main__":
    main()
