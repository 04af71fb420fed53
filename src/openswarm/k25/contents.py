"""What the files of a checkpoint hold, beside what its configuration asks for.

Owns the comparison of headers with the layout, and the layout in groups. Knows no torch: a
checkpoint can be judged on a computer that could never load it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openswarm.k25.config import K25Config
from openswarm.k25.errors import ModelFileError
from openswarm.k25.headers import Stored
from openswarm.k25.layout import TensorSpec, tensors

SHOWN = 3
"""Tensors that an error names; the others are counted."""
READ_AS = {"BF16": ("BF16", "F16", "F32"), "F32": ("F32", "BF16"), "I32": ("I32",)}
"""Types in a file that are taken for a type of the layout: other writers keep more digits."""
SHAPE_READ_AS = ("I32", "I64")
"""The same for `weight_shape`, which is no weight."""
_COMPUTED = re.compile(r".*\.rotary_emb\.inv_freq")
"""Tables that some writers keep, and that follow from the configuration; they are passed over."""
_NUMBER = re.compile(r"(?:(?<=\.layers\.)|(?<=\.blocks\.)|(?<=\.experts\.))\d+")


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors that differ in the numbers of layer, block and expert alone (`*` in the name)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Names of tensors by what is wrong with them, in the order of the layout or of the files."""

    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    """What is wrong with each: its shape or its type."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown or self.wrong)


def compare(config: K25Config, stored: Mapping[str, Stored]) -> Differences:
    """What is missing in the files, what is in them and has no place, what has another shape."""
    found = Differences()
    wanted = set[str]()
    for spec in tensors(config):
        wanted.add(spec.name)
        if spec.name not in stored:
            found.missing.append(spec.name)
        elif fault := _fault(spec, stored[spec.name]):
            found.wrong[spec.name] = fault
    found.unknown.extend(
        name for name in stored if name not in wanted and not _COMPUTED.fullmatch(name)
    )
    return found


def check(config: K25Config, stored: Mapping[str, Stored], folder: Path) -> None:
    """Raises `ModelFileError` naming the first tensors that differ, and their number."""
    found = compare(config, stored)
    faults: list[str] = []
    if found.missing:
        faults.append(f"{len(found.missing)} missing: {first_of(found.missing)}")
    if found.unknown:
        named = [f"{name} in {stored[name].file.name}" for name in found.unknown[:SHOWN]]
        faults.append(f"{len(found.unknown)} unknown: {first_of(named, len(found.unknown))}")
    if found.wrong:
        named = [f"{name} in {stored[name].file.name}: {why}" for name, why in found.wrong.items()]
        faults.append(f"{len(found.wrong)} wrong: {first_of(named)}")
    if faults:
        raise ModelFileError(f"{folder}: tensors do not fit its config.json; {'; '.join(faults)}")


def first_of(names: list[str], count: int | None = None) -> str:
    """The first names of a list, and how many more there are (of `count` in all)."""
    more = (len(names) if count is None else count) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def groups(specs: Iterable[TensorSpec]) -> Iterator[Group]:
    """The layout, each kind of tensor once, in the order of the forward pass."""
    counts: dict[tuple[str, tuple[int, ...], str], int] = {}
    for spec in specs:
        key = (_NUMBER.sub("*", spec.name), spec.shape, spec.dtype)
        counts[key] = counts.get(key, 0) + 1
    for (name, shape, dtype), count in counts.items():
        yield Group(name, shape, dtype, count)


def _fault(spec: TensorSpec, stored: Stored) -> str:
    if stored.shape != spec.shape:
        return f"its shape is {list(stored.shape)}, and has to be {list(spec.shape)}"
    is_shape = spec.name.endswith(".weight_shape")
    if stored.dtype not in (SHAPE_READ_AS if is_shape else READ_AS[spec.dtype]):
        return f"its type is {stored.dtype}, and has to be {spec.dtype}"
    return ""
