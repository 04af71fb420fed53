"""The documents say what the code does: every event and limit, every link, examples that run."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from openswarm.core import events
from openswarm.core.limits import Limits

REPO = Path(__file__).parent.parent
DOCS = REPO / "docs"
SOURCE = REPO / "src" / "openswarm"

pytestmark = pytest.mark.requirement("house.docs")


def shown(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(REPO).as_posix()


def test_every_event_is_documented() -> None:
    """docs/journal.md names the type of each event."""
    types = {get_args(kind.model_fields["type"].annotation)[0] for kind in event_classes()}
    page = (DOCS / "journal.md").read_text("utf-8")
    assert types
    assert not [name for name in types if f"`{name}`" not in page]


def event_classes() -> list[type[events.Event]]:
    """The members of the union of events."""
    union = get_args(events.AnyEvent)[0]
    return [kind for kind in get_args(union) if issubclass(kind, events.Event)]


def test_every_limit_is_documented() -> None:
    """docs/limits.md names each field, with its default."""
    page = (DOCS / "limits.md").read_text("utf-8")
    rows = {
        name: next((line for line in page.splitlines() if line.startswith(f"| `{name}` ")), "")
        for name in Limits.model_fields
    }
    wrong = {
        name: row
        for name, row in rows.items()
        if f"| {default_of(name)} |" not in row.replace(",", "")
    }
    assert not wrong


def default_of(name: str) -> str:
    """A limit's default as the page writes it."""
    value = Limits.model_fields[name].default
    return "none" if value is None else f"{value:g}"


def test_every_page_is_in_the_index() -> None:
    """docs/index.md links each page and each decision; the links lead somewhere."""
    index = (DOCS / "index.md").read_text("utf-8")
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    linked = set(re.findall(r"\]\(([\w./-]+\.md)\)", index))
    assert pages - linked == {"index.md"}
    assert not [page for page in linked if not (DOCS / page).exists()]


def test_links_inside_the_repository_lead_somewhere() -> None:
    """In the README and every page of docs/."""
    pages = [*REPO.glob("*.md"), *DOCS.rglob("*.md")]
    broken = [
        f"{shown(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_the_map_names_every_room() -> None:
    """The README's tree and AGENTS.md have a line for each folder of the package."""
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    for name in ("README.md", "AGENTS.md"):
        text = (REPO / name).read_text("utf-8")
        assert not [room for room in rooms if f"{room}/" not in text], name


def test_the_example_without_a_model_runs_as_it_stands(tmp_path: Path) -> None:
    """The scripted example of docs/python.md prints what the page says."""
    page = (DOCS / "python.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = next(block for block in blocks if "ScriptedModel" in block)
    promised = re.search(r"It prints\n\n```\n(.*?)```", page, re.DOTALL)
    assert promised is not None
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout) == ("", promised[1])


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=shown)
def test_python_in_the_documents_is_python(page: Path) -> None:
    """Every block that is marked as Python can be compiled, `await` at its top included."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        compile(block, shown(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
