"""The file tools as a model calls them: what they show, change, find, and how they refuse."""

import json
from pathlib import Path

import anyio
import pytest
from file_tools import MAKERS, Run, fill
from pydantic import ValidationError

from openswarm.core.errors import ToolError, UserError
from openswarm.tools.documents import fenced
from openswarm.tools.grep import grep_tool
from openswarm.tools.tool import ToolContext

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("files.tools")]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
async def run(tmp_path: Path) -> Run:
    files: dict[str, str | bytes] = {
        "a.py": "import os\n\n\ndef f():\n    return 1\n",
        "src/b.py": "def g():\n    return 2\n",
        "src/deep/c.md": "# Title\n",
        "node_modules/x.py": "import os\n",
        "crlf.txt": "one\r\ntwo\r\n",
        "bom.txt": b"\xef\xbb\xbfhello\n",
        "wide.txt": "\ufeffgrün\n".encode("utf-16-le"),
        "latin.txt": "grün\n".encode("latin-1"),
        "image.png": PNG,
        "blob.bin": b"\0\1\2" * 100,
        "empty.txt": "",
        ".env": "TOKEN=hunter2\n",
        "long.txt": "".join(f"line {n}\n" for n in range(1, 5001)),
    }
    return await Run.open(tmp_path, fill(tmp_path / "root", files))


async def test_read_numbers_the_lines_inside_a_fence(run: Run) -> None:
    result = await run.call("read", path="a.py")
    assert result.text.startswith("Lines 1-5 of 5.\n")
    (document,) = fenced(result.text)
    assert document.source == "a.py"
    assert document.text.splitlines()[3] == "4\tdef f():"


async def test_a_long_file_is_read_in_pieces(run: Run) -> None:
    first = await run.call("read", path="long.txt")
    assert len(first.text) < 20_000
    assert "go on with offset=" in first.text
    second = await run.call("read", path="long.txt", offset=4990, limit=5)
    assert second.text.startswith("Lines 4990-4994 of 5000; go on with offset=4995.")
    with pytest.raises(ToolError, match="only 5000 lines"):
        await run.call("read", path="long.txt", offset=6000)


async def test_binary_files_images_and_empty_files_are_named(run: Run, tmp_path: Path) -> None:
    assert "binary file of 300 bytes" in (await run.call("read", path="blob.bin")).text
    assert "is empty" in (await run.call("read", path="empty.txt")).text
    assert "do not read images" in (await run.call("read", path="image.png")).text
    seeing = await Run.open(tmp_path, tmp_path / "root", images=True)
    (image,) = (await seeing.call("read", path="image.png")).images
    assert image.url.startswith("data:image/png;base64,")


async def test_a_file_keeps_its_encoding_its_mark_and_its_line_ends(
    run: Run, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    await run.change("root/1", "crlf.txt", "one\ntwo", "one\n1.5\ntwo")
    await run.change("root/1", "bom.txt", "hello", "hällo")
    await run.change("root/1", "wide.txt", "grün", "grüner")
    await run.change("root/1", "latin.txt", "grün", "grüner")
    (root / "a.py").chmod(0o750)
    await run.change("root/1", "a.py", "return 1", "return 3")
    await run.finish()
    assert (root / "crlf.txt").read_bytes() == b"one\r\n1.5\r\ntwo\r\n"
    assert (root / "bom.txt").read_bytes() == b"\xef\xbb\xbf" + "hällo\n".encode()
    assert (root / "wide.txt").read_bytes() == "\ufeffgrüner\n".encode("utf-16-le")
    assert (root / "latin.txt").read_bytes() == "grüner\n".encode("latin-1")
    assert (root / "a.py").stat().st_mode & 0o777 == 0o750


async def test_what_an_encoding_lacks_is_refused(run: Run) -> None:
    with pytest.raises(ToolError, match="latin-1"):
        await run.change("root/1", "latin.txt", "grün", "→")
    assert "gr" in (await run.call("read", path="latin.txt")).text


async def test_an_edit_that_finds_nothing_shows_the_closest_passage(run: Run) -> None:
    await run.call("read", path="a.py")
    with pytest.raises(ToolError, match="white space is at line 4"):
        await run.call("edit", path="a.py", old="def f():\n  return 1", new="x")
    with pytest.raises(ToolError, match="the closest is at line 5") as error:
        await run.call("edit", path="a.py", old="    retrun 1", new="x")
    assert "return 1" in str(error.value)
    with pytest.raises(ToolError, match="nothing like it"):
        await run.call("edit", path="a.py", old="zebra crossing", new="x")
    with pytest.raises(ToolError, match="the same"):
        await run.call("edit", path="a.py", old="return", new="return")


async def test_an_edit_of_what_stands_there_twice_asks_for_more(run: Run) -> None:
    await run.call("write", path="two.txt", content="x = 1\ny = 2\nx = 1\n")
    with pytest.raises(ToolError, match="2 times, at lines 1, 3"):
        await run.call("edit", path="two.txt", old="x = 1", new="z")
    await run.call("edit", path="two.txt", old="x = 1", new="z", all=True)
    assert "1\tz\n2\ty = 2\n3\tz" in (await run.call("read", path="two.txt")).text


async def test_a_file_is_read_before_it_is_changed(run: Run) -> None:
    for call in (
        lambda: run.call("edit", path="a.py", old="return 1", new="x"),
        lambda: run.call("write", path="a.py", content="x"),
    ):
        with pytest.raises(ToolError, match="read it first"):
            await call()
    await run.call("read", "root/2", path="a.py")
    with pytest.raises(ToolError, match="read it first"):
        await run.call("write", "root/1", path="a.py", content="x")


async def test_a_file_that_changed_since_it_was_read_is_read_again(
    run: Run, tmp_path: Path
) -> None:
    await run.call("read", path="a.py")
    (tmp_path / "root" / "a.py").write_text("someone else\n")
    with pytest.raises(ToolError, match="changed since you read it"):
        await run.call("write", path="a.py", content="x")


async def test_glob_lists_by_path_and_passes_over_what_tools_made(run: Run) -> None:
    async def listed(pattern: str) -> list[str]:
        return (await run.call("glob", pattern=pattern)).data

    assert await listed("*.py") == ["a.py", "src/b.py"]
    assert await listed("src/*.py") == ["src/b.py"]
    assert await listed("./*.py") == ["a.py"]
    assert await listed("**/*.{py,md}") == ["a.py", "src/b.py", "src/deep/c.md"]
    assert await listed("src/**") == ["src/b.py", "src/deep/c.md"]
    assert await listed("node_modules/*") == ["node_modules/x.py"]
    assert await listed("nothing*") == []
    for wrong in ("/etc/*", "../*", "a/../../*"):
        with pytest.raises(ToolError, match="begins in the folder"):
            await listed(wrong)
    with pytest.raises(ToolError, match="too many alternatives"):
        await listed("{a,b}" * 8)


async def test_glob_is_bounded(tmp_path: Path) -> None:
    root = fill(tmp_path / "many", {f"{n:04}.txt": "" for n in range(250)})
    result = await (await Run.open(tmp_path, root)).call("glob", pattern="*")
    assert len(result.data) == 200
    assert "narrow the pattern" in result.text


async def test_grep_gathers_lines_by_file_over_the_agents_own_view(run: Run) -> None:
    await run.change("root/1", "src/b.py", "return 2", "return 22")
    result = await run.call("grep", pattern=r"return \d+", glob="**/*.py")
    assert [(hit.name, hit.line, hit.text) for hit in result.data] == [
        ("a.py", 5, "    return 1"),
        ("src/b.py", 2, "    return 22"),
    ]
    assert [document.source for document in fenced(result.text)] == ["a.py", "src/b.py"]
    assert "22" not in (await run.call("grep", "root/2", pattern="return")).text
    assert "No line" in (await run.call("grep", pattern="zebra")).text
    assert "grün" in (await run.call("grep", pattern="grün", glob="wide.txt")).text


async def test_grep_is_bounded_in_lines_and_says_what_it_passed_over(run: Run) -> None:
    result = await run.call("grep", pattern="^line|TOKEN")
    assert len(result.data) == 100
    assert "narrow the pattern" in result.text
    assert len(result.text) < 20_000
    assert "hunter2" not in result.text
    passed_over = result.text.partition("Not searched (secrets, or too large):")[2]
    assert passed_over == '\n<document source="names of files">\n.env\n</document>'


async def test_a_wrong_pattern_is_named_and_a_catastrophic_one_is_killed(
    run: Run, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match="not a regular expression"):
        await run.call("grep", pattern="(")
    fill(tmp_path / "root", {"bad.txt": "a" * 200 + "b"})
    tool = grep_tool(run.workspaces, name="grep_files", seconds=0.5)
    assert tool.name == "grep_files"
    params = tool.params.model_validate({"pattern": "(a+)+$", "glob": "bad.txt"})
    with anyio.fail_after(10), pytest.raises(ToolError, match=r"longer than 0\.5 s"):
        await tool.run(params, ToolContext(agent="root/1", call_id="1"))


async def test_secrets_are_asked_about(run: Run) -> None:
    def effect(path: str) -> str:
        tool = MAKERS["read"](run.workspaces)
        found = tool.effect(tool.params.model_validate_json(json.dumps({"path": path})))
        return found.command if found else ""

    for path in (".env", "x/.ENV", "k/id_rsa", "a.pem", ".git/config", ".aws/credentials"):
        assert effect(path) == f"read {path}, which may hold secrets"
    for path in ("a.py", ".env.example", "docs/environment.md", "../x"):
        assert effect(path) == ""


async def test_several_roots_are_told_apart_by_name(tmp_path: Path) -> None:
    one = fill(tmp_path / "x" / "data", {"a.txt": "first"})
    two = fill(tmp_path / "y" / "data", {"a.txt": "second"})
    run = await Run.open(tmp_path, one, two)
    assert (await run.call("glob", pattern="*.txt")).data == ["data/a.txt", "data-2/a.txt"]
    assert (await run.call("glob", pattern="data-2/*")).data == ["data-2/a.txt"]
    assert "second" in (await run.call("read", path="data-2/a.txt")).text
    with pytest.raises(ToolError, match=r"data/, data-2/"):
        await run.call("read", path="a.txt")
    with pytest.raises(ToolError, match=r"data/, data-2/"):
        await run.call("glob", pattern="other/*")


async def test_roots_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    inner = fill(tmp_path / "root" / "inner", {"a": ""})
    for roots, message in (
        ([tmp_path / "none"], "not a folder"),
        ([inner / "a"], "not a folder"),
        ([tmp_path / "root", inner], "overlap"),
        ([Path("relative")], "absolute"),
    ):
        with pytest.raises(UserError, match=message):
            await Run.open(tmp_path, *roots)


async def test_wrong_arguments_are_refused_before_anything_runs(run: Run) -> None:
    for tool, arguments in (
        ("read", {}),
        ("read", {"path": ""}),
        ("read", {"path": "a", "offset": 0}),
        ("read", {"path": "a", "limit": 10**9}),
        ("edit", {"path": "a", "old": "", "new": "x"}),
        ("write", {"path": "a", "content": "x", "mode": 511}),
        ("grep", {"pattern": "a" * 2000}),
    ):
        with pytest.raises(ValidationError):
            await run.call(tool, **arguments)


async def test_calls_of_one_turn_do_not_lose_each_others_changes(run: Run) -> None:
    await run.call("read", path="long.txt")
    async with anyio.create_task_group() as tasks:
        for number in range(100, 120):
            tasks.start_soon(
                lambda n=number: run.call("edit", path="long.txt", old=f"e {n}\n", new=f"E {n}\n")
            )
    text = (await run.call("grep", pattern=r"linE \d+")).data
    assert len(text) == 20
