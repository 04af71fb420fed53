"""What agents changed comes back: merged, in conflict, or kept; asked about before."""

import fcntl
import os
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from file_tools import Run, apply_patch, fill

from openswarm.core.events import ApprovalAsked
from openswarm.core.tooling import Policy
from openswarm.journal.journal import MemoryJournal
from openswarm.tools.approvals import Answer, Approvals
from openswarm.tools.edit import edit_tool
from openswarm.tools.write import write_tool

pytestmark = pytest.mark.anyio

TEN = "".join(f"line {n}\n" for n in range(1, 11))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", {"ten.txt": TEN, "b.bin": b"\0old", "d/x.txt": "x\n"})


@pytest.fixture
async def run(root: Path, tmp_path: Path) -> Run:
    return await Run.open(tmp_path, root)


async def upper_of(run: Run, agent: str) -> Path:
    (root,) = run.workspaces.roots
    return await run.workspaces.upper(agent, root)


@pytest.mark.requirement("files.merge")
async def test_changes_go_in_with_one_event_and_a_patch_that_git_takes(
    run: Run, root: Path, tmp_path: Path
) -> None:
    before = fill(tmp_path / "before", {"ten.txt": TEN})
    await run.change("root/1", "ten.txt", "line 5\n", "line five\nand more\n")
    await run.call("write", path="new/a.txt", content="no end")
    note = await run.finish()
    assert note == "Files of root: merged new/a.txt, ten.txt."
    (event,) = run.merges()
    assert (event.agent, event.root) == ("root/1", str(root))
    assert (event.changed, event.conflicts) == (("new/a.txt", "ten.txt"), ())
    apply_patch(before, run.patch(event))
    for name in ("ten.txt", "new/a.txt"):
        assert (before / name).read_text() == (root / name).read_text()


@pytest.mark.requirement("files.merge")
async def test_changes_of_other_lines_are_merged(run: Run, root: Path) -> None:
    for agent in range(1, 6):
        await run.change(f"root/{agent}", "ten.txt", f"line {agent * 2}\n", f"agent {agent}\n")
    for agent in (3, 1, 5, 2, 4):
        assert "merged ten.txt" in await run.finish(f"root/{agent}")
    text = (root / "ten.txt").read_text()
    assert text.splitlines() == [f"line {n}" if n % 2 else f"agent {n // 2}" for n in range(1, 11)]


@pytest.mark.requirement("files.merge")
async def test_merges_at_the_same_time_take_turns(run: Run, root: Path) -> None:
    lines = "".join(f"line {n}\n" for n in range(100))
    fill(root, {"wide.txt": lines})
    for agent in range(20):
        await run.change(f"root/{agent}", "wide.txt", f"line {agent * 4}\n", f"agent {agent}\n")
    async with anyio.create_task_group() as tasks:
        for agent in range(20):
            tasks.start_soon(run.finish, f"root/{agent}")
    assert (root / "wide.txt").read_text().count("agent") == 20


@pytest.mark.requirement("files.conflicts")
async def test_a_conflict_leaves_the_file_and_names_the_lines(run: Run, root: Path) -> None:
    await run.change("root/1", "ten.txt", "line 5\n", "one\n")
    await run.change("root/2", "ten.txt", "line 5\n", "two\n")
    await run.call("write", "root/2", path="other.txt", content="fine\n")
    await run.finish("root/1")
    note = await run.finish("root/2")
    assert "merged other.txt" in note
    assert "- ten.txt: another one changed the same lines: 5" in note
    assert "line 4\none\nline 6" in (root / "ten.txt").read_text()
    event = run.merges()[-1]
    assert (event.changed, event.conflicts) == (("other.txt",), ("ten.txt",))
    assert "-line 5\n+two\n" in run.patch(event)
    assert "two" in (await run.call("read", "root/2", path="ten.txt")).text


@pytest.mark.requirement("files.conflicts")
async def test_other_conflicts_are_named_for_what_they_are(run: Run, root: Path) -> None:
    async def both(agent: str, other: str | None, name: str) -> str:
        """What comes of an agent's text when somebody else leaves another one, or none."""
        await run.workspaces.change(agent, name, lambda _: f"{agent}\n".encode())
        if other is None:
            (root / name).unlink()
        else:
            fill(root, {name: other})
        return await run.finish(agent)

    assert "another one made it" in await both("root/1", "different", "made.txt")
    await run.call("read", "root/2", path="d/x.txt")
    assert "deleted meanwhile" in await both("root/2", None, "d/x.txt")
    await run.call("read", "root/3", path="b.bin")
    assert "no text" in await both("root/3", "\0new", "b.bin")
    assert (root / "made.txt").read_text() == "different"
    assert not (root / "d" / "x.txt").exists()
    assert (root / "b.bin").read_bytes() == b"\0new"


@pytest.mark.requirement("files.conflicts")
async def test_a_folder_in_the_place_of_a_file_is_a_conflict(run: Run, root: Path) -> None:
    await run.call("write", "root/1", path="place", content="file")
    fill(root, {"place/other.txt": "x"})
    assert "- place:" in await run.finish("root/1")
    await run.call("write", "root/2", path="deep/er/file.txt", content="file")
    fill(root, {"deep": "a file now"})
    assert "- deep/er" in await run.finish("root/2")
    assert (root / "place" / "other.txt").read_text() == "x"
    assert (root / "deep").read_text() == "a file now"


@pytest.mark.requirement("files.merge")
async def test_equal_changes_of_two_agents_are_no_conflict(run: Run, root: Path) -> None:
    for agent in ("root/1", "root/2"):
        await run.change(agent, "ten.txt", "line 5\n", "same\n")
        await run.call("write", agent, path="made.txt", content="same\n")
    for agent in ("root/1", "root/2"):
        assert "stayed" not in await run.finish(agent)
    assert (root / "ten.txt").read_text().count("same") == 1


@pytest.mark.requirement("files.merge")
async def test_a_mode_and_a_text_that_two_changed_are_both_merged(run: Run, root: Path) -> None:
    await run.change("root/1", "ten.txt", "line 2\n", "two\n")
    await run.change("root/2", "ten.txt", "line 9\n", "nine\n")
    (await upper_of(run, "root/2") / "ten.txt").chmod(0o755)
    await run.finish("root/1")
    await run.finish("root/2")
    assert (root / "ten.txt").stat().st_mode & 0o777 == 0o755
    assert "two\n" in (root / "ten.txt").read_text()
    assert "nine\n" in (root / "ten.txt").read_text()


@pytest.mark.requirement("files.conflicts")
async def test_what_a_program_wrote_over_a_file_that_changed_meanwhile_is_a_conflict(
    run: Run, root: Path
) -> None:
    """Nobody saw which version the program began with."""
    upper = await upper_of(run, "root/1")
    fill(root, {"ten.txt": "someone else\n"})
    fill(upper, {"ten.txt": "the program\n", "d/x.txt": "the program\n"})
    note = await run.finish("root/1")
    assert "ten.txt: it changed while a program" in note
    assert (root / "ten.txt").read_text() == "someone else\n"


@pytest.mark.requirement("files.merge")
async def test_an_agent_that_changed_nothing_adds_nothing(run: Run) -> None:
    await run.call("read", path="ten.txt")
    await run.change("root/2", "ten.txt", "line 5", "line five")
    await run.change("root/2", "ten.txt", "line five", "line 5")
    assert (await run.finish("root/1"), await run.finish("root/2")) == ("", "")
    assert run.merges() == []


class Person:
    """Answers questions, and remembers them."""

    def __init__(self, answer: Answer) -> None:
        self.given = answer
        self.asked: list[ApprovalAsked] = []

    async def __call__(self, asked: ApprovalAsked) -> Answer:
        self.asked.append(asked)
        return self.given


@pytest.mark.requirement("files.merge", "agent.approvals")
@pytest.mark.parametrize("answer", ["allow", "deny"])
async def test_merging_is_asked_about_unless_the_policy_says_otherwise(
    root: Path, tmp_path: Path, answer: Answer
) -> None:
    journal, person = MemoryJournal(), Person(answer)
    approvals = Approvals(journal, approver=person)
    run = await Run.open(tmp_path, root, journal=journal, approvals=approvals, policy=Policy())
    await run.change("root/1", "ten.txt", "line 5\n", "five\nmore\n")
    await run.call("write", path="a\nb.txt", content="x\n")
    note = await run.finish()
    (asked,) = person.asked
    head, patch = asked.command.split("\n", 1)
    assert head == "merge 2 files into root (+3 -1): a?b.txt, ten.txt"
    assert "+five" in patch and "+x" in patch
    assert (asked.tool, asked.directory, asked.agent) == ("merge", str(root), "root/1")
    changed = "five" in (root / "ten.txt").read_text()
    assert changed == (answer == "allow")
    assert ("nothing was merged" in note) == (answer == "deny")


@pytest.mark.requirement("files.merge")
async def test_only_what_was_allowed_goes_in(root: Path, tmp_path: Path) -> None:
    """A program that writes on while somebody is asked gets nothing more in."""
    journal = MemoryJournal()

    async def approver(_: ApprovalAsked) -> Answer:
        await anyio.to_thread.run_sync(fill, upper, {"ten.txt": "something worse\n"})
        return "allow"

    approvals = Approvals(journal, approver=approver)
    run = await Run.open(tmp_path, root, journal=journal, approvals=approvals, policy=Policy())
    await run.change("root/1", "ten.txt", "line 5\n", "five\n")
    upper = await upper_of(run, "root/1")
    assert "still writes to it" in await run.finish()
    assert (root / "ten.txt").read_text() == TEN


@pytest.mark.requirement("files.merge")
async def test_a_large_file_goes_in_whole(run: Run, root: Path) -> None:
    """Larger than what is kept or shown."""
    data = b"0123456789abcdef" * 700_000
    fill(await upper_of(run, "root/1"), {"large.bin": data})
    assert "merged large.bin" in await run.finish()
    assert (root / "large.bin").read_bytes() == data
    upper = await upper_of(run, "root/2")
    fill(root, {"large.bin": data + b"x"})
    fill(upper, {"large.bin": data + b"y"})
    assert "large.bin: it changed while" in await run.finish("root/2")


@pytest.mark.requirement("files.nothing-lost")
@pytest.mark.parametrize("policy", [Policy(), Policy(rules={"merge": "deny"})])
async def test_where_nobody_allows_it_the_patch_is_kept(
    root: Path, tmp_path: Path, policy: Policy
) -> None:
    run = await Run.open(tmp_path, root, policy=policy)
    await run.change("root/1", "ten.txt", "line 5\n", "five\n")
    note = await run.finish()
    assert "nothing was merged" in note
    assert "ten.txt" in note
    (event,) = run.merges()
    assert (event.changed, event.conflicts) == ((), ())
    assert "+five" in run.patch(event)
    assert (root / "ten.txt").read_text() == TEN
    assert "five" in (await run.call("read", path="ten.txt")).text


@pytest.mark.requirement("files.nothing-lost")
async def test_an_agent_that_is_stopped_while_somebody_is_asked_keeps_its_patch(
    root: Path, tmp_path: Path
) -> None:
    journal = MemoryJournal()
    approvals = Approvals(journal, attended=True)
    run = await Run.open(tmp_path, root, journal=journal, approvals=approvals, policy=Policy())
    await run.change("root/1", "ten.txt", "line 5\n", "five\n")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.finish)
        with anyio.fail_after(5):
            while not approvals.waiting:
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    (event,) = run.merges()
    assert (event.changed, event.conflicts) == ((), ())
    assert "+five" in run.patch(event)
    assert (root / "ten.txt").read_text() == TEN


@pytest.mark.requirement("files.merge", "files.nothing-lost")
async def test_a_merge_waits_for_another_process_that_merges(run: Run, root: Path) -> None:
    """And whoever stops waiting has merged nothing and lost nothing."""
    await run.change("root/1", "ten.txt", "line 5\n", "five\n")
    other = os.open(root, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with anyio.move_on_after(0.3) as scope:
        await run.finish()
    assert scope.cancelled_caught
    assert (root / "ten.txt").read_text() == TEN
    assert "+five" in run.patch(run.merges()[-1])
    os.close(other)
    with anyio.fail_after(5):
        await (await Run.again(run.setup)).finish()
    assert "five" in (root / "ten.txt").read_text()


@pytest.mark.requirement("files.merge")
@pytest.mark.parametrize("end", ["\r\n", "\n"])
async def test_a_merge_keeps_line_ends_and_encoding(run: Run, root: Path, end: str) -> None:
    text = "".join(f"größe {n}{end}" for n in range(9)).encode("latin-1")
    fill(root, {"latin.txt": text})
    await run.change("root/1", "latin.txt", "größe 1\n", "eins\n")
    await run.change("root/2", "latin.txt", "größe 7\n", "sieben\n")
    for agent in ("root/1", "root/2"):
        assert "merged" in await run.finish(agent)
    merged = text.decode("latin-1").replace("größe 1", "eins").replace("größe 7", "sieben")
    assert (root / "latin.txt").read_bytes() == merged.encode("latin-1")


@pytest.mark.requirement("files.merge")
async def test_an_agent_that_can_only_edit_hands_over_too_and_nobody_does_so_twice(
    root: Path, tmp_path: Path
) -> None:
    journal, person = MemoryJournal(), Person("deny")
    approvals = Approvals(journal, approver=person)
    run = await Run.open(tmp_path, root, journal=journal, approvals=approvals, policy=Policy())
    await run.change("root/1", "ten.txt", "line 5\n", "five\n")
    edit, write = edit_tool(run.workspaces), write_tool(run.workspaces)
    assert "nothing was merged" in await edit.release("root/1", True)
    assert await write.release("root/1", True) == ""
    assert len(person.asked) == 1


@pytest.mark.requirement("files.merge")
async def test_several_roots_are_merged_each_with_its_event(tmp_path: Path) -> None:
    roots = [fill(tmp_path / name, {"a.txt": "x\n"}) for name in ("one", "two")]
    run = await Run.open(tmp_path, *roots)
    for root in roots:
        await run.change("root/1", f"{root.name}/a.txt", "x", root.name)
    note = await run.finish()
    assert note == "Files of one: merged a.txt.\nFiles of two: merged a.txt."
    assert [(root / "a.txt").read_text() for root in roots] == ["one\n", "two\n"]
