"""The tool `read`: a file with its lines numbered, or an image."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.errors import ToolError
from openswarm.core.messages import ImagePart
from openswarm.tools.documents import Document, fence
from openswarm.tools.files.alone import ALONE, alone
from openswarm.tools.files.copy import Snapshot
from openswarm.tools.files.finding import parts_of
from openswarm.tools.files.roots import printable
from openswarm.tools.files.secrets import is_secret
from openswarm.tools.files.texts import decoded
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult, prompt_text

MOST_LINES = 2000
LINE_CHARS = 2000
MOST_IMAGE_BYTES = 5_000_000
IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


class ReadParams(BaseModel):
    """What `read` is called with."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4000, description="The file, as `glob` lists it.")
    offset: int = Field(1, ge=1, description="The first line to show, counted from 1.")
    limit: int = Field(MOST_LINES, ge=1, le=MOST_LINES, description="How many lines to show.")


def read_tool(workspaces: Workspaces) -> Tool:
    """The tool over the working copies of a run."""

    async def run(params: ReadParams, context: ToolContext) -> ToolResult:
        shown = workspaces.shown(params.path)
        snapshot = await workspaces.read(context.agent, params.path)
        assert snapshot.data is not None
        if media_type := image_type(snapshot.data):
            return _image(shown, media_type, snapshot.data, seen=workspaces.setup.images)
        return _text(shown, snapshot, params, 2 * workspaces.setup.page_chars)

    return Tool("read", prompt_text(__file__), ReadParams, run, repeatable=True, effect=_effect)


def _effect(params: ReadParams) -> Effect | None:
    """What a person is asked about. `Workspaces.read` follows no link from here to a secret."""
    try:
        secret = is_secret(parts_of(params.path))
    except ToolError:
        return None
    return Effect(f"read {params.path}, which may hold secrets") if secret else None


def image_type(data: bytes) -> str:
    """The media type of an image that models can be shown; '' for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in IMAGES if data.startswith(start)), "")


def _image(shown: str, media_type: str, data: bytes, *, seen: bool) -> ToolResult:
    size = f"{shown} is an image ({media_type}, {len(data)} bytes)"
    if not seen:
        return ToolResult(f"{size}; this run's models do not read images.")
    if len(data) > MOST_IMAGE_BYTES:
        return ToolResult(f"{size}; it is too large to be shown.")
    return ToolResult(f"{size}, shown below.", images=(ImagePart.of(media_type, data),))


def _text(shown: str, snapshot: Snapshot, params: ReadParams, room: int) -> ToolResult:
    text = decoded(snapshot.data or b"")
    if text is None:
        return ToolResult(f"{shown} is a binary file of {snapshot.version.size} bytes.")
    lines = text.text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return ToolResult(f"{shown} is empty.")
    if params.offset > len(lines):
        raise ToolError(f"{shown} has only {len(lines)} lines")
    numbered = _numbered(lines, params.offset, params.limit, room)
    last = params.offset + len(numbered) - 1
    place = f"Lines {params.offset}-{last} of {len(lines)}"
    more = f"; go on with offset={last + 1}." if last < len(lines) else "."
    body = fence(Document(shown, printable("\n".join(numbered))))
    how = f" Written in {text.encoding}." if text.encoding != "utf-8" else ""
    return ToolResult(f"{place}{more}{how}\n{body}", display=f"{shown}, {place}")


def _numbered(lines: list[str], first: int, limit: int, room: int) -> list[str]:
    """The lines that fit, at least one."""
    numbered: list[str] = []
    for number, line in enumerate(lines[first - 1 : first - 1 + limit], first):
        if len(line) > LINE_CHARS:
            line = f"{line[:LINE_CHARS]}… ({len(line)} characters)"
        room -= len(line) + 8
        if room < 0 and numbered:
            break
        numbered.append(f"{number}\t{line}")
    return numbered


async def read(
    path: str, *, root: str | Path = ".", offset: int = 1, limit: int = MOST_LINES
) -> str:
    """A file of a folder with its lines numbered, from `offset` on. Raises `ToolError`."""
    async with alone(root) as workspaces:
        params = ReadParams(path=path, offset=offset, limit=limit)
        return (await read_tool(workspaces).run(params, ALONE)).text
