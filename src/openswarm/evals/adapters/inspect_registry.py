"""What `inspect eval openswarm/…` finds: the families' tasks, and one task a public benchmark.

inspect_ai loads it by the entry point `inspect_ai` of the package; nothing of openswarm does. Owns
the options of that command line: an empty `arm` leaves the work to inspect's model.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from openswarm.evals.adapters.attempt import Way, usual_way
from openswarm.evals.adapters.inspect import (
    Benchmark,
    inspect_benchmark,
    inspect_part,
    inspect_tasks,
)
from openswarm.evals.scoring.judge import ModelJudge
from openswarm.evals.task import Split
from openswarm.llm.resolve import resolve
from openswarm.modes.settings import home_folder, load_settings


def task(function: Callable[..., Any]) -> Any:
    """inspect's decorator; without the package the function, whose call says what is missing."""
    return inspect_part().task(function) if find_spec("inspect_ai") else function


@task
def tasks(
    family: str,
    arm: str = "",
    model: str = "",
    subagent_model: str = "",
    split: Split = "test",
    count: int = 20,
    seed: int = 0,
    whole: bool = False,
    critical_steps: int = 0,
    runs: str = "",
) -> Any:
    """Tasks of a family; `whole` takes its whole corpus and not the sample."""
    way = _way(arm, model, subagent_model, runs, critical_steps=critical_steps)
    return inspect_tasks(family, split, count, seed, home_folder() if whole else None, way=way)


@task
def widesearch(
    path: str,
    arm: str = "",
    model: str = "",
    subagent_model: str = "",
    judge: str = "",
    runs: str = "",
) -> Any:
    """WideSearch, from its `widesearch.jsonl` with the right tables beside it."""
    return _benchmark("widesearch", path, judge, _web_way(arm, model, subagent_model, runs))


@task
def deepsearchqa(
    path: str,
    arm: str = "",
    model: str = "",
    subagent_model: str = "",
    judge: str = "",
    runs: str = "",
) -> Any:
    """DeepSearchQA, from its CSV file."""
    return _benchmark("deepsearchqa", path, judge, _web_way(arm, model, subagent_model, runs))


@task
def browsecomp(
    path: str,
    arm: str = "",
    model: str = "",
    subagent_model: str = "",
    judge: str = "",
    runs: str = "",
) -> Any:
    """BrowseComp, from its CSV file; the log then has its questions as plain text."""
    return _benchmark("browsecomp", path, judge, _web_way(arm, model, subagent_model, runs))


def _benchmark(name: Benchmark, path: str, judge: str, way: Way | None) -> Any:
    home = home_folder()
    model = resolve(judge, load_settings(home), os.environ, home) if judge else None
    return inspect_benchmark(name, Path(path), way=way, judge=ModelJudge(model) if model else None)


def _web_way(arm: str, model: str, subagent_model: str, runs: str) -> Way | None:
    return _way(arm, model, subagent_model, runs, tools=("web",))


def _way(arm: str, model: str, subagent_model: str, runs: str, **more: Any) -> Way | None:
    if not arm:
        return None
    folder = Path(runs) if runs else None
    return usual_way(arm, model, subagent_model, runs=folder, **more)
