"""What is said of a model without loading it: its sizes, its layout, and what its files hold.

Knows no torch, and nothing of how it is shown.
"""

from dataclasses import dataclass
from pathlib import Path

from openswarm.k25.config import K25Config
from openswarm.k25.contents import Differences, Group, compare, groups
from openswarm.k25.headers import stored_tensors
from openswarm.k25.layout import tensors
from openswarm.k25.scheme import check_scheme, fits, with_int4
from openswarm.k25.sizes import Sizes, sizes


@dataclass(frozen=True, slots=True)
class Files:
    """The weights of a folder, by their headers."""

    shards: int
    tensors: int
    bytes: int
    """Of all tensors, headers not included."""
    differences: Differences


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model, looked at from outside."""

    name: str
    folder: Path | None
    """None for a configuration that comes with openswarm."""
    config: K25Config
    sizes: Sizes
    bf16_bytes: int
    int4_bytes: int | None
    """None where experts are too narrow to be cut into groups."""
    groups: list[Group]
    files: Files | None
    """None where there are no weights."""

    @property
    def tokens(self) -> int:
        """The longest sequence."""
        return self.config.text_config.max_position_embeddings


def inspected(name: str, config: K25Config, folder: Path | None = None) -> Inspection:
    """Looks at a configuration, and at the headers in `folder`.

    Raises `ModelFileError` for a file that cannot be read; tensors that do not fit are told in
    `files.differences`.
    """
    if folder is not None:
        check_scheme(config, str(folder / "config.json"))
    own = sizes(config)
    other = sizes(with_int4(config, not config.int4)).file_bytes if fits(config) else None
    return Inspection(
        name=name,
        folder=folder,
        config=config,
        sizes=own,
        bf16_bytes=other if config.int4 and other is not None else own.file_bytes,
        int4_bytes=own.file_bytes if config.int4 else other,
        groups=list(groups(tensors(config))),
        files=None if folder is None else _files(config, folder),
    )


def _files(config: K25Config, folder: Path) -> Files | None:
    stored = stored_tensors(folder)
    if not stored:
        return None
    return Files(
        shards=len({entry.file for entry in stored.values()}),
        tensors=len(stored),
        bytes=sum(entry.end - entry.start for entry in stored.values()),
        differences=compare(config, stored),
    )
