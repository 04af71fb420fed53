"""What code in the sandbox cannot do to the computer around it: its disk, descriptors, secrets."""

import stat
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from openswarm.core.tooling import Policy
from openswarm.journal.folder import FolderJournal
from openswarm.modes.toolbox import Toolbox
from openswarm.tools.python import python
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolContext

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CONNECT = """
import os, socket
held = []
for number in range(300):
    one = socket.socket(socket.AF_UNIX); one.settimeout(2)
    try:
        one.connect(os.environ['OPENSWARM_FETCH'])
    except OSError:
        break
    held.append(one)
alive = 0
for one in held:
    one.settimeout(0.2)
    try:
        alive += one.recv(1) != b''
    except TimeoutError:
        alive += 1
    except OSError:
        pass
print('alive', alive)
"""


class Pages:
    """A fetcher that nobody gets an answer from."""

    async def get(self, url: str, holder: str) -> Any:
        raise AssertionError(url)


async def code_tool(folder: Path, stack: AsyncExitStack, *names: str, **setup: Any) -> Tool:
    """The tool `python` as a run with these tools has it."""
    made = ToolSetup(folder / "run" / "scratch", folder / "home", **setup)
    tools = await Toolbox(made, stack).open(["python", *names])
    return next(tool for tool in tools if tool.name == "python")


async def said(tool: Tool, code: str) -> str:
    """What a call of an agent gives."""
    result = await tool.run(tool.params(code=code), ToolContext("root/1", "c"))
    return result.text


@pytest.mark.requirement("code.proxy", "policy.verdicts")
@pytest.mark.parametrize(
    ("names", "rules", "there"),
    [
        (("fetch",), {}, True),
        (("fetch",), {"fetch": "deny"}, False),
        (("fetch",), {"fetch": "ask"}, False),
        (("fetch",), {"*": "deny"}, False),
        ((), {}, False),
    ],
)
async def test_code_fetches_only_where_the_run_fetches_without_being_asked_about(
    tmp_path: Path, names: tuple[str, ...], rules: dict[str, Any], there: bool
) -> None:
    async with AsyncExitStack() as stack:
        tool = await code_tool(tmp_path, stack, *names, policy=Policy(rules=rules))
        text = await said(tool, "import os; print('OPENSWARM_FETCH' in os.environ)")
        assert (str(there)) in text


@pytest.mark.requirement("code.proxy", "policy.narrow")
async def test_code_of_an_agent_that_was_not_given_fetch_does_not_fetch(lab: Any) -> None:
    code = "import os; print('OPENSWARM_FETCH' in os.environ)"
    async with lab(fetcher=Pages()) as opened:
        tool = opened.python_tool
        for agent, tools, there in (
            ("root/1", frozenset({"python", "fetch"}), True),
            ("root/2", frozenset({"python"}), False),
        ):
            context = ToolContext(agent, "c", tools=tools)
            assert str(there) in (await tool.run(tool.params(code=code), context)).text


@pytest.mark.requirement("code.escapes")
async def test_files_that_hold_secrets_are_shown_empty_unless_they_may_be_read(
    tmp_path: Path,
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / ".env").write_text("DB_PASSWORD=hunter2")
    (root / "plain.txt").write_text("hello")
    code = "print(open('/roots/project/.env').read() + open('/roots/project/plain.txt').read())"
    for rules, secret in (({}, False), ({"read": "allow"}, True)):
        async with AsyncExitStack() as stack:
            policy = Policy(rules=rules)  # type: ignore[arg-type]
            tool = await code_tool(tmp_path, stack, roots=[str(root)], policy=policy)
            text = await said(tool, code)
            assert "hello" in text
            assert ("hunter2" in text) is secret


@pytest.mark.requirement("code.limits")
async def test_one_agent_cannot_take_the_descriptors_of_the_runtime(lab: Any) -> None:
    async with lab(fetcher=Pages()) as opened:
        text = (await opened.python(CONNECT)).text
        alive = int(text.split("alive ")[1].split()[0])
        assert alive <= 64
        assert "still here" in (await opened.python("print('still here')", "root/2")).text


@pytest.mark.requirement("code.limits")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
async def test_folders_too_deep_to_be_counted_end_the_call_and_not_the_next_one(
    lab: Any, kind: str
) -> None:
    deep = (
        "import os, time\nfor i in range(3000):\n  os.mkdir('d'); os.chdir('d')\n"
        "os.chdir(os.environ['HOME']); time.sleep(20)"
    )
    async with lab(kind) as opened:
        with anyio.fail_after(25):
            await opened.python(deep)
            await opened.shell("rm -rf d")
            assert "later" in (await opened.python("print('later')")).text


@pytest.mark.requirement("code.python")
async def test_what_deep_folders_leave_is_taken_away(tmp_path: Path) -> None:
    code = "import os\nfor i in range(1500):\n  os.mkdir('d'); os.chdir('d')\n'made'"
    assert "made" in (await python(code)).output


@pytest.mark.slow
@pytest.mark.requirement("code.limits")
async def test_what_code_writes_between_its_calls_counts_too(lab: Any) -> None:
    code = (
        "import threading, time\n"
        "def fill():\n"
        "    for i in range(200):\n"
        "        open(f'y{i}', 'wb').write(b'x' * (1 << 20)); time.sleep(0.01)\n"
        "threading.Thread(target=fill, daemon=True).start()"
    )
    async with lab(file_mb=2) as opened:
        await opened.python(code)
        await anyio.sleep(4)
        text = (await opened.python("print('fill' in globals())")).text
        assert "True" not in text


@pytest.mark.requirement("code.escapes")
async def test_nobody_else_on_the_computer_reads_a_run(tmp_path: Path) -> None:
    def made() -> int:
        folder = tmp_path / "runs" / "run-1"
        FolderJournal.create(folder).close()
        return stat.S_IMODE(folder.stat().st_mode)

    assert await anyio.to_thread.run_sync(made) == 0o700
