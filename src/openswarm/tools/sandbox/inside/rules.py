"""Landlock and seccomp, applied by a process to itself through the C library."""

import ctypes
import os
import struct
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446
"""System calls, the same on every architecture."""
EXECUTE, WRITE, READ, READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
READS = EXECUTE | READ | READ_FOLDER
OF_FILES = EXECUTE | WRITE | READ | 1 << 14 | 1 << 15
"""What can be granted of a file that is no folder."""
KNOWN = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many file rights an ABI knows; later ones know those of 5."""
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def abi() -> int:
    """The version of the kernel's Landlock; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def restrict(read: list[str], write: list[str]) -> None:
    """Grants this process and all that it starts reading of some places and all of others.

    No TCP from ABI 4 on; no signals to, and no abstract sockets of, processes outside from 6 on.
    Raises `OSError`.
    """
    version = abi()
    libc = ctypes.CDLL(None, use_errno=True)
    files = (1 << KNOWN.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _checked(libc.syscall(CREATE, attributes[:size], ctypes.c_size_t(size), 0))
    for paths, rights in ((read, READS), (write, files)):
        for path in paths:
            _grant(libc, ruleset, path, rights & files)
    _checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.syscall(RESTRICT, ruleset, 0))
    os.close(ruleset)


def _grant(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    if not Path(path).is_dir():
        rights &= OF_FILES
    rule = struct.pack("=Qi", rights, place)
    _checked(libc.syscall(ADD, ruleset, 1, rule, 0))
    os.close(place)


def filter_calls(program: bytes) -> None:
    """Applies a seccomp program to this process and all that it starts. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.prctl(SECCOMP, FILTER, head, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
