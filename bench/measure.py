"""Measuring: the server and the workers as processes, rounds that alternate, figures with bars.

Owns how a figure is come by; each bench file says what is measured and against which bar.
"""

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.script import Scenario
from bench.worker import Job

WORKER_TIMEOUT_S = 300.0
SOFT_FILES = 256
"""The soft limit on open files under which workers start, as on a Mac; they raise it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its bar."""

    name: str
    value: float
    bar: float | None
    """None: shown for information."""
    unit: str = ""
    floor: float | None = None
    """The same figure of the floor, where it has one."""
    at_least: bool = False
    """The bar is a least value, not a most one."""
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def ratio(self) -> float | None:
        """The figure over the floor's."""
        return self.value / self.floor if self.floor else None


@dataclass(slots=True)
class Setting:
    """Where a bench runs: its server, scratch space, and how often it repeats."""

    url: str
    scratch: Path
    rounds: int
    kills: int
    uvloop: bool
    say: Callable[[str], None]
    samples: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, value: Any = None) -> Any:
        """A control call that changes the server."""
        data = json.dumps(value).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=30) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        """A control call that only looks."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def work(self, side: str, scenario: Scenario, **job: Any) -> dict[str, Any]:
        """One worker (`swarm` or `floor`) under a scenario: its figures and the server's."""
        self.post("/scenario", scenario.as_dict())
        file = self.scratch / "job.json"
        file.write_bytes(Job(self.url, uvloop=self.uvloop, **job).as_json())
        command = [sys.executable, "-m", f"bench.{side}", str(file)]
        figures = run_process(command, self.environment(self.scratch))
        return json.loads(figures) | {"server": self.get("/stats")}

    def environment(self, home: Path) -> dict[str, str]:
        """A worker's: state of its own, the server as `openai/…`, and no proxy in between."""
        proxies = {"http_proxy", "https_proxy", "all_proxy"}
        kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
        return kept | {
            "OPENSWARM_HOME": str(home / "home"),
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "bench",
            "NO_PROXY": "127.0.0.1",
        }

    def pairs(self, scenario: Scenario, **job: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Rounds of (openswarm, floor), alternating, on the same scenario and contents."""
        sample = self.sample(scenario)
        pairs = []
        for number in range(self.rounds):
            floor = self.work("floor", scenario, sample=sample)
            swarm = self.work("swarm", scenario, **job)
            pairs.append((swarm, floor))
            self.say(
                f"round {number + 1}: openswarm {swarm['wall_s']:.2f} s wall,"
                f" {swarm['cpu_s']:.2f} s processor; floor {floor['wall_s']:.2f},"
                f" {floor['cpu_s']:.2f}; server {swarm['server']['cpu_s']:.2f}"
            )
        return pairs

    def sample(self, scenario: Scenario) -> dict[str, Any]:
        """What openswarm sends, from a run with one unit, so that the floor sends the same."""
        small = replace(scenario, units=1, calls=1, latency_s=0.0, spread_s=0.0, fault="", cap=0)
        self.work("swarm", small)
        sample = self.get("/sample")
        if set(sample) != {"orchestrator", "unit"}:
            raise RuntimeError(f"openswarm asked for {sorted(sample)} only; no sub-agent ran")
        return sample


@contextlib.contextmanager
def setting(rounds: int, kills: int, uvloop: bool, say: Callable[[str], None]) -> Iterator[Setting]:
    """A server in a process of its own, and scratch space; both are gone afterwards."""
    command = [sys.executable, "-m", "bench.server"]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            yield Setting(url, Path(scratch), rounds, kills, uvloop, say)
        finally:
            server.terminate()
            server.wait(10)


def run_process(command: list[str], environment: dict[str, str]) -> str:
    """The standard output of a process that may have few open files at first."""
    ended = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WORKER_TIMEOUT_S,
        preexec_fn=lower_soft_limit,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr}")
    return ended.stdout


def lower_soft_limit() -> None:
    """Gives a worker few open files to begin with."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_FILES, hard))


def median(values: list[float]) -> float:
    """The median; one slow round on a shared machine does not decide."""
    return statistics.median(values)
