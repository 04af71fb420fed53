"""The wheel as users get it: built, installed alone into a clean environment, and run there."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parent.parent
SOURCE = REPO / "src"
TIMEOUT_S = 600

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.timeout(TIMEOUT_S),
    pytest.mark.requirement("house.wheel"),
]


def report(capital: str) -> dict[str, Any]:
    """A scripted reply that hands in one row."""
    return {"calls": [{"name": "report", "arguments": {"capital": {"value": capital}}}]}


SCRIPT = {
    "orchestrator": [
        {
            "calls": [
                {
                    "name": "assign_batch",
                    "arguments": {
                        "agent": "researcher",
                        "prompt_template": "What is the capital of {{item}}?",
                        "items": ["Chile", "Peru"],
                    },
                }
            ]
        },
        {"text": "Both capitals are in the table."},
    ],
    "researcher": {
        "of Chile": [report("Santiago")],
        "of Peru": [report("Lima")],
    },
}


class Installed:
    """openswarm in an environment of its own, away from the repository."""

    def __init__(self, environment: Path, cwd: Path, environ: Mapping[str, str]) -> None:
        self.bin = environment / "bin"
        self.cwd = cwd
        self._environ = environ

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the console script; its output, whatever the exit code."""
        return self._call([str(self.bin / "openswarm"), *arguments])

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Runs Python code."""
        return self._call([str(self.bin / "python"), "-c", code])

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.cwd,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, outer_environment: dict[str, str]) -> Path:
    """The wheel, built with the tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    call(
        [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(folder), str(REPO)],
        outer_environment,
    )  # fmt: skip
    (built,) = folder.glob("openswarm-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, outer_environment: dict[str, str]
) -> Installed:
    """The wheel with the core's dependencies and nothing else, in a clean environment."""
    folder = tmp_path_factory.mktemp("clean")
    environment = folder / "venv"
    call([sys.executable, "-m", "venv", str(environment)], outer_environment)
    constraints = str(REPO / "constraints.txt")
    call(
        [str(environment / "bin" / "python"), "-m", "pip", "install", "-qq",
         "--disable-pip-version-check", "-c", constraints, str(wheel)],
        outer_environment,
    )  # fmt: skip
    cwd = folder / "elsewhere"
    cwd.mkdir()
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OPENSWARM_HOME": str(folder / "home")}
    return Installed(environment, cwd, environ)


def call(command: list[str], environ: Mapping[str, str]) -> None:
    """Runs a tool; its own words when it fails."""
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    """Prompts, prices and whatever else is not Python, and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "openswarm").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in files if path.endswith(".md")}
    assert "openswarm/llm/prices.toml" in files
    assert not files - packed
    assert any(name.endswith("licenses/LICENSE") for name in packed)
    assert not [name for name in packed if name.startswith(("tests/", "bench/", "demo/"))]


def test_the_command_is_there(installed: Installed) -> None:
    """Help and version, without a key, a settings file or an extra."""
    shown = installed.run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "run" in shown.stdout
    version = installed.run("--version")
    assert version.returncode == 0
    assert version.stdout.startswith("openswarm 0.")


def test_a_swarm_runs_from_the_wheel(installed: Installed) -> None:
    """From the command line to the table, the journal and back, with the core alone."""
    script = installed.cwd / "script.json"
    script.write_text(json.dumps(SCRIPT))
    done = installed.run(
        "run", "The capital of each country", "--model", f"scripted:{script}",
        "--columns", "country; capital", "--json", "--out", "capitals.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["table"]["rows"] == [
        {"country": "Chile", "capital": "Santiago"},
        {"country": "Peru", "capital": "Lima"},
    ]
    assert (installed.cwd / "capitals.csv").read_text() == (
        "country,capital\nChile,Santiago\nPeru,Lima\n"
    )
    shown = installed.run("show", result["run_id"], "--json")
    assert json.loads(shown.stdout)["table"] == result["table"]


@pytest.mark.requirement("house.extras")
def test_a_missing_extra_is_named(installed: Installed) -> None:
    """What is not installed says which command installs it, before anything is paid for."""
    script = installed.cwd / "script.json"
    script.write_text(json.dumps(SCRIPT))
    done = installed.run(
        "run", "The capital of each country", "--model", f"scripted:{script}",
        "--columns", "country; capital", "--out", "capitals.xlsx",
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'openswarm[office]'" in done.stderr


@pytest.mark.requirement("house.extras")
@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("serve", "--model", "scripted:script.json"), "serve"),
        (
            ("run", "Say it.", "--web", "--mode", "instant", "--model", "scripted:script.json"),
            "serve",
        ),
    ],
)
def test_a_server_without_its_extra_is_told_so(
    installed: Installed, arguments: tuple[str, ...], extra: str
) -> None:
    """Before anything listens or is begun."""
    (installed.cwd / "script.json").write_text(json.dumps({"instant": [{"text": "x"}]}))
    done = installed.run(*arguments)
    assert done.returncode == 1
    assert f"pip install 'openswarm[{extra}]'" in done.stderr


@pytest.mark.requirement("router.cheap")
def test_a_task_is_routed_by_the_core_alone(installed: Installed) -> None:
    """The weights are in the wheel, and no model is asked."""
    done = installed.run("route", "The minimum wage of all EU countries", "--json")
    assert done.returncode == 0, done.stderr
    routed = json.loads(done.stdout)
    assert set(routed) == {"mode", "width", "reason"}
    assert (routed["mode"], routed["width"]) == ("swarm", 27)


@pytest.mark.requirement("model.inspect")
def test_a_model_is_inspected_by_the_core_alone(installed: Installed) -> None:
    """Its configuration and the headers of its files need no torch."""
    done = installed.run("k25", "inspect", "published", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parameters"]["text"] == 1_026_408_232_448
    trained = installed.run("k25", "train", "tiny", "--out", "run")
    assert trained.returncode == 1
    assert "pip install 'openswarm[model]'" in trained.stderr


def test_the_package_works_without_the_repository(installed: Installed) -> None:
    """What is imported is the installed package, and all its modules can be imported: those of the
    server and of the model need their extras, and no other module needs them."""
    code = (
        "import importlib, pkgutil, openswarm\n"
        "assert 'site-packages' in openswarm.__file__\n"
        "for found in pkgutil.walk_packages(openswarm.__path__, 'openswarm.', onerror=print):\n"
        "    with_extra = ('.server.', '.k25.', '.llm.k25_', '.llm.policy.', '.parl.', '__main')\n"
        "    if not any(part in found.name for part in with_extra):\n"
        "        importlib.import_module(found.name)\n"
    )
    done = installed.python(code)
    assert done.returncode == 0, done.stderr
