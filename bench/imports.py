"""What it costs to have openswarm: processor time of its import, megabytes of its core install."""

import os
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.measure import Figure, Setting, median, run_process

IMPORT_CPU_S = 0.4
INSTALLED_MB = 45.0
REPEATS = 7
DEPENDENCIES = "import aiohttp, anyio, jinja2, orjson, pydantic"
"""The floor of an import: what openswarm is built on."""
_PROBE = """
import time
before = time.process_time()
{}
print(time.process_time() - before)
"""


def run(setting: Setting) -> list[Figure]:
    """Both figures; the interpreter's own start is not counted."""
    sizes = core_install()
    largest = sorted(sizes, key=lambda name: -sizes[name])[:4]
    note = ", ".join(f"{name} {sizes[name] / 1e6:.1f}" for name in largest)
    return [
        Figure(
            "import openswarm: processor time", import_time("import openswarm"), IMPORT_CPU_S, "s"
        ),
        Figure(
            "all that a first run loads: processor time",
            import_time("from openswarm import *"),
            None,
            "s",
            floor=import_time(DEPENDENCIES),
        ),
        Figure("core install: size", sum(sizes.values()) / 1e6, INSTALLED_MB, "MB", note=note),
        Figure("core install: distributions", len(sizes), None),
    ]


def import_time(statement: str) -> float:
    """Processor seconds of a statement alone, the median of several fresh processes."""
    command = [sys.executable, "-c", _PROBE.format(statement)]
    return median([float(run_process(command, dict(os.environ))) for _ in range(REPEATS)])


def core_install() -> dict[str, int]:
    """Bytes on disk of openswarm and of all that it requires without extras, by distribution."""
    sizes: dict[str, int] = {}
    wanted = ["openswarm"]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in sizes:
            continue
        found = distribution(name)
        sizes[name] = size_of(found)
        wanted += [need.name for need in map(Requirement, found.requires or ()) if _applies(need)]
    return sizes


def size_of(found: Distribution) -> int:
    """Bytes of the files that belong to a distribution; an editable one's are in its source."""
    if found.name == "openswarm":
        import openswarm

        files = Path(openswarm.__file__).parent.rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())
    paths = (Path(str(file.locate())) for file in found.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def _applies(need: Requirement) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": ""})
