"""What can be done to a finished table, as values: each names what it touches, and nothing else is.

A row is named by its key as it is shown (`Chile`, or `Chile / 2024` where the key has two columns).
`swarm.edits` carries operations out; models, the command line and Python all make these.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from openswarm.core.contract import MAX_VALUE_CHARS, Column, reasons
from openswarm.core.errors import UserError
from openswarm.core.frozen import Frozen

RowName = Annotated[str, Field(min_length=1, max_length=1000)]
ColumnName = Annotated[str, Field(min_length=1, max_length=80)]


class RetryRow(Frozen):
    """Works on all cells of a row again, but locked ones."""

    op: Literal["retry_row"] = "retry_row"
    row: RowName


class RetryCell(Frozen):
    """Works on one cell again."""

    op: Literal["retry_cell"] = "retry_cell"
    row: RowName
    column: ColumnName


class RetryFailed(Frozen):
    """Works again on every row whose sub-agent failed, was stopped or brought nothing."""

    op: Literal["retry_failed"] = "retry_failed"


class Complete(Frozen):
    """Works on every row that is missing and every cell that is empty, once."""

    op: Literal["complete"] = "complete"


class AddColumn(Frozen):
    """Adds a column and works on it alone."""

    op: Literal["add_column"] = "add_column"
    column: Column
    after: str = Field("", max_length=80)
    """The column that it stands after; '' is the end."""


class DropColumn(Frozen):
    """Takes a column away."""

    op: Literal["drop_column"] = "drop_column"
    column: ColumnName


class RenameColumn(Frozen):
    """Gives a column another name; its values stay."""

    op: Literal["rename_column"] = "rename_column"
    column: ColumnName
    to: ColumnName


class AddRows(Frozen):
    """Adds rows and works on them."""

    op: Literal["add_rows"] = "add_rows"
    rows: tuple[RowName, ...] = Field(min_length=1, max_length=1000)


class RemoveRows(Frozen):
    """Takes rows away."""

    op: Literal["remove_rows"] = "remove_rows"
    rows: tuple[RowName, ...] = Field(min_length=1, max_length=1000)


class SetCell(Frozen):
    """Sets a cell by hand and locks it against later work."""

    op: Literal["set_cell"] = "set_cell"
    row: RowName
    column: ColumnName
    value: str = Field(max_length=MAX_VALUE_CHARS)


class Unlock(Frozen):
    """Lets later work change cells again: one, those of a row, of a column, or all."""

    op: Literal["unlock"] = "unlock"
    row: str = Field("", max_length=1000)
    column: str = Field("", max_length=80)


class SplitRow(Frozen):
    """Puts several rows in the place of one and works on them, with what is known of the one."""

    op: Literal["split_row"] = "split_row"
    row: RowName
    into: tuple[RowName, ...] = Field(min_length=2, max_length=100)


class JoinRows(Frozen):
    """Makes one row of several; where they differ, both values are kept as a conflict."""

    op: Literal["join_rows"] = "join_rows"
    rows: tuple[RowName, ...] = Field(min_length=2, max_length=100)
    into: str = Field("", max_length=1000)
    """The name of the row; '' is that of the first."""


class Reword(Frozen):
    """Writes the answer anew from the table as it stands."""

    op: Literal["reword"] = "reword"
    instruction: str = Field("", max_length=4000)


Operation = Annotated[
    RetryRow | RetryCell | RetryFailed | Complete | AddColumn | DropColumn | RenameColumn
    | AddRows | RemoveRows | SetCell | Unlock | SplitRow | JoinRows | Reword,
    Field(discriminator="op"),
]  # fmt: skip
OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)


def make_operation(**fields: Any) -> Operation:
    """An operation from its fields. Raises `UserError` that says what is wrong with them."""
    try:
        return OPERATION.validate_python(fields)
    except ValidationError as error:
        raise UserError(f"{fields.get('op', 'operation')}: {reasons(error)}") from None


def describe(operation: Operation) -> str:
    """The operation in one line, for people."""
    match operation:
        case RetryRow(row=row):
            return f"work on row {row} again"
        case RetryCell(row=row, column=column):
            return f"work on {column} of {row} again"
        case RetryFailed():
            return "work again on every row whose sub-agent failed"
        case Complete():
            return "work on what is missing"
        case AddColumn(column=column):
            facts = [column.type, column.unit, "|".join(column.options)]
            kind = "" if column.type == "text" else f" ({', '.join(filter(None, facts))})"
            meaning = f": {column.definition}" if column.definition else ""
            return f"add the column {column.name}{kind}{meaning}"
        case Reword(instruction=instruction):
            return f"write the answer anew{f': {instruction}' if instruction else ''}"
        case _:
            return _describe_by_hand(operation)


def _describe_by_hand(operation: Operation) -> str:
    match operation:
        case DropColumn(column=column):
            return f"drop the column {column}"
        case RenameColumn(column=column, to=to):
            return f"rename the column {column} to {to}"
        case AddRows(rows=rows):
            return f"add {_listed(rows)}"
        case RemoveRows(rows=rows):
            return f"remove {_listed(rows)}"
        case SetCell(row=row, column=column, value=value):
            return f"set {column} of {row} to {value or 'nothing'} and lock it"
        case Unlock(row=row, column=column):
            return f"unlock {column or 'all cells'} of {row or 'all rows'}"
        case SplitRow(row=row, into=into):
            return f"split row {row} into {', '.join(into)}"
        case JoinRows(rows=rows, into=into):
            return f"join {_listed(rows)} into {into or rows[0]}"
        case _:
            raise AssertionError(operation)


def _listed(rows: tuple[str, ...]) -> str:
    shown = ", ".join(rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"the row {shown}" if len(rows) == 1 else f"{len(rows)} rows: {shown}{more}"
