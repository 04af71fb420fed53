"""What code leaves in its folder is looked at from outside without being led astray."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from openswarm.tools.sandbox.files import MOST_BYTES, MOST_ENTRIES, MOST_FILES, changed, state
from openswarm.tools.sandbox.sandbox import root_binds, safe_name

SECRET = b"top secret"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A scratch folder, and a folder with a secret outside of it."""
    scratch, outside = tmp_path / "scratch", tmp_path / "outside"
    scratch.mkdir()
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    return scratch, outside


@pytest.mark.requirement("code.escapes", "code.artifacts")
def test_links_pipes_sockets_and_holes_are_not_read(places: tuple[Path, Path]) -> None:
    """Only plain files of a bounded size that have one name."""
    scratch, outside = places
    (scratch / "link").symlink_to(outside / "secret")
    (scratch / "folder").symlink_to(outside)
    (scratch / "proc").symlink_to("/proc/self/environ")
    os.link(outside / "secret", scratch / "hard")
    os.mkfifo(scratch / "pipe")
    with (scratch / "hole").open("wb") as file:
        file.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(scratch / "socket"))
        (scratch / "plain").write_bytes(b"fine")
        found, more = changed(scratch, {})
    assert {f.name: (f.data, bool(f.problem)) for f in found} == {
        "plain": (b"fine", False),
        "hard": (b"", True),
        "hole": (b"", True),
    }
    assert not more


@pytest.mark.requirement("code.escapes")
def test_a_folder_that_is_itself_a_link_is_not_entered(places: tuple[Path, Path]) -> None:
    """Code may move its folder's contents, but not the folder."""
    scratch, outside = places
    scratch.rmdir()
    scratch.symlink_to(outside)
    assert changed(scratch, {}) == ([], 0)


@pytest.mark.requirement("code.escapes")
def test_a_file_that_is_swapped_for_a_link_meanwhile_is_not_followed(
    places: tuple[Path, Path],
) -> None:
    """Nor is a folder: a thread swaps both all the time."""
    scratch, outside = places
    (scratch / "d").mkdir()
    (scratch / "d" / "secret").write_bytes(b"mine")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (scratch / "d").rename(scratch / "kept")
            (scratch / "d").symlink_to(outside)
            (scratch / "d").unlink()
            (scratch / "kept").rename(scratch / "d")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(2000):
            found, _ = changed(scratch, {})
            assert all(f.data in (b"mine", b"") for f in found)
    finally:
        stop.set()
        thread.join()


@pytest.mark.requirement("code.artifacts")
def test_many_files_deep_folders_and_odd_names_are_bounded(places: tuple[Path, Path]) -> None:
    """The newest come, and the rest is counted."""
    scratch, _ = places
    for number in range(MOST_FILES + 5):
        (scratch / f"f{number}").write_bytes(b"x")
        os.utime(scratch / f"f{number}", ns=(number, number))
    deep = scratch
    for _ in range(40):
        deep = deep / "d"
        deep.mkdir()
    (deep / "lost").write_bytes(b"x")
    (scratch / "__pycache__").mkdir()
    (scratch / "__pycache__" / "a.pyc").write_bytes(b"x")
    for name in (b"new\nline", b"\xff\xfe", b".hidden", "bidi\u202e".encode()):
        (scratch / os.fsdecode(name)).touch()
    found, more = changed(scratch, {})
    assert len(found) == MOST_FILES and more == 5
    assert found[0].name == f"f{MOST_FILES + 4}"
    for number in range(MOST_ENTRIES + 100):
        (scratch / f"g{number}").touch()
    assert len(state(scratch)) <= MOST_ENTRIES
    (scratch / "large").write_bytes(b"x" * (MOST_BYTES + 1))


@pytest.mark.requirement("code.artifacts")
def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    """The code may have been quicker."""
    assert changed(tmp_path / "none", {}) == ([], 0)


@pytest.mark.requirement("code.escapes")
def test_no_two_agents_have_the_same_folder_whatever_their_paths() -> None:
    """And none leads out of the run's."""
    names = [safe_name(n) for n in ("root", "root/1", "root/1/2", "root/12", "../x", "a/../b", "")]
    assert names[:4] == ["root", "root-1", "root-1-2", "root-12"]
    assert len(set(names)) == len(names)
    assert not any("/" in name or name.startswith(".") for name in names)


def test_roots_of_equal_names_are_told_apart() -> None:
    """By numbers."""
    targets = [bind.target for bind in root_binds(["/a/data", "/b/data", "/c/x", "/"])]
    assert targets == ["/roots/data", "/roots/data-2", "/roots/x", "/roots/files"]


@pytest.mark.anyio
@pytest.mark.sandbox
@pytest.mark.requirement("code.escapes")
async def test_links_that_code_plants_bring_nothing_from_outside(
    lab: Any, places: tuple[Path, Path]
) -> None:
    """The host's side follows none of them."""
    _, outside = places
    async with lab() as opened:
        result = await opened.python(
            f"import os\nos.symlink('{outside}/secret', 'a.txt')\nos.symlink('{outside}', 'b')\n"
            "os.symlink('/etc/shadow', 'c.txt'); os.mkfifo('d'); open('e', 'w').write('fine')\n"
            "os.symlink('/proc/1/environ', 'f')"
        )
        assert result.ok
        assert opened.artifacts() == {"e": b"fine"}
        assert result.data.files == {"e": b"fine"}
