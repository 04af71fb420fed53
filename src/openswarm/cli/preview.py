"""What a run would be and cost, shown before it begins; whoever starts it can choose another mode.

Shown above a threshold of the settings (`preview_usd`, `preview_subagents`), and asked about only
where a person can answer.
"""

import sys
from typing import get_args

import typer

from openswarm.cli.exits import Interrupted, say
from openswarm.cli.text import count, dollars, duration, one_line, tokens
from openswarm.core.task import Mode
from openswarm.modes.estimate import Estimate
from openswarm.modes.forecast import Forecast

MODES: tuple[str, ...] = tuple(mode for mode in get_args(Mode) if mode != "auto")


def chosen_mode(forecast: Forecast, *, yes: bool) -> Mode | None:
    """Shows a forecast that is much, and asks; the mode that was chosen instead, or None.

    Raises `Interrupted` when the answer is no.
    """
    if not forecast.asks:
        return None
    route = forecast.route
    say(f"{route.mode}: {one_line(route.why, 300)}")
    say(f"  {estimate_line(forecast.estimate)}")
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    while True:
        answer = typer.prompt(
            f"Go on? yes, no, or another mode ({', '.join(MODES)})", default="yes", err=True
        )
        word = answer.strip().casefold()
        if word in ("y", "yes"):
            return None
        if word in ("n", "no"):
            raise Interrupted("nothing was begun")
        if word in MODES:
            return word  # type: ignore[return-value]


def estimate_line(expected: Estimate) -> str:
    """An estimate in one line."""
    parts = [
        f"about {count(expected.sub_agents, 'sub-agent')}" if expected.sub_agents else "",
        f"about {count(expected.steps, 'step')}",
        f"{tokens(expected.tokens)} tokens",
        _money(expected),
        f"about {duration(expected.wall_s)}",
    ]
    return " · ".join(part for part in parts if part)


def _money(expected: Estimate) -> str:
    if expected.usd is None or expected.usd_low is None or expected.usd_high is None:
        return "no price is known"
    span = f"{dollars(expected.usd_low)} to {dollars(expected.usd_high)}"
    return f"about {dollars(expected.usd)} ({span})"
