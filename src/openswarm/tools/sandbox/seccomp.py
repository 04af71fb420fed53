"""The filter of system calls, as a classic BPF program: what code of a model has no use for.

It stands behind the namespaces: what could be tried against the kernel itself, or against other
processes, is refused with an error before the kernel looks at it.
"""

import errno
import platform
import socket
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "unshare": (272, 97),
    "setns": (308, 268), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "personality": (135, 92), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "syslog": (103, 116), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262), "sethostname": (170, 161), "setdomainname": (171, 162),
    "vhangup": (153, 58), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
}  # fmt: skip
"""System calls by number, on x86_64 and aarch64."""
CLONE, CLONE3 = (56, 220), 435
SOCKET, IOCTL = (41, 198), (16, 29)
NAMESPACES = 0x7E020080
"""The flags of `clone` that make a namespace."""
TERMINAL = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)
"""Sockets that a network namespace confines; 16 is netlink."""
X32 = 0x40000000

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENT_0, ARGUMENT_1 = 0, 4, 16, 24
KILL, ERROR, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000


def program(*, sockets: bool, machine: str = "") -> bytes:
    """The filter for this computer; b'' on an architecture that it is not written for.

    Without `sockets` no socket can be made at all, but pairs that belong to each other.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    code = [
        _op(LOAD, ARCHITECTURE),
        _op(EQUAL, ARCHITECTURES[machine], 1, 0),
        _op(RETURN, KILL),
        _op(LOAD, NUMBER),
    ]
    if machine == "x86_64":
        code += [_op(AT_LEAST, X32, 0, 1), _op(RETURN, ERROR | errno.ENOSYS)]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            code += [_op(EQUAL, number, 0, 1), _op(RETURN, ERROR | errno.EPERM)]
    # the C library takes the old call where the new one, whose flags cannot be seen, is missing
    code += [_op(EQUAL, CLONE3, 0, 1), _op(RETURN, ERROR | errno.ENOSYS)]
    code += _guarded(CLONE[column], ARGUMENT_0, [_op(ANY_BIT, NAMESPACES, 0, 1)], errno.EPERM)
    forbidden = [_op(EQUAL, TERMINAL[0], 1, 0), _op(EQUAL, TERMINAL[1], 0, 1)]
    code += _guarded(IOCTL[column], ARGUMENT_1, forbidden, errno.EPERM)
    families = FAMILIES if sockets else ()
    allowed = [
        _op(EQUAL, family, len(families) - index, 0) for index, family in enumerate(families)
    ]
    code += _guarded(SOCKET[column], ARGUMENT_0, allowed, errno.EAFNOSUPPORT)
    return b"".join([*code, _op(RETURN, ALLOW)])


def _guarded(number: int, argument: int, tests: list[bytes], error: int) -> list[bytes]:
    """One call of which an argument decides: the tests fall through to the refusal, or jump over
    it."""
    inner = [_op(LOAD, argument), *tests, _op(RETURN, ERROR | error), _op(RETURN, ALLOW)]
    return [_op(EQUAL, number, 0, len(inner)), *inner]


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
