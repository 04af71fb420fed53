"""The words in which file tools report, and in which a merge is asked about."""

from collections.abc import Sequence

from openswarm.tools.files.changes import Changes
from openswarm.tools.files.intent import Refused, Step
from openswarm.tools.files.patch import counts
from openswarm.tools.files.roots import Root, on_one_line, printable

SHOWN = 20
"""Entries that are listed at most."""
MOST_ASKED_CHARS = 100_000
"""How much of a patch the one who is to allow it is shown."""


def merged_note(root: Root, changed: Sequence[str], refused: Sequence[Refused], blob: str) -> str:
    """What became of an agent's changes, for its report."""
    parts = [f"Files of {printable(root.name)}:"]
    if changed:
        parts.append(f"merged {listed(changed)}.")
    if refused:
        parts.append("These stayed as they were:")
        parts += [f"\n- {on_one_line(entry.path)}: {entry.why}" for entry in refused[:SHOWN]]
        if len(refused) > SHOWN:
            parts.append(f"\n- and {len(refused) - SHOWN} more")
        parts.append(f"\nThe agent's version is kept in the journal{_blob(blob)}.")
    return " ".join(parts).replace(" \n", "\n")


def left_note(root: Root, steps: Sequence[Step], why: str, blob: str) -> str:
    """That nothing was merged, and where it is kept."""
    return (
        f"Files of {printable(root.name)}: nothing was merged ({why}). The changes of"
        f" {listed(names_of(steps))} are kept in the journal{_blob(blob)} and in the working copy."
    )


def question(root: Root, steps: Sequence[Step], patch: str) -> str:
    """What a person is asked to allow."""
    names = names_of(steps)
    added, removed = counts(patch)
    count = f"{len(names)} file" + ("s" if len(names) != 1 else "")
    into = printable(root.name)
    asked = f"merge {count} into {into} (+{added} -{removed}): {listed(names, len(names))}"
    cut = len(patch) - MOST_ASKED_CHARS
    more = f"\n… and {cut} more characters; deny, then read show --patch" if cut > 0 else ""
    return f"{asked}\n{patch[:MOST_ASKED_CHARS]}{more}".rstrip()


def steps_of(changes: Changes) -> list[Step]:
    """What would be done if nothing else had changed."""
    return [Step(path=path, before=then, after=mine) for path, then, mine in changes.changes]


def names_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The files by name; folders only where nothing lies in them."""
    files = [step for step in steps if not step.is_folder] or steps
    return tuple(sorted("/".join(step.path) for step in files))


def listed(entries: Sequence[object], most: int = SHOWN) -> str:
    """Names or numbers of lines in one line; of more than `most`, how many are left out."""
    shown = ", ".join(on_one_line(str(entry)) for entry in entries[:most])
    return shown + (f" and {len(entries) - most} more" if len(entries) > most else "")


def _blob(name: str) -> str:
    return f" (blob {name[:12]})" if name else ""
