"""`openswarm models`, and the offer to fetch what a run needs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Command

from openswarm.cli import models
from openswarm.core.errors import SettingsError
from openswarm.llm import weights
from openswarm.llm.catalogue import CATALOGUE

SMALL = CATALOGUE[-1]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for; a fetch takes no time and brings nothing."""
    names: list[str] = []

    async def pull(name: str, home: Path, *, progress: Callable[[int, int], None]) -> Path:
        names.append(name)
        for part in range(0, 1_001):
            progress(part, 1_000)
        return home / name

    monkeypatch.setattr(weights, "pull", pull)
    return names


@pytest.mark.requirement("cli.models")
def test_the_list_says_which_models_are_here(openswarm: Command, home: Path) -> None:
    path = weights.location(SMALL.name, home)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(SMALL.size)
    found = {
        entry["model"]: entry for entry in json.loads(openswarm("models", "list", "--json").out)
    }
    assert found[f"local/{SMALL.name}"]["here"] is True
    here = {model for model, entry in found.items() if entry["here"]}
    trained = {model for model in here if model.startswith("local/parl-")}
    assert here - trained == {f"local/{SMALL.name}", "local/k25-mini"}
    assert found["local/k25-mini"]["bytes"] > 24_000_000
    assert f"local/{SMALL.name}" in openswarm("models", "list").out


@pytest.mark.requirement("cli.models")
@pytest.mark.parametrize("name", [SMALL.name, f"local/{SMALL.name}"])
def test_pull_fetches_and_says_every_tenth(
    openswarm: Command, fetched: list[str], home: Path, name: str
) -> None:
    done = openswarm("models", "pull", name)
    assert done.code == 0
    assert fetched == [SMALL.name]
    lines = done.err.splitlines()
    assert len(lines) == 12
    assert lines[-1] == f"local/{SMALL.name} is here: {home / SMALL.name}"


def test_an_unknown_model_names_those_that_there_are(openswarm: Command) -> None:
    done = openswarm("models", "pull", "local/nothing")
    assert done.code == 2
    assert f"local/{SMALL.name}" in done.err


def test_an_interrupted_pull_says_how_to_go_on(
    openswarm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pull(*_: Any, **__: Any) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "pull", pull)
    done = openswarm("models", "pull", SMALL.name)
    assert done.code == 130
    assert f"openswarm models pull local/{SMALL.name}" in done.err


@pytest.mark.requirement("cli.models")
def test_a_run_says_how_to_get_the_model_that_it_lacks(openswarm: Command) -> None:
    done = openswarm("run", "x", "--model", f"local/{SMALL.name}")
    assert done.code == 1
    assert f"openswarm models pull local/{SMALL.name}" in done.err


def test_with_yes_a_run_fetches_the_model_that_it_lacks(
    openswarm: Command, fetched: list[str]
) -> None:
    openswarm("run", "x", "--model", f"local/{SMALL.name}", "--yes")
    assert fetched == [SMALL.name]


def test_on_a_terminal_the_user_is_asked(
    monkeypatch: pytest.MonkeyPatch, fetched: list[str], home: Path
) -> None:
    answers = iter([False, True])
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(models.typer, "confirm", lambda *_, **__: next(answers))
    spec = f"local/{SMALL.name}"
    models.fetch_missing((spec, ""), models.Settings(), home)
    assert fetched == []
    models.fetch_missing((spec, ""), models.Settings(), home)
    assert fetched == [SMALL.name]


def test_what_a_source_said_is_the_error(
    openswarm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pull(*_: Any, **__: Any) -> Path:
        raise SettingsError("could not be fetched. hub: 503")

    monkeypatch.setattr(weights, "pull", pull)
    done = openswarm("models", "pull", SMALL.name)
    assert (done.code, done.err) == (1, "error: could not be fetched. hub: 503\n")


def test_no_subcommand_shows_what_there_is(openswarm: Command) -> None:
    done = openswarm("models")
    assert done.code == 2
    assert "pull" in done.out
    assert "error" not in done.err
