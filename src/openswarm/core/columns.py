"""Where a contract comes from: a line of text, or a pydantic model. (Files: `modes.contracts`.)"""

import datetime
import enum
import re
import types
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AnyUrl, BaseModel
from pydantic.fields import FieldInfo

from openswarm.core.contract import COLUMN_TYPES, Column, Contract, make_column, make_contract
from openswarm.core.errors import ContractError

_COLUMN = re.compile(
    r"^(?P<name>[^:()]+?)\s*(?:\((?P<facts>[^)]*)\))?\s*(?::\s*(?P<definition>.*))?$", re.DOTALL
)
_REQUIRED, _SOURCED = "required", "with source"


def parse_columns(text: str, key: Iterable[str] = ()) -> Contract:
    """The contract written as `"name: definition; name (number, km): definition; …"`.

    In the brackets the type comes first, then the unit of a number or the options of an enum
    (`enum, open|closed`), `required` for a column that may not stay empty, `with source` for one
    that counts only with evidence. Without `key` the first column is the key; a key that is not
    among the columns becomes the first one. Raises `ContractError` with what to change.
    """
    columns = [parse_column(part) for part in text.split(";") if part.strip()]
    if not columns:
        raise ContractError('no column given; write --columns "name: definition; name: definition"')
    return keyed(columns, key)


def keyed(columns: Sequence[Column], key: Iterable[str] = (), **more: Any) -> Contract:
    """The contract of these columns; a key that is none of them goes before them."""
    keys = tuple(name.strip() for name in key if name.strip()) or (columns[0].name,)
    names = {column.name for column in columns}
    added = [make_column(name=name) for name in keys if name not in names]
    return make_contract(columns=(*added, *columns), key=keys, **more)


def parse_column(text: str) -> Column:
    """One column written as `name (type, unit): definition`. Raises `ContractError`."""
    match = _COLUMN.match(text.strip())
    if match is None:
        raise ContractError(f"column {text.strip()[:80]!r} is not `name: definition`")
    name, definition = match["name"].strip(), (match["definition"] or "").strip()
    facts = [fact.strip() for fact in (match["facts"] or "").split(",") if fact.strip()]
    fields: dict[str, Any] = {"name": name, "definition": definition}
    if facts and facts[0] in COLUMN_TYPES:
        fields["type"] = facts.pop(0)
    for flag, field, value in ((_REQUIRED, "nullable", False), (_SOURCED, "needs_source", True)):
        if flag in facts:
            facts.remove(flag)
            fields[field] = value
    if facts and "type" not in fields:
        raise ContractError(
            f"column {name!r}: type {facts[0]!r} is not one of {', '.join(COLUMN_TYPES)}"
        )
    if facts and fields["type"] == "enum":
        fields["options"] = tuple(o.strip() for o in "|".join(facts).split("|") if o.strip())
    elif facts:
        fields["unit"] = ", ".join(facts)
    return make_column(**fields)


def contract_of(model: type[BaseModel], key: Iterable[str] = ()) -> Contract:
    """The contract of a pydantic model: a field is a column, its description the definition.

    `str` is text, `int`, `float` and `Decimal` numbers, `date` and `datetime` dates, URLs urls,
    `bool` boolean, `Literal` and `Enum` enums; `X | None` or a default makes it nullable. `title`
    is the column's name, where the field's own is not to be shown; the first of `examples` is the
    example; `json_schema_extra` may have `unit`, `needs_source` and `key` (true for a column of
    the key). Raises `ContractError` for any other type.
    """
    fields = model.model_fields.items()
    columns = [_column_of(name, field) for name, field in fields]
    if not columns:
        raise ContractError(f"{model.__name__} has no fields; each field is a column")
    names = {name: column.name for (name, _), column in zip(fields, columns, strict=True)}
    marked = [names[name] for name, field in fields if _extra(field).get("key")]
    given = [names.get(name, name) for name in key]
    return keyed(columns, given or marked, notes=(model.__doc__ or "").strip()[:4000])


def _column_of(name: str, field: FieldInfo) -> Column:
    extra = _extra(field)
    kinds = [kind for kind in _members(field.annotation) if kind is not type(None)]
    kind, options = _type_of(kinds, name)
    return make_column(
        name=field.title or name,
        definition=field.description or "",
        type=kind,
        unit=str(extra.get("unit", "")),
        example=str(field.examples[0]) if field.examples else "",
        options=options,
        nullable=type(None) in _members(field.annotation) or not field.is_required(),
        needs_source=bool(extra.get("needs_source", False)),
    )


def _extra(field: FieldInfo) -> dict[str, Any]:
    return dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _type_of(kinds: list[Any], name: str) -> tuple[str, tuple[str, ...]]:
    """The column type of an annotation, and its options. A date beats the datetime it is one of."""
    if len(kinds) == 1 and get_origin(kinds[0]) is Literal:
        return "enum", tuple(map(str, get_args(kinds[0])))
    if kinds and all(isinstance(kind, type) for kind in kinds):
        if len(kinds) == 1 and issubclass(kinds[0], enum.Enum):
            return "enum", tuple(str(member.value) for member in kinds[0])
        found = {_plain_type(kind) for kind in kinds}
        if len(found) == 1 and "" not in found:
            return found.pop(), ()
    raise ContractError(
        f"column {name!r}: its type cannot be a column's; use str, int, float, Decimal, date,"
        " HttpUrl, bool, Literal or Enum, each also with | None"
    )


def _plain_type(kind: type) -> str:
    import decimal

    for known, column_type in (
        (bool, "boolean"),
        ((int, float, decimal.Decimal), "number"),
        (datetime.date, "date"),
        (AnyUrl, "url"),
        (str, "text"),
    ):
        if issubclass(kind, known):  # type: ignore[arg-type]
            return column_type
    return ""
