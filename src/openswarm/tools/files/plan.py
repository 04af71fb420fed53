"""What is to become of each changed path: a pure rule over three versions of it.

`then` is what the agent began with, `mine` what it left, `now` what stands in the root.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from openswarm.tools.files.changes import Change
from openswarm.tools.files.finding import Parts
from openswarm.tools.files.lines import merge
from openswarm.tools.files.texts import Raw, raw_text
from openswarm.tools.files.versions import Version, version_of

Content = Callable[[], bytes | None]
"""The content of a version, or None where it was not kept."""


class Done(NamedTuple):
    """The root has it already."""


class Take(NamedTuple):
    """The agent's version goes in, nobody else having changed the path."""


class Put(NamedTuple):
    """A new content goes in, which has the changes of both."""

    version: Version
    data: bytes


class Conflict(NamedTuple):
    """The root stays as it is."""

    why: str


Decision = Done | Take | Put | Conflict


class Contents(NamedTuple):
    """The contents of the three versions, read when they are needed."""

    then: Content
    mine: Content
    now: Content


def decide(change: Change, now: Version, contents: Contents) -> Decision:
    """The decision for one path. Raises `OSError` where a content cannot be read."""
    path, then, mine = change
    if mine.same(now):
        return Done()
    if mine.kind == "link" and leads_out(path, contents.mine() or b""):
        return Conflict("it is a link that leads out of the folder")
    if now.same(then):
        return Take()
    if then.kind == "absent":
        return Conflict("another one made it meanwhile, with other content")
    if then.kind == "unknown":
        return Conflict("it changed while a program of the agent worked on it")
    if now.kind == "absent":
        return Conflict("it was deleted meanwhile")
    if mine.kind == "absent":
        return Conflict("the agent deleted it, but it changed meanwhile")
    if not then.kind == mine.kind == now.kind == "file":
        return Conflict("it became something else meanwhile")
    return _both(change, now, contents)


def _both(change: Change, now: Version, contents: Contents) -> Decision:
    """The merge of a file that the agent and another one changed."""
    _, then, mine = change
    mode = mine.mode if mine.mode != then.mode else now.mode
    if mine.sha in (then.sha, now.sha):
        return _with_mode(contents.now(), mode)
    if now.sha == then.sha:
        return _with_mode(contents.mine(), mode)
    raws = [_raw(content()) for content in contents]
    if any(raw is None for raw in raws):
        return Conflict("another one changed it meanwhile, and it is no text that can be merged")
    was, left, found = (raw for raw in raws if raw is not None)
    if len({raw[1:] for raw in (was, left, found)}) > 1:
        return Conflict("another one changed it meanwhile, and its encoding is not the same")
    merged = merge(was.text, found.text, left.text)
    if merged.conflicts:
        return Conflict(f"another one changed the same lines: {_spans(merged.conflicts)}")
    data = found.mark + merged.text.encode(found.encoding)
    return Put(version_of(data, mode), data)


def _with_mode(data: bytes | None, mode: int) -> Decision:
    if data is None:
        return Conflict("another one changed it meanwhile, and it is too large to be merged")
    return Put(version_of(data, mode), data)


def _raw(data: bytes | None) -> Raw | None:
    return None if data is None else raw_text(data)


def _spans(conflicts: tuple[tuple[int, int], ...]) -> str:
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in conflicts[:20]]
    return ", ".join(shown) + (" and more" if len(conflicts) > 20 else "")


def leads_out(path: Parts, target: bytes) -> bool:
    """Whether a link at a path would lead out of its root, by its text."""
    text = os.fsdecode(target)
    whole = os.path.normpath("/".join((*path[:-1], text)))
    return text.startswith("/") or whole == ".." or whole.startswith("../")


def in_order(paths: dict[Parts, Version]) -> list[Parts]:
    """The order in which changes go in: deletions from the inside out, then the rest downwards."""
    gone = sorted((path for path, after in paths.items() if after.kind == "absent"), reverse=True)
    return [*gone, *sorted(path for path, after in paths.items() if after.kind != "absent")]
