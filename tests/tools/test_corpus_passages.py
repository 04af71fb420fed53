"""The passages that let a model answer from one prompt."""

import json
from pathlib import Path

import pytest
from corpus_files import corpus_of
from hypothesis import given
from hypothesis import strategies as st

from openswarm.tools.corpus.chunks import Chunk, Kind
from openswarm.tools.corpus.passages import best_passages

pytestmark = pytest.mark.anyio

COUNTRY = {
    "Geography": {
        "Area": {"total": "756,102 sq km", "land": "743,812 sq km", "water": "12,290 sq km"},
        "Area - comparative": "twice the size of Montana",
        "Climate": "temperate; " + "desert in the north, cool and damp in the south; " * 12,
    },
    "People and Society": {
        "Population": {
            "total": "19,091,343 (2025 est.)",
            "male": "9,379,883",
            "female": "9,711,460",
        },
        "Population distribution": "90% of the population is in the middle third of the country",
        "Life expectancy": {"total population": "80.3 years (2024 est.)", "male": "77.3 years"},
        "Water": "urban: 100% of population; rural: 100% of population; total: 100% of population",
    },
    "Government": {
        "Country name": {"short form": "Chile"},
        "Capital": {"name": "Santiago", "etymology": "the capital city is named after a saint"},
    },
    "Economy": {
        "GDP growth": "2.6%",
        "GDP per capita": {"GDP per capita 2024": "$30,200", "GDP per capita 2023": "$29,600"},
        "Currency": "pesos",
    },
}


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("population: total number of people", "Population > total: 19,091,343"),
        ("population", "Population > total: 19,091,343"),
        ("area: total area in square kilometres", "Area > total: 756,102 sq km"),
        ("life expectancy: in years", "Life expectancy > total population: 80.3"),
        ("capital: name of the capital city", "Capital > name: Santiago"),
        ("GDP per capita", "GDP per capita 2024: $30,200"),
        ("currency", "Economy > Currency: pesos"),
    ],
)
async def test_the_leaf_whose_path_is_asked_for_wins(tmp_path: Path, query: str, line: str) -> None:
    """Over mentions, and the first of several siblings over the others."""
    corpus = await corpus_of(tmp_path, {"cl.json": json.dumps(COUNTRY)})
    (document,) = await corpus.passages("cl.json", [query], 100)
    assert line in document.text


@pytest.mark.requirement("corpus.item")
async def test_every_query_gets_its_line_before_any_gets_a_second(tmp_path: Path) -> None:
    """In the order of the document, each line once, within the budget."""
    corpus = await corpus_of(tmp_path, {"cl.json": json.dumps(COUNTRY)})
    queries = ["capital", "population", "total area", "population: inhabitants", "climate"]
    (document,) = await corpus.passages("cl.json", queries, 500)
    lines = document.text.splitlines()
    assert document.source == "cl.json#1"
    assert len(document.text.encode()) <= 500
    assert len(set(lines)) == len(lines)
    where = [next(n for n, line in enumerate(lines) if fact in line) for fact in (
        "Area > total", "Climate: temperate", "Population > total", "Capital > name"
    )]  # fmt: skip
    assert where == sorted(where)


async def test_a_later_piece_of_a_long_value_keeps_its_label(tmp_path: Path) -> None:
    """Else nobody could tell what it is about."""
    long = "First of all nothing. " * 30 + "Lithium is mined in the salt flats."
    corpus = await corpus_of(tmp_path, {"a.json": json.dumps({"Economy": {"Mining": long}})})
    (document,) = await corpus.passages("a.json", ["lithium in salt flats"], 400)
    assert document.text.startswith("Economy > Mining: … ")
    assert "Lithium is mined in the salt flats." in document.text


async def test_prose_is_quoted_by_sentences_under_their_heading(tmp_path: Path) -> None:
    """Neighbours are merged, gaps are shown."""
    text = "# Chile\n\n## History\n\n" + "Old things happened. " * 40
    text += "\n\n## Economy\n\nIn 2023 it mined 5.3 million tonnes of copper."
    text += "\n\n## Sport\n\nFootball.\n"
    corpus = await corpus_of(tmp_path, {"chile.md": text})
    (document,) = await corpus.passages("chile.md", ["copper output", "sport"], 400)
    assert "In 2023 it mined 5.3 million tonnes of copper." in document.text
    assert "## Economy" in document.text
    assert "Football." in document.text
    assert "Old things" not in document.text


async def test_passages_of_a_huge_document_are_found_as_well(tmp_path: Path) -> None:
    """Its index leads to them; the page is right."""
    rows = "".join(f"row {n},{n * 3}\n" for n in range(60_000))
    corpus = await corpus_of(tmp_path, {"big.csv": f"name,weight\n{rows}the whale,150000\n"})
    (document,) = await corpus.passages("big.csv", ["weight of the whale"], 200)
    assert "name: the whale; weight: 150000" in document.text
    page = await corpus.page("big.csv", int(document.source.partition("#")[2]))
    assert "name: the whale; weight: 150000" in page.text


async def test_a_document_that_answers_nothing_has_no_passages(tmp_path: Path) -> None:
    """Rather than something at random."""
    corpus = await corpus_of(tmp_path, {"cl.json": json.dumps(COUNTRY)})
    assert await corpus.passages("cl.json", ["zeppelin"], 500) == []
    assert await corpus.passages("cl.json", [], 500) == []
    assert await corpus.passages("cl.json", ["population"], 10) == []


KINDS: list[Kind] = ["prose", "sections", "records"]


@pytest.mark.requirement("corpus.item")
@given(
    st.lists(st.text("ab c.:>#\n", max_size=60), max_size=30).map("\n".join),
    st.lists(st.text("abc :", max_size=12), max_size=4),
    st.integers(0, 600),
    st.sampled_from(KINDS),
)
def test_passages_never_pass_the_budget(
    text: str, queries: list[str], budget: int, kind: Kind
) -> None:
    """And come in the order of the document."""
    found = best_passages([Chunk(0, "", text)], kind, queries, budget)
    offsets = [passage.offset for passage in found]
    assert offsets == sorted(offsets)
    gap = 1 if kind == "records" else 5
    assert sum(len(p.text.encode()) for p in found) + gap * (len(found) - 1) <= max(budget, 0)
