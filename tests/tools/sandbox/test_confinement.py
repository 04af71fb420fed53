"""What is found out about this computer, and what is said where it cannot confine."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from openswarm.core.errors import SettingsError
from openswarm.tools.python import python_tool
from openswarm.tools.sandbox.probe import Check, Confinement, probe
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.setup import PROCESSOR, ToolSetup
from openswarm.tools.tool import ToolContext

NOTHING = Confinement(
    "none",
    (
        Check(
            "bubblewrap", ok=False, detail="bubblewrap is missing", remedy="apt install bubblewrap"
        ),
    ),
)


@pytest.mark.sandbox
@pytest.mark.requirement("code.refuses")
def test_the_probe_tells_of_each_part_and_what_to_do() -> None:
    """It really starts a sandbox; what is missing has a remedy."""
    found = probe()
    assert {check.name for check in found.checks} >= {"bubblewrap", "seccomp", "landlock", "cgroup"}
    assert all(check.detail for check in found.checks)
    assert found.kind != "none" or found.why_not


@pytest.mark.requirement("code.refuses")
def test_without_bubblewrap_the_probe_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And Landlock is taken only where it may be."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = probe(["bubblewrap"])
    assert found.kind == "none" and "apt install bubblewrap" in found.why_not


@pytest.mark.requirement("code.refuses")
def test_a_bubblewrap_that_does_not_confine_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that starts its program without a jail, and one that fails."""
    fake = tmp_path / "bwrap"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for script, said in (
        ('for last; do :; done; exec /bin/sh -c "$last"', "does not confine"),
        ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "uid map"),
    ):
        fake.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && exec echo bubblewrap 0.9.0\n{script}\n'
        )
        fake.chmod(0o755)
        found = probe(["bubblewrap"])
        assert found.kind == "none" and said in found.why_not


@pytest.mark.anyio
@pytest.mark.requirement("code.refuses")
async def test_where_nothing_confines_code_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Before any tool is there."""
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError) as refused:
            await open_sandbox(ToolSetup(tmp_path, tmp_path), stack, confinement=NOTHING)
    for words in ("bubblewrap is missing", "apt install", "doctor", "--unsafe-no-sandbox"):
        assert words in str(refused.value)


@pytest.mark.anyio
@pytest.mark.requirement("code.unsafe")
async def test_only_the_users_word_runs_code_unconfined(tmp_path: Path) -> None:
    """With limits and a clean environment all the same; the word is enough for each call."""
    setup = ToolSetup(tmp_path / "s", tmp_path, unsafe_no_sandbox=True)
    async with AsyncExitStack() as stack:
        tool = python_tool(await open_sandbox(setup, stack, confinement=NOTHING))
        assert "Nothing confines this code" in tool.description
        params = tool.params(code="import os; os.getcwd()")
        assert tool.effect(params) is None
        result = await tool.run(params, ToolContext("root/1", "a"))
        assert result.ok and str(tmp_path) in result.data.output


@pytest.mark.anyio
@pytest.mark.sandbox
@pytest.mark.requirement("code.unsafe", "code.shell")
async def test_confined_code_is_not_asked_about_and_holds_a_processor(lab: Any) -> None:
    """It is never repeated by itself, nor shared."""
    async with lab() as opened:
        for tool in (opened.python_tool, opened.shell_tool):
            field = next(iter(tool.params.model_fields))
            assert tool.effect(tool.params(**{field: "x"})) is None
            assert tool.resource == PROCESSOR
            assert not tool.repeatable and not tool.read_only


@pytest.mark.anyio
@pytest.mark.sandbox
@pytest.mark.requirement("code.landlock")
async def test_landlock_says_what_it_cannot_confine(lab: Any) -> None:
    """To the model and to people."""
    async with lab("landlock", fetcher=object()) as opened:
        assert "can be seen" in opened.python_tool.description
        assert "no network" in opened.python_tool.description
        result = await opened.python("fetch('http://example.com/')")
        assert not result.ok and "no network" in result.text
