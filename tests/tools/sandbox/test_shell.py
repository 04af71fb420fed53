"""The shell: its folder, its exit code, its bounds, and that nothing outlives a call."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openswarm.tools.shell import ShellParams, shell

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]


@pytest.mark.requirement("code.shell")
async def test_commands_share_a_folder_with_python_but_not_their_variables(lab: Any) -> None:
    """Each call is a shell of its own."""
    async with lab() as opened:
        await opened.python("open('a.txt', 'w').write('from python')")
        result = await opened.shell("cat a.txt; x=1; cd /; echo err >&2")
        assert result.ok and result.data.output == "from pythonerr\n"
        assert "exit code 0" in result.text
        assert (await opened.shell("echo [$x] $PWD")).data.output == "[] /sandbox\n"


@pytest.mark.requirement("code.shell")
@pytest.mark.parametrize(
    ("command", "said"),
    [("exit 9", "exit code 9"), ("kill -9 $$", "SIGKILL"), ("nosuchcommand", "exit code 127")],
)
async def test_a_command_that_fails_says_how(lab: Any, command: str, said: str) -> None:
    """By its exit code or signal."""
    async with lab() as opened:
        result = await opened.shell(command)
        assert not result.ok and said in result.text


@pytest.mark.requirement("code.shell", "code.artifacts")
async def test_files_of_a_command_are_kept(lab: Any) -> None:
    """As those of python are."""
    async with lab() as opened:
        result = await opened.shell("echo hi > out.txt")
        assert "out.txt (3 bytes)" in result.text
        assert opened.artifacts() == {"out.txt": b"hi\n"}


@pytest.mark.requirement("code.limits")
async def test_of_a_long_output_both_ends_are_shown_and_all_is_kept(lab: Any) -> None:
    """The rest is an artifact."""
    async with lab(output_chars=400) as opened:
        result = await opened.shell("echo first; seq 10000; echo last")
        assert len(result.data.output) < 600
        assert result.data.output.startswith("first") and result.data.output.endswith("last\n")
        (kept,) = opened.artifacts().values()
        assert kept.startswith(b"first\n1\n") and b"\n5000\n" in kept


@pytest.mark.requirement("code.limits")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
async def test_a_command_is_killed_at_its_time_with_all_that_it_started(
    lab: Any, kind: str
) -> None:
    """Its own time may be less than that of the settings."""
    async with lab(kind) as opened:
        result = await opened.shell("setsid sleep 887766 & cat /dev/zero", timeout_s=0.3)
        assert not result.ok and "was killed, with all" in result.text
        assert not running("887766")


@pytest.mark.requirement("code.no-leak")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock", "none"])
@pytest.mark.parametrize(
    "command",
    [
        "sleep 776655 &",
        "nohup setsid sleep 776655 >/dev/null 2>&1 &",
        "(setsid sh -c '(sleep 776655 &)' &) ; true",
        "trap '' TERM HUP INT; sleep 776655 & disown",
    ],
)
async def test_nothing_that_a_command_started_outlives_it(
    lab: Any, kind: str, command: str
) -> None:
    """However it hides: in the background, in another session, as an orphan."""
    async with lab(kind) as opened:
        assert (await opened.shell(f"{command}\necho over")).data.output.endswith("over\n")
        assert not running("776655")


def running(word: str) -> bool:
    """Whether a process has a word in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


@pytest.mark.requirement("code.shell")
@pytest.mark.parametrize(
    "arguments",
    [
        {"command": ""},
        {"command": "a\0b"},
        {"command": "x" * 30_001},
        {"command": "a", "timeout_s": 0},
        {"command": "a", "timeout_s": float("inf")},
        {"command": "a", "cwd": "/"},
    ],
)
def test_arguments_that_make_no_command_are_refused(arguments: dict[str, Any]) -> None:
    """Before anything runs."""
    with pytest.raises(ValidationError):
        ShellParams(**arguments)


@pytest.mark.requirement("code.shell")
async def test_the_users_folders_are_seen_and_cannot_be_changed(lab: Any, tmp_path: Path) -> None:
    """Below /roots, by their names."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    async with lab(setup={"roots": (str(folder),)}) as opened:
        assert "/roots/data" in opened.shell_tool.description
        result = await opened.shell("cat /roots/data/a.txt; touch /roots/data/b || echo refused")
        assert "hello" in result.data.output and "refused" in result.data.output


async def test_the_plain_function_runs_by_itself() -> None:
    """With a scratch folder that is gone afterwards."""
    result = await shell("echo $((6 * 7)); exit 3")
    assert (result.output, result.code) == ("42\n", 3)
