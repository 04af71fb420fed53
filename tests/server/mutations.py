"""Requests with one value replaced by any other, for parsers that must refuse or understand."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import strategies as st

_DEEP: Any = {}
for _ in range(300):
    _DEEP = {"a": _DEEP}
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
VALUES = st.just(_DEEP) | st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=5,
)
Path = tuple[str | int, ...]


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def mutated(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The body with any one value in it replaced, as it comes out of JSON."""
    text = json.dumps(body)

    def replaced(path: Path, value: Any) -> dict[str, Any]:
        changed: Any = json.loads(text)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        whole: dict[str, Any] = orjson.loads(json.dumps(changed))
        return whole

    return st.builds(replaced, st.sampled_from([*_paths(json.loads(text))]), VALUES)
