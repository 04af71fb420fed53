"""A contract from a file, JSON or YAML, and how a file that the user wrote is read at all.

The only module that imports PyYAML, and of it only the parser: every value is the text that was
written, so that the option `no` and the alias `NO` are neither booleans nor anything else.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openswarm.core.columns import keyed, parse_column
from openswarm.core.contract import Column, Contract, make_column
from openswarm.core.errors import ContractError, SettingsError, UserError

YAML_SUFFIXES = (".yaml", ".yml")
CONTRACT_SUFFIXES = (".json", *YAML_SUFFIXES)
MAX_BYTES = 1_000_000
MAX_DEPTH = 8
"""How deep YAML may be nested; the document itself is at depth 2, other spellings at 5."""

_FIELDS = ("columns", "key", "notes", "aliases")
_FLAGS = {
    "nullable": ("nullable", False),
    "required": ("nullable", True),
    "needs_source": ("needs_source", False),
    "with_source": ("needs_source", False),
}
"""Spellings of the boolean fields: the field of `Column`, and whether it is the opposite of it."""
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")


def is_contract_file(text: str) -> bool:
    """Whether what was given for columns names a file: one word that ends as one of them does."""
    one_word = len(text.split()) == 1 and ";" not in text
    return one_word and Path(text.strip()).suffix.lower() in CONTRACT_SUFFIXES


def load_contract(path: Path) -> Contract:
    """The contract in a .json, .yaml or .yml file.

    `{columns: […], key: name or [names], notes: text, aliases: {name: [other, …]}}`, or the list
    of columns alone. A column is text as `parse_columns` takes it, or a mapping of the fields of
    `Column`, where `required` and `with_source` may stand for `nullable` and `needs_source`.
    Raises `UserError` or `ContractError` with the path and what to change, `SettingsError` where
    PyYAML is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in CONTRACT_SUFFIXES:
        raise UserError(f"{path}: a contract is a file in {', '.join(CONTRACT_SUFFIXES)}")
    text = as_text(read_file(path, MAX_BYTES), path.name)
    read = _read_yaml if suffix in YAML_SUFFIXES else read_json
    content = read(text, path.name)
    try:
        return _contract(content)
    except (ContractError, ValueError) as error:
        raise ContractError(f"{path.name}: {error}") from None


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a file of at most `most`. Raises `UserError`."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}; check its name and folder") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; name a file in it") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make it readable") from None
    if len(data) > most:
        raise UserError(f"{path.name} has more than {most // 1_000_000} MB; give a smaller file")
    return data


def as_text(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, with a byte order mark or without. Raises `UserError`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from None
    if "\0" in text:
        raise UserError(f"{name} is not text; save it as text in UTF-8")
    return text


def read_json(text: str, name: str) -> Any:
    """What JSON holds, its numbers as they are written. Raises `UserError`.

    NaN, which JSON does not know but programs write, is null.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_named_once,
            parse_int=str,
            parse_float=str,
            parse_constant=lambda word: None if word == "NaN" else word,
        )
    except RecursionError:
        raise UserError(f"{name}: it is nested too deeply; write it flat") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{name}, {where}: not JSON ({error.msg}); correct it there") from None
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"{name[:80]!r} is there twice in one object; leave one of them out")
        fields[name] = value
    return fields


def _read_yaml(text: str, name: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise SettingsError(
            "YAML needs PyYAML; install it with: pip install 'openswarm[yaml]' (or write the"
            " contract as JSON)"
        ) from None
    try:
        events = yaml.parse(text, Loader=yaml.BaseLoader)
        return _document(_checked(events))
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{name}{line}: not YAML ({error.problem}); correct it there") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: {' '.join(str(error).split())}") from None


def _checked(events: Any) -> Iterator[Any]:
    """The events of a document as they come. Anchors, and what is nested deeply, are refused."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if getattr(event, "anchor", None) is not None:
            raise ValueError(f"line {line}: anchors (&, *) are not taken; write it out")
        if depth > MAX_DEPTH:
            raise ValueError(f"line {line}: it is nested too deeply; write it flat")
        yield event


def _document(events: Iterator[Any]) -> Any:
    """The one document among the events; None where there is none."""
    next(events)
    if type(next(events)).__name__ == "StreamEndEvent":
        return None
    content = _node(events)
    next(events)
    after = next(events)
    if type(after).__name__ != "StreamEndEvent":
        line = after.start_mark.line + 1
        raise ValueError(f"line {line}: a second document begins; write one")
    return content


def _node(events: Iterator[Any]) -> Any:
    """The value that begins with the next event; the end of the value around it is None."""
    event = next(events)
    match type(event).__name__:
        case "ScalarEvent":
            return event.value
        case "SequenceStartEvent":
            return [*iter(lambda: _node(events), None)]
        case "MappingStartEvent":
            return _mapping(events, event.start_mark.line + 1)
    return None


def _mapping(events: Iterator[Any], line: int) -> dict[str, Any]:
    pairs: list[tuple[str, Any]] = []
    while (name := _node(events)) is not None:
        if not isinstance(name, str):
            raise ValueError(f"line {line}: a name is not text; write `name: value`")
        pairs.append((name, _node(events)))
    try:
        return _named_once(pairs)
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None


def _contract(content: Any) -> Contract:
    fields = {"columns": content} if isinstance(content, list) else content
    if not isinstance(fields, Mapping):
        raise ContractError("there are no columns; write `columns:` and a list of them")
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        raise ContractError(
            f"there is no field {unknown[0][:80]!r}; the fields are {', '.join(_FIELDS)}"
        )
    columns = fields.get("columns")
    if not isinstance(columns, list) or not columns:
        raise ContractError("there are no columns; write `columns:` and a list of them")
    more = {"notes": fields.get("notes") or "", "aliases": _aliases(fields.get("aliases") or {})}
    key = _texts(fields.get("key") or [], "key")
    return keyed([_column(number, entry) for number, entry in enumerate(columns, 1)], key, **more)


def _aliases(aliases: Any) -> dict[str, list[str]]:
    """From `{name: others}`, or from `[{name: …, others: […]}]` as a contract is exported."""
    if isinstance(aliases, list) and all(
        isinstance(alias, Mapping) and set(alias) == {"name", "others"} for alias in aliases
    ):
        aliases = _named_once([(str(alias["name"]), alias["others"]) for alias in aliases])
    if not isinstance(aliases, Mapping):
        raise ContractError("aliases: write `name: [other spelling, …]` for each")
    return {name: _texts(others, f"aliases of {name}") for name, others in aliases.items()}


def _texts(value: Any, what: str) -> list[str]:
    """A list of texts; a single text is a list of one."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ContractError(f"{what[:80]}: write a list of texts; true and false need quotes")
    return texts


def _column(number: int, entry: Any) -> Column:
    if isinstance(entry, str):
        return parse_column(entry)
    if not isinstance(entry, Mapping):
        raise ContractError(f"column {number} is neither text nor a mapping of fields")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ContractError(f"column {number} has no name; write `name: …`")
    return make_column(**_fields(entry, f"column {name[:80]!r}"))


def _fields(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a `Column` from those of the file; those that are null are not given."""
    fields: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for written, value in entry.items():
        name = written.replace("-", "_")
        field, opposite = _FLAGS.get(name, (name, False))
        if field not in Column.model_fields:
            known = ", ".join((*Column.model_fields, "required", "with_source"))
            raise ContractError(f"{where}: no field {written[:80]!r}; the fields are {known}")
        if field in spelled:
            raise ContractError(
                f"{where}: {spelled[field]} and {written} say the same; leave one of them out"
            )
        spelled[field] = written
        if name in _FLAGS and value is not None:
            fields[field] = _flag(value, f"{where}, {written}") is not opposite
        elif field == "options" and value is not None:
            fields[field] = _options(value, where)
        elif value is not None:
            fields[field] = value
    return fields


def _flag(value: Any, where: str) -> bool:
    word = value.casefold() if isinstance(value, str) else value
    if word is True or word in _YES:
        return True
    if word is False or word in _NO:
        return False
    raise ContractError(f"{where}: {str(value)[:80]!r} is neither true nor false")


def _options(value: Any, where: str) -> tuple[str, ...]:
    written = value.split("|") if isinstance(value, str) else value
    return tuple(option.strip() for option in _texts(written, f"{where}, options"))
