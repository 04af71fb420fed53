"""The first program in a jail: limits itself, then becomes the interpreter or a shell.

`enter.py LIMITS NAME CONTROL`: the limits as JSON, the module whose `main` goes on (`kernel` or
`shell`), and the descriptor of the socket to the runtime.
"""

import json
import resource
import sys
from importlib import import_module

KINDS = {
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "memory_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
}


def limit(values: dict[str, int]) -> None:
    """Sets limits that nothing started from here can raise again; kinds without a value stay."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, kind in KINDS.items():
        if name in values:
            hard = resource.getrlimit(kind)[1]
            most = values[name] if hard == resource.RLIM_INFINITY else min(values[name], hard)
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    limits, name, control = sys.argv[1:]
    limit(json.loads(limits))
    import_module(name).main(int(control))
