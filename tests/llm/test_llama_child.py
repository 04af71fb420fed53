"""The child process of local models, with a stand-in for the library."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openswarm.llm.llama import CHILD, LlamaSettings

pytestmark = pytest.mark.requirement("local.process")

LIBRARY = """
import json, os, types
class CommonParams(types.SimpleNamespace):
    def __init__(self):
        super().__init__(model=types.SimpleNamespace(), cpuparams=types.SimpleNamespace(),
                         cpuparams_batch=types.SimpleNamespace())
class Server:
    def __init__(self, params):
        if params.model.path.endswith("broken.gguf"):
            raise RuntimeError("Failed to init server")
        with open(os.environ["SEEN"], "w") as file:
            json.dump({key: value for key, value in vars(params).items()
                       if not isinstance(value, types.SimpleNamespace)}, file)
"""


@contextmanager
def child(tmp_path: Path, file: str = "a.gguf") -> Iterator[subprocess.Popen[str]]:
    """A running child whose xllamacpp is the stand-in."""
    (tmp_path / "xllamacpp.py").write_text(LIBRARY)
    folder = tmp_path / "private"
    folder.mkdir()
    settings = LlamaSettings(Path(file), parallel=3, context_tokens=1000, threads=2)
    process = subprocess.Popen(
        [*CHILD, settings.as_json(), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "SEEN": str(tmp_path / "seen.json"),
        },
        text=True,
    )
    with process:
        yield process
        assert process.stdin
        process.stdin.close()


def hello_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The child's one line."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def test_no_port_is_open_and_the_folder_goes_when_the_input_ends(tmp_path: Path) -> None:
    """The socket lies in the parent's folder, and wants a key on top."""
    with child(tmp_path) as process:
        hello = hello_of(process)
        folder = Path(hello["socket"]).parent
        assert folder == tmp_path / "private"
        seen = json.loads((tmp_path / "seen.json").read_text())
        assert seen["hostnames"] == [hello["socket"]]
        assert seen["api_keys"] == [hello["key"]]
        assert len(hello["key"]) > 20
        assert seen["slot_save_path"] == f"{folder}/"
    assert process.returncode == 0
    assert not folder.exists()


def test_the_window_is_given_to_each_reply(tmp_path: Path) -> None:
    """llama.cpp counts all slots together."""
    with child(tmp_path) as process:
        hello_of(process)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert (seen["n_ctx"], seen["n_parallel"]) == (3000, 3)


def test_a_file_that_cannot_be_loaded_is_reported(tmp_path: Path) -> None:
    """In the line in which the socket would be."""
    with child(tmp_path, "broken.gguf") as process:
        assert hello_of(process) == {"failed": "Failed to init server"}


def test_a_missing_library_is_reported(tmp_path: Path) -> None:
    """By what the import said."""
    (tmp_path / "xllamacpp.py").write_text("")
    bare = [sys.executable, "-c", "import sys; sys.modules['xllamacpp'] = None;"]
    code = "from openswarm.llm.llama_child import main; main()"
    process = subprocess.run(
        [*bare[:2], bare[2] + code, "{}", str(tmp_path / "private")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert "xllamacpp" in json.loads(process.stdout)["missing"]
