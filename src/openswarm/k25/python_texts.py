"""The text that comes with Python: its language reference, and its docstrings.

Sources are read as data, no module of the library is imported, and the same Python gives the same
texts in the same order. Knows nothing of what is learned from them.
"""

import ast
import sysconfig
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def topics() -> Iterator[str]:
    """The language reference that `help()` shows, topic by topic."""
    from pydoc_data.topics import topics as found

    yield from (found[name] for name in sorted(found))


def docstrings(
    skipped: Collection[str], most_bytes: int, *, coroutines: bool = False
) -> Iterator[str]:
    """The docstrings of the standard library's own files.

    `skipped` are names of files and folders; files of more than `most_bytes` are data and not
    documentation. With `coroutines` the docstrings of async functions are among them.
    """
    library = Path(sysconfig.get_path("stdlib"))
    kinds = (*DOCUMENTED, ast.AsyncFunctionDef) if coroutines else DOCUMENTED
    for path in sorted(library.rglob("*.py")):
        if set(path.relative_to(library).parts).intersection(skipped):
            continue
        for node in _nodes(path, most_bytes):
            if isinstance(node, kinds) and (text := ast.get_docstring(node)):
                yield text


def _nodes(path: Path, most_bytes: int) -> Iterator[ast.AST]:
    """None of a file that is too long, or no Python."""
    try:
        if path.stat().st_size > most_bytes:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    yield from ast.walk(tree)
