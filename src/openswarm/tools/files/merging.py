"""The way back: what an agent changed goes into the roots, or is kept and reported.

Owns the order of things: the changes are read, somebody allows them, the intent is written, the
root is changed, the journal says so, and only then the working copy is emptied.
"""

from collections.abc import Sequence
from functools import partial

import anyio
import anyio.to_thread

from openswarm.core.errors import ToolError
from openswarm.core.events import AnyEvent, ChangesMerged, ReportReceived
from openswarm.tools.dispatch import refusal
from openswarm.tools.files.carrying import carry_out
from openswarm.tools.files.changes import Changes, changes_of, contents_of, patch_of
from openswarm.tools.files.copy import WorkingCopy
from openswarm.tools.files.disk import trouble
from openswarm.tools.files.intent import (
    Intent,
    Refused,
    Step,
    discard,
    patch_text,
    pending,
    prepare,
    replaced,
    settle,
    staged,
)
from openswarm.tools.files.lock import RootLocks
from openswarm.tools.files.roots import printable
from openswarm.tools.files.telling import (
    left_note,
    merged_note,
    names_of,
    question,
    steps_of,
)
from openswarm.tools.setup import MERGE, ToolSetup
from openswarm.tools.tool import Effect, ToolContext

UNFINISHED = "its work ended before it was done"


class Merging:
    """Merges working copies into their roots."""

    def __init__(self, setup: ToolSetup) -> None:
        self._setup = setup
        self._journal = setup.journal
        self._locks = RootLocks()
        self._untold: dict[str, list[str]] = {}
        """What was merged for an agent that has not reported yet."""

    async def merge(self, agent: str, copies: Sequence[WorkingCopy], *, finished: bool) -> str:
        """Merges what an agent changed, and says what became of it; '' if it changed nothing."""
        notes = self._untold.pop(agent, [])
        for copy in copies:
            try:
                notes.append(await self._merge(agent, copy, finished=finished))
            except ToolError as error:
                notes.append(f"Files of {printable(copy.root.name)}: nothing was merged: {error}")
            except OSError as error:
                notes.append(str(trouble(f"Files of {printable(copy.root.name)}", error)))
        return "\n".join(note for note in notes if note)

    async def recover(self, copies: Sequence[WorkingCopy]) -> None:
        """Finishes the merges that an earlier process began. Raises `ToolError`."""
        roots = {copy.root.name: copy.root for copy in copies}
        for event in _unreported(self._setup.past):
            root = next((r for r in roots.values() if str(r.path) == event.root), None)
            if root is not None and (event.changed or event.conflicts):
                refused = [Refused(path=path, why="a conflict") for path in event.conflicts]
                note = merged_note(root, event.changed, refused, event.patch.blob)
                self._untold.setdefault(event.agent, []).append(note)
        for copy in copies:
            try:
                intent = await anyio.to_thread.run_sync(pending, copy)
                if intent is not None:
                    async with self._locks.alone_in(copy.root):
                        await self._go_on(copy, intent)
            except (OSError, ValueError) as error:
                raise ToolError(
                    f"a merge into {copy.root.path} was under way and cannot be finished: {error};"
                    f" mend that, or move {copy.folder} away, then resume the run"
                ) from None

    async def _go_on(self, copy: WorkingCopy, intent: Intent) -> None:
        """Finishes an intent; the journal may have it already."""
        patch = await anyio.to_thread.run_sync(patch_text, copy)
        for event in reversed(self._setup.past):
            if (
                isinstance(event, ChangesMerged)
                and (event.agent, event.root) == (intent.agent, str(copy.root.path))
                and (event.changed or event.conflicts)
                and self._journal.read(event.patch) == patch
            ):
                steps = (*intent.done, *intent.steps)
                there = [step for step in steps if "/".join(step.path) not in event.conflicts]
                await self._settle(copy, there, all_in=not event.conflicts)
                return
        merged, refused = await anyio.to_thread.run_sync(carry_out, copy, intent)
        note = await self._finish(copy, intent, merged, refused)
        self._untold.setdefault(intent.agent, []).append(note)

    async def _merge(self, agent: str, copy: WorkingCopy, *, finished: bool) -> str:
        changes = await anyio.to_thread.run_sync(_changes, copy)
        if not changes:
            return ""
        patch = await self._patch(copy, changes)
        if not finished:
            return await self._leave(agent, copy, changes, patch, UNFINISHED)
        decided = anyio.Event()
        try:
            return await self._decide(agent, copy, changes, patch, decided)
        except anyio.get_cancelled_exc_class():
            if not decided.is_set():
                with anyio.CancelScope(shield=True):
                    await self._leave(agent, copy, changes, patch, UNFINISHED)
            raise

    async def _decide(
        self, agent: str, copy: WorkingCopy, changes: Changes, patch: str, decided: anyio.Event
    ) -> str:
        """Waits for an answer and for the root, and sets `decided` when it waits no more."""
        if why := await self._refusal(agent, copy, changes, patch):
            decided.set()
            return await self._leave(agent, copy, changes, patch, why)
        note = ""
        async with self._locks.alone_in(copy.root):
            decided.set()
            with anyio.CancelScope(shield=True):
                note = await self._go_in(agent, copy, changes, patch)
        return note

    async def _patch(self, copy: WorkingCopy, changes: Changes) -> str:
        """The patch, the contents that it only names kept beside it. Raises `OSError`."""
        patch = await anyio.to_thread.run_sync(patch_of, copy, changes)
        for change in patch.unshown:
            for data in await anyio.to_thread.run_sync(contents_of, copy, change):
                self._journal.keep_bytes(data)
        return patch.text

    async def _go_in(self, agent: str, copy: WorkingCopy, changes: Changes, patch: str) -> str:
        """Merges changes that are allowed; the root's lock is held."""
        try:
            intent = await anyio.to_thread.run_sync(prepare, copy, agent, changes, patch)
            merged, refused = await anyio.to_thread.run_sync(carry_out, copy, intent)
        except OSError as error:
            await anyio.to_thread.run_sync(discard, copy)
            why = f"it could not be written: {error.strerror}"
            return await self._leave(agent, copy, changes, patch, why)
        return await self._finish(copy, intent, merged, refused)

    async def _finish(
        self, copy: WorkingCopy, intent: Intent, merged: list[Step], refused: list[Refused]
    ) -> str:
        """Journals what was carried out and empties the working copy. Raises `OSError`; then the
        intent is still there for the next process."""
        for name in replaced(intent):
            self._journal.keep_bytes(await anyio.to_thread.run_sync(staged, copy, name))
        patch = self._journal.keep(await anyio.to_thread.run_sync(patch_text, copy))
        changed = names_of(merged)
        self._journal.append(
            ChangesMerged(
                agent=intent.agent,
                root=str(copy.root.path),
                changed=changed,
                conflicts=tuple(entry.path for entry in refused),
                patch=patch,
            )
        )
        await self._journal.commit()
        await self._settle(copy, merged, all_in=not refused)
        return merged_note(copy.root, changed, refused, patch.blob)

    async def _settle(self, copy: WorkingCopy, merged: list[Step], *, all_in: bool) -> None:
        await anyio.to_thread.run_sync(partial(settle, copy, merged, all_in=all_in))

    async def _leave(
        self, agent: str, copy: WorkingCopy, changes: Changes, patch: str, why: str
    ) -> str:
        """Keeps the patch of changes that do not go in; the working copy keeps them too."""
        kept = self._journal.keep(patch)
        root = str(copy.root.path)
        self._journal.append(
            ChangesMerged(agent=agent, root=root, changed=(), conflicts=(), patch=kept)
        )
        await self._journal.commit()
        return left_note(copy.root, steps_of(changes), why, kept.blob)

    async def _refusal(self, agent: str, copy: WorkingCopy, changes: Changes, patch: str) -> str:
        """Why the changes may not go in, or ''."""
        verdict = self._setup.policy.verdict(MERGE, "ask")
        effect = Effect(question(copy.root, steps_of(changes), patch), str(copy.root.path))
        context = ToolContext(agent=agent, call_id="")
        return await refusal(MERGE, verdict, effect, self._setup.approvals, context)


def _changes(copy: WorkingCopy) -> Changes:
    return changes_of(copy) if copy.exists else Changes(())


def _unreported(past: Sequence[AnyEvent]) -> list[ChangesMerged]:
    """The merges after which their agent has not reported."""
    left: dict[str, list[ChangesMerged]] = {}
    for event in past:
        if isinstance(event, ChangesMerged):
            left.setdefault(event.agent, []).append(event)
        elif isinstance(event, ReportReceived):
            left.pop(event.agent, None)
    return [event for events in left.values() for event in events]
