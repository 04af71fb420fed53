"""Taking away folders that code of models filled, however deep it made them."""

import subprocess
from pathlib import Path


def remove(folder: Path) -> str:
    """Removes a folder; why it could not, or ''. What cannot be removed stays. Blocks.

    `shutil.rmtree` calls itself for each level, and code makes more levels than Python has.
    """
    command = ["rm", "-rf", "--", str(folder.absolute())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split())[:300] if done.returncode else ""
