"""A file of a model that has to fit into memory: read whole, or refused. Knows no format."""

from pathlib import Path

from openswarm.k25.errors import ModelFileError


def read_bounded(path: Path, most: int, what: str) -> bytes:
    """The bytes of a file of at most `most`; `what` is what it has to be, for errors.

    Raises `ModelFileError` naming the file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise ModelFileError(f"{path.parent} has no {path.name}, the {what} of a model") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > most:
        raise ModelFileError(f"{path} is longer than {most} bytes, so it is no {what}")
    return data
