"""The options of commands that start work, as types; defaults are shown from where they live."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from openswarm.core.errors import UserError
from openswarm.core.limits import Limits
from openswarm.core.table import ConflictPolicy
from openswarm.core.task import Effort as TaskEffort
from openswarm.core.task import Mode as TaskMode
from openswarm.core.tooling import Verdict

TABLE, TOOLS, LIMITS, OUTPUT = "The table", "Tools", "Limits", "Output"
_DURATION = re.compile(r"(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """Seconds from `90`, `90s`, `10m` or `1h30m`. Raises `typer.BadParameter`."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise typer.BadParameter(f"{text!r} is no duration; write 90, 90s, 10m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _default(field: str) -> str:
    value = Limits.model_fields[field].default
    if value is None:
        return "none"
    if field.endswith("wall_s"):
        return f"{value / 60:g}m"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _limit(flag: str, field: str, text: str, **more: Any) -> Any:
    shown = _default(field)
    return typer.Option(flag, help=text, show_default=shown, rich_help_panel=LIMITS, **more)


Task = Annotated[str, typer.Argument(help="What is to be done; - reads it from standard input.")]
Run = Annotated[str, typer.Argument(help="A run: its id, the start of its id, or `last`.")]
Agent = Annotated[
    str, typer.Argument(help="An agent: its path (root/3), its number (3) or what it is about.")
]
Mode = Annotated[
    TaskMode, typer.Option(help="How it is done; auto chooses and says why.", metavar="MODE")
]
Effort = Annotated[
    TaskEffort,
    typer.Option(
        help="How much the root agent reasons: low, medium, high, max.",
        show_default="the model's own",
        metavar="EFFORT",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        help="provider/name, http://host:port/v1#name, local/name or scripted:FILE.",
        show_default="by the keys in the environment; see openswarm doctor",
        metavar="SPEC",
    ),
]
SubagentModel = Annotated[
    str, typer.Option(help="The sub-agents' model.", show_default="--model", metavar="SPEC")
]
Over = Annotated[
    list[str] | None,
    typer.Option(help="Search and read these: a folder, a file or an address.", metavar="PATH"),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        help="What agents may use: web, python, shell, files, http, mcp, or single ones such as "
        "fetch; several with commas.",
        show_default="none",
        rich_help_panel=TOOLS,
        metavar="NAMES",
    ),
]
Root = Annotated[
    list[Path] | None,
    typer.Option(
        help="A folder that the file tools work in; code sees it, too.",
        show_default="none",
        rich_help_panel=TOOLS,
        metavar="FOLDER",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        help="Run calls of this tool without asking: a name, or a pattern such as mcp__github__*.",
        rich_help_panel=TOOLS,
        metavar="TOOL",
    ),
]
Ask = Annotated[
    list[str] | None,
    typer.Option(help="Ask before each call of this tool.", rich_help_panel=TOOLS, metavar="TOOL"),
]
Deny = Annotated[
    list[str] | None,
    typer.Option(help="Refuse calls of this tool.", rich_help_panel=TOOLS, metavar="TOOL"),
]
Attended = Annotated[
    bool | None,
    typer.Option(
        "--attended/--unattended",
        help="Whether somebody answers what has to be asked, here or with openswarm approve; "
        "unattended, it is denied.",
        show_default="attended at a terminal",
        rich_help_panel=TOOLS,
    ),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe-no-sandbox",
        help="Run code without a sandbox, with all your rights, unasked. The run is marked.",
        rich_help_panel=TOOLS,
    ),
]
Attach = Annotated[
    list[Path] | None,
    typer.Option(help="Put this file into the first message.", metavar="FILE"),
]
Columns = Annotated[
    str,
    typer.Option(
        help='Freeze the table: "name: definition; name (number, km): definition; …", or a '
        "contract in a .json or .yaml file. Types: text, number, date, url, boolean, "
        "(enum, a|b); also required, with source.",
        show_default="the orchestrator decides",
        rich_help_panel=TABLE,
        metavar="TEXT",
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(
        help="A column that identifies a row.",
        show_default="the first column",
        rich_help_panel=TABLE,
        metavar="COLUMN",
    ),
]
Table = Annotated[
    Path | None,
    typer.Option(
        help="Start from the rows of a .csv, .xlsx, .json or .parquet: its empty cells and the "
        "columns of --columns are worked on, what it has is kept.",
        rich_help_panel=TABLE,
        metavar="FILE",
    ),
]
OnConflict = Annotated[
    ConflictPolicy,
    typer.Option(
        help="Different values for one cell: majority, first, keep-both, or recheck by a fresh "
        "sub-agent.",
        rich_help_panel=TABLE,
        metavar="POLICY",
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="Work once more on rows and cells that are missing.",
        rich_help_panel=TABLE,
    ),
]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        help="Write the result there as well: .csv, .xlsx, .json, .md or .parquet.",
        rich_help_panel=TABLE,
        metavar="FILE",
    ),
]
MaxSubagents = Annotated[
    int | None, _limit("--max-subagents", "max_subagents", "Sub-agents that one run may start.")
]
MaxParallel = Annotated[
    int | None,
    typer.Option(
        "--max-parallel",
        help="Sub-agents that run at once.",
        show_default="--max-subagents",
        rich_help_panel=LIMITS,
    ),
]
BudgetUsd = Annotated[
    float | None, _limit("--budget-usd", "usd", "Dollars, where the model has a price.")
]
BudgetTokens = Annotated[
    int | None, _limit("--budget-tokens", "tokens", "Input and output tokens, all agents.")
]
Timeout = Annotated[
    float | None,
    _limit(
        "--timeout",
        "wall_s",
        "Time for the run: 90, 10m, 1h30m.",
        parser=parse_duration,
        metavar="TIME",
    ),
]
SubagentTimeout = Annotated[
    float | None,
    _limit(
        "--subagent-timeout",
        "subagent_wall_s",
        "Time for one sub-agent.",
        parser=parse_duration,
        metavar="TIME",
    ),
]
Steps = Annotated[int | None, _limit("--steps", "steps", "Replies of models, all agents.")]
CriticalSteps = Annotated[
    int | None, _limit("--critical-steps", "critical_steps", "Steps on the longest path.")
]
OrchestratorSteps = Annotated[
    int | None,
    _limit("--orchestrator-steps", "orchestrator_steps", "Replies of the orchestrator."),
]
SubagentSteps = Annotated[
    int | None, _limit("--subagent-steps", "subagent_steps", "Replies of one sub-agent.")
]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Watch the run in the browser, and steer it there.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON object and nothing else; progress goes to standard error.",
        rich_help_panel=OUTPUT,
    ),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="Lines instead of the live view; also where NO_COLOR=1 and no terminal is.",
        rich_help_panel=OUTPUT,
    ),
]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Ask nothing: fetch a local model that is missing."),
]


def limits_given(context: typer.Context, base: Limits) -> Limits:
    """`base` with the limits that were given on the command line.

    The parameters that are limits have the names of the fields of `Limits`. Raises `UserError` for
    values out of range.
    """
    given = {
        name: value
        for name, value in context.params.items()
        if name in Limits.model_fields and value is not None
    }
    try:
        return Limits.model_validate(base.model_dump() | given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        flags = {param.name: param.opts[0] for param in context.command.params}
        raise UserError(f"{flags.get(name, name)} {given.get(name)}: {first['msg']}") from None


def policy_given(
    allow: list[str] | None, ask: list[str] | None, deny: list[str] | None
) -> dict[str, Verdict]:
    """The policy of the command line. Raises `UserError` for a tool with two verdicts."""
    rules: dict[str, Verdict] = {}
    given: tuple[tuple[Verdict, list[str] | None], ...] = (
        ("allow", allow), ("ask", ask), ("deny", deny),
    )  # fmt: skip
    for verdict, tools in given:
        for tool in tools or ():
            if tool in rules:
                raise UserError(f"--{rules[tool]} {tool} and --{verdict} {tool}: give one of them")
            rules[tool] = verdict
    return rules
