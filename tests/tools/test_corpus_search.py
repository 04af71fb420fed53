"""Searching, paging and finding documents."""

from pathlib import Path

import anyio
import pytest
from corpus_files import corpus_of, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import ToolError
from openswarm.tools.corpus.corpus import Corpus

pytestmark = pytest.mark.anyio

COUNTRIES = {
    "cl.json": """{"Geo": {"Area": {"total": "756,102 sq km", "land": "743,812 sq km"}},
        "People": {"Population": {"total": "19,091,343"}, "Population note": "most people live in
        the centre of the population", "Water": "urban: 100% of population; rural: 100% of
        population; total: 100% of population"},
        "Gov": {"Country name": {"long form": "Republic of Chile", "short form": "Chile"},
        "Capital": {"name": "Santiago"}}}""",
    "pe.json": """{"Geo": {"Area": {"total": "1,285,216 sq km"}, "Borders": "Chile 168 km"},
        "People": {"Population": {"total": "32,600,249"}},
        "Gov": {"Country name": {"short form": "Peru", "former": "Viceroyalty"},
        "Capital": {"name": "Lima"}}}""",
    "iv.json": """{"Gov": {"Country name": {"short form": "C&ocirc;te d'Ivoire",
        "former": "Ivory Coast"}}, "People": {"Population": {"total": "29,981,758"}}}""",
    "notes/guinea.md": "# Guinea\n\nConakry is the capital.\n",
    "notes/guinea-bissau.md": "# Guinea-Bissau\n\nBissau is the capital.\n",
    "notes/survey.md": "# A survey\n\nThe Atacama project began in Antofagasta.\n",
}


@pytest.fixture
async def corpus(tmp_path: Path) -> Corpus:
    """A few countries."""
    return await corpus_of(tmp_path, COUNTRIES)


@pytest.mark.requirement("corpus.search")
@pytest.mark.parametrize(
    ("query", "document", "line"),
    [
        ("population of Chile", "cl.json", "People > Population > total: 19,091,343"),
        ("peru total area", "pe.json", "Geo > Area > total: 1,285,216 sq km"),
        ("Cote d'Ivoire: POPULATION", "iv.json", "People > Population > total: 29,981,758"),
        ("capital Conakry", "notes/guinea.md", "Conakry is the capital."),
    ],
)
async def test_the_line_that_is_about_the_query_comes_first(
    corpus: Corpus, query: str, document: str, line: str
) -> None:
    """A title counts, case and accents do not, and neither does a word that is often repeated."""
    first = (await corpus.search(query))[0]
    assert first.document == document
    assert line in first.text


@pytest.mark.requirement("corpus.search")
async def test_places_with_all_words_go_before_those_with_some(corpus: Corpus) -> None:
    """What has only some of the words fills up the rest."""
    hits = await corpus.search("Lima Peru zeppelin capital")
    assert hits[0].document == "pe.json"
    assert len(hits) > 1
    assert hits[0].score > hits[-1].score


async def test_a_search_can_stay_inside_one_document(corpus: Corpus) -> None:
    """Which may be named the way a model does."""
    hits = await corpus.search("capital", document="Peru")
    assert {hit.document for hit in hits} == {"pe.json"}
    with pytest.raises(ToolError, match="no document"):
        await corpus.search("capital", document="xyzzy")


def test_no_query_breaks_a_search(tmp_path: Path) -> None:
    """Whatever a model writes."""
    corpus = anyio.run(corpus_of, tmp_path, COUNTRIES)

    async def search_and_find(query: str) -> None:
        await corpus.search(query)
        await corpus.find(query)

    @given(st.text(max_size=60))
    @settings(max_examples=50, deadline=None)
    def check(query: str) -> None:
        anyio.run(search_and_find, query)

    check()


@pytest.mark.requirement("corpus.item")
@pytest.mark.parametrize(
    ("item", "document"),
    [
        ("Chile", "cl.json"),
        ("cote d ivoire", "iv.json"),
        ("Ivory Coast", "iv.json"),
        ("Guinea", "notes/guinea.md"),
        ("Guinea-Bissau", "notes/guinea-bissau.md"),
        ("Republic of Chile", "cl.json"),
        ("Peru (South America)", "pe.json"),
        ("the Guinea", "notes/guinea.md"),
        ("Pera", None),
        ("New Guinea", None),
        ("Atacama project", "notes/survey.md"),
        ("pe", "pe.json"),
        ("Atlantis", None),
        ("capital", None),
        ("", None),
        ("?!", None),
    ],
)
async def test_the_document_about_an_item_is_found_or_none_is(
    corpus: Corpus, item: str, document: str | None
) -> None:
    """By title, other names, stem or opening; never by a mention or by a name that is alike."""
    assert await corpus.find(item) == document


@pytest.mark.parametrize("name", ["cl.json", "cl", "CL.JSON", "Chile", "cl.json#1", "chile#3"])
async def test_a_document_is_known_by_any_clear_name(corpus: Corpus, name: str) -> None:
    """Models forget folders and suffixes, and add pages."""
    assert (await corpus.page(name, 1)).document == "cl.json"


async def test_an_unknown_document_names_those_that_come_closest(corpus: Corpus) -> None:
    """So that a model can go on."""
    with pytest.raises(ToolError, match=r"'cl\.md'.* cl\.json"):
        await corpus.page("cl.md", 1)
    with pytest.raises(ToolError, match=r"cl\.json"):
        await corpus.page("chile.json", 1)


@pytest.mark.requirement("corpus.open")
async def test_pages_joined_are_the_document_and_hits_name_their_page(tmp_path: Path) -> None:
    """Whatever the size of a page."""
    lines = [f"Item number {n} weighs {n * 7} grams." for n in range(900)]
    corpus = await corpus_of(tmp_path, {"long.txt": "\n".join(lines)})
    assert await whole(corpus, "long.txt") == "\n".join(lines)
    for size in (100, 2000, 8000):
        (hit,) = await corpus.search("number 512", k=1, page_bytes=size)
        page = await corpus.page("long.txt", hit.page, size)
        assert "Item number 512 weighs 3584 grams." in page.text
        assert len(page.text.encode()) <= max(size, 800) + 800
        with pytest.raises(ToolError, match=f"1 to {page.pages}"):
            await corpus.page("long.txt", page.pages + 1, size)


async def test_hundreds_may_search_at_once(corpus: Corpus) -> None:
    """Every call has a connection of its own."""
    found: list[str] = []

    async def search() -> None:
        found.append((await corpus.search("population of Chile"))[0].document)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(search)
    assert found == ["cl.json"] * 200
