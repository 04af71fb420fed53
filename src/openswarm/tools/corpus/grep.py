"""The tool `grep`: the lines of the corpus that a regular expression matches."""

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.corpus.corpus import Corpus, Hit
from openswarm.tools.corpus.scanning import MAX_PATTERN_CHARS
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

LINES = 40


class GrepParams(BaseModel):
    """What `grep` is called with."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        min_length=1,
        max_length=MAX_PATTERN_CHARS,
        description="A regular expression of Python; begin it with (?i) to ignore case.",
    )
    documents: str = Field(
        "*", max_length=300, description="Only documents whose name fits this glob."
    )


def grep_tool(corpus: Corpus, *, page_bytes: int = 0) -> Tool:
    """The tool over a corpus. A result is at most two pages long (0: of its size)."""

    async def run(params: GrepParams, _: ToolContext) -> ToolResult:
        hits = await corpus.grep(
            params.pattern, documents=params.documents, limit=LINES, page_bytes=page_bytes
        )
        text = _result_text(hits, 2 * (page_bytes or corpus.page_bytes))
        return ToolResult(text, display=f"{len(hits)} lines", data=hits)

    return Tool("grep", prompt_text(__file__), GrepParams, run, read_only=True)


def _result_text(hits: list[Hit], room: int) -> str:
    if not hits:
        return "No line matches. Try (?i), a shorter pattern, or `search`."
    by_page: dict[str, list[str]] = {}
    for number, hit in enumerate(hits):
        room -= len(hit.text.encode()) + len(hit.document.encode())
        if room < 0 and number:
            break
        by_page.setdefault(f"{hit.document}#{hit.page}", []).append(hit.text)
    parts = [fence(Document(source, "\n".join(lines))) for source, lines in by_page.items()]
    shown = sum(map(len, by_page.values()))
    if shown < len(hits) or len(hits) == LINES:
        parts.append(f"Only the first {shown} lines are shown; narrow the pattern or `documents`.")
    return "\n".join(parts)
