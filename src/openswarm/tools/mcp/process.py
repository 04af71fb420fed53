"""The process of a server that is started, under its guard and with an environment of its own."""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import Process

from openswarm.core.errors import SettingsError
from openswarm.tools.mcp.config import ServerConfig

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""All that a server gets of our environment; the rest may be secret."""


async def start_process(
    config: ServerConfig, environ: Mapping[str, str]
) -> tuple[Process, socket.socket]:
    """The guard's process, whose pipes are the server's, and the socket to it: it tells how the
    server ended, and to close it, or one direction of it, ends the server.

    Raises `SettingsError` if the command or its folder is not there.
    """
    env = {name: environ[name] for name in INHERITED if name in environ} | dict(config.env)
    program = await anyio.to_thread.run_sync(_find, config, env)
    life, theirs = socket.socketpair()
    life.setblocking(False)
    guard = str(Path(__file__).with_name("guard.py"))
    number = theirs.fileno()
    try:
        command = [sys.executable, "-I", "-S", guard, str(number), program, *config.command[1:]]
        process = await anyio.open_process(
            command,
            env=env,
            cwd=config.cwd or None,
            start_new_session=True,  # Ctrl-C in the terminal is ours alone
            pass_fds=(number,),
        )
    except OSError as error:
        life.close()
        raise SettingsError(f"could not be started: {error.strerror}") from None
    except BaseException:
        life.close()
        raise
    finally:
        theirs.close()
    return process, life


def _find(config: ServerConfig, env: Mapping[str, str]) -> str:
    """The program's path; blocks."""
    command = config.command[0]
    found = shutil.which(command, path=env.get("PATH", os.defpath))
    if not found:
        where = "" if "/" in command else " on the PATH"
        raise SettingsError(
            f"could not be started: its command {Path(command).name!r} was not found{where}, or may"
            " not be run; install it, or give its full path"
        )
    if config.cwd and not Path(config.cwd).is_dir():
        raise SettingsError("could not be started: its cwd is not a folder")
    return found


def close_pipes(process: Process) -> None:
    """Closes our ends of the pipes, which a process that left the group may hold open."""
    transport = getattr(getattr(process, "_process", None), "_transport", None)
    if callable(close := getattr(transport, "close", None)):
        with suppress(PermissionError):
            close()
