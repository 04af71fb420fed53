"""The house rules, checked: sizes, docstrings, prompt files, layers, imports, what is tracked."""

import ast
import dataclasses
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import openswarm
from openswarm.swarm.spawn import Spawner

REPO = Path(__file__).parent.parent
SOURCE = REPO / "src" / "openswarm"
CODE = ("src", "tests", "bench", "demo")

MAX_FILE, MAX_MEDIAN_FILE, MAX_FUNCTION = 400, 150, 60
"""Lines. They are not relaxed, and there is no list of exceptions."""

NOT_AT_IMPORT = (
    "openai", "anthropic", "torch", "numpy", "xllamacpp", "openpyxl", "pypdf", "trafilatura",
    "uvloop", "aiohttp", "rich", "typer", "matplotlib", "PIL", "pyarrow", "yaml", "starlette",
    "uvicorn", "opentelemetry", "ray", "verl", "tinker", "verifiers", "safetensors",
    "inspect_ai", "transformers", "peft",
)  # fmt: skip
NOT_FOR_A_RUN = tuple(name for name in NOT_AT_IMPORT if name != "aiohttp")

TRAINED = {
    f"weights/{name}/model-00001-of-00001.safetensors"
    for name in ("k25-mini", "parl-start", "parl-swarm")
}
"""Weights that took training: all that may be large."""

PRIVATE = re.compile(
    r"(?<![\w.<])/(?:root|work|home/\w+|Users/\w+)/"  # a folder of whoever wrote it
    r"|/tmp/w\b|/opt/(?:pypi|wheels)"
    r"|--(?:extra-)?index-url|--find-links|files\.pythonhosted\.org|https?://\S+/simple\b"
)
"""What only holds on one machine: its folders, and the hosts of its package index."""


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files of some folders of the repository."""
    return tuple(sorted(path for name in folders for path in (REPO / name).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """A file as syntax."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def lines(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def shown(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(REPO).as_posix()


# sizes


@pytest.mark.requirement("house.sizes")
def test_no_file_is_longer_than_400_lines() -> None:
    """Long files are cut where their second concept begins."""
    too_long = {shown(p): n for p in python_files(*CODE) if (n := lines(p)) > MAX_FILE}
    assert not too_long


@pytest.mark.requirement("house.sizes")
def test_the_median_file_is_short() -> None:
    """Most files hold one concept and fit on two screens."""
    sizes = [lines(path) for path in python_files("src") if path.name != "__init__.py"]
    assert statistics.median(sizes) <= MAX_MEDIAN_FILE


@pytest.mark.requirement("house.sizes")
def test_no_function_is_longer_than_60_lines() -> None:
    """Signature and docstring included."""
    too_long = {
        f"{shown(path)}:{node.lineno} {node.name}": size
        for path in python_files(*CODE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION
    }
    assert not too_long


# docstrings


@pytest.mark.requirement("house.docstrings")
def test_every_module_says_what_it_owns() -> None:
    """By a docstring at its top."""
    silent = [shown(path) for path in python_files(*CODE) if not ast.get_docstring(tree(path))]
    assert not silent


@pytest.mark.requirement("house.docstrings")
def test_everything_public_has_a_docstring() -> None:
    """Functions, classes and methods of the package whose names have no leading underscore."""
    silent = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in python_files("src")
        for node in public(tree(path).body)
        if not ast.get_docstring(node)
    ]
    assert not silent


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt]) -> Iterator[Definition]:
    """The public definitions of a module or class, and those inside public classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


# prompt files


@pytest.mark.requirement("house.prompt-files")
def test_every_tool_has_its_prompt_file_and_every_prompt_file_its_tool() -> None:
    """The text that a model reads stands in NAME.md beside the tool NAME, never in code."""
    prompts = {path.stem: path for room in ("tools", "swarm") for path in markdown(room)}
    assert set(prompts) == built_in_tools()
    empty = [name for name, path in prompts.items() if not path.read_text("utf-8").strip()]
    assert not empty


@pytest.mark.requirement("house.prompt-files")
def test_every_prompt_template_is_rendered_by_somebody() -> None:
    """Templates of agent/prompts are named, or imported by another one."""
    callers = "\n".join(path.read_text("utf-8") for path in python_files("src"))
    templates = {path.stem: path.read_text("utf-8") for path in markdown("agent/prompts")}
    said = callers + "\n".join(templates.values())
    assert templates
    assert not [name for name in templates if f'"{name}"' not in said]


def markdown(room: str) -> list[Path]:
    """The Markdown files of a room."""
    return sorted((SOURCE / room).rglob("*.md"))


def built_in_tools() -> set[str]:
    """The names of all tools that the package makes: those of the orchestrator, and each
    `Tool("name", …)`."""
    offered = next(f.default for f in dataclasses.fields(Spawner) if f.name == "offered")
    assert isinstance(offered, tuple)
    made = (name for path in python_files("src") for name in names_of_tools(tree(path)))
    return {*offered, *made}


def names_of_tools(module: ast.Module) -> Iterator[str]:
    """First arguments of `Tool(…)` that are a string, or a constant of the module that is one."""
    constants = {
        node.targets[0].id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Tool" and node.args:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    yield name
                case ast.Name(id=name) if isinstance(constants.get(name), str):
                    yield str(constants[name])


# layers and imports


@pytest.mark.requirement("house.layers")
def test_imports_point_down_only() -> None:
    """import-linter's contracts in pyproject.toml; a new folder has to take its place there."""
    command = [sys.executable, "-c", "import importlinter.cli as c; raise SystemExit("
               "c.lint_imports(no_cache=True, no_logo=True))"]  # fmt: skip
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.requirement("house.imports")
@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("openswarm", NOT_AT_IMPORT),
        ("openswarm.core.events", (*NOT_AT_IMPORT, "anyio", "orjson", "jinja2")),
        ("openswarm.modes.run", NOT_FOR_A_RUN),
    ],
)
def test_an_import_loads_no_sdk_and_nothing_heavy(module: str, forbidden: tuple[str, ...]) -> None:
    """What is optional or dear is loaded by the one function that needs it."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded.intersection(forbidden)


@pytest.mark.requirement("house.public-names")
def test_the_public_names_are_all_there() -> None:
    """`__all__`, what type checkers see, and what attribute access gives are the same."""
    checked = next(
        node
        for node in tree(SOURCE / "__init__.py").body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    seen = {
        alias.name
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(openswarm.__all__) == openswarm.__all__
    assert set(openswarm.__all__) == {*seen, "__version__"}
    assert all(getattr(openswarm, name) is not None for name in openswarm.__all__)


# what is tracked


@pytest.mark.requirement("house.no-machine")
def test_nothing_in_the_repository_belongs_to_one_machine() -> None:
    """No path of a home folder, no host of a package index, no file over a megabyte but weights."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=REPO, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [REPO / name for name in listed.stdout.split("\0") if name and (REPO / name).is_file()]
    assert len(files) > 100
    large = [path for path in files if path.stat().st_size > 1_000_000]
    assert {shown(path) for path in large} <= TRAINED
    assert large[0].stat().st_size < 30_000_000
    found = [
        f"{shown(path)}: {match[0]}"
        for path in files
        if path != Path(__file__) and path not in large
        for match in PRIVATE.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert not found


@pytest.mark.requirement("house.constraints")
def test_constraints_are_versions_and_nothing_else() -> None:
    """So that the file works with any package index."""
    entries = [
        line for line in (REPO / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]  # fmt: skip
    assert entries
    assert not [line for line in entries if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+]+", line)]
