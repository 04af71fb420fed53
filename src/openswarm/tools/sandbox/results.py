"""What a call in the sandbox hands back: the text for the model, artifacts, pictures.

Owns the words for each way that a call can end, and what becomes of the files.
"""

import re
import signal
from dataclasses import dataclass

from openswarm.core.messages import ImagePart
from openswarm.tools.artifacts import keep_artifact
from openswarm.tools.documents import Document, fence
from openswarm.tools.sandbox.cell import Done
from openswarm.tools.sandbox.files import Found
from openswarm.tools.sandbox.interpreter import Ending
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolContext, ToolResult

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
MOST_PICTURES = 4
PICTURE_BYTES = 3 << 20
FULL = "It filled its working directory beyond the limit and was killed; delete files first."
GONE = "The interpreter is gone with its variables; files are kept. The next call starts afresh."


@dataclass(frozen=True, slots=True)
class CodeResult:
    """A call for Python callers."""

    output: str
    """What was printed, both ends of it if it was long."""
    state: str
    """`done`, `error`, `interrupted`, `exit`, `ended`, `killed`, `full` or `forged`."""
    code: int | None
    """The exit code of a shell or of an interpreter that ended."""
    files: dict[str, bytes]
    """New and changed files."""


def result(
    done: Done, name: str, setup: ToolSetup, context: ToolContext, before: str = ""
) -> ToolResult:
    """The result of a call of the tool `name`; `before` is said first."""
    ending = done.ending
    text, whole = ending.output.shown(setup.settings.sandbox.output_chars)
    said = _python(done) if name == "python" else _shell(done)
    parts = [before, f"{said} ({ending.seconds:.1f} s)"]
    if text.strip():
        parts.append(fence(Document(f"output of {name}", text.rstrip("\n"))))
    else:
        parts.append("It printed nothing.")
    if not whole:
        name = f"output-{re.sub('[^A-Za-z0-9_-]', '', context.call_id)[-12:]}.txt"
        keep_artifact(setup.journal, context, name, "text/plain", ending.output.kept)
        parts.append("The whole output is kept as an artifact.")
    parts += _files(done, setup, context)
    return ToolResult(
        "\n".join(part for part in parts if part),
        ok=ending.state == "done" or (name == "shell" and ending.code == 0),
        display=said,
        data=CodeResult(text, ending.state, ending.code, {f.name: f.data for f in done.files}),
        images=_pictures(done.files) if setup.images else (),
    )


def _python(done: Done) -> str:
    match done.ending.state:
        case "done":
            return "Done."
        case "error":
            return "It raised an error; variables are kept."
        case "interrupted":
            return "It took too long and was interrupted; variables are kept."
        case "exit":
            return f"The code asked the interpreter to exit. {GONE}"
        case "killed":
            return f"It took too long, did not heed the interrupt and was killed. {GONE}"
        case "full":
            return f"{FULL} {GONE}"
        case "forged":
            return f"The code wrote to the interpreter's own channel. {GONE}"
        case _:
            return f"The interpreter ended: {_why(done)}. {GONE}"


def _shell(done: Done) -> str:
    if done.ending.state == "full":
        return FULL
    if done.ending.state == "killed":
        return "It took too long and was killed, with all that it had started."
    return f"It ended: {_why(done)}."


def _why(done: Done) -> str:
    """The exit code in words."""
    code = done.ending.code
    if done.out_of_memory:
        return f"a process was killed for want of memory (exit code {code})"
    number = _signal(done.ending)
    if number == signal.SIGSEGV:
        return "a segmentation fault"
    if number:
        return f"signal {number.name}"
    return "exit code unknown" if code is None else f"exit code {code}"


def _signal(ending: Ending) -> signal.Signals | None:
    code = ending.code or 0
    number = -code if code < 0 else code - 128
    return signal.Signals(number) if number in set(signal.Signals) else None


def _files(done: Done, setup: ToolSetup, context: ToolContext) -> list[str]:
    """Keeps the files, and a line on each."""
    lines = []
    for found in done.files:
        if found.problem:
            lines.append(f"{found.name[:200]}: not kept, {found.problem}")
        else:
            keep_artifact(setup.journal, context, found.name, found.media_type, found.data)
            lines.append(f"{found.name[:200]} ({len(found.data)} bytes)")
    if not lines:
        return []
    more = [f"{done.more_files} more were not kept."] if done.more_files else []
    # code takes names from what it read
    names = fence(Document("names of files", "\n".join(lines)))
    return ["New and changed files, kept as artifacts of the run:", names, *more]


def _pictures(files: tuple[Found, ...]) -> tuple[ImagePart, ...]:
    """Those that a model can be shown."""
    fitting = [f for f in files if f.media_type in PICTURES and 0 < len(f.data) <= PICTURE_BYTES]
    return tuple(ImagePart.of(f.media_type, f.data) for f in fitting[:MOST_PICTURES])
