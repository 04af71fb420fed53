"""What the swarm says to models: prompts are templates in `agent/prompts`, filled in here alone."""

from collections.abc import Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined

from openswarm.core.contract import Contract
from openswarm.core.result import Report
from openswarm.core.table import Table
from openswarm.swarm.assignment import AgentSpec
from openswarm.swarm.validation import Brief

REPORT_BYTES = 4096
"""A report up to this size reaches the orchestrator whole."""
SHOWN_ROWS = 100


class Prompts:
    """Renders every text that the swarm gives to a model."""

    def __init__(self, *, compact: bool = False, compact_subagents: bool = False) -> None:
        self._compact = compact
        self._compact_subagents = compact_subagents

    def orchestrator(self, **facts: object) -> str:
        """The orchestrator's system prompt."""
        return render("orchestrator_compact" if self._compact else "orchestrator", **facts)

    def agent(self, **facts: object) -> str:
        """The system prompt of an agent that works alone."""
        return render("agent", **facts)

    def answer(self) -> str:
        """The system prompt of a model that answers at once, without tools."""
        return render("answer")

    def subagent(self, spec: AgentSpec, contract: Contract | None) -> str:
        """A sub-agent's system prompt: the same for all of one configuration."""
        return render("subagent", spec=spec, contract=contract, compact=self._compact_subagents)

    def brief(self, brief: Brief, contract: Contract | None) -> str:
        """A sub-agent's first message."""
        item = brief.item if contract and len(contract.key) == 1 else ""
        return render("brief", brief=brief, item=item, contract=contract)

    def fill(self, **facts: object) -> str:
        """The first message of a sub-agent that works on chosen cells of one row."""
        return render("fill", **facts)

    def writer(self) -> str:
        """The system prompt of who writes an answer from a table."""
        return render("writer", table=None)

    def to_write(self, table: Table, **facts: object) -> str:
        """What the writer is told."""
        return render("writer", table=table, shown=SHOWN_ROWS, **facts)

    def reports(self, reports: Sequence[Report], table: Table | None) -> str:
        """What the orchestrator is told of a stage; what is missing is named."""
        return render(
            "reports",
            reports=reports,
            texts=[cut(report.text) for report in reports],
            missing=[report for report in reports if report.outcome != "completed"],
            table=table,
            shown=0 if self._compact else SHOWN_ROWS,
        )


def cut(text: str) -> str:
    """A report as the orchestrator sees it: whole when short, else its beginning and a pointer."""
    data = text.encode()
    if len(data) <= REPORT_BYTES:
        return text
    head = data[: REPORT_BYTES - 200].decode(errors="ignore")
    return f"{head}\n[cut after {len(head)} of {len(text)} characters; the run keeps it whole]"


def render(name: str, **facts: object) -> str:
    """A template of `agent/prompts`; a fact that is missing is an error."""
    return _environment().get_template(name).render(**facts).strip()


@cache
def _environment() -> Environment:
    folder = resources.files("openswarm.agent") / "prompts"
    return Environment(
        loader=FunctionLoader(lambda name: (folder / f"{name}.md").read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
