"""What would be done with a task, and what it may cost: without running or loading a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openswarm.core.limits import Limits
from openswarm.core.settings import Settings
from openswarm.core.task import Mode
from openswarm.llm.resolve import info_of
from openswarm.modes.estimate import Estimate, estimate
from openswarm.modes.parts import (
    Columns,
    ModelChoice,
    ToolChoice,
    absolutes,
    given_table,
    make_task,
    model_specs,
    names_of,
)
from openswarm.modes.routing import Route, route
from openswarm.modes.settings import home_folder, load_settings


@dataclass(frozen=True, slots=True)
class Forecast:
    """The route of a task and its estimate."""

    route: Route
    estimate: Estimate
    asks: bool
    """It is so much that a person should see it before it begins."""


async def forecast(
    task: str,
    *,
    model: ModelChoice = "",
    subagent_model: ModelChoice = "",
    tools: Sequence[ToolChoice] = (),
    mode: Mode = "auto",
    over: Sequence[str | Path] = (),
    columns: Columns = None,
    key: Sequence[str] = (),
    table: str | Path | None = None,
    limits: Limits | None = None,
    home: Path | None = None,
    settings: Settings | None = None,
) -> Forecast:
    """What `run` would do with the same arguments. Raises `OpenswarmError` as it does.

    No model is asked: where the run itself asks one, its route may be another.
    """
    home = home or home_folder()
    settings = settings or load_settings(home)
    specs = model_specs(model, subagent_model, settings)
    contract, rows = await given_table(columns, key, table)
    given = make_task(
        text=task, mode=mode, over=absolutes(over), tools=names_of(tools), contract=contract,
        rows=rows, limits=limits or settings.limits,
    )  # fmt: skip
    lead, others = (
        info_of(spec, settings) if isinstance(choice, str) else choice.info
        for choice, spec in zip((model, subagent_model), specs, strict=True)
    )
    chosen = route(given, len(given.tools) + sum(not isinstance(entry, str) for entry in tools))
    expected = estimate(chosen, given.limits, lead, others)
    return Forecast(chosen, expected, asks=is_much(expected, settings))


def is_much(expected: Estimate, settings: Settings) -> bool:
    """Whether an estimate is above what the settings let begin unseen."""
    dear = expected.usd is not None and expected.usd > settings.preview_usd
    return dear or expected.sub_agents > settings.preview_subagents
