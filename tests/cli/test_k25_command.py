"""`openswarm k25 inspect`: what a model is made of, without torch and without its weights."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Command

from openswarm.k25.config import K25Config, preset
from openswarm.k25.headers import INDEX
from openswarm.k25.layout import BYTES, TensorSpec, tensors
from openswarm.k25.scheme import with_int4

pytestmark = pytest.mark.requirement("model.inspect")

NORM = "language_model.model.norm.weight"
HEAD = "language_model.lm_head.weight"
BLOCKED = """
import sys
for name in ("torch", "numpy", "safetensors"):
    sys.modules[name] = None
from openswarm.cli.main import main
main()
"""


def write(folder: Path, config: K25Config, specs: list[TensorSpec]) -> None:
    """A checkpoint of zeros, in one shard."""
    header: dict[str, Any] = {}
    offset = 0
    for spec in specs:
        end = offset + spec.bytes
        entry = {"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [offset, end]}
        header[spec.name], offset = entry, end
    text = json.dumps(header).encode()
    with (folder / "model-00001-of-00001.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    index = dict.fromkeys(header, "model-00001-of-00001.safetensors")
    (folder / INDEX).write_text(json.dumps({"weight_map": index}))
    (folder / "config.json").write_text(config.to_json())


def without_torch(*arguments: str | Path) -> dict[str, Any]:
    """What a process prints in which torch, numpy and safetensors cannot be imported."""
    command = [sys.executable, "-c", BLOCKED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_published_model_in_figures_and_without_torch() -> None:
    found = without_torch("k25", "inspect", "published", "--json")
    assert list(found) == ["model", "config", "parameters", "bytes", "cache", "layout", "files"]
    assert found["parameters"]["text"] == 1_026_408_232_448
    parts = found["parameters"]["parts"].values()
    assert found["parameters"]["total"] == sum(parts) > found["parameters"]["text"]
    assert found["bytes"]["int4"] == pytest.approx(594e9, abs=2e9)
    assert found["cache"]["token_bytes"] == 70_272
    assert found["cache"]["bytes"] == 70_272 * 262_144
    assert found["cache"]["plain_bytes"] > 35 * found["cache"]["bytes"]
    assert found["config"]["text_config"]["kv_lora_rank"] == 512
    assert found["files"] is None
    packed = next(g for g in found["layout"] if g["name"].endswith("up_proj.weight_packed"))
    assert packed == {
        "name": "language_model.model.layers.*.mlp.experts.*.up_proj.weight_packed",
        "count": 60 * 384,
        "shape": [2048, 896],
        "dtype": "I32",
    }


def test_a_person_reads_the_same_in_80_columns(openswarm: Command) -> None:
    done = openswarm("k25", "inspect", "published")
    assert (done.code, done.err) == (0, "")
    for text in ("1,026,408,232,448", "70.3 kB a token", "18.4 GB", "595.1 GB", "mlp.experts.*."):
        assert text in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("name", ["tiny", "mini"])
def test_the_small_ones_are_described_too(openswarm: Command, name: str) -> None:
    found = json.loads(openswarm("k25", "inspect", name, "--json").out)
    stored = sum(BYTES[g["dtype"]] * g["count"] * _product(g["shape"]) for g in found["layout"])
    assert stored == found["bytes"]["bf16"] > found["bytes"]["int4"]
    assert "all but vision" in openswarm("k25", "inspect", name).out


def _product(shape: list[int]) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


@pytest.mark.parametrize("int4", [False, True])
def test_a_whole_checkpoint_is_said_to_be_whole(
    openswarm: Command, tmp_path: Path, int4: bool
) -> None:
    config = with_int4(preset("tiny"), int4)
    specs = list(tensors(config))
    write(tmp_path, config, specs)
    found = json.loads(openswarm("k25", "inspect", tmp_path, "--json").out)
    assert found["files"] == {
        "shards": 1,
        "tensors": len(specs),
        "bytes": found["bytes"]["int4" if int4 else "bf16"],
        "missing": [],
        "unknown": [],
        "wrong": {},
    }
    done = openswarm("k25", "inspect", tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].endswith("all that the configuration asks for")


def test_what_is_missing_unknown_or_wrong_is_named_and_exit_code_1(
    openswarm: Command, tmp_path: Path
) -> None:
    config = preset("tiny")
    specs = [spec for spec in tensors(config) if "experts.3." not in spec.name]
    specs = [spec for spec in specs if spec.name != NORM and spec.name != HEAD]
    specs.append(TensorSpec(NORM, (64,), "BF16", "norm", 64))
    specs.append(TensorSpec("lm_\x1b[31mhead", (64,), "BF16", "norm", 64))
    write(tmp_path, config, specs)
    done = openswarm("k25", "inspect", tmp_path, "--json")
    files = json.loads(done.out)["files"]
    assert done.code == 1
    assert len(files["missing"]) == 10
    assert files["missing"][-1] == HEAD
    assert files["unknown"] == ["lm_\x1b[31mhead"]
    assert files["wrong"] == {NORM: "its shape is [64], and has to be [128]"}
    done = openswarm("k25", "inspect", tmp_path)
    assert done.code == 1
    assert "they do not fit the configuration" in done.out
    assert "… 5 more missing" in done.out
    assert "unknown  lm_head" in done.out
    assert f"wrong    {NORM}: its shape is [64]" in done.out
    assert "\x1b" not in done.out


def test_a_folder_may_have_a_configuration_alone(openswarm: Command, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(preset("tiny").to_json())
    done = openswarm("k25", "inspect", tmp_path, "--json")
    assert (done.code, json.loads(done.out)["files"]) == (0, None)
    assert openswarm("k25", "inspect", tmp_path).out.rstrip().endswith("no weights in this folder")


def test_a_cut_shard_is_one_line_that_names_it(openswarm: Command, tmp_path: Path) -> None:
    write(tmp_path, preset("tiny"), list(tensors(preset("tiny"))))
    shard = tmp_path / "model-00001-of-00001.safetensors"
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 1)
    done = openswarm("k25", "inspect", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert f"{shard}: {HEAD}: truncated: has " in done.err


def test_what_is_no_model_is_one_line_and_exit_code_2(openswarm: Command, tmp_path: Path) -> None:
    done = openswarm("k25", "inspect", tmp_path / "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "has no config.json" in done.err
    scheme = with_int4(preset("tiny"), True).to_json().replace('"num_bits": 4', '"num_bits": 8')
    (tmp_path / "config.json").write_text(scheme)
    done = openswarm("k25", "inspect", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "weights.num_bits: only 4 can be read" in done.err


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "value"),
    [("n_routed_experts", 10**12), ("num_hidden_layers", 10**9), ("hidden_size", 10**400)],
)
def test_a_number_that_no_model_has_is_one_line(
    openswarm: Command, tmp_path: Path, name: str, value: int
) -> None:
    """Nothing that grows with it is begun."""
    data = json.loads(preset("tiny").to_json())
    data["text_config"][name] = value
    (tmp_path / "config.json").write_text(json.dumps(data))
    done = openswarm("k25", "inspect", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert name in done.err


def test_a_checkpoint_is_judged_without_torch(tmp_path: Path) -> None:
    write(tmp_path, preset("tiny"), list(tensors(preset("tiny"))))
    assert without_torch("k25", "inspect", tmp_path, "--json")["files"]["missing"] == []
