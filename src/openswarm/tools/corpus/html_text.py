"""The main text of an HTML page, as Markdown, and its title.

trafilatura finds the main text where it is installed (extra `web`); what it cannot read, and
every page without it, goes through the standard library's parser.
"""

import re
from html.parser import HTMLParser

_LEFT_OUT = re.compile(
    "aside|button|footer|form|header|iframe|nav|noscript|script|select|style|svg|template"
).fullmatch
_BLOCK = re.compile(
    "address|article|blockquote|br|d[dlt]|details|div|fieldset|figcaption|figure|h[1-6]|hr|li|main"
    "|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
).fullmatch
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_VOID = frozenset({"br", "hr"})


def html_to_markdown(page: str) -> tuple[str, str]:
    """Title and main text. The title is that of `<title>`, or ''."""
    parser = _Outline()
    parser.feed(page)
    parser.close()
    title = " ".join("".join(parser.title).split())
    return title, _main_text(page) or parser.text()


def _main_text(page: str) -> str:
    try:
        import trafilatura
    except ImportError:
        return ""
    try:
        return trafilatura.extract(page, output_format="markdown", include_comments=False) or ""
    except Exception:  # noqa: BLE001 - a page that breaks it still goes through the plain parser
        return ""


class _Outline(HTMLParser):
    """Text in blocks, headings marked, cells of a table parted, the furniture left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self._parts: list[str] = []
        self._in_title = False
        self._left_out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if _LEFT_OUT(tag):
            self._left_out.append(tag)
        elif tag == "title":
            self._in_title = not self.title
        elif _BLOCK(tag):
            self._parts.append("\n" + _HEADINGS.get(tag, "- " if tag == "li" else ""))
        elif tag in ("td", "th"):
            self._parts.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._left_out:
            # an inner element that was never closed ends with the outer one
            while self._left_out.pop() != tag:
                pass
        elif tag == "title":
            self._in_title = False
        elif _BLOCK(tag) and tag not in _VOID:
            self._parts.append("\n" if tag in ("li", "tr", "dt", "dd") else "\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        elif not self._left_out:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """What was read, each block on a line of its own, blank lines between paragraphs."""
        lines = (line.strip().removeprefix("| ") for line in "".join(self._parts).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
