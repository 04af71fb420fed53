"""What an agent changed as one unified diff, which `git apply` and `patch` take.

Where content cannot stand in a diff, such as that of a binary file, the name of the blob that
holds it does.
"""

from collections.abc import Iterator
from typing import NamedTuple

from openswarm.tools.files.lines import Block, lines_of, matching
from openswarm.tools.files.roots import on_one_line
from openswarm.tools.files.texts import raw_text
from openswarm.tools.files.versions import Version

AROUND = 3
MOST_DIFF_BYTES = 1_000_000
"""Texts larger than this are named by their blobs."""
BINARY = "Binary files differ:"
NO_END = "\n\\ No newline at end of file\n"


class Side(NamedTuple):
    """A version of a file, with its content where that was kept."""

    version: Version
    data: bytes | None


def file_patch(name: str, was: Side, now: Side) -> str:
    """The change of one file, as git writes it; '' for a folder."""
    header = _header(name, was.version, now.version)
    if header is None:
        return ""
    body = _body(name, was, now)
    if body is None:
        return f"{header}{BINARY} before {_blob(was)}, after {_blob(now)}\n"
    return header + body


def is_shown(patch: str) -> bool:
    """Whether the patch of one file has its lines, and not the names of blobs."""
    return f"\n{BINARY}" not in patch


def counts(patch: str) -> tuple[int, int]:
    """How many lines a patch adds and removes."""
    lines = patch.split("\n")
    added = sum(line.startswith("+") and not line.startswith("+++ ") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("--- ") for line in lines)
    return added, removed


def _header(name: str, was: Version, now: Version) -> str | None:
    shown = on_one_line(name)
    modes = [_mode(version) for version in (was, now)]
    if not any(modes):
        return None
    lines = [f"diff --git a/{shown} b/{shown}"]
    if not modes[0]:
        lines.append(f"new file mode {modes[1]}")
    elif not modes[1]:
        lines.append(f"deleted file mode {modes[0]}")
    elif modes[0] != modes[1]:
        lines += [f"old mode {modes[0]}", f"new mode {modes[1]}"]
    return "\n".join(lines) + "\n"


def _mode(version: Version) -> str:
    """git's mode of a file or link; '' for anything else."""
    if version.kind == "link":
        return "120000"
    if version.kind in ("file", "unknown"):
        return "100755" if version.mode & 0o100 else "100644"
    return ""


def _body(name: str, was: Side, now: Side) -> str | None:
    """The lines that differ; None where they cannot be shown."""
    if was.version.sha == now.version.sha:
        return ""
    texts = [_text(side) for side in (was, now)]
    if texts[0] is None or texts[1] is None:
        return None
    shown = on_one_line(name)
    before = f"a/{shown}" if _mode(was.version) else "/dev/null"
    after = f"b/{shown}" if _mode(now.version) else "/dev/null"
    return f"--- {before}\n+++ {after}\n" + "".join(hunks(texts[0], texts[1]))


def _text(side: Side) -> str | None:
    if not _mode(side.version):
        return ""
    if side.data is None or len(side.data) > MOST_DIFF_BYTES:
        return None
    raw = raw_text(side.data)
    # another encoding than UTF-8 would not be found again in the file by those who apply it
    return raw.text if raw is not None and raw.encoding == "utf-8" and not raw.mark else None


def _blob(side: Side) -> str:
    return side.version.sha or "nothing"


def hunks(was: str, now: str) -> Iterator[str]:
    """The hunks of a unified diff."""
    old, new = lines_of(was), lines_of(now)
    for group in _groups(matching(old, new)):
        start_old, start_new = group[0][0], group[0][2]
        end_old, end_new = group[-1][1], group[-1][3]
        yield f"@@ -{_span(start_old, end_old)} +{_span(start_new, end_new)} @@\n"
        here = start_old
        for from_old, to_old, from_new, to_new in group:
            yield from (_line(" ", line) for line in old[here:from_old])
            yield from (_line("-", line) for line in old[from_old:to_old])
            yield from (_line("+", line) for line in new[from_new:to_new])
            here = to_old


Gap = tuple[int, int, int, int]
"""Lines that differ: from and to in the old text, from and to in the new one."""


def _groups(blocks: list[Block]) -> Iterator[list[Gap]]:
    """Gaps that lie near to each other, between two empty ones that take in what is around."""
    end = blocks[-1]
    group: list[Gap] = []
    for gap in _gaps(blocks):
        if group and gap[0] - group[-1][1] > 2 * AROUND:
            yield _framed(group, end)
            group = []
        group.append(gap)
    if group:
        yield _framed(group, end)


def _gaps(blocks: list[Block]) -> Iterator[Gap]:
    old = new = 0
    for block in blocks:
        if block.a > old or block.b > new:
            yield old, block.a, new, block.b
        old, new = block.a + block.size, block.b + block.size


def _framed(group: list[Gap], end: Block) -> list[Gap]:
    before = min(AROUND, group[0][0])
    after = min(AROUND, end.a - group[-1][1])
    first, last = group[0][0] - before, group[-1][1] + after
    first_new, last_new = group[0][2] - before, group[-1][3] + after
    return [(first, first, first_new, first_new), *group, (last, last, last_new, last_new)]


def _span(start: int, end: int) -> str:
    size = end - start
    if size == 1:
        return str(start + 1)
    return f"{start + 1 if size else start},{size}"


def _line(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}{NO_END}"
