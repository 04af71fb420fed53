"""The file tools as plain functions of their modules."""

from pathlib import Path

import pytest

from openswarm.core.errors import ToolError, UserError
from openswarm.tools.edit import edit
from openswarm.tools.glob import glob
from openswarm.tools.grep import grep
from openswarm.tools.read import read
from openswarm.tools.write import write

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("tools.plain", "files.tools")]


async def test_a_folder_is_read_searched_and_changed_at_once(tmp_path: Path) -> None:
    assert await write("src/a.py", "x = 1\ny = 2\n", root=tmp_path) == "Wrote src/a.py (2 lines)."
    assert await edit("src/a.py", "x = 1", "x = 3", root=tmp_path) == "Edited src/a.py at line 1."
    assert "1\tx = 3" in await read("src/a.py", root=tmp_path)
    assert await glob("*.py", root=tmp_path) == ["src/a.py"]
    (hit,) = await grep(r"y = \d", root=tmp_path)
    assert (hit.name, hit.line, hit.text) == ("src/a.py", 2, "y = 2")
    assert await write("src/a.py", "z = 1\n", root=tmp_path) == "Replaced src/a.py (1 line)."
    content = await read("src/a.py", root=tmp_path)
    assert "z = 1" in content


async def test_nothing_outside_of_the_folder_is_reached(tmp_path: Path) -> None:
    root = tmp_path / "root"
    await write("inside/x.txt", "secret", root=tmp_path)
    with pytest.raises(UserError):
        await read("x.txt", root=root)
    for path in ("../inside/x.txt", str(tmp_path / "inside/x.txt")):
        with pytest.raises(ToolError):
            await read(path, root=tmp_path / "inside")


async def test_what_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    await write("a.txt", "one\n", root=tmp_path)
    with pytest.raises(ToolError, match="no such text"):
        await edit("a.txt", "two", "three", root=tmp_path)
    assert "one" in await read("a.txt", root=tmp_path)
