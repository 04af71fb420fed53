"""A page's text: links numbered, one text with them, cut into parts."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.tools.corpus.html_text import Anchor, read_html
from openswarm.tools.web.pages import MAX_LINKS, Link, joined, number_links, part, parted

BASE = "http://h/dir/page"


@pytest.mark.parametrize(
    ("markdown", "text", "target"),
    [
        ("see [this](/a)", "see this[1]", "http://h/a"),
        ("see [this](<b c>)", "see this[1]", "http://h/dir/b%20c"),
        ("see [this](</a_(b)>)", "see this[1]", "http://h/a_(b)"),
        ("see [the \\[2\\]](//o/x#part)", "see the \\[2\\][1]", "http://o/x"),
        ("see this[](<a>)", "see this[1]", "http://h/dir/a"),
        ("see [this](#part)", "see this", ""),
        ("see [this](javascript:alert(1))", "see [this](javascript:alert(1))", ""),
        ("see [this](javascript:x)", "see this", ""),
        ("see [this](mailto:a@b)", "see this", ""),
        ("see [this](http://[::1)", "see this", ""),
        ("see [this] and (that)", "see [this] and (that)", ""),
    ],
)
def test_a_link_is_a_number_in_the_text(markdown: str, text: str, target: str) -> None:
    """Its address is absolute and of the web, or it is no link."""
    numbered, links = number_links(markdown, (), BASE)
    assert numbered == text
    assert [link.target for link in links] == ([target] if target else [])


def test_links_that_the_text_leaves_out_follow() -> None:
    """Each once, and not without end."""
    anchors = [
        Anchor("/a", "A"),
        Anchor("/menu", "Menu"),
        Anchor("/menu", "again"),
        Anchor("/x", ""),
    ]
    assert number_links("[A](/a)", anchors, BASE)[1] == [
        Link("http://h/a", "A"), Link("http://h/menu", "Menu")]  # fmt: skip
    many = [Anchor(f"/{number}", "x") for number in range(5000)]
    assert len(number_links("", many, BASE)[1]) == MAX_LINKS


def test_numbering_takes_time_in_proportion() -> None:
    """Whatever brackets a page has."""
    began = time.process_time()
    for text in ("[" * 100_000, "[a](" * 25_000, "[](<" * 25_000, "[a\\" * 20_000):
        number_links(text, (), BASE)
    assert time.process_time() - began < 3


TARGETS = st.text("abc/?=&%:[]() ", min_size=1, max_size=9).map(lambda s: "http://h/" + s.strip())
LINKS = st.lists(
    st.builds(Link, TARGETS.map(lambda t: t.replace(" ", "")), st.text("ab []:1", max_size=9).map(
        lambda label: " ".join(label.split())
    )),
    max_size=12,
)  # fmt: skip


@given(st.text("ab\n[]1: ", max_size=60).map(lambda text: text.strip("\n") + "."), LINKS)
def test_text_and_links_are_kept_as_one_text(text: str, links: list[Link]) -> None:
    """And come apart as they were."""
    assert parted(joined(text, links)) == (text, tuple(links))


@given(st.text("ab \n", max_size=400), st.integers(1, 50))
def test_the_parts_are_the_whole(text: str, size: int) -> None:
    """In order, none longer than asked, nothing left out."""
    count = part(text, 1, size)[1]
    parts = [part(text, number, size)[0] for number in range(1, count + 1)]
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(piece) <= size for piece in parts)
    assert part(text, count + 1, size) == ("", count)


def test_links_are_numbered_without_trafilatura_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the words that they stand on, also where these are blocks."""
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    page = read_html(
        "<title>T</title><nav><a href=/n>Menu</a></nav><p>See <a href='/a b'>the <b>ore</b></a>,"
        " <a href=/c><h2>Heading</h2></a><a>none</a> <a href=/open>left open",
        links=True,
    )
    text, links = number_links(page.text, page.anchors, BASE)
    assert text.split() == [
        "See",
        "the",
        "ore[1],",
        "##",
        "Heading",
        "[2]none",
        "left",
        "open",
        "[3]",
    ]
    assert [link.target for link in links] == [
        "http://h/a%20b", "http://h/c", "http://h/open", "http://h/n"]  # fmt: skip
    assert links[0].text == "the ore"


@pytest.mark.parametrize(
    "unit", ["<!--", "<!", "<?", "</", "<a ", "<a b='", "<![CDATA[", "&", "<script>", "<a href=x>"]
)
def test_what_never_ends_is_read_in_proportion(unit: str) -> None:
    """A page of such is hostile, or cut off."""
    began = time.process_time()
    read_html(unit * (200_000 // len(unit)), links=True, whole=True)
    assert time.process_time() - began < 2
