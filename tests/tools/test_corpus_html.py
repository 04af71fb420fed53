"""HTML: the main text as Markdown, with trafilatura and without."""

import sys

import pytest

from openswarm.tools.corpus.html_text import html_to_markdown

PAGE = """<!doctype html><html><head><title>Copper in
 Chile</title><script>var x = "<p>no</p>";</script><style>p{}</style></head><body>
<nav><ul><li>Home</li><li>Imprint</li></ul></nav>
<main><article><h1>Copper</h1><p>Chile mined <b>5.3 million</b> tonnes of copper in 2023, more
than any other country, most of it in the north of the country.</p>
<h2>Prices</h2><p>Prices rose &amp; fell over the course of the year, as they always do.</p>
<table><tr><th>Year</th><th>Output</th></tr><tr><td>2022</td><td>5.2</td></tr></table>
</article></main><footer>All rights reserved</footer></body></html>"""


@pytest.fixture(params=["trafilatura", "plain parser"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the extra `web`."""
    if request.param == "plain parser":
        monkeypatch.setitem(sys.modules, "trafilatura", None)
    return request.param


@pytest.mark.requirement("corpus.formats")
@pytest.mark.usefixtures("reader")
def test_title_headings_and_text_are_kept_and_the_furniture_is_not() -> None:
    """Scripts, navigation and footers are no text."""
    title, text = html_to_markdown(PAGE)
    assert title == "Copper in Chile"
    assert "5.3 million" in text
    assert "## Prices" in text
    assert "Prices rose & fell" in text
    assert not [word for word in ("Imprint", "rights reserved", "var x") if word in text]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    "page", ["", "<", "</nav></div>", "<nav><p>x", "<table><td>1<td>2", "<![x"]
)
def test_broken_pages_do_no_harm(page: str) -> None:
    """They just have little text."""
    assert len(html_to_markdown(page)[1]) < 20


def test_cells_and_list_items_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the plain parser too."""
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    text = html_to_markdown("<ul><li>one<li>two</ul><table><tr><td>a</td><td>b</td></tr></table>")[
        1
    ]
    assert text == "- one\n- two\n\na | b\n"


def test_a_page_that_breaks_trafilatura_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the plain parser."""
    trafilatura = pytest.importorskip("trafilatura")

    def broken(*args: object, **options: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(trafilatura, "extract", broken)
    assert "5.3 million" in html_to_markdown(PAGE)[1]
