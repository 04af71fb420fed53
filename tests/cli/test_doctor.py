"""`openswarm doctor`: what is found, and no secret among it."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Command, Done

from openswarm.cli import checks


@pytest.fixture(autouse=True)
def quick_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """One extra that is there, one that is not, one that crashes: no heavy import."""
    crash = "os; os.kill(os.getpid(), 4)"
    monkeypatch.setattr(
        checks,
        "EXTRAS",
        (
            ("office", "json", "files"),
            ("web", "no_such_module", "pages"),
            ("local", crash, "models"),
        ),
    )


def found(done: Done) -> dict[str, dict[str, Any]]:
    """The findings by name."""
    return {check["name"]: check for check in json.loads(done.out)["checks"]}


@pytest.mark.requirement("cli.doctor")
def test_it_says_what_is_there_and_what_to_do(openswarm: Command, home: Path) -> None:
    by_name = found(openswarm("doctor", "--json"))
    assert by_name["home"]["found"] == f"{home} (OPENSWARM_HOME is set)"
    assert by_name["default model"]["found"].startswith("local/")
    assert by_name["json"]["status"] == "ok"
    assert by_name["no_such_module"]["advice"] == "pip install 'openswarm[web]'"
    assert "FTS5" in by_name["sqlite"]["found"]
    assert "open files" in by_name


def test_a_native_library_that_crashes_is_found_and_ends_nothing(openswarm: Command) -> None:
    done = openswarm("doctor")
    assert done.code == 1
    assert "broken (signal 4)" in done.out


@pytest.mark.requirement("cli.doctor", "llm.keys")
def test_keys_and_passwords_are_never_shown(
    openswarm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
    done = openswarm("doctor", "--json")
    assert "sk-very-secret" not in done.out and "hidden" not in done.out
    by_name = found(done)
    assert by_name["keys"]["found"] == "OPENAI_API_KEY"
    assert by_name["default model"]["found"].endswith("(OPENAI_API_KEY is set)")
    assert by_name["proxies"]["found"] == "HTTPS_PROXY=proxy.example:3128"


@pytest.mark.requirement("cli.doctor")
def test_what_stops_openswarm_is_a_problem(
    openswarm: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "EXTRAS", ())
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
    home.mkdir()
    (home / "settings.toml").write_text("modle = 'x'\n")
    done = openswarm("doctor", "--json")
    assert done.code == 1
    by_name = found(done)
    assert by_name["settings"]["status"] == by_name["certificates"]["status"] == "problem"
    assert "modle" in by_name["settings"]["found"]


def test_all_well_is_exit_code_0(openswarm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "EXTRAS", ())
    done = openswarm("doctor", "--json")
    assert done.code == 0
    assert json.loads(done.out)["ok"] is True
