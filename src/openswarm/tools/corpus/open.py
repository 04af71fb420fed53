"""The tool `open`: one page of a document."""

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.corpus.corpus import Corpus, Page
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text


class OpenParams(BaseModel):
    """What `open` is called with."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(
        min_length=1, max_length=1000, description="The document's name, as a search gave it."
    )
    page: int = Field(1, ge=1, description="The page, counted from 1.")


def open_tool(corpus: Corpus, *, page_bytes: int = 0) -> Tool:
    """The tool over a corpus, with pages of about `page_bytes` (0: its own size)."""

    async def run(params: OpenParams, _: ToolContext) -> ToolResult:
        page = await corpus.page(params.document, params.page, page_bytes)
        text = fence(Document(f"{page.document}#{page.page}", page.text.strip("\n")))
        return ToolResult(f"{_place(page)}\n{text}", display=_place(page), data=page)

    return Tool("open", prompt_text(__file__), OpenParams, run, read_only=True)


def _place(page: Page) -> str:
    last = page.page == page.pages
    return f"Page {page.page} of {page.pages}" + (", the last." if last else ".")
