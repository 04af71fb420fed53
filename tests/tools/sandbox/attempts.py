"""Attempts to leave the jail, as code that is really run inside of it.

Each is the body of a function; it is refused if it raises `OSError`, and has escaped if it does
not. `T` holds the targets that the test has laid out on the host.
"""

import json
import platform
from typing import Any

from openswarm.tools.sandbox.seccomp import ARCHITECTURES, REFUSED

PRELUDE = """
import ctypes, errno, fcntl, json, os, signal, socket, stat, termios
T = json.loads({targets!r})
libc = ctypes.CDLL(None, use_errno=True)

def checked(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def syscall(number, *arguments):
    checked(libc.syscall(number, *arguments))

outcome = {{}}
"""

BODIES = {
    "tcp to the host's loopback": "socket.create_connection(('127.0.0.1', T['port']), 2)",
    "tcp6 to the host's loopback": "socket.create_connection(('::1', T['port']), 2)",
    "tcp to the world": "socket.create_connection(('192.0.2.1', 80), 2)",
    "udp to the host's loopback": """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
s.connect(('127.0.0.1', T['port'])); s.send(b'x'); s.recv(1)""",
    "udp to the world": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))""",
    "dns": "socket.getaddrinfo('example.com', 80)",
    "raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "vsock": "socket.socket(40, socket.SOCK_STREAM)",
    "kernel crypto socket": "socket.socket(38, socket.SOCK_SEQPACKET)",
    "abstract socket": "socket.socket(socket.AF_UNIX).connect('\\0' + T['abstract'])",
    "the host's unix socket": "socket.socket(socket.AF_UNIX).connect(T['socket'])",
    "passwords": "open('/etc/shadow').read()",
    "a secret of the user": "open(T['secret']).read()",
    "a secret by the first process": "open('/proc/1/root' + T['secret']).read()",
    "a secret by the parent": "open(f'/proc/{os.getppid()}/cwd/../../..' + T['secret']).read()",
    "a secret by dots": "open('../' * 30 + T['secret']).read()",
    "a link to a secret": "os.symlink(T['secret'], 'l'); open('l').read()",
    "a hard link to a secret": "os.link(T['secret'], 'h')",
    "the user's home": "os.listdir(T['home']) if os.path.isdir(T['home']) else open(T['home'])",
    "this repository": "open(T['repository'] + '/pyproject.toml').read()",
    "the run's folder": "os.listdir(T['run'])",
    "another one's scratch": "os.listdir(T['other'])",
    "a file beside the scratch": "open('../planted', 'w')",
    "writing to the system": "open('/usr/planted', 'w')",
    "writing to the interpreter": "open(os.path.dirname(os.__file__) + '/planted.py', 'w')",
    "writing to the sandbox": "open(T['inside'] + '/kernel.py', 'r+')",
    "writing to the root": "open('/planted', 'w')",
    "writing to /etc": "open('/etc/passwd', 'a')",
    "writing to /dev": "open('/dev/planted', 'w')",
    "the core pattern": "open('/proc/sys/kernel/core_pattern', 'w')",
    "the host's name": "open('/proc/sys/kernel/hostname', 'w')",
    "sysrq": "open('/proc/sysrq-trigger', 'w')",
    "the kernel's memory": "open('/proc/kcore', 'rb').read(1)",
    "sysfs": "os.listdir('/sys/kernel')",
    "control groups": "os.listdir('/sys/fs/cgroup')",
    "the runtime's environment": "open(f\"/proc/{T['pid']}/environ\").read()",
    "the runtime's memory": "open(f\"/proc/{T['pid']}/mem\", 'rb')",
    "signal to the runtime": "os.kill(T['pid'], 0)",
    "signal to init of the host": "os.kill(T['victim'], signal.SIGTERM)",
    "another user": "os.setuid(65534 if os.getuid() == 0 else 0)",
    "a device": "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(8, 0))",
    "owner of a file": "open('f', 'w'); os.chown('f', 65534, 65534)",
    "tracing": "checked(libc.ptrace(0, 0, 0, 0))",
    "a user namespace by clone": "syscall(T['clone'], 0x10000000 | 17, 0, 0, 0, 0)",
    "a user namespace": "checked(libc.unshare(0x10000000))",
    "a mount": "checked(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))",
    "chroot": "os.chroot('.')",
    "typing into a terminal": """
_, terminal = os.openpty()
fcntl.ioctl(terminal, termios.TIOCSTI, b'x')""",
    "typing into the controlling terminal": "os.open('/dev/tty', os.O_RDWR)",
    "a higher limit": """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 60, 1 << 60))""",
}
"""By what is tried."""


def program(targets: dict[str, Any]) -> str:
    """The code of all attempts, which prints a JSON object: what came of each."""
    bodies = dict(BODIES)
    machine = platform.machine()
    if machine in ARCHITECTURES:
        column = list(ARCHITECTURES).index(machine)
        targets = targets | {"clone": (56, 220)[column]}
        for name, numbers in REFUSED.items():
            if numbers[column] is not None:
                bodies[f"system call {name}"] = f"syscall({numbers[column]}, -1, 0, 0, 0, 0, 0)"
    parts = [PRELUDE.format(targets=json.dumps(targets))]
    for name, body in bodies.items():
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        parts.append(
            f"def attempt():\n{lines}\ntry:\n    attempt()\n    outcome[{name!r}] = 'escaped'\n"
            f"except (OSError, ValueError) as error:\n    outcome[{name!r}] = 'refused'\n"
        )
    parts.append("print(json.dumps(outcome))")
    return "\n".join(parts)
