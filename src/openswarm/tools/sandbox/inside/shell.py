"""A shell inside of the jail: says that it is there, is told its command, becomes it.

The command is waited for, not given at the start: if the runtime died meanwhile, nothing runs.
"""

import json
import os
from pathlib import Path

SHELLS = tuple(map(Path, ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh")))


def main(control: int) -> None:
    """Runs `{"command": …}` that comes over `control`, in place of this process."""
    os.set_inheritable(control, False)
    os.write(control, b'{"state": "ready"}\n')
    with os.fdopen(control, "rb") as lines:
        line = lines.readline()
        if not line.endswith(b"\n"):
            os._exit(0)
        shell = next(path for path in SHELLS if path.exists())
        os.execv(shell, [shell.name, "-c", json.loads(line)["command"]])
