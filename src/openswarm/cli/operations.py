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
    match name:
        case "add_column":
            return make_operation(op=name, column=parse_column(text))
        case "drop_column":
            return make_operation(op=name, column=text)
        case "rename_column":
            old, new = _halves(text, "=", '--rename-column "OLD = NEW"')
            return make_operation(op=name, column=old, to=new)
        case "add_rows" | "remove_rows":
            return make_operation(op=name, rows=(text.strip(),))
        case "set_cell":
            return _set_cell(text)
        case "unlock":
            row, _, column = text.partition(":")
            return make_operation(op=name, row=_all(row), column=_all(column))
        case "split_row":
            row, parts = _halves(text, ":", '--split "ROW: A; B"')
            return make_operation(op=name, row=row, into=_listed(parts))
        case _:
            parts, _, into = text.partition("=")
            return make_operation(op=name, rows=_listed(parts), into=into.strip())


def _set_cell(text: str) -> Operation:
    row, rest = _halves(text, ":", '--set "ROW: COLUMN = VALUE"')
    column, found, value = rest.partition("=")
    if not found:
        raise UserError(f'{text!r} is not written as --set "ROW: COLUMN = VALUE"')
    return make_operation(op="set_cell", row=row, column=column.strip(), value=value.strip())


def _all(text: str) -> str:
    return "" if text.strip() == "*" else text.strip()


def _halves(text: str, mark: str, shape: str) -> tuple[str, str]:
    first, found, rest = text.partition(mark)
    if not found or not first.strip() or not rest.strip():
        raise UserError(f"{text!r} is not written as {shape}")
    return first.strip(), rest.strip()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())
