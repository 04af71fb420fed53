"""`fetch` inside of the jail: asks the runtime's fetch proxy over its Unix socket.

As a program, `client.py URL`, it writes the body to standard output.
"""

import os
import sys

SOCKET = "OPENSWARM_FETCH"
"""The environment variable that holds the socket's path."""


def fetch(url: str) -> bytes:
    """The body of a page of the web. Raises `OSError` that says why there is none."""
    path = os.environ.get(SOCKET, "")
    if not path:
        raise OSError("there is no network here, and no fetch proxy either")
    import socket

    target = str(url)
    if any(character <= " " for character in target):
        raise OSError("a URL has no spaces or line breaks; quote them with urllib.parse.quote")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            status = answer.readline().split(b" ", 2)
            while answer.readline().strip():
                pass
            body = answer.read()
    if len(status) < 3 or status[1] != b"200":
        raise OSError(body.decode("utf-8", "replace") or "the fetch proxy gave no answer")
    return body


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: fetch URL")
    try:
        sys.stdout.buffer.write(fetch(sys.argv[1]))
    except OSError as error:
        sys.exit(f"fetch: {error}")
