"""Documents in memory: pages, hash, files, and the two tools that read them."""

from pathlib import Path

import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import ToolError, UserError
from openswarm.evals.documents import Documents, page_tools
from openswarm.evals.suites.factbook import FACTBOOK_WIDE
from openswarm.tools.corpus.corpus import Corpus
from openswarm.tools.corpus.open import OpenParams, open_tool
from openswarm.tools.corpus.search import SearchParams, search_tool
from openswarm.tools.documents import fenced
from openswarm.tools.tool import Tool, ToolContext, ToolResult

HERE = ToolContext("main", "call-1")
TEXTS = {
    "chile.md": "# Chile\nA long country.\n\n## Economy\nCopper leads.\n\n" + "More words. " * 150,
    "peru.md": "# Peru\nA country of the Andes.\n\n## Economy\nGold and fish meal.\n",
    "oman.md": "# Oman\nA country of the Gulf.\n",
}


def documents() -> Documents:
    """Three short documents."""
    return Documents("made", TEXTS)


async def opened(tool: Tool, document: str, page: int = 1) -> ToolResult:
    """One page."""
    return await tool.run(OpenParams(document=document, page=page), HERE)


@pytest.mark.requirement("evals.suites")
@given(st.text(st.sampled_from("ab .\n#é"), max_size=3000), st.integers(200, 2000))
@settings(max_examples=60, deadline=None)
def test_pages_joined_are_the_document_and_none_is_too_long(text: str, size: int) -> None:
    """Whatever the text is."""
    pages = Documents("made", {"a.md": text}).pages("a.md", size)
    assert "".join(pages) == text
    assert all(len(page.encode()) <= size for page in pages)


@pytest.mark.requirement("evals.suites")
def test_a_page_ends_where_a_paragraph_ends_and_a_heading_stays_with_its_text() -> None:
    """Real documents: no page but the last ends in the middle of a paragraph."""
    corpus = FACTBOOK_WIDE.sample().documents
    for name in list(corpus.texts)[:10]:
        pages = corpus.pages(name)
        assert 3 <= len(pages) <= 7
        assert all(page.endswith("\n\n") for page in pages[:-1])
        assert not any(page.rstrip().rpartition("\n")[2].startswith("#") for page in pages)


@pytest.mark.requirement("evals.suite-hashes")
def test_the_hash_hangs_on_names_and_texts_and_not_on_their_order() -> None:
    """Any other text gives another one."""
    again = Documents("made", dict(reversed(list(TEXTS.items()))))
    assert documents().sha256 == again.sha256
    assert documents().sha256 != Documents("made", TEXTS | {"oman.md": "# Oman\n"}).sha256


@pytest.mark.parametrize("name", ["../chile.md", "chile.txt", "a/b.md", ""])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    """Names are given by corpora, whose packages are not ours."""
    with pytest.raises(UserError, match="is not like"):
        Documents("made", {name: "text"})


@pytest.mark.anyio
async def test_open_gives_a_page_fenced_and_says_where_it_is() -> None:
    """A name counts whatever its case, and with or without its ending."""
    tool, _ = page_tools(documents(), ("chile.md", "peru.md"), 500)
    first = await opened(tool, "Chile")
    assert first.text.startswith('Page 1 of 4.\n<document source="chile.md#1">\n# Chile\n')
    last = await opened(tool, "chile.md", 4)
    assert last.text.startswith("Page 4 of 4, the last.\n")
    assert last.data.page == last.data.pages == 4


@pytest.mark.anyio
async def test_open_refuses_what_is_not_there_or_not_in_scope() -> None:
    """It names what there is."""
    tool, _ = page_tools(documents(), ("chile.md", "peru.md"))
    with pytest.raises(ToolError, match=r"no document 'oman\.md'"):
        await opened(tool, "oman.md")
    with pytest.raises(ToolError, match="pages 1 to 1; there is no page 3"):
        await opened(tool, "chile.md", 3)
    with pytest.raises(UserError, match=r"no document 'cuba\.md'"):
        page_tools(documents(), ("cuba.md",))


@pytest.mark.anyio
async def test_search_finds_the_passage_with_the_rarest_words_within_its_scope() -> None:
    """Places are shown once, within bounds; nothing found is said."""
    _, tool = page_tools(documents(), ("chile.md", "peru.md"))
    queries = ["gold economy peru", "gold", "gulf", "zzz"]
    found = await tool.run(SearchParams(queries=queries), HERE)
    assert found.data[0][0].document == "peru.md"
    assert [hit.document for hit in found.data[1]] == ["peru.md"]
    assert found.data[2] == found.data[3] == []
    assert found.text.count("Nothing has these words.") == 2
    assert "The places found are shown above." in found.text
    assert len(found.text.encode()) < 2 * 2000 + 1500


@pytest.mark.anyio
async def test_written_as_files_the_documents_make_the_corpus_of_a_run(tmp_path: Path) -> None:
    """The tools in memory answer in the form of the real ones, and find the same document."""
    corpus = (await anyio.to_thread.run_sync(FACTBOOK_WIDE.sample)).documents
    scope = tuple(corpus.texts)[:6]
    await anyio.to_thread.run_sync(corpus.write, tmp_path / "texts", scope)
    real = await Corpus.open([str(tmp_path / "texts")], tmp_path / "index", page_bytes=2000)
    assert real.documents == 6
    pairs = zip(page_tools(corpus, scope), (open_tool(real), search_tool(real)), strict=True)
    for made, true in pairs:
        assert (made.name, made.spec) == (true.name, true.spec)
    title = corpus.title(scope[3])
    results = [
        await tool.run(SearchParams(queries=[f"{title} capital"]), HERE)
        for tool in (page_tools(corpus, scope)[1], search_tool(real))
    ]
    sources = [next(fenced(result.text)).source.partition("#")[0] for result in results]
    assert sources == [scope[3], scope[3]]
