"""The main text of an HTML page, as Markdown, and its title.

trafilatura finds the main text where it is installed (extra `web`); what it cannot read, and
every page without it, goes through the standard library's parser.
"""

import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import quote

_LEFT_OUT = re.compile(
    "aside|button|footer|form|header|iframe|nav|noscript|script|select|style|svg|template"
).fullmatch
_BLOCK = re.compile(
    "address|article|blockquote|br|d[dlt]|details|div|fieldset|figcaption|figure|h[1-6]|hr|li|main"
    "|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
).fullmatch
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_KEPT_IN_TARGETS = "/%?#[]@!$&'()*+,;=:~"
_VOID = frozenset({"br", "hr"})


class Anchor(NamedTuple):
    """A link of a page as it stands there."""

    target: str
    text: str


class HtmlPage(NamedTuple):
    """What a page says."""

    title: str
    text: str
    """Its main text; where links were asked for, each is `[text](target)` or `[](<target>)`."""
    anchors: tuple[Anchor, ...]
    """All links of the whole page, in order."""


def html_to_markdown(page: str) -> tuple[str, str]:
    """Title and main text. The title is that of `<title>`, or ''."""
    read = read_html(page, links=False)
    return read.title, read.text


def read_html(page: str, *, links: bool, whole: bool = False) -> HtmlPage:
    """A page with or without the links in its text. `whole`: all of its text, not the main one."""
    parser = _Outline(links=links)
    parser.feed(page + "\n")
    parser.end()
    title = " ".join("".join(parser.title).split())
    text = "" if whole else _main_text(page, links=links)
    return HtmlPage(title, text or parser.text(), tuple(parser.anchors))


def _main_text(page: str, *, links: bool) -> str:
    try:
        import trafilatura
    except ImportError:
        return ""
    try:
        text = trafilatura.extract(
            page, output_format="markdown", include_comments=False, include_links=links
        )
        return text or ""
    except Exception:  # noqa: BLE001 - a page that breaks it still goes through the plain parser
        return ""


class _Outline(HTMLParser):
    """Text in blocks, headings marked, cells of a table parted, the furniture left out."""

    def __init__(self, *, links: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.anchors: list[Anchor] = []
        self._links = links
        self._target = ""
        self._anchor_text: list[str] = []
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
        elif tag == "a":
            self._end_anchor()
            self._target = dict(attrs).get("href") or ""
            self._anchor_text = []

    def handle_endtag(self, tag: str) -> None:
        if tag in self._left_out:
            # an inner element that was never closed ends with the outer one
            while self._left_out.pop() != tag:
                pass
        elif tag == "title":
            self._in_title = False
        elif tag == "a":
            self._end_anchor()
        elif _BLOCK(tag) and tag not in _VOID:
            self._parts.append("\n" if tag in ("li", "tr", "dt", "dd") else "\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
            return
        if self._target:
            self._anchor_text.append(data)
        if not self._left_out:
            self._parts.append(re.sub(r"\s+", " ", data))

    def end(self) -> None:
        """Ends the page. What is left of a tag or comment that never ends is left out, as browsers
        do it; `close` would look for its end again from each of its characters."""
        self._end_anchor()

    def _end_anchor(self) -> None:
        """Books the link that is open, if one is; in the text it stands behind its words."""
        if not self._target:
            return
        target = quote(self._target.strip(), safe=_KEPT_IN_TARGETS, errors="replace")
        self.anchors.append(Anchor(target, " ".join("".join(self._anchor_text).split())))
        if self._links and not self._left_out:
            self._parts.append(f"[](<{target}>)")
        self._target = ""

    def text(self) -> str:
        """What was read, each block on a line of its own, blank lines between paragraphs."""
        lines = (line.strip().removeprefix("| ") for line in "".join(self._parts).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
