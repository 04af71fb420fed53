"""The tool with which a sub-agent hands in rows: its parameters are the contract.

Rows are checked here, once more than the schema can: values are brought into the one form of their
column, quotes are looked for in what was read. A report that does not fit is sent back once; after
that what fits is taken, and what does not is marked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from openswarm.core.contract import MAX_QUOTE_CHARS, MAX_VALUE_CHARS, Column, Contract
from openswarm.core.normalise import is_nothing, normalise
from openswarm.core.table import CONFIDENCES, Cell, Confidence, Row
from openswarm.swarm.quotes import Evidence, find_evidence
from openswarm.tools.documents import Document
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

REPORT = "report"
MAX_ROWS = 200
MAX_PROBLEMS = 12
"""So many are told; a hundred wrong rows would fill the context."""


class GivenCell(BaseModel):
    """A value as a model hands it in."""

    model_config = ConfigDict(extra="ignore")

    value: str = Field("", max_length=MAX_VALUE_CHARS)
    source: str = Field("", max_length=300, description="the source attribute of the document")
    quote: str = Field("", max_length=MAX_QUOTE_CHARS, description="its words, verbatim")
    confidence: str = Field(
        "",
        max_length=40,
        description="low or medium where you are not sure",
        json_schema_extra={"enum": ["high", "medium", "low"]},
    )


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


@dataclass(slots=True)
class Reporter:
    """Makes the `report` tool of one assignment."""

    contract: Contract
    key: tuple[str, ...]
    """The row that the assignment is about, which then is not asked for; () where rows are free."""
    agent: str
    documents: Callable[[], Sequence[Document]]
    """What the sub-agent has read by now."""
    compact: bool = False
    """Ask for values alone; the evidence is looked up."""
    repairs: int = 1
    steps: Callable[[], int] = lambda: 0
    """How many replies the sub-agent has made."""
    _taken: list[Row] = field(default_factory=list)
    """All rows so far: a model may hand them in by several calls of one turn."""

    def tool(self) -> Tool:
        """The tool; its result carries the rows as `data`."""
        params = _form(self.contract, one_row=bool(self.key), compact=self.compact)
        return Tool(REPORT, prompt_text(__file__), params, self._run, repeatable=True)

    async def _run(self, params: BaseModel, _: ToolContext) -> ToolResult:
        given = [params] if self.key else params.rows  # type: ignore[attr-defined]
        values = [self._values(row) for row in given]
        documents = self.documents()
        checked = [self._row(row, documents) for row in values]
        problems = [problem for _, found in checked for problem in found]
        if problems and self.repairs > 0:
            self.repairs -= 1
            return ToolResult(_objection(problems), ok=False)
        rows = [row for row, _ in checked]
        self._taken += [row for row in rows if all(row.key(self.contract))]
        text = f"{len(self._taken)} rows handed in."
        return ToolResult(text, closing=True, data=tuple(self._taken))

    def _values(self, row: BaseModel) -> dict[str, GivenCell]:
        given: dict[str, GivenCell] = {}
        for name, info in type(row).model_fields.items():
            value = getattr(row, name)
            cell = GivenCell(value=value) if isinstance(value, str) else value
            given[info.alias or name] = cell
        for name, value in zip(self.contract.key, self.key, strict=False):
            given[name] = GivenCell(value=value)
        return given

    def _row(
        self, given: dict[str, GivenCell], documents: Sequence[Document]
    ) -> tuple[Row, list[str]]:
        """The row, and what is wrong with it."""
        cells: dict[str, Cell] = {}
        problems: list[str] = []
        for column in self.contract.columns:
            cell, problem = self._cell(column, given[column.name], documents)
            cells[column.name] = cell
            if problem:
                problems.append(f"{column.name}: {problem}")
        return Row(cells=cells), problems

    def _cell(
        self, column: Column, given: GivenCell, documents: Sequence[Document]
    ) -> tuple[Cell, str]:
        in_key = column.name in self.contract.key
        if in_key and self.key:
            value = " ".join(given.value.split())
            return self._made(value, given, state="filled", confidence="high"), ""
        if is_nothing(given.value):
            if in_key:
                return Cell(agent=self.agent), "the key of a row cannot be empty"
            wanted = "" if column.nullable else "a value is required, if the documents have one"
            return Cell(agent=self.agent, step=self.steps()), wanted
        value, problem = normalise(given.value, column)
        evidence = find_evidence(given.value, value, given.source, given.quote, column, documents)
        if problem:
            return self._evident(value, given, evidence, "unverified", "low"), problem
        if not evidence.verified:
            lacking = "its quote does not stand in what you read; copy the words that show it"
            cell = self._evident(value, given, evidence, "unverified", "low")
            return cell, lacking if column.needs_source else ""
        confidence = _lower("high" if evidence.shows_value else "medium", given.confidence)
        return self._evident(value, given, evidence, "filled", confidence), ""

    def _evident(
        self, value: str, given: GivenCell, evidence: Evidence, state: Any, confidence: Confidence
    ) -> Cell:
        cell = self._made(value, given, state=state, confidence=confidence)
        return cell.model_copy(update={"source": evidence.source, "quote": evidence.quote})

    def _made(self, value: str, given: GivenCell, *, state: Any, confidence: Confidence) -> Cell:
        return Cell(
            value=value,
            raw=given.value,
            agent=self.agent,
            step=self.steps(),
            confidence=confidence,
            state=state,
        )


def _objection(problems: Sequence[str]) -> str:
    more = f"; and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
    advice = "Correct it and call report again; leave a value empty if you cannot."
    return f"The report does not fit: {'; '.join(problems[:MAX_PROBLEMS])}{more}. {advice}"


def _lower(evident: Confidence, said: str) -> Confidence:
    """What the evidence supports, or less where the sub-agent says so."""
    own = said.strip().casefold()
    known = [confidence for confidence in CONFIDENCES if confidence and confidence == own]
    return min([evident, *known], key=CONFIDENCES.index)


@lru_cache(maxsize=64)
def _form(contract: Contract, *, one_row: bool, compact: bool) -> type[BaseModel]:
    """The parameters of the tool, made once for all sub-agents of a contract."""
    columns = contract.asked if one_row else contract.columns
    fields: dict[str, Any] = {
        f"c{i}": (
            _plain_cell(column) if compact else _full_cell(column),
            Field(alias=column.name, description=_describe(column)),
        )
        for i, column in enumerate(columns)
    }
    strict = ConfigDict(extra="forbid", populate_by_name=False)
    row = create_model("Row", __config__=strict, **fields)
    if one_row:
        return row
    rows: Any = (list[row], Field(min_length=0, max_length=MAX_ROWS))
    return create_model("Report", __config__=strict, rows=rows)


def _plain_cell(column: Column) -> Any:
    value = Field(max_length=160, json_schema_extra=_choice(column))
    return Annotated[str, BeforeValidator(_as_text), value]


def _full_cell(column: Column) -> Any:
    choice = _choice(column)
    if choice is None:
        return Annotated[GivenCell, BeforeValidator(_as_cell)]
    value: Any = (str, Field("", max_length=MAX_VALUE_CHARS, json_schema_extra=choice))
    cell = create_model("GivenChoice", __base__=GivenCell, value=value)
    return Annotated[cell, BeforeValidator(_as_cell)]


def _choice(column: Column) -> Any:
    """What a value may be, as a model that can be constrained is told; others are normalised."""
    options = {"enum": column.options, "boolean": ("yes", "no")}.get(column.type)
    return {"enum": [*options, ""]} if options else None


def _describe(column: Column) -> str:
    parts = [column.definition, f"unit: {column.unit}" if column.unit else ""]
    kind = {"text": "", "date": "date, as YYYY-MM-DD", "enum": " or ".join(column.options)}
    needed = ["required" * (not column.nullable), "only with a quote" * column.needs_source]
    return "; ".join(part for part in (*parts, kind.get(column.type, column.type), *needed) if part)
