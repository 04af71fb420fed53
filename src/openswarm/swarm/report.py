"""The tool with which a sub-agent hands in rows: its parameters are the contract.

Rows are checked here, once more than the schema can: types of values, evidence of each cell. A
report that does not fit is sent back once; after that what fits is taken.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from openswarm.core.contract import MAX_QUOTE_CHARS, MAX_VALUE_CHARS, Column, Contract
from openswarm.core.table import Cell, Row
from openswarm.swarm.quotes import find_evidence
from openswarm.tools.documents import Document
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

REPORT = "report"
MAX_ROWS = 200
_NOTHING = frozenset({"", "null", "n/a", "unknown", "not found", "not available", "not given"})
_BOOLEAN = frozenset({"yes", "no", "true", "false"})


class GivenCell(BaseModel):
    """A value as a model hands it in."""

    model_config = ConfigDict(extra="ignore")

    value: str = Field("", max_length=MAX_VALUE_CHARS)
    source: str = Field("", max_length=300, description="the source attribute of the document")
    quote: str = Field("", max_length=MAX_QUOTE_CHARS, description="its words, verbatim")


def _as_text(value: Any) -> Any:
    """A value as text, where it is clear what the text is; anything else is refused later."""
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return str(value)
        case {"value": inner}:
            return _as_text(inner)
        case [*parts] if all(isinstance(part, str | int | float) for part in parts):
            return ", ".join(map(str, parts))
        case _:
            return value


def _as_cell(value: Any) -> Any:
    if isinstance(value, dict):
        return {**value, "value": _as_text(value.get("value"))}
    return {"value": _as_text(value)}


FullCell = Annotated[GivenCell, BeforeValidator(_as_cell)]
PlainCell = Annotated[str, BeforeValidator(_as_text), Field(max_length=160)]


@dataclass(slots=True)
class Reporter:
    """Makes the `report` tool of one assignment."""

    contract: Contract
    item: str
    """The batch item; with a key of one column it is the row's key, and is not asked for."""
    agent: str
    documents: Callable[[], Sequence[Document]]
    """What the sub-agent has read by now."""
    compact: bool = False
    """Ask for values alone; the evidence is looked up."""
    repairs: int = 1
    _taken: list[Row] = field(default_factory=list)
    """All rows so far: a model may hand them in by several calls of one turn."""

    def tool(self) -> Tool:
        """The tool; its result carries the rows as `data`."""
        params = _form(self.contract, one_row=self._one_row, compact=self.compact)
        return Tool(REPORT, prompt_text(__file__), params, self._run, repeatable=True)

    @property
    def _one_row(self) -> bool:
        return bool(self.item) and len(self.contract.key) == 1

    async def _run(self, params: BaseModel, _: ToolContext) -> ToolResult:
        given = [params] if self._one_row else params.rows  # type: ignore[attr-defined]
        values = [self._values(row) for row in given]
        problems = [problem for row in values for problem in self._problems(row)]
        if problems and self.repairs > 0:
            self.repairs -= 1
            advice = "Correct it and call report again; leave a value empty if you cannot."
            return ToolResult(f"The report does not fit: {'; '.join(problems)}. {advice}", ok=False)
        documents = self.documents()
        rows = [self._row(row, documents) for row in values]
        self._taken += [row for row in rows if all(row.key(self.contract))]
        text = f"{len(self._taken)} rows handed in."
        return ToolResult(text, closing=True, data=tuple(self._taken))

    def _values(self, row: BaseModel) -> dict[str, GivenCell]:
        given: dict[str, GivenCell] = {}
        for name, info in type(row).model_fields.items():
            value = getattr(row, name)
            cell = GivenCell(value=value) if isinstance(value, str) else value
            given[info.alias or name] = cell
        if self._one_row:
            given[self.contract.key[0]] = GivenCell(value=self.item)
        return given

    def _problems(self, row: dict[str, GivenCell]) -> list[str]:
        problems = [
            f"{column.name}: {row[column.name].value!r} is not a {column.type}"
            for column in self.contract.columns
            if not fits(row[column.name].value, column)
        ]
        keys = [name for name in self.contract.key if is_nothing(row[name].value)]
        return problems + [f"{name}: the key of a row cannot be empty" for name in keys]

    def _row(self, given: dict[str, GivenCell], documents: Sequence[Document]) -> Row:
        cells = {
            column.name: self._cell(column, given[column.name], documents)
            for column in self.contract.columns
        }
        return Row(cells=cells)

    def _cell(self, column: Column, given: GivenCell, documents: Sequence[Document]) -> Cell:
        value = " ".join(given.value.split())
        if is_nothing(value):
            return Cell(agent=self.agent)
        if column.name in self.contract.key and value == " ".join(self.item.split()):
            return Cell(value=value, agent=self.agent, state="filled")
        found = find_evidence(value, given.source, given.quote, column, documents)
        return Cell(
            value=value,
            source=found.source,
            quote=found.quote,
            agent=self.agent,
            state="filled" if found.verified else "unverified",
        )


@lru_cache(maxsize=64)
def _form(contract: Contract, *, one_row: bool, compact: bool) -> type[BaseModel]:
    """The parameters of the tool, made once for all sub-agents of a contract."""
    columns = contract.asked if one_row else contract.columns
    cell: Any = PlainCell if compact else FullCell
    fields: dict[str, Any] = {
        f"c{i}": (cell, Field(alias=column.name, description=_describe(column)))
        for i, column in enumerate(columns)
    }
    strict = ConfigDict(extra="forbid", populate_by_name=False)
    row = create_model("Row", __config__=strict, **fields)
    if one_row:
        return row
    rows: Any = (list[row], Field(min_length=0, max_length=MAX_ROWS))
    return create_model("Report", __config__=strict, rows=rows)


def is_nothing(value: str) -> bool:
    """Whether a value says that there is none."""
    return " ".join(value.casefold().split()).strip(".") in _NOTHING


def fits(value: str, column: Column) -> bool:
    """Whether a value can be of the column's type; nothing fits every type."""
    if is_nothing(value) or column.type == "text":
        return True
    if column.type == "number":
        return re.search(r"\d", value) is not None
    if column.type == "date":
        return re.search(r"\d{4}|\d{1,2}[./-]\d{1,2}", value) is not None
    if column.type == "url":
        return re.match(r"https?://[^\s/]+", value) is not None
    return value.strip().casefold() in _BOOLEAN


def _describe(column: Column) -> str:
    parts = [column.definition, f"unit: {column.unit}" if column.unit else ""]
    kind = "" if column.type == "text" else column.type
    return "; ".join(part for part in (*parts, kind) if part)
