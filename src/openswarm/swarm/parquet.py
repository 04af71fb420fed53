"""A table as a Parquet file with typed columns and its evidence.

A column has its type where every value of it fits, and is text otherwise: no digit and no word is
lost. No other module imports pyarrow to write.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from openswarm.core.contract import ColumnType, Contract
from openswarm.core.errors import SettingsError
from openswarm.core.table import Cell, Conflict, Row, Table
from openswarm.swarm.evidence import rows_with_conflicts
from openswarm.swarm.values import is_exact_float, parse_boolean, parse_date, parse_number

if TYPE_CHECKING:
    import pyarrow as pa

EVIDENCE = "_evidence"
"""The last column: JSON text `{column: {source, quote, …}}`, with `others` and `rule` of a
conflict. It takes further underscores where the contract has a column of that name."""
MAX_INT64 = 2**63 - 1
MAX_DECIMAL_DIGITS = 38

_READ: dict[ColumnType, Callable[[str], Any]] = {
    "number": parse_number,
    "date": parse_date,
    "boolean": parse_boolean,
}


def require_pyarrow() -> None:
    """Raises `SettingsError` where the extra is missing."""
    if find_spec("pyarrow") is None:
        raise SettingsError(
            "Parquet needs pyarrow; install it with: pip install 'openswarm[parquet]'"
        )


def parquet_file(table: Table, *, answer: str = "", run_id: str = "") -> bytes:
    """The bytes of a .parquet file. Raises `SettingsError`.

    Empty cells are null. Numbers are int64 where all are whole, else float64 where that shows
    every digit, else decimal128; days are date32, booleans bool, all else is string. The file's
    metadata has `openswarm.contract` as JSON, `openswarm.run_id` and `openswarm.answer`.
    """
    require_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet as pq

    columns = {
        column.name: _array(column.type, [row.cells[column.name].value for row in table.rows])
        for column in table.contract.columns
    }
    evidence = [_evidence(row, conflicts) for row, conflicts in rows_with_conflicts(table)]
    columns[_evidence_name(table.contract)] = pa.array(evidence, pa.string())
    about = {
        "openswarm.contract": _json(table.contract.model_dump()),
        "openswarm.run_id": run_id,
        "openswarm.answer": _utf8(answer),
    }
    made = pa.table(columns).replace_schema_metadata({k: v for k, v in about.items() if v})
    data = io.BytesIO()
    pq.write_table(made, data)
    return data.getvalue()


def _array(kind: ColumnType, values: Sequence[str]) -> "pa.Array":
    import pyarrow as pa

    texts = [_utf8(value) or None for value in values]
    read = _READ.get(kind, lambda text: None)
    found = [None if text is None else read(text) for text in texts]
    fits = all((value is None) == (text is None) for value, text in zip(found, texts, strict=True))
    exact = _arrow_type(kind, [value for value in found if value is not None]) if fits else None
    if exact is None:
        return pa.array(texts, pa.string())
    if exact == pa.float64():
        found = [None if value is None else float(value) for value in found]
    return pa.array(found, exact)


def _arrow_type(kind: ColumnType, found: Sequence[Any]) -> "pa.DataType | None":
    import pyarrow as pa

    match kind:
        case "number":
            return _number_type(found)
        case "date":
            return pa.date32()
        case "boolean":
            return pa.bool_()
        case _:
            return None


def _number_type(numbers: Sequence[Decimal]) -> "pa.DataType | None":
    """The first type that keeps every digit of these numbers; None where there is none."""
    import pyarrow as pa

    if all(abs(number) <= MAX_INT64 and number == int(number) for number in numbers):
        return pa.int64()
    if all(map(is_exact_float, numbers)):
        return pa.float64()
    scale = max(max(0, -int(number.as_tuple().exponent)) for number in numbers)
    digits = max(max(0, number.adjusted() + 1) for number in numbers) + scale
    return pa.decimal128(digits, scale) if digits <= MAX_DECIMAL_DIGITS else None


def _evidence(row: Row, conflicts: Mapping[str, Conflict]) -> str:
    found: dict[str, Any] = {}
    for name, cell in row.cells.items():
        about: dict[str, Any] = _stated(cell, without={"value"})
        conflict = conflicts.get(name)
        if conflict is not None:
            about |= {"others": [_stated(o) for o in conflict.others], "rule": conflict.rule}
        if about:
            found[name] = about
    return _json(found)


def _stated(cell: Cell, without: set[str] | None = None) -> dict[str, Any]:
    return cell.model_dump(exclude_defaults=True, exclude=without)


def _evidence_name(contract: Contract) -> str:
    taken = {name.casefold() for name in contract.names}
    name = EVIDENCE
    while name in taken:
        name += "_"
    return name


def _json(value: dict[str, Any]) -> str:
    return _utf8(json.dumps(value, ensure_ascii=False))


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
