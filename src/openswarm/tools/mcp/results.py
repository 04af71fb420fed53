"""What a server answered, as a model is shown it: text as fenced data, pictures, artifacts."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from openswarm.core.messages import ImagePart
from openswarm.journal.journal import Journal
from openswarm.tools.artifacts import keep_artifact
from openswarm.tools.documents import Document, fence
from openswarm.tools.mcp.connection import McpFailure
from openswarm.tools.mcp.wording import one_line
from openswarm.tools.tool import ToolContext, ToolResult

TEXT_CHARS = 100_000
MAX_IMAGES = 8
IMAGE_BYTES = 5_000_000
SHOWN_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
UNKNOWN_TYPE = "application/octet-stream"
NOTHING = "(the tool returned nothing)"


@dataclass(slots=True)
class Reading:
    """Takes the parts of an answer one by one."""

    source: str
    """`mcp:SERVER/TOOL`."""
    context: ToolContext
    journal: Journal
    images: bool = False
    """Whether models are shown pictures."""
    _texts: list[str] = field(default_factory=list)
    _shown: list[ImagePart] = field(default_factory=list)
    _kept: int = 0

    def result(self, answer: Any) -> ToolResult:
        """The result of a call, made of the SDK's `CallToolResult`."""
        for part in answer.content:
            self._take(part)
        structured = answer.structured_content
        if not self._texts and structured is not None:
            self._texts.append(json.dumps(structured, ensure_ascii=False))
        text = "\n".join(self._texts)
        note = "The tool reports that it failed.\n" if answer.is_error else ""
        if len(text) > TEXT_CHARS:
            name = self._keep(text.encode("utf-8", "replace"), "text/plain")
            note += (
                f"The first {TEXT_CHARS:,} of {len(text):,} characters; all of it is kept as"
                f" {name}. Ask for less at once.\n"
            )
        shown = fence(Document(self.source, text[:TEXT_CHARS])) if text else NOTHING
        return ToolResult(
            note + shown,
            ok=not answer.is_error,
            display=one_line(text, 200) or NOTHING,
            data=structured if structured is not None else text,
            images=tuple(self._shown),
        )

    def _take(self, part: Any) -> None:
        match part.type:
            case "text":
                self._texts.append(part.text)
            case "image" | "audio":
                self._take_bytes(part.data, part.mime_type)
            case "resource_link":
                self._texts.append(f"{part.name}: {part.uri} {part.description or ''}".strip())
            case "resource":
                self._take_resource(part.resource)

    def _take_resource(self, resource: Any) -> None:
        text = getattr(resource, "text", None)
        self._texts.append(f"{resource.uri}:" if text is None else f"{resource.uri}:\n{text}")
        if text is None:
            self._take_bytes(resource.blob, resource.mime_type)

    def _take_bytes(self, encoded: str, named: str | None) -> None:
        media_type = named if named and _MEDIA_TYPE.fullmatch(named) else UNKNOWN_TYPE
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            self._texts.append(f"({media_type} that is no base64)")
            return
        name = self._keep(data, media_type)
        self._texts.append(f"({media_type}, {len(data):,} bytes, kept as {name})")
        fits = len(data) <= IMAGE_BYTES and len(self._shown) < MAX_IMAGES
        if self.images and fits and media_type in SHOWN_TYPES:
            self._shown.append(ImagePart.of(media_type, data))

    def _keep(self, data: bytes, media_type: str) -> str:
        """Keeps an artifact; its name."""
        self._kept += 1
        kind = re.sub(r"\W", "", media_type.rpartition("/")[2])
        stem = re.sub(r"[^A-Za-z0-9_-]", "-", self.source.removeprefix("mcp:"))
        ending = {"plain": "txt", "octetstream": "bin"}.get(kind, kind)
        name = f"{stem}-{self._kept}.{ending}"
        keep_artifact(self.journal, self.context, name, media_type, data)
        return name


def failed(source: str, failure: McpFailure) -> ToolResult:
    """The result of a call that a server did not answer; its own words are fenced."""
    said = f"\n{fence(Document(source, failure.said))}" if failure.said else ""
    return ToolResult(f"{failure}{said}", ok=False, display=str(failure))
