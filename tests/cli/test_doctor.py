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


@pytest.mark.requirement("code.doctor")
def test_the_sandbox_is_probed_and_what_is_active_is_printed(openswarm: Command) -> None:
    by_name = found(openswarm("doctor", "--json"))
    sandbox = by_name["sandbox"]
    assert sandbox["status"] in ("ok", "note")
    confined = sandbox["found"].split(";")[0] in ("bubblewrap", "landlock")
    assert confined == (sandbox["status"] == "ok")
    assert confined or sandbox["advice"]
    checks_of = [name for name in by_name if name.startswith("sandbox: ")]
    assert len(checks_of) >= 3
    assert all(by_name[name]["advice"] for name in checks_of if by_name[name]["status"] != "ok")


@pytest.mark.requirement("web.search-keys", "browser.missing")
def test_what_tools_lack_is_said_with_what_to_do(
    openswarm: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(parents=True)
    (home / "settings.toml").write_text(
        '[tools.web]\nbrowser = "/no/such/chromium"\n'
        '[tools.http]\nallow = ["https://api.example.com/"]\n'
        '[tools.http.secrets.example]\nenv = "EXAMPLE_TOKEN"\nhosts = ["api.example.com"]\n'
    )
    by_name = found(openswarm("doctor", "--json"))
    assert "BRAVE_API_KEY" in by_name["web search"]["advice"]
    assert "/no/such/chromium" in by_name["browser"]["advice"]
    assert by_name["http_request"]["advice"] == "set EXAMPLE_TOKEN"
    monkeypatch.setenv("BRAVE_API_KEY", "a-key-of-nobody")
    done = openswarm("doctor", "--json")
    assert found(done)["web search"]["found"] == "brave"
    assert "a-key-of-nobody" not in done.out


@pytest.mark.requirement("mcp.config")
def test_servers_are_named_and_a_wrong_configuration_is_a_problem(
    openswarm: Command, home: Path
) -> None:
    home.mkdir(parents=True)
    (home / "mcp.json").write_text('{"mcpServers": {"one": {"command": "x"}}}')
    assert found(openswarm("doctor", "--json"))["mcp servers"]["found"] == "one"
    (home / "mcp.json").write_text('{"mcpServers": {"one": {"comand": "x"}}}')
    wrong = found(openswarm("doctor", "--json"))["mcp servers"]
    assert wrong["status"] == "problem"
    assert "command" in wrong["found"]
