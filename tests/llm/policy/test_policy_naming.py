"""Which documents a text names, and which only seem to be named."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.llm.policy.naming import LOOKED_AT, Document, Names, item_of

PARTS = ("Guinea", "guinea", "New", "Papua", "a", "b", "-", ".", " ", "'", "é", "_", "md")


def documents(*names: str) -> list[Document]:
    """Documents of these names."""
    return [Document(name, item_of(name)) for name in names]


def named(text: str, *names: str) -> list[str]:
    """Which of some documents a text names, in its order."""
    found = Names(documents(*names)).find(text)
    return [names[place] for place in sorted(found, key=lambda place: found[place].start)]


@pytest.mark.requirement("parl.view")
def test_a_name_inside_a_longer_one_names_nothing() -> None:
    """Unless it stands by itself elsewhere."""
    lands = ("guinea.md", "papua-new-guinea.md", "guinea-bissau.md", "niger.md", "nigeria.md")
    text = "Papua New Guinea, Guinea-Bissau and Niger"
    assert named(text, *lands) == ["papua-new-guinea.md", "guinea-bissau.md", "niger.md"]
    assert named(f"{text}; Guinea too", *lands)[-1] == "guinea.md"
    assert named("Guinea-Bissaus and Nigerians", "guinea-bissau.md", "nigeria.md") == []


@pytest.mark.requirement("parl.view")
def test_names_that_overlap_are_both_named() -> None:
    """Neither lies inside the other."""
    assert named("New Guinea Bissau", "new-guinea.md", "guinea-bissau.md") == [
        "new-guinea.md", "guinea-bissau.md",
    ]  # fmt: skip


@pytest.mark.requirement("parl.view")
def test_a_stem_that_documents_share_names_none_of_them() -> None:
    """Their full names do, and a longer shared name still hides what lies inside it."""
    same = ("a/readme.md", "b/readme.md", "c.md")
    assert named("What does the readme say?", *same) == []
    assert named("What does b/readme.md say?", *same) == ["b/readme.md"]
    assert named("Read me", "a/read-me.md", "b/read_me.md", "me.md") == []


@pytest.mark.requirement("parl.view")
def test_the_fullest_form_counts_and_the_text_s_own_words_are_kept() -> None:
    """A full name before a stem, wherever they stand."""
    (naming,) = Names(documents("new-zealand.md")).find("NEW zealand, New Zealand").values()
    assert (naming.start, naming.words) == (0, "NEW zealand")
    (naming,) = Names(documents("peru.md")).find("Peru: see peru.md").values()
    assert (naming.form, naming.start) == (0, 10)
    assert Names(documents("document.md", "x.md")).only("the document x.md") == 1
    assert Names(documents("peru.md", "chad.md")).only("Peru or Chad") is None


@pytest.mark.requirement("parl.view")
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("".join), max_size=6),
    st.lists(st.sampled_from(PARTS), max_size=20).map("".join),
)
def test_what_is_named_stands_in_the_text_as_words(names: list[str], text: str) -> None:
    """In any writing, between the ends of words, and no naming lies inside another one."""
    docs = documents(*names)
    found = Names(docs).find(text)
    spans = []
    for place, naming in found.items():
        doc, end = docs[place], naming.start + len(naming.words)
        assert text[naming.start : end] == naming.words
        form = (doc.name, doc.name.rsplit("/", 1)[-1].rsplit(".", 1)[0], doc.item)[naming.form]
        assert naming.words.lower() == form.lower()
        around = text[max(0, naming.start - 1) : naming.start], text[end : end + 1]
        assert not any(char.isalnum() or char == "_" for char in around)
        spans.append((naming.start, end))
    assert len(set(spans)) == len(spans)
    for start, end in spans:
        assert not any((s <= start and end <= e) and (s, e) != (start, end) for s, e in spans)


@pytest.mark.requirement("parl.view")
@pytest.mark.parametrize("text", ["a " * 50_000, "land " * 20_000, "x" * 100_000, "a-" * 50_000])
def test_a_long_question_over_many_documents_is_looked_through_once(text: str) -> None:
    """In time that does not grow with what lies beyond the part that is looked at."""
    many = documents(*(f"{'a ' * (place % 60)}land {place}.md" for place in range(240)))
    begun = time.process_time()
    assert Names(many).find(text) == {}
    assert time.process_time() - begun < 0.3
    beyond = " " * LOOKED_AT + "land 7"
    assert Names(documents("land-7.md")).find(beyond) == {}
