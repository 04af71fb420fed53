"""Files of the user's folders that usually hold secrets: code is shown them empty.

`read` asks about them; code is not asked about, and may send out what it reads.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from openswarm.tools.files.secrets import is_secret
from openswarm.tools.sandbox.jail import Bind

MOST_ENTRIES = 200_000
"""Of one folder; what lies beyond is shown as it is."""


def veiled(binds: Sequence[Bind], own: Sequence[Path]) -> tuple[Bind, ...]:
    """These files and their places in the jail; folders of `own` are passed over. Blocks."""
    return tuple(
        Bind(path, f"{bind.target}/{path.relative_to(bind.source)}")
        for bind in binds
        for path in _files(bind.source, {folder.resolve() for folder in own})
        if is_secret(path.relative_to(bind.source).parts)
    )


def _files(root: Path, own: set[Path]) -> Iterator[Path]:
    left = MOST_ENTRIES
    for place, folders, names in os.walk(root):
        left -= len(folders) + len(names)
        if left < 0:
            return
        folders[:] = [name for name in folders if Path(place, name).resolve() not in own]
        yield from (path for name in names if not (path := Path(place, name)).is_symlink())
