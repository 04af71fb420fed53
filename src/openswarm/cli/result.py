"""What is printed when a run is over: the object of `--json`, or answer, table and figures."""

import json
import sys
from typing import Any

import typer

from openswarm.core.result import RunResult
from openswarm.swarm.export import table_object


def result_object(result: RunResult) -> dict[str, Any]:
    """The one object of `--json`, with exactly these keys."""
    stats = result.stats
    table = table_object(result.table) if result.table else None
    return {
        "run_id": result.run_id,
        "mode": result.mode,
        "mode_reason": result.mode_reason,
        "answer": result.answer,
        "table": table and {"columns": table["columns"], "rows": table["rows"]},
        "cells": table["cells"] if table else [],
        "outcome": result.outcome,
        "sub_agents": stats.sub_agents,
        "stages": stats.stages,
        "critical_steps": stats.critical_steps,
        "total_steps": stats.total_steps,
        "parallelism": stats.parallelism,
        "tokens": {
            "input": stats.tokens.input_tokens,
            "output": stats.tokens.output_tokens,
            "cached": stats.tokens.cached_tokens,
        },
        "cost_usd": stats.cost_usd,
        "wall_s": stats.wall_s,
        "failures": [failure.model_dump() for failure in result.failures],
    }


def print_json(value: Any) -> None:
    """One JSON value on standard output, readable by people where the terminal can show it."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    typer.echo(json.dumps(value, indent=2, ensure_ascii=plain))
