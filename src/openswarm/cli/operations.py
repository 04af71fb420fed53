"""The options of `openswarm edit`, and the operations that are written with them."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from openswarm.core.columns import parse_column
from openswarm.core.errors import UserError
from openswarm.core.operations import Operation, make_operation

BY_HAND, WORK = "Changes at once", "Work of sub-agents"

Wish = Annotated[str, typer.Argument(help="What is to be changed, in words.", show_default=False)]


def _texts(flag: str, text: str, metavar: str, panel: str) -> Any:
    return typer.Option(flag, help=text, metavar=metavar, rich_help_panel=panel)


AddColumn = Annotated[
    list[str] | None,
    _texts("--add-column", 'Add a column, as in --columns: "name (type): …".', "TEXT", WORK),
]
AddRow = Annotated[list[str] | None, _texts("--add-row", "Add a row and work on it.", "ROW", WORK)]
Split = Annotated[
    list[str] | None,
    _texts("--split", "Put several rows in the place of one.", '"ROW: A; B"', WORK),
]
Complete = Annotated[
    bool, typer.Option("--complete", help="Work on all that is missing.", rich_help_panel=WORK)
]
Reword = Annotated[str, _texts("--reword", "Write the answer anew; how, in words.", "TEXT", WORK)]
SetCell = Annotated[
    list[str] | None,
    _texts("--set", "Set a cell by hand and lock it.", '"ROW: COLUMN = VALUE"', BY_HAND),
]
Unlock = Annotated[
    list[str] | None,
    _texts("--unlock", "Unlock a cell, a row, or with * all.", '"ROW: COLUMN"', BY_HAND),
]
RemoveRow = Annotated[list[str] | None, _texts("--remove-row", "Remove a row.", "ROW", BY_HAND)]
Join = Annotated[
    list[str] | None, _texts("--join", "Make one row of several.", '"A; B = NAME"', BY_HAND)
]
DropColumn = Annotated[
    list[str] | None, _texts("--drop-column", "Drop a column.", "COLUMN", BY_HAND)
]
RenameColumn = Annotated[
    list[str] | None, _texts("--rename-column", "Rename a column.", '"OLD = NEW"', BY_HAND)
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do what the model made of the wish unasked.")
]

SHAPES = {
    "set_cell": '--set "ROW: COLUMN = VALUE"', "unlock": '--unlock "ROW: COLUMN"',
    "split_row": '--split "ROW: A; B"', "join_rows": '--join "A; B = NAME"',
    "rename_column": '--rename-column "OLD = NEW"', "add_rows": "--add-row ROW",
    "remove_rows": "--remove-row ROW", "drop_column": "--drop-column COLUMN",
}  # fmt: skip
"""How each is written; the rest is read by `parse_column`."""
IN_ORDER = (
    "unlock", "add_column", "add_rows", "set_cell", "split_row", "join_rows", "remove_rows",
    "drop_column", "rename_column",
)  # fmt: skip
"""Operations of one command are carried out in this order, so that columns have the names that
the user sees."""


def given(params: Mapping[str, Any]) -> list[Operation]:
    """The operations that were given on a command line. Raises `UserError`, `ContractError`."""
    made = [operation(name, text) for name in IN_ORDER for text in params[name] or ()]
    if params["complete"]:
        made.append(make_operation(op="complete"))
    if params["reword"]:
        made.append(make_operation(op="reword", instruction=params["reword"]))
    return made


def operation(name: str, text: str) -> Operation:
    """An operation as it is written on the command line. Raises `UserError`, `ContractError`."""
    if name == "add_column":
        return make_operation(op=name, column=parse_column(text))
    fields = _fields(name, text)
    if fields is None:
        raise UserError(f"{text[:80]!r} is not written as {SHAPES[name]}")
    return make_operation(op=name, **fields)


def _fields(name: str, text: str) -> dict[str, Any] | None:
    """The fields of an operation; None for a text that is not of its shape."""
    match name:
        case "set_cell":
            return _cell(text)
        case "unlock":
            row, _, column = text.rpartition(":") if ":" in text else (text, "", "")
            return {"row": _all(row), "column": _all(column)} if row.strip() else None
        case "rename_column":
            old, _, new = text.partition("=")
            return (
                {"column": old.strip(), "to": new.strip()} if old.strip() and new.strip() else None
            )
        case "split_row":
            row, _, parts = text.partition(":")
            into = _listed(parts)
            return {"row": row.strip(), "into": into} if row.strip() and len(into) > 1 else None
        case "join_rows":
            parts, _, into = text.partition("=")
            rows = _listed(parts)
            return {"rows": rows, "into": into.strip()} if len(rows) > 1 else None
    if not text.strip():
        return None
    return {"column": text.strip()} if name == "drop_column" else {"rows": (text.strip(),)}


def _cell(text: str) -> dict[str, str] | None:
    """Row, column and value; what stands between the last colon and the `=` is the column, so that
    rows may have colons in their names and values anything."""
    start = text.find(":")
    end = text.find("=", start)
    row, _, column = text[: max(0, end)].rpartition(":")
    if start < 0 or end < 0 or not row.strip() or not column.strip():
        return None
    return {"row": row.strip(), "column": column.strip(), "value": text[end + 1 :].strip()}


def _all(text: str) -> str:
    return "" if text.strip() == "*" else text.strip()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())
