"""A journal that is opened again by a later process, and to which nothing is added."""

from pathlib import Path

import anyio
import pytest

from openswarm.core.events import Resumed
from openswarm.journal.folder import FolderJournal

pytestmark = pytest.mark.anyio


async def test_nothing_is_waited_for_in_a_journal_that_was_only_reopened(
    tmp_path: Path,
) -> None:
    first = FolderJournal.create(tmp_path / "run")
    first.append(Resumed())
    await first.commit()
    first.close()
    again = FolderJournal.reopen(tmp_path / "run")
    with anyio.fail_after(10):
        await again.commit()
    again.close()
