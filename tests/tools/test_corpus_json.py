"""JSON as lines that can be quoted, and the name of what a document is about."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.tools.corpus.json_text import MAX_DEPTH, lines, load, names

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)


def rendered(value: Any) -> list[str]:
    """The lines of a value that went through JSON."""
    return list(lines(load(json.dumps(value))))


@pytest.mark.requirement("corpus.formats")
def test_each_leaf_is_a_line_with_the_path_that_leads_to_it() -> None:
    """Numbers as they were written, empty values left out."""
    text = '{"Area": {"total": 756102, "share": 1.10, "none": null, "empty": ""}, "open": true}'
    assert list(lines(load(text))) == ["Area > total: 756102", "Area > share: 1.10", "open: true"]


def test_a_key_that_only_carries_a_value_is_no_part_of_the_path() -> None:
    """As `text` and `value` do."""
    value = {"Capital": {"name": {"text": "Lima"}, "note": {"value": "since 1535"}}}
    assert rendered(value) == ["Capital > name: Lima", "Capital > note: since 1535"]


def test_tags_and_entities_of_html_are_resolved() -> None:
    """A comparison is no tag."""
    value = {"a": "<p>Rep&uacute;blica<br>de <em>Chile</em></p>", "b": "1 < 2 and 3 > 2"}
    assert rendered(value) == ["a: República de Chile", "b: 1 < 2 and 3 > 2"]


def test_lists_are_one_line_and_small_objects_in_lists_are_rows() -> None:
    """What belongs together stays on one line."""
    value = {"tags": ["a", "b"], "cities": [{"name": "Lima", "pop": 10}, {"name": "Cusco"}]}
    assert rendered(value) == ["tags: a; b", "cities: name: Lima; pop: 10", "cities: name: Cusco"]


def test_large_objects_in_lists_have_a_line_a_leaf() -> None:
    """With their number in the path."""
    assert rendered([{"a": {"b": 1}}, {"a": {"b": 2}}]) == ["1 > a > b: 1", "2 > a > b: 2"]


@given(VALUES)
def test_every_value_is_rendered_as_single_lines(value: Any) -> None:
    """Whatever stands in keys and strings."""
    assert not [line for line in rendered(value) if len(line.splitlines()) > 1]


def test_deep_nesting_is_bounded() -> None:
    """What lies deeper is shown as JSON."""
    value: Any = "leaf"
    for _ in range(200):
        value = {"k": value}
    (line,) = rendered(value)
    assert line.count(" > ") == MAX_DEPTH - 1
    assert "leaf" in line


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"id": 7, "title": "Ships", "name": "ships.json"}, "Ships"),
        ({"id": 7, "label": "Ships"}, "Ships"),
        ({"meta": {"dataset": {"name": "Ships"}}, "owner": {"address": {"zip": "1"}}}, "Ships"),
        (
            {
                "Geo": {"Area": {"total": "1"}},
                "Gov": {
                    "Country name": {
                        "long form": {"text": "Republic of Peru"},
                        "short form": {"text": "Peru"},
                    },
                    "Capital": {"name": {"text": "Lima; since 1535"}},
                },
            },
            "Peru",
        ),
        ({"Gov": {"Name": {"short": "none", "long": "Central Republic"}}}, "Central Republic"),
    ],
)
def test_a_document_is_named_by_what_it_calls_its_subject(value: Any, name: str) -> None:
    """A title, name or label at the top; else the first group of names, the short form first."""
    assert names(value)[0] == name


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        [{"name": "one of many"}],
        {"items": [{"name": "a part"}]},
        {"song": {"title": "almost every country has an anthem of its own"}},
    ],
)
def test_a_document_that_does_not_name_its_subject_has_no_name(value: Any) -> None:
    """Parts in a list and whole sentences are no names."""
    assert names(value) == []
