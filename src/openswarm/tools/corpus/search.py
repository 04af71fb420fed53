"""The tool `search`: the places of the corpus that fit a few queries best."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.corpus.corpus import Corpus, Hit
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

HITS = 5


class SearchParams(BaseModel):
    """What `search` is called with."""

    model_config = ConfigDict(extra="forbid")

    queries: list[Annotated[str, Field(min_length=1, max_length=400)]] = Field(
        min_length=1,
        max_length=8,
        description="What to look for, in a few telling words each; all are searched at once.",
    )


def search_tool(corpus: Corpus, *, page_bytes: int = 0) -> Tool:
    """The tool over a corpus. A result is at most two pages long (0: of its size)."""

    async def run(params: SearchParams, _: ToolContext) -> ToolResult:
        found = [await corpus.search(q, HITS, page_bytes=page_bytes) for q in params.queries]
        text = _result_text(params.queries, found, 2 * (page_bytes or corpus.page_bytes))
        total = sum(map(len, found))
        return ToolResult(text, display=f"{total} places", data=found)

    return Tool("search", prompt_text(__file__), SearchParams, run, read_only=True)


def shown(hit: Hit) -> str:
    """A hit as a fenced document, its title first."""
    return fence(Document(f"{hit.document}#{hit.page}", f"{hit.title}\n{hit.text}"))


def _result_text(queries: list[str], found: list[list[Hit]], room: int) -> str:
    """The hits by query, each place once, the best of every query before what is left out."""
    share = room // len(queries)
    known: set[tuple[str, str]] = set()
    parts: list[str] = []
    for query, hits in zip(queries, found, strict=True):
        parts.append(f"## {' '.join(query.split())}")
        left = share
        new = [hit for hit in hits if (hit.document, hit.text) not in known]
        for number, hit in enumerate(new):
            text = shown(hit)
            left -= len(text.encode())
            if left < 0 and number:
                break
            known.add((hit.document, hit.text))
            parts.append(text)
        if not hits:
            parts.append("Nothing has these words. Try others.")
        elif not new:
            parts.append("The places found are shown above.")
    return "\n".join(parts)
