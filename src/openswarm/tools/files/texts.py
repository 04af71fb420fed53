"""Text as it stands in a file: its encoding, its mark, its line ends, so that they can be kept."""

from typing import NamedTuple

from openswarm.core.errors import ToolError

BINARY_WITHIN = 8192
"""A NUL byte this early means that it is no text."""
MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class Text(NamedTuple):
    """A file's text with `\\n` between its lines, and how it is written."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte order mark that it begins with."""
    crlf: bool = False
    """Whether all of its lines end with `\\r\\n`."""

    def encoded(self, text: str) -> bytes:
        """Another text, written in the same way. Raises `ToolError` where that cannot be."""
        if self.crlf:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ToolError(
                f"the file is written in {self.encoding}, which has no"
                f" {error.object[error.start]!r}; use other characters"
            ) from None


class Raw(NamedTuple):
    """A file's text with its line ends as they are."""

    text: str
    encoding: str
    mark: bytes


def raw_text(data: bytes) -> Raw | None:
    """The text of a file, or None if it is binary. What is no UTF-8 is taken as Latin-1."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return Raw(data[len(mark) :].decode(encoding), encoding, mark)
            except UnicodeDecodeError:
                return None
    if b"\0" in data[:BINARY_WITHIN]:
        return None
    try:
        return Raw(data.decode(), "utf-8", b"")
    except UnicodeDecodeError:
        return Raw(data.decode("latin-1"), "latin-1", b"")


def decoded(data: bytes) -> Text | None:
    """The text of a file with plain line ends, or None if it is binary."""
    raw = raw_text(data)
    if raw is None:
        return None
    ends = raw.text.count("\n")
    if ends and raw.text.count("\r\n") == ends:
        return Text(raw.text.replace("\r\n", "\n"), raw.encoding, raw.mark, crlf=True)
    return Text(raw.text, raw.encoding, raw.mark)
