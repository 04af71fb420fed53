"""Searches the documents of an index with a regular expression: a program of its own.

Run as `python -I -S scan.py REQUEST`, the request as JSON: `index, pattern, documents, limit`.
Writes one JSON object a line for each line that matches: `name, title, line` and `offset`, where
the line's chunk begins; or one `{"error": …}`. It imports nothing but the standard library, starts
in some 20 ms, and can be killed at any moment: a regular expression may take for ever.
"""

import fnmatch
import json
import re
import sqlite3
import sys
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing

LINE_CHARS = 300
"""A longer line is shown around its match."""
_OFFSET_BITS = 32


def scan(index: str, pattern: str, documents: str, limit: int) -> Iterator[dict[str, object]]:
    """The matching lines of the documents whose name fits a glob, in order."""
    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError, MemoryError) as error:
        yield {"error": str(error)}
        return
    named = re.compile(fnmatch.translate(documents)).match
    with closing(sqlite3.connect(index, timeout=60)) as db:
        rows = db.execute(
            "SELECT id, name, title FROM documents WHERE unreadable = '' ORDER BY name"
        )
        for id_, name, title in rows:
            if not named(name):
                continue
            text, starts = _text(db, id_)
            end = 0
            for line in text.splitlines(keepends=True):
                begin, end = end, end + len(line)
                found = search(line.rstrip("\r\n"))
                if not found:
                    continue
                offset = _chunk_of(text, begin + found.start(), starts)
                shown = _around(line, found.start())
                yield {"name": name, "title": title, "offset": offset, "line": shown}
                limit -= 1
                if not limit:
                    return


def _text(db: sqlite3.Connection, document: int) -> tuple[str, list[int]]:
    """A document, and the bytes at which its chunks begin."""
    first = document << _OFFSET_BITS
    query = "SELECT rowid, text FROM chunks WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
    rows = db.execute(query, (first, first + (1 << _OFFSET_BITS) - 1)).fetchall()
    return "".join(text for _, text in rows), [rowid - first for rowid, _ in rows]


def _chunk_of(text: str, at: int, starts: list[int]) -> int:
    return starts[bisect_right(starts, len(text[:at].encode())) - 1]


def _around(line: str, at: int) -> str:
    start = max(at - LINE_CHARS // 3, 0) if len(line) > LINE_CHARS else 0
    return line[start : start + LINE_CHARS].strip()


if __name__ == "__main__":
    for entry in scan(**json.loads(sys.argv[1])):
        sys.stdout.write(json.dumps(entry) + "\n")
        sys.stdout.flush()
