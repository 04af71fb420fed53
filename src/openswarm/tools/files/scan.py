"""Searches texts for a regular expression: a program of its own, so that it can be killed.

It reads one JSON line with the pattern and the limit, then each file as a JSON line with its name
and its size in bytes, followed by its text in UTF-8. It opens no file. It writes a JSON list for
each line that matches: name, number of the line, line.
"""

import json
import re
import sys

LINE_CHARS = 400
"""Of longer lines a piece around the match is shown."""


def main() -> None:
    """Reads from standard input until its end or the limit."""
    source, out = sys.stdin.buffer, sys.stdout
    request = json.loads(source.readline())
    try:
        pattern = re.compile(request["pattern"])
    except (re.error, RecursionError, OverflowError) as error:
        out.write(json.dumps({"error": str(error)}) + "\n")
        return
    left = request["limit"]
    while left > 0 and (line := source.readline()):
        name, size = json.loads(line)
        text = source.read(size).decode("utf-8", "replace")
        for number, content in enumerate(text.split("\n"), 1):
            if match := pattern.search(content):
                out.write(json.dumps([name, number, piece(content, match.start())]) + "\n")
                left -= 1
                if not left:
                    break
    out.flush()


def piece(line: str, at: int) -> str:
    """The part of a line around a place."""
    if len(line) <= LINE_CHARS:
        return line.rstrip("\r")
    start = max(0, min(at - LINE_CHARS // 4, len(line) - LINE_CHARS))
    end = start + LINE_CHARS
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


if __name__ == "__main__":
    main()
