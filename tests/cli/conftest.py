"""What tests of the terminal share: command lines in this process and in others."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Begin, Command, Done, Endpoint, Script

from openswarm.cli.main import run_command


@pytest.fixture
def openswarm(capfd: pytest.CaptureFixture[str]) -> Command:
    """Carries out a command line in this process."""

    def command(*arguments: str | Path) -> Done:
        capfd.readouterr()
        code = run_command([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return command


@pytest.fixture
def begin(home: Path) -> Iterator[Begin]:
    """Begins a command line in a process of its own; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def command(*arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        argv = [sys.executable, "-m", "openswarm", *map(str, arguments)]
        running.append(subprocess.Popen(argv, **{**pipes, **options}))
        return running[-1]

    yield command
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a script of replies; gives the model's specification."""

    def write(steps: dict[str, Any]) -> str:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(steps))
        return f"scripted:{path}"

    return write


FACTS = {"Chile": ("Santiago", "19,658,839"), "Peru": ("Lima", "34,352,719")}


@pytest.fixture
def wide(script: Script) -> str:
    """A model that fans a table out over three countries, one of which it does not find."""
    cases: dict[str, Any] = {
        country: [{"calls": [{"name": "report", "arguments": _row(country, *facts)}]}]
        for country, facts in FACTS.items()
    }
    cases["Laos"] = [{"error": "refused"}]
    batch = {
        "agent": "researcher",
        "prompt_template": "Find the facts on {{item}}.",
        "items": [*FACTS, "Laos"],
    }
    lead = [{"calls": [{"name": "assign_batch", "arguments": batch}]}, {"text": "Two of three."}]
    return script({"orchestrator": lead, "*": cases})


def _row(country: str, capital: str, population: str) -> dict[str, Any]:
    source = f"{country.lower()}.md#1"
    return {
        "capital": {"value": capital, "source": source, "quote": f"Capital: {capital}"},
        "population": {"value": population, "source": source, "quote": population},
    }


@pytest.fixture
def endpoint() -> Iterator[Callable[..., Endpoint]]:
    """Makes endpoints."""
    made: list[Endpoint] = []

    def make(held: int = 0, until: str = "") -> Endpoint:
        made.append(Endpoint(held, until))
        return made[-1]

    yield make
    for entry in made:
        entry.close()
