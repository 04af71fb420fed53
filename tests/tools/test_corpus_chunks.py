"""Cutting text: nothing is lost, nothing is too long, words stay whole."""

from hypothesis import given
from hypothesis import strategies as st

from openswarm.tools.corpus.chunks import MAX_CHUNK_BYTES, Kind, chunks, cut

KINDS: list[Kind] = ["prose", "sections", "records"]
TEXTS = st.text(
    st.one_of(st.sampled_from(" \n\n#`.é中𝄞aabc:>"), st.characters(exclude_categories=["Cs"])),
    max_size=3000,
)


@given(TEXTS, st.sampled_from(KINDS))
def test_chunks_joined_give_back_the_text(text: str, kind: Kind) -> None:
    """Whatever the text is made of."""
    assert "".join(chunk.text for chunk in chunks(text, kind)) == text


@given(TEXTS, st.sampled_from(KINDS))
def test_every_chunk_is_bounded_and_knows_where_it_begins(text: str, kind: Kind) -> None:
    """Offsets are in bytes."""
    end = 0
    for chunk in chunks(text, kind):
        assert chunk.offset == end
        end += len(chunk.text.encode())
        assert end - chunk.offset <= MAX_CHUNK_BYTES


@given(st.lists(st.text("abcdé", min_size=1, max_size=20), max_size=400), st.sampled_from(" \n"))
def test_no_word_is_cut(words: list[str], space: str) -> None:
    """As long as it is shorter than a chunk."""
    pieces = cut(space.join(words), target=50, most=80)
    assert [word for piece in pieces for word in piece.split()] == words


def test_a_word_longer_than_a_chunk_is_cut() -> None:
    """So that no page can be made endless."""
    assert max(len(piece) for piece in cut("x" * 5000)) <= MAX_CHUNK_BYTES


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    """The best boundary is the one between paragraphs."""
    paragraphs = ["One. " * 20 + "\n\n", "Two. " * 20 + "\n\n", "Three. " * 20]
    assert cut("".join(paragraphs), target=150, most=300) == paragraphs


def test_a_chunk_carries_the_headings_that_it_stands_under() -> None:
    """Also those further up."""
    text = "# Chile\n\nLong.\n\n## Economy\n\nCopper.\n\n# Peru\n\nHigh.\n"
    found = {chunk.text.split()[-1]: chunk.heading for chunk in chunks(text, "sections")}
    assert found == {"Long.": "Chile", "Copper.": "Chile > Economy", "High.": "Peru"}


def test_a_comment_in_a_code_block_is_no_heading() -> None:
    """Only what stands outside of fences."""
    text = "# Use\n\n```sh\n# not a heading\nrun\n```\n"
    assert {chunk.heading for chunk in chunks(text, "sections")} == {"Use"}
