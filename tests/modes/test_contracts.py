"""Contracts in files: the shapes that are read, text that stays text, and what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Alias, Column, Contract
from openswarm.core.errors import ContractError, OpenswarmError, SettingsError, UserError
from openswarm.modes.contracts import MAX_BYTES, is_contract_file, load_contract

pytestmark = pytest.mark.requirement("table.contract-sources")

YAML = """
# what to find
columns:
  - country
  - "population (number, people): latest"
  - name: eu
    definition: in the European Union
    type: enum
    options: [yes, no]
    required: yes
    with-source: on
key: country
notes: |
  Sovereign states.
aliases:
  United States: [USA, US]
  Norway: [NO]
"""
WHOLE = Contract(
    columns=(
        Column(name="country"),
        Column(name="population", definition="latest", type="number", unit="people"),
        Column(
            name="eu",
            definition="in the European Union",
            type="enum",
            options=("yes", "no"),
            nullable=False,
            needs_source=True,
        ),
    ),
    key=("country",),
    notes="Sovereign states.\n",
    aliases=(
        Alias(name="United States", others=("USA", "US")),
        Alias(name="Norway", others=("NO",)),
    ),
)


def loaded(folder: Path, content: str | bytes, name: str = "c.yaml") -> Contract:
    """The contract in a file of this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_contract(path)


def refused(folder: Path, content: str | bytes, name: str = "c.yaml") -> str:
    """What is said about a file that is no contract; it names the file."""
    with pytest.raises((ContractError, UserError)) as caught:
        loaded(folder, content, name)
    assert name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["c.yaml", "c.yml", "C.YAML"])
def test_yaml_with_every_part_of_a_contract(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, YAML, name) == WHOLE


def test_json_with_every_part_of_a_contract(tmp_path: Path) -> None:
    content = {
        "columns": [
            "country",
            {"name": "population", "type": "number", "unit": "people", "definition": "latest"},
            {
                "name": "eu",
                "definition": "in the European Union",
                "type": "enum",
                "options": "yes|no",
                "nullable": False,
                "needs_source": True,
                "example": None,
            },
        ],
        "key": ["country"],
        "notes": "Sovereign states.\n",
        "aliases": {"United States": ["USA", "US"], "Norway": "NO"},
    }
    assert loaded(tmp_path, json.dumps(content), "c.json") == WHOLE


def test_a_dumped_contract_is_read_as_the_same_contract(tmp_path: Path) -> None:
    assert loaded(tmp_path, WHOLE.model_dump_json(), "c.json") == WHOLE


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", "- country\n- 'area (number, km2)'\n"),
        ("c.yaml", "\ufeff[country, {name: area, type: number, unit: km2}]"),
        ("c.json", '["country", "area (number, km2)"]'),
        ("c.json", '\ufeff{"columns": ["country", "area (number, km2)"], "key": null}'),
    ],
)
def test_a_list_of_columns_is_a_contract_with_its_first_as_the_key(
    tmp_path: Path, name: str, content: str
) -> None:
    assert loaded(tmp_path, content, name) == parse_columns("country; area (number, km2)")


def test_a_key_of_several_columns_and_one_that_is_no_column(tmp_path: Path) -> None:
    assert loaded(tmp_path, "{columns: [a, b, c], key: [b, a]}").key == ("b", "a")
    assert loaded(tmp_path, "{columns: [a, b], key: name}").names == ("name", "a", "b")


def test_what_other_programs_take_for_booleans_numbers_and_dates_is_text(tmp_path: Path) -> None:
    contract = loaded(
        tmp_path,
        "columns:\n"
        "  - {name: on, type: enum, options: [yes, no, off, ~, 007, 1:30, 1_000, 2024-01-01]}\n"
        "  - {name: 2024, example: 1.50, unit: '', definition: null}\n"
        "aliases: {NO: [no way, 0x10], 2024-01-01: [1e3]}\n",
    )
    assert contract.names == ("on", "2024")
    assert contract.columns[0].options == (
        "yes", "no", "off", "~", "007", "1:30", "1_000", "2024-01-01",
    )  # fmt: skip
    assert (contract.columns[1].example, contract.columns[1].definition) == ("1.50", "null")
    assert contract.aliases == (
        Alias(name="NO", others=("no way", "0x10")),
        Alias(name="2024-01-01", others=("1e3",)),
    )


def test_numbers_in_json_are_text_as_they_are_written(tmp_path: Path) -> None:
    content = '[{"name": "n", "type": "enum", "options": [1, 2.50, 1e3], "example": 2.50}]'
    column = loaded(tmp_path, content, "c.json").columns[0]
    assert (column.options, column.example) == (("1", "2.50", "1e3"), "2.50")


@pytest.mark.parametrize(
    ("flag", "nullable", "needs_source"),
    [
        ("required: true", False, False),
        ("required: No", True, False),
        ("nullable: off", False, False),
        ("nullable: on", True, False),
        ("with source: 1", None, None),
        ("with_source: Yes", True, True),
        ("needs-source: 'true'", True, True),
        ("needs_source: false", True, False),
    ],
)
def test_booleans_are_read_in_every_spelling(
    tmp_path: Path, flag: str, nullable: bool | None, needs_source: bool | None
) -> None:
    content = f"- name: a\n  {flag}\n"
    if nullable is None:
        assert "with source" in refused(tmp_path, content)
        return
    column = loaded(tmp_path, content).columns[0]
    assert (column.nullable, column.needs_source) == (nullable, needs_source)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[{name: a, unti: km}]", "column 'a': no field 'unti'; the fields are name, definition"),
        ("{columns: [a], keys: a}", "no field 'keys'; the fields are columns, key"),
        ("[{name: a, required: true, nullable: true}]", "'a': required and nullable say the same"),
        (
            "[{name: a, with-source: on, needs-source: on}]",
            "with-source and needs-source say the same",
        ),
        ("[{name: a, required: maybe}]", "'maybe' is neither true nor false"),
        ("[a, {definition: b}]", "column 2 has no name"),
        ("[a, [b]]", "column 2 is neither text nor a mapping"),
        ("[a, 'b (integer)']", "'b': type 'integer'"),
        ("[{name: a, type: enum}]", "'a': an enum needs at least two options"),
        ("[{name: a, unit: [km]}]", "'a': unit: "),
        ("[{name: a, type: enum, options: [{b: c}]}]", "options: write a list of texts"),
        ("[a, A]", "named twice"),
        ("{columns: []}", "there are no columns"),
        ("{columns: a}", "there are no columns"),
        ("just text", "there are no columns"),
        ("", "there are no columns"),
        ("# nothing", "there are no columns"),
        ("{columns: [a], key: {a: b}}", "key: write a list of texts"),
        ("{columns: [a], aliases: [a]}", "aliases: write `name: [other spelling"),
        ("{columns: [a], aliases: {b: [[c]]}}", "aliases of b: write a list"),
        (
            "{columns: [a], aliases: [{name: b, others: c}, {name: b, others: d}]}",
            "'b' is there twice",
        ),
        ("{columns: [a], columns: [b]}", "line 1: 'columns' is there twice"),
        ("{columns: [a], [b]: c}", "line 1: a name is not text"),
        ("columns:\n  - a\n - b\n", "line 3: not YAML"),
        ("columns: 'a\n", "not YAML"),
        ("a: \x01", "special characters are not allowed"),
        ("[a]\n---\n[b]\n", "line 2: a second document begins"),
    ],
)
def test_what_is_wrong_in_yaml_is_named(tmp_path: Path, content: str, said: str) -> None:
    assert said in refused(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"columns":\n["a"] "b"}', "line 2, column 7: not JSON"),
        ("", "line 1, column 1: not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"columns": ["a"], "columns": ["b"]}', "'columns' is there twice"),
        ('[{"name": "a", "type": "enum", "options": [true, false]}]', "true and false need quotes"),
        ('[{"name": "a", "nullable": 1}]', "'1' is neither true nor false"),
        ('["a", null]', "column 2 is neither text"),
        ('["\\ud800"]', "column '\\ud800'"),
        ("3", "there are no columns"),
        (b"[\x22a\xff\x22]", "line 1: not UTF-8; save the file as UTF-8"),
        (b"[\x22a\x00\x22]", "is not text"),
    ],
)
def test_what_is_wrong_in_json_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refused(tmp_path, content, "c.json")


@pytest.mark.parametrize(
    "content",
    [
        "a: &x [lol, lol]\nb: &y [*x, *x]\ncolumns: [*y]\n",
        "columns: &loop [*loop]\n",
        "base: &base {type: number}\ncolumns: [{name: a, <<: *base}]\n",
        "[*unknown]\n",
    ],
)
def test_yaml_that_expands_is_refused(tmp_path: Path, content: str) -> None:
    assert "anchors (&, *) are not taken" in refused(tmp_path, content)


def test_yaml_that_is_nested_deeply_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in refused(tmp_path, "[" * 100_000)


def test_tags_of_yaml_make_nothing_but_text(tmp_path: Path) -> None:
    contract = loaded(tmp_path, "- {name: a, definition: !!python/object/apply:os.getcwd here}\n")
    assert contract.columns[0].definition == "here"


def test_a_file_that_is_not_there_a_folder_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no file .*none\.yaml"):
        load_contract(tmp_path / "none.yaml")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        load_contract(tmp_path / "folder.json")
    with pytest.raises(UserError, match=r"\.json, \.yaml, \.yml"):
        load_contract(tmp_path / "c.toml")
    assert "more than 1 MB" in refused(tmp_path, b" " * (MAX_BYTES + 1))


@pytest.mark.requirement("house.extras")
def test_without_pyyaml_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[yaml\]'"):
        loaded(tmp_path, YAML)
    assert loaded(tmp_path, '["a"]', "c.json").names == ("a",)


@pytest.mark.parametrize(
    ("text", "is_file"),
    [
        ("columns.yaml", True),
        ("./c.yml", True),
        ("/a/b/C.JSON", True),
        (" c.json ", True),
        ("country", False),
        ("country; c.json", False),
        ("a;b.yaml", False),
        ("source: see notes.json", False),
        ("c.toml", False),
        (".yaml", False),
        ("", False),
    ],
)
def test_what_names_a_file_and_what_are_columns(text: str, is_file: bool) -> None:
    assert is_contract_file(text) is is_file


@pytest.mark.parametrize("cut", range(0, len(YAML), 7))
def test_a_file_cut_anywhere_is_a_contract_or_an_error_that_names_it(
    tmp_path: Path, cut: int
) -> None:
    result: Any
    try:
        result = loaded(tmp_path, YAML[:cut])
    except OpenswarmError as error:
        assert "c.yaml" in str(error)
    else:
        assert isinstance(result, Contract)
