"""Tables in what a model wrote: as the published scorer finds them, and strictly.

Text of a model is untrusted: it is cut to a length, read in one pass, never evaluated. Knows
nothing of tasks and scores.
"""

import re
from collections.abc import Sequence

from openswarm.core.contract import fold_key
from openswarm.evals.scoring.frame import Frame, Row, Unreadable, parsed

MAX_CHARS = 2_000_000
"""What is read of a text; a table behind it does not count."""
MAX_ROWS = 2000
_FENCE, _OPEN = "```", "```markdown"
_MIN_PIPES = 4
_RULE = frozenset("|- :")
_PIPE = re.compile(r"(?<!\\)\|")


def read_official(text: str) -> Frame | None:
    """The table that WideSearch's published scorer sees, cells typed as pandas types them.

    The first fence that says `markdown`, or else lines from the first pipe on that begin with one.
    None where it finds no table or fails to read it; both score nothing.
    """
    block = _official_block(text[:MAX_CHARS])
    if block is None:
        return None
    lines = block.strip().split("\n")
    lines[0] = lines[0].replace(" ", "").lower()
    kept = [line.strip() for line in lines if "|" in line and not set(line.strip()) <= _RULE]
    cells = "\n".join("|".join(cell.strip() for cell in line.split("|")) for line in kept)
    try:
        return parsed(cells)
    except Unreadable:
        return None


def read_table(text: str, columns: Sequence[str], max_rows: int = MAX_ROWS) -> tuple[Row, ...]:
    """The rows of the table that names most of `columns`, the first such; () where none does.

    Each row has every one of `columns`, '' where the table says nothing. Names are compared as
    `column_names` does; columns that were not asked for are left out. Raises nothing.
    """
    best: tuple[int, list[str], dict[str, int]] = (0, [], {})
    for block in _blocks(text[:MAX_CHARS]):
        places = column_names(_cells(block[0]), columns)
        if len(places) > best[0]:
            best = (len(places), block, places)
    _, block, places = best
    body = (_cells(line) for line in block[1:] if not set(line.strip()) <= _RULE)
    rows: list[Row] = []
    for cells in body:
        if len(rows) >= max_rows:
            break
        rows.append({
            name: cells[places[name]] if name in places and places[name] < len(cells) else ""
            for name in columns
        })  # fmt: skip
    return tuple(rows)


def column_names(header: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    """Where each of `columns` stands in a header: case, spaces, `_` and `-` aside; the first."""
    places: dict[str, int] = {}
    for at, name in enumerate(header):
        places.setdefault(_squeezed(name), at)
    return {name: places[key] for name in columns if (key := _squeezed(name)) in places}


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_*`-]", "", fold_key(name)) or name


def _official_block(text: str) -> str | None:
    start = text.find(_OPEN)
    end = text.find(_FENCE, start + len(_OPEN)) if start >= 0 else -1
    if end >= 0:
        return text[start + len(_OPEN) : end]
    if text.count("|") < _MIN_PIPES:
        return None
    after = text.find("\n", text.rfind("|"))
    lines = text[text.find("|") : None if after < 0 else after].split("\n")
    last = next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return "\n".join(lines[:last])


def _blocks(text: str) -> list[list[str]]:
    """Runs of lines with a pipe in each."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if "|" in line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [_bare(cell.replace("\\|", "|").strip()) for cell in _PIPE.split(inner)]


def _bare(cell: str) -> str:
    """A cell without the marks that make all of it bold, italic or code."""
    for mark in ("**", "*", "`"):
        if len(cell) > 2 * len(mark) and cell.startswith(mark) and cell.endswith(mark):
            return cell[len(mark) : -len(mark)].strip()
    return cell
