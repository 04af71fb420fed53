"""`openswarm run` and `openswarm resume`: from options to a run and its result."""

import sys
from pathlib import Path
from typing import Any

import typer

from openswarm.cli import options
from openswarm.cli.display import choose_display
from openswarm.cli.exits import OF_OUTCOME, Exit
from openswarm.cli.result import print_json, print_result, result_object
from openswarm.cli.work import Carried, Work, carry_out, with_observer
from openswarm.core.errors import UserError
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings

MAX_TASK_BYTES = 4 * 1024 * 1024


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("run", rich_help_panel="Work")(run)
    app.command("resume", rich_help_panel="Work")(resume)


def run(
    task: options.Task,
    mode: options.Mode = "auto",
    model: options.Model = "",
    subagent_model: options.SubagentModel = "",
    over: options.Over = None,
    attach: options.Attach = None,
    columns: options.Columns = "",
    key: options.Key = None,
    out: options.Out = None,
    max_subagents: options.MaxSubagents = None,
    max_parallel: options.MaxParallel = None,
    budget_usd: options.BudgetUsd = None,
    budget_tokens: options.BudgetTokens = None,
    timeout: options.Timeout = None,
    subagent_timeout: options.SubagentTimeout = None,
    steps: options.Steps = None,
    critical_steps: options.CriticalSteps = None,
    orchestrator_steps: options.OrchestratorSteps = None,
    subagent_steps: options.SubagentSteps = None,
    as_json: options.Json = False,
    plain: options.Plain = False,
    yes: options.Yes = False,
) -> int:
    """Does a task: alone, or with as many sub-agents as it deserves.

    \b
    Example:
      openswarm run "Capital and population of each country" --over countries/ \\
        --columns "country; capital; population (number): the latest estimate" --out out.xlsx

    Ctrl-C once hands back what there is, twice kills. Exit codes: 0 completed, 1 error, 2 usage,
    3 partial, 130 interrupted.
    """
    from openswarm import modes
    limits = {
        "max_subagents": max_subagents,
        "max_parallel": max_parallel,
        "usd": budget_usd,
        "tokens": budget_tokens,
        "wall_s": timeout,
        "subagent_wall_s": subagent_timeout,
        "steps": steps,
        "critical_steps": critical_steps,
        "orchestrator_steps": orchestrator_steps,
        "subagent_steps": subagent_steps,
    }
    return 0
