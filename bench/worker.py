"""What both measured sides share: the job that they are given and how they measure themselves.

A worker is a process of its own; it prints one line of JSON with its figures and ends.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

_MAXRSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Job:
    """The work of one worker."""

    url: str
    """The server, such as `http://127.0.0.1:4000`."""
    sample: dict[str, Any] = field(default_factory=dict)
    """Requests of openswarm by kind, whose contents the floor sends."""
    limits: dict[str, Any] = field(default_factory=dict)
    """Fields of `openswarm.Limits`."""
    raises: str = ""
    """The unit for which the tool raises an error; '' for none."""
    model: str = ""
    """A model specification; '' is the server's own model by its address."""
    uvloop: bool = True

    @classmethod
    def of(cls, path: str) -> "Job":
        """Read from a file; a sample is too long for a command line."""
        with open(path, "rb") as file:
            return cls(**orjson.loads(file.read()))

    def as_json(self) -> bytes:
        """For the file."""
        return orjson.dumps(asdict(self))


@contextmanager
def measured() -> Iterator[dict[str, Any]]:
    """Fills in wall and processor seconds of the block, and the process's peak memory in MB."""
    figures: dict[str, Any] = {}
    cpu, wall = time.process_time(), time.perf_counter()
    yield figures
    figures["wall_s"] = time.perf_counter() - wall
    figures["cpu_s"] = time.process_time() - cpu
    figures["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB


def run_loop(main: Callable[[Job], Awaitable[dict[str, Any]]], job: Job) -> None:
    """Runs a worker to its end, on uvloop if the job says so and it is installed."""
    run = asyncio.run
    if job.uvloop:
        try:
            import uvloop
        except ImportError:
            pass
        else:
            run = uvloop.run
    figures = run(main(job))  # type: ignore[arg-type]
    sys.stdout.buffer.write(orjson.dumps(figures) + b"\n")
