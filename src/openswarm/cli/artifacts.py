"""What tools made in a run: files to look at, and changes of folders, shown and written out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from openswarm.cli.text import clean, count, one_line, size
from openswarm.core.errors import UserError
from openswarm.core.result import Artifact, Changes, RunResult
from openswarm.journal.folder import read_blob

MAX_NAME = 120


def made_lines(result: RunResult) -> Iterator[Text]:
    """What people have to know of it when a run is over."""
    if result.sandbox == "none":
        yield Text("code of models ran without a sandbox (--unsafe-no-sandbox)", "bold red")
    if result.denied:
        tools = ", ".join(sorted({call.tool for call in result.denied}))
        text = f"{count(len(result.denied), 'call')} denied: {tools}; allow with: --allow TOOL"
        yield Text(text, "yellow")
    if result.artifacts:
        made = count(len(result.artifacts), "artifact")
        yield Text(f"{made}: openswarm export {result.run_id} --artifacts FOLDER", "dim")
    for change in result.changes:
        if change.changed:
            files = ", ".join(one_line(name, 60) for name in change.changed[:8])
            yield Text(f"{change.agent} changed {count(len(change.changed), 'file')}: {files}")
        if change.conflicts:
            files = ", ".join(one_line(name, 60) for name in change.conflicts[:8])
            yield Text(f"{change.agent} has conflicts in {files}; see: {_patch_of(result)}", "red")
        if not change.changed and not change.conflicts and change.patch:
            kept = f"changes of {change.agent} were not merged; see: {_patch_of(result)}"
            yield Text(kept, "yellow")


def _patch_of(result: RunResult) -> str:
    return f"openswarm show {result.run_id} --patch"


def artifacts_grid(result: RunResult) -> Grid:
    """The files that tools made, with who made them."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("agent", "file", "type", "size"):
        grid.add_column(name)
    for artifact in result.artifacts:
        grid.add_row(
            Text(artifact.agent),
            Text(one_line(artifact.name, 120)),
            Text(one_line(artifact.media_type, 60)),
            Text(size(artifact.size)),
        )
    return grid


def show_patch(page: Console, result: RunResult) -> None:
    """All that agents changed, as diffs that `git apply` takes. Raises `UserError`."""
    patches = [change for change in result.changes if change.patch]
    if not patches:
        raise UserError(f"no agent of run {result.run_id} changed a file")
    for change in patches:
        head = f"# {change.agent} in {one_line(change.root)}: {_became(change)}"
        page.print(Text(head), soft_wrap=True)
        page.print(Text(clean(change.patch)), soft_wrap=True)


def _became(change: Changes) -> str:
    """What became of an agent's changes."""
    if not change.changed and not change.conflicts:
        return "not merged"
    merged = f"merged in {', '.join(map(one_line, change.changed))}" if change.changed else ""
    left = ", ".join(map(one_line, change.conflicts))
    conflicts = f"conflicts, not merged, in {left}" if left else ""
    return "; ".join(filter(None, (merged, conflicts)))


def made_object(result: RunResult) -> dict[str, Any]:
    """What tools made and were denied, for `show --artifacts --json`."""
    made = ("artifacts", "changes", "denied")
    found = {name: [entry.model_dump() for entry in getattr(result, name)] for name in made}
    return {**found, "sandbox": result.sandbox}


def write_artifacts(result: RunResult, folder: Path) -> int:
    """Writes the files into a folder, one folder an agent; how many. Raises `UserError`.

    Names were made by models' code: each becomes a single plain name, and none replaces a file.
    """
    try:
        for artifact in result.artifacts:
            target = _free(folder / artifact.agent.replace("/", "-"), _plain_name(artifact))
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(read_blob(Path(result.folder), artifact.blob))
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None
    return len(result.artifacts)


def _plain_name(artifact: Artifact) -> str:
    name = re.sub(r"[^\w.() -]+", "_", artifact.name).strip(". ")
    return name[-MAX_NAME:] or "file"


def _free(folder: Path, name: str) -> Path:
    """A path that is not taken: `plot.png`, `plot-2.png`, …"""
    path, number = folder / name, 1
    while path.exists() or path.is_symlink():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return path
