"""Regular expressions over the corpus: the lines that match, and nothing that holds up others."""

import time
from pathlib import Path

import anyio
import pytest
from corpus_files import corpus_of
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import ToolError
from openswarm.tools.corpus import scanning

pytestmark = pytest.mark.anyio

FILES: dict[str, str | bytes] = {
    "a/one.txt": "alpha 12\nbeta 345\n\ngamma\n",
    "a/two.md": "# Two\n\nalpha 99\n",
    "b/three.txt": "Alpha\n" + "x" * 2000 + "needle" + "y" * 2000 + "\n",
}


@pytest.mark.requirement("corpus.grep")
async def test_lines_come_in_the_order_of_the_documents(tmp_path: Path) -> None:
    """With name, title and page."""
    corpus = await corpus_of(tmp_path, FILES)
    hits = await corpus.grep(r"^alpha \d+$")
    assert [(h.document, h.title, h.page, h.text) for h in hits] == [
        ("a/one.txt", "one", 1, "alpha 12"),
        ("a/two.md", "Two", 1, "alpha 99"),
    ]


async def test_a_glob_and_a_limit_narrow_it_down(tmp_path: Path) -> None:
    """The glob is for the whole name."""
    corpus = await corpus_of(tmp_path, FILES)
    assert {hit.document for hit in await corpus.grep(".", documents="b/*")} == {"b/three.txt"}
    assert len(await corpus.grep(".", limit=2)) == 2


async def test_a_long_line_is_shown_around_its_match_and_the_page_is_right(tmp_path: Path) -> None:
    """Lines may be longer than pages."""
    corpus = await corpus_of(tmp_path, FILES)
    (hit,) = await corpus.grep("needle", page_bytes=800)
    assert "needle" in hit.text
    assert len(hit.text) <= 300
    assert "needle" in (await corpus.page(hit.document, hit.page, 800)).text


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(", "not a regular expression"), ("a" * 301, "longer than 300"), ("a{9999999999}", "not a")],
)
async def test_a_wrong_pattern_says_what_is_wrong(
    tmp_path: Path, pattern: str, reason: str
) -> None:
    """To the model that wrote it."""
    corpus = await corpus_of(tmp_path, FILES)
    with pytest.raises(ToolError, match=reason):
        await corpus.grep(pattern)


@pytest.mark.requirement("corpus.grep")
async def test_a_pattern_that_never_ends_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile everything else goes on; afterwards no process is left."""
    monkeypatch.setattr(scanning, "SCAN_S", 0.5)
    corpus = await corpus_of(tmp_path, {"a.txt": "a" * 60 + "!"})
    begun = time.monotonic()
    with pytest.raises(ToolError, match=r"longer than 0\.5 s"):
        await corpus.grep(r"(a|aa)+$")
    assert time.monotonic() - begun < 5
    assert [hit.text[:3] for hit in await corpus.grep("^a")] == ["aaa"]


async def test_a_search_that_is_cancelled_ends_at_once(tmp_path: Path) -> None:
    """Its process is killed with it."""
    corpus = await corpus_of(tmp_path, {"a.txt": "a" * 60 + "!"})
    begun = time.monotonic()
    with anyio.move_on_after(0.3):
        await corpus.grep(r"(a|aa)+$")
    assert time.monotonic() - begun < 5


@pytest.mark.requirement("corpus.grep")
def test_no_pattern_brings_the_search_down(tmp_path: Path) -> None:
    """Whatever a model writes."""
    corpus = anyio.run(corpus_of, tmp_path, FILES)

    async def grep(pattern: str) -> None:
        try:
            await corpus.grep(pattern)
        except ToolError as error:
            assert "not a regular expression" in str(error)

    @given(st.text("ab(){}[]*+?\\^$|.0,é\0", max_size=12))
    @settings(max_examples=15, deadline=None)
    def check(pattern: str) -> None:
        anyio.run(grep, pattern)

    check()
