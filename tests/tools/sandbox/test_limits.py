"""Bombs: memory, processes, files, output, descriptors. Each is stopped, and the run goes on."""

import os
from typing import Any

import pytest

from openswarm.tools.sandbox.output import HEAD_BYTES, TAIL_BYTES, Output

pytestmark = pytest.mark.anyio

HOARD = """
import os, signal
for _ in range(4):
    told, tells = os.pipe()
    if os.fork() == 0:
        hoard = b"x" * (90 << 20)
        os.write(tells, b"held")
        signal.pause()
    os.close(tells)
    os.read(told, 4)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
"""Four processes that want 90 MB each and would keep them, and how the first one ended."""
WAYS = [("bubblewrap", True), ("bubblewrap", False), ("landlock", True), ("landlock", False)]
"""Each way of confining, with a control group and without."""


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
@pytest.mark.parametrize(("kind", "groups"), WAYS)
async def test_a_memory_bomb_ends_at_the_limit(lab: Any, kind: str, groups: bool) -> None:
    """By the control group's kill, or by an error of Python."""
    async with lab(kind, groups=groups, memory_mb=200) as opened:
        result = await opened.python("hoard = bytearray(1 << 30)")
        assert not result.ok
        assert "want of memory" in result.text or "MemoryError" in result.text
        assert (await opened.python("1")).ok


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
async def test_memory_of_many_processes_is_limited_together(lab: Any) -> None:
    """Where there are control groups."""
    async with lab(memory_mb=200) as opened:
        if opened.sandbox.confinement.groups is None:
            pytest.skip("no control group can be made on this computer")
        result = await opened.python(HOARD)
        assert result.data.output == "-9\n" or "want of memory" in result.text
        assert (await opened.shell("echo alive", "root/2")).data.output == "alive\n"


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits", "code.escapes")
@pytest.mark.parametrize(("kind", "groups"), WAYS)
async def test_a_fork_bomb_meets_the_limit_and_dies_with_its_call(
    lab: Any, kind: str, groups: bool
) -> None:
    """The computer goes on."""
    async with lab(kind, groups=groups, processes=20) as opened:
        if not groups and os.getuid() == 0:
            pytest.skip("the kernel does not limit processes of root without a control group")
        result = await opened.shell(
            "python3 -c '\nimport os, time\nn = 0\n"
            "while n < 100:\n  if os.fork() == 0: time.sleep(99)\n  n += 1\nprint(n)'"
        )
        assert "Resource temporarily unavailable" in result.text
        bomb = await opened.shell(":(){ :|:& };:", timeout_s=1)
        assert bomb.data.state in ("ended", "killed")
        assert (await opened.shell("echo alive")).data.output == "alive\n"


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
async def test_a_file_grows_to_its_limit_and_no_further(lab: Any, kind: str) -> None:
    """Neither written nor as a hole."""
    async with lab(kind, file_mb=2) as opened:
        for code in (
            "with open('big', 'wb') as f:\n    while True: f.write(b'x' * 100000)",
            "open('sparse', 'wb').truncate(1 << 40)",
        ):
            assert "File too large" in (await opened.python(code)).text


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
@pytest.mark.parametrize("tool", ["python", "shell"])
async def test_a_folder_that_fills_the_disk_ends_its_call(lab: Any, tool: str) -> None:
    """Many files of the largest size are too many; hidden ones count."""
    write = "for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero > .f$i; done; sleep 99"
    code = f"import subprocess; subprocess.run({write!r}, shell=True)"
    async with lab(file_mb=1) as opened:
        result = await (opened.python(code) if tool == "python" else opened.shell(write))
        assert not result.ok and "filled its working directory" in result.text
        assert (await opened.shell("rm .f*; echo mended")).data.output == "mended\n"


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
async def test_temporary_folders_are_limited(lab: Any) -> None:
    """They are in memory."""
    async with lab(file_mb=10_000, memory_mb=4000) as opened:
        result = await opened.shell(
            "head -c 300m /dev/zero > /tmp/a; head -c 300m /dev/zero > /dev/shm/a"
        )
        assert result.text.count("No space left") == 2


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
async def test_descriptors_are_limited(lab: Any) -> None:
    """And closing them mends it."""
    async with lab() as opened:
        result = await opened.python("l = []\nwhile True: l.append(open('/dev/null'))")
        assert "Too many open files" in result.text
        assert (await opened.python("l.clear(); 1")).ok


@pytest.mark.sandbox
@pytest.mark.requirement("code.limits")
async def test_an_output_bomb_costs_the_runtime_a_bounded_piece_of_memory(lab: Any) -> None:
    """Both ends of it are kept."""
    async with lab(output_chars=1000) as opened:
        result = await opened.shell("yes | head -c 200000000; echo end")
        assert result.data.output.endswith("end\n") and len(result.data.output) < 1200
        (kept,) = opened.artifacts().values()
        assert len(kept) < HEAD_BYTES + 2 * TAIL_BYTES


@pytest.mark.requirement("code.limits")
def test_output_keeps_both_ends_and_says_what_is_missing() -> None:
    """Whatever the pieces that it comes in."""
    output = Output()
    for number in range(500_000):
        output.add(b"%09d\n" % number)
    assert output.size == 5_000_000
    assert output.kept.startswith(b"000000000\n") and output.kept.endswith(b"000499999\n")
    assert HEAD_BYTES + TAIL_BYTES <= len(output.kept) < HEAD_BYTES + TAIL_BYTES + 200
    assert b"bytes were not kept" in output.kept
    text, whole = output.shown(200)
    assert not whole and len(text) < 300
    assert Output().shown(10) == ("", True)
