"""Checkpoints: what is saved is loaded bit for bit, one expert is read alone, faults are named."""

import json
from pathlib import Path

import pytest
import torch
from full_disk import full_disk
from safetensors.torch import load_file, save_file
from shard_files import write_sparse

from openswarm.k25.checkpoint import Checkpoint, load_model, save_model
from openswarm.k25.config import K25Config, preset
from openswarm.k25.errors import ModelFileError
from openswarm.k25.headers import INDEX
from openswarm.k25.int4 import dequantize, fake_quantize, pack, quantize
from openswarm.k25.layout import expert_name, expert_shape, tensors
from openswarm.k25.model import K25
from openswarm.k25.scheme import with_int4

SHARD = 400_000
NORM = "language_model.model.norm.weight"
LAYER = "language_model.model.layers."
DOWN = f"{LAYER}1.mlp.experts.3.down_proj"


def small() -> K25Config:
    """Two layers, four experts: a checkpoint of a few hundred kilobytes."""
    tiny = preset("tiny")
    text = {"num_hidden_layers": 2, "n_routed_experts": 4, "vocab_size": 512,
            "bos_token_id": 256, "eos_token_id": 258, "pad_token_id": 511}  # fmt: skip
    return tiny.model_copy(
        update={
            "text_config": tiny.text_config.model_copy(update=text),
            "vision_config": tiny.vision_config.model_copy(update={"vt_num_hidden_layers": 1}),
            "media_placeholder_token_id": 277,
        }
    )


@pytest.fixture(scope="module")
def model() -> K25:
    """Random weights, the router's bias included."""
    made = K25(small()).eval()
    made.initialise(7)
    torch.manual_seed(7)
    for router in made.routers():
        router.e_score_correction_bias.uniform_(-1, 1)
    return made


@pytest.fixture
def plain(model: K25, tmp_path: Path) -> Path:
    """The model in bf16, in several shards."""
    save_model(model, tmp_path / "plain", int4=False, shard_bytes=SHARD)
    return tmp_path / "plain"


@pytest.fixture
def packed(model: K25, tmp_path: Path) -> Path:
    """The model with its experts in INT4."""
    save_model(model, tmp_path / "packed", int4=True, shard_bytes=SHARD)
    return tmp_path / "packed"


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are one type and equal bit for bit."""
    return one.dtype == other.dtype and torch.equal(one, other)


# there and back


@pytest.mark.requirement("model.checkpoint-round-trip")
def test_a_bf16_model_is_saved_and_loaded_bit_for_bit(model: K25, plain: Path) -> None:
    loaded = load_model(plain, dtype=torch.bfloat16).state_dict()
    for name, value in model.state_dict().items():
        is_bias = name.endswith("e_score_correction_bias")
        assert same(loaded[name], value if is_bias else value.bfloat16()), name
    assert len(list(plain.glob("*.safetensors"))) > 2


@pytest.mark.requirement("model.checkpoint-round-trip")
def test_a_loaded_model_saves_the_same_files(plain: Path, tmp_path: Path) -> None:
    save_model(
        load_model(plain, dtype=torch.bfloat16), tmp_path / "b", int4=False, shard_bytes=SHARD
    )
    files = sorted(path.name for path in plain.iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert all((plain / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in files)


@pytest.mark.requirement("model.checkpoint-round-trip")
def test_a_loaded_model_gives_the_same_logits(model: K25, plain: Path) -> None:
    exact = load_model(plain).eval()
    tokens_BL = torch.arange(40).view(2, 20)
    rounded = K25(small()).eval()
    rounded.load_state_dict(
        {
            name: value if name.endswith("correction_bias") else value.bfloat16().float()
            for name, value in model.state_dict().items()
        }
    )
    with torch.no_grad():
        assert same(exact(tokens_BL), rounded(tokens_BL))
    assert all(parameter.requires_grad for parameter in exact.parameters())
    assert not any(value.is_meta for value in (*exact.parameters(), *exact.buffers()))


@pytest.mark.requirement("model.checkpoint-int4")
def test_an_int4_checkpoint_has_the_weights_that_training_saw(model: K25, packed: Path) -> None:
    loaded = load_model(packed).state_dict()
    for name, value in model.state_dict().items():
        if ".mlp.experts." in name:
            assert same(loaded[name], fake_quantize(value)), name
        elif not name.endswith("e_score_correction_bias"):
            assert same(loaded[name], value.bfloat16().float()), name


@pytest.mark.requirement("model.checkpoint-int4")
def test_an_int4_checkpoint_is_laid_out_as_published(packed: Path) -> None:
    written = json.loads((packed / "config.json").read_text())
    scheme = written["text_config"]["quantization_config"]
    assert scheme == preset("published").quantization_config
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for path in packed.glob("model-*-of-*.safetensors"):
        found |= {n: (str(t.dtype), tuple(t.shape)) for n, t in load_file(path).items()}
    names = {"BF16": "torch.bfloat16", "F32": "torch.float32", "I32": "torch.int32"}
    config = with_int4(small(), True)
    assert found == {spec.name: (names[spec.dtype], spec.shape) for spec in tensors(config)}
    shards = len(list(packed.glob("*.safetensors")))
    assert (packed / f"model-00001-of-{shards:05}.safetensors").exists()
    assert set(json.loads((packed / INDEX).read_text())["weight_map"]) == set(found)


@pytest.mark.requirement("model.checkpoint-read-other")
def test_a_checkpoint_of_another_writer_is_read(plain: Path, tmp_path: Path) -> None:
    """One file, no index, float32, and a table of frequencies that follows from the settings."""
    other = tmp_path / "other"
    other.mkdir()
    held: dict[str, torch.Tensor] = {}
    for path in plain.glob("*.safetensors"):
        held |= {name: tensor.float() for name, tensor in load_file(path).items()}
    held[f"{LAYER}0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    save_file(held, other / "model.safetensors")
    (other / "config.json").write_bytes((plain / "config.json").read_bytes())
    ours, theirs = load_model(plain).state_dict(), load_model(other).state_dict()
    assert all(same(ours[name], theirs[name]) for name in ours)


# one expert


@pytest.mark.requirement("model.checkpoint-lazy")
def test_an_expert_is_read_alone(model: K25, plain: Path, packed: Path) -> None:
    experts = model.experts()[0]
    gate, up = experts.gate_up_EGH[3].detach().chunk(2)
    wanted = {"gate_proj": gate, "up_proj": up, "down_proj": experts.down_EHI[3].detach()}
    with Checkpoint(plain) as checkpoint:
        found = checkpoint.expert(1, 3)
    assert all(same(found[m], wanted[m].bfloat16().float()) for m in found)
    with Checkpoint(packed) as checkpoint:
        found = checkpoint.expert(1, 3)
        assert same(checkpoint.expert(1, 3, torch.bfloat16)["up_proj"], found["up_proj"].bfloat16())
        with pytest.raises(ModelFileError, match=r"experts\.4\.gate_proj"):
            checkpoint.expert(1, 4)
    assert all(same(found[m], fake_quantize(wanted[m])) for m in wanted)


def mapped_bytes() -> int:
    """Bytes of files that this process has touched in its memory maps, and still holds."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssFile:")[1].split()[0])


@pytest.mark.requirement("model.checkpoint-lazy")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts pages as Linux does")
@pytest.mark.parametrize("layers", [2, pytest.param(61, marks=pytest.mark.slow)])
def test_one_expert_of_the_published_model_is_read_without_the_rest(
    tmp_path: Path, layers: int
) -> None:
    """A sparse file of the published size, in which one expert is real: 595 GB with all layers."""
    published = preset("published")
    text = published.text_config.model_copy(update={"num_hidden_layers": layers})
    config = published.model_copy(update={"text_config": text})
    torch.manual_seed(0)
    real: dict[str, bytes] = {}
    wanted: dict[str, torch.Tensor] = {}
    for matrix in ("gate_proj", "up_proj", "down_proj"):
        shape, name = expert_shape(text, matrix), expert_name(layers - 1, 383, matrix)
        q, scale = quantize(torch.randn(shape))
        wanted[matrix] = dequantize(q, scale)
        real[f"{name}.weight_packed"] = pack(q).numpy().tobytes()
        real[f"{name}.weight_scale"] = scale.view(torch.uint8).numpy().tobytes()
        real[f"{name}.weight_shape"] = torch.tensor(shape, dtype=torch.int32).numpy().tobytes()
    shard = write_sparse(tmp_path, tensors(config), real)
    (tmp_path / "config.json").write_text(config.to_json())
    assert shard.stat().st_size > (layers - 1) * 9.7e9
    with Checkpoint(tmp_path) as checkpoint:
        before = mapped_bytes()
        found = checkpoint.expert(layers - 1, 383)
        touched = mapped_bytes() - before
    assert all(same(found[m], wanted[m]) for m in wanted)
    stored = sum(map(len, real.values()))
    assert stored < 25_000_000
    assert touched < stored + 4_000_000


# faults


def changed(folder: Path, name: str, value: torch.Tensor | None, new: str = "") -> None:
    """Rewrites one tensor of a checkpoint; None takes it out, `new` gives it another name."""
    index = json.loads((folder / INDEX).read_text())
    shard = index["weight_map"].pop(name)
    held = load_file(folder / shard)
    del held[name]
    if value is not None:
        held[new or name] = value
        index["weight_map"][new or name] = shard
    save_file(held, folder / shard)
    (folder / INDEX).write_text(json.dumps(index))


@pytest.mark.requirement("model.checkpoint-faults")
def test_tensors_that_are_missing_unknown_or_of_another_shape_are_named(plain: Path) -> None:
    changed(plain, NORM, torch.ones(5, dtype=torch.bfloat16))
    changed(plain, f"{DOWN}.weight", torch.ones(2), new=f"{DOWN}.wieght")
    with pytest.raises(ModelFileError) as caught:
        load_model(plain)
    message = str(caught.value)
    assert message.startswith(f"{plain}: ")
    assert f"1 missing: {DOWN}.weight;" in message
    assert f"1 unknown: {DOWN}.wieght in model-0000" in message
    assert f"1 wrong: {NORM} in model-0000" in message
    assert "its shape is [5], and has to be [128]" in message


@pytest.mark.requirement("model.checkpoint-faults")
def test_of_many_faults_three_are_named_and_all_are_counted(plain: Path) -> None:
    config = plain / "config.json"
    config.write_text(config.read_text().replace('"n_routed_experts": 4', '"n_routed_experts": 6'))
    with pytest.raises(ModelFileError, match=r"6 missing: (.*, ){2}.* and 3 more; 2 wrong"):
        load_model(plain)


@pytest.mark.requirement("model.checkpoint-faults")
def test_a_type_that_cannot_stand_for_a_weight_is_named(plain: Path) -> None:
    changed(plain, NORM, torch.ones(128, dtype=torch.int32))
    with pytest.raises(ModelFileError, match="its type is I32, and has to be BF16"):
        load_model(plain)


@pytest.mark.requirement("model.checkpoint-faults")
def test_packed_numbers_are_32_bits_and_a_shape_may_be_64(packed: Path) -> None:
    """compressed-tensors writes shapes of either width."""
    changed(packed, f"{DOWN}.weight_shape", torch.tensor([128, 64]))
    load_model(packed)
    changed(packed, f"{DOWN}.weight_packed", torch.zeros(128, 8, dtype=torch.int64))
    with pytest.raises(ModelFileError, match="its type is I64, and has to be I32"):
        load_model(packed)


@pytest.mark.requirement("model.checkpoint-faults")
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_named_unless_told_otherwise(
    plain: Path, poison: float
) -> None:
    weight = torch.ones(128, dtype=torch.bfloat16)
    weight[77] = poison
    changed(plain, NORM, weight)
    with pytest.raises(ModelFileError, match=f"not finite .*, 1 in all: {NORM} in model-0000"):
        load_model(plain)
    loaded = load_model(plain, check_finite=False)
    assert not loaded.language_model.norm.weight.isfinite().all()


@pytest.mark.requirement("model.checkpoint-faults")
def test_a_scale_that_is_not_finite_is_found_through_int4(packed: Path) -> None:
    scale = torch.full((128, 2), float("nan"), dtype=torch.bfloat16)
    changed(packed, f"{DOWN}.weight_scale", scale)
    with pytest.raises(ModelFileError, match=rf"not finite.*{DOWN}\.weight_packed in"):
        load_model(packed)


@pytest.mark.requirement("model.checkpoint-faults")
def test_a_packed_matrix_has_the_shape_that_it_says(packed: Path) -> None:
    changed(packed, f"{DOWN}.weight_shape", torch.tensor([64, 128], dtype=torch.int32))
    with pytest.raises(ModelFileError, match=rf"{DOWN}.weight_shape is \[64, 128\], and has to be"):
        load_model(packed)


@pytest.mark.requirement("model.checkpoint-faults")
def test_a_cut_shard_is_named_before_any_weight_is_read(plain: Path) -> None:
    shard = min(plain.glob("*.safetensors"))
    size = shard.stat().st_size
    with shard.open("r+b") as file:
        file.truncate(size - 1000)
    with pytest.raises(
        ModelFileError, match=f"{shard}: .*: truncated: has {size - 1000} of {size}"
    ):
        Checkpoint(plain)


@pytest.mark.requirement("model.checkpoint-faults")
def test_a_folder_without_weights_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(small().to_json())
    with pytest.raises(ModelFileError, match="no weights"):
        Checkpoint(tmp_path)
    with pytest.raises(ModelFileError, match=r"has no config\.json"):
        Checkpoint(tmp_path / "nowhere")


# saving is all or nothing


@pytest.mark.requirement("model.checkpoint-atomic")
def test_a_folder_with_something_in_it_is_left_alone(model: K25, plain: Path) -> None:
    before = {path.name: path.read_bytes() for path in plain.iterdir()}
    with pytest.raises(ModelFileError, match="is there already"):
        save_model(model, plain, int4=True)
    assert before == {path.name: path.read_bytes() for path in plain.iterdir()}


@pytest.mark.requirement("model.checkpoint-atomic")
def test_weights_that_have_no_int4_value_leave_nothing_behind(tmp_path: Path) -> None:
    broken = K25(small())
    broken.initialise(1)
    broken.experts()[0].down_EHI.data[3, 5, 7] = float("nan")
    with pytest.raises(ModelFileError, match=rf"{DOWN}\.weight_packed: "):
        save_model(broken, tmp_path / "x", int4=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("model.checkpoint-atomic")
def test_a_full_disk_is_an_error_and_leaves_nothing_behind(model: K25, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(ModelFileError, match="cannot be written"):
        save_model(model, tmp_path / "x", int4=False)
    assert list(tmp_path.iterdir()) == []
