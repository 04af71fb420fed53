"""The lists of the machine's Debian: all binary packages, and their long descriptions.

Owns the call of `apt-get`, whose lists go into openswarm's home, so that it needs no rights and
changes nothing on the machine. Everything blocks.
"""

import re
from pathlib import Path

from openswarm.core.errors import SettingsError
from openswarm.evals.sources import FOLDER, run_command

LISTS = re.compile(r".*_dists_([a-z]+)_main_binary-([a-z0-9]+)_Packages(?:\.\w+)?")
"""The file of a release's own list; those of updates and security have more in their name."""
READER = "/usr/lib/apt/apt-helper"
"""apt's own reader, which knows every compression that its lists have."""


def package_lists(home: Path) -> tuple[list[str], list[str]]:
    """The lines of `Packages` and of `Translation-en` of the main component.

    Got once, then kept in `<home>/evals/apt/`. Raises `SettingsError` that names the command where
    they cannot be had.
    """
    folder = home / FOLDER / "apt"
    found = _found(folder)
    if found is None:
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        run_command(update(folder), folder, "Debian's package lists")
        found = _found(folder)
    if found is None:
        raise SettingsError(
            f"apt-get update brought no list of a Debian release's main component into {folder};"
            " this family needs a Debian with its usual sources, or use the sample"
        )
    packages, translations = (
        run_command((READER, "cat-file", str(path)), folder, path.name) for path in found
    )
    return packages.splitlines(), translations.splitlines()


def update(folder: Path) -> tuple[str, ...]:
    """The command that gets the lists of the machine's sources into a folder."""
    options = (
        f"Dir::State::lists={folder / 'lists'}",
        f"Dir::Cache={folder / 'cache'}",
        "Acquire::Languages=en",
        "APT::Sandbox::User=root",
    )
    return ("apt-get", *(word for option in options for word in ("-o", option)), "update")


def _found(folder: Path) -> tuple[Path, Path] | None:
    """The list and the translation of one release; the largest where several are there."""
    lists = [path for path in (folder / "lists").glob("*_Packages*") if LISTS.fullmatch(path.name)]
    for path in sorted(lists, key=lambda path: (-path.stat().st_size, path.name)):
        stem = path.name.partition("_main_binary-")[0]
        translations = sorted((folder / "lists").glob(f"{stem}_main_i18n_Translation-en*"))
        if translations:
            return path, translations[0]
    return None
