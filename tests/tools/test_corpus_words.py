"""Words and queries: whatever a model writes is a query, never syntax."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.tools.corpus.words import match_expression, words

AWKWARD = st.lists(
    st.one_of(
        st.sampled_from(
            ['"', "*", "NEAR(", "AND", "OR", "NOT", "^", "col:", "{a b}", "(", "-", "_"]
        ),
        st.text(max_size=8),
    ),
    max_size=12,
).map(" ".join)


@given(AWKWARD, st.sampled_from(["AND", "OR"]))
def test_no_free_text_breaks_the_full_text_syntax(text: str, operator: str) -> None:
    """SQLite itself is the judge."""
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE t USING fts5 (a, b)")
        db.execute("INSERT INTO t VALUES ('and or not near', 'col')")
        expression = match_expression(text, operator)
        if expression:
            db.execute("SELECT rowid FROM t WHERE t MATCH ?", (expression,)).fetchall()
    finally:
        db.close()


@given(st.text(max_size=5000))
def test_a_query_has_a_bounded_number_of_words(text: str) -> None:
    """However long the text is."""
    assert match_expression(text).count(" AND ") < 32


@pytest.mark.parametrize(
    ("one", "other"),
    [("Côte d'Ivoire", "cote d ivoire"), ("Exports", "export"), ("Countries", "country")],
)
def test_case_accents_and_plurals_make_no_difference(one: str, other: str) -> None:
    """Where lines are compared with a query."""
    assert words(one) == words(other)


def test_words_that_stand_everywhere_are_left_out_of_a_query() -> None:
    """Unless there are no others."""
    assert match_expression("What is the capital of Peru?") == '"capital" AND "Peru"'
    assert match_expression("who is it") == '"who" AND "is" AND "it"'
