"""The GGUF file: what stands in it, what is refused, and that it is whole or absent."""

import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from full_disk import full_disk
from gguf_models import exported, random_model, with_text

from openswarm.core.errors import SettingsError
from openswarm.k25 import int4
from openswarm.k25.bpe import write
from openswarm.k25.checkpoint import save_model
from openswarm.k25.config import K25Config, RopeScaling
from openswarm.k25.errors import ModelFileError
from openswarm.k25.gguf_export import export, export_folder, metadata
from openswarm.k25.gguf_layout import Form, stored
from openswarm.k25.gguf_vocab import merges, printable
from openswarm.k25.tokenizer import FILE, Tokenizer

TOKENS = 520
"""Bytes, a few words, and the special tokens: a header that is soon read."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    words = (b"th", b"e ", b"the ", b"an", b"in", b"on", b"er", b"re")
    tokens = [*(bytes([byte]) for byte in range(256)), *words]
    return Tokenizer({token: rank for rank, token in enumerate(tokens)})


@pytest.fixture
def config(config: K25Config) -> K25Config:
    """The configuration of a model with that vocabulary."""
    small = with_text(
        config, vocab_size=TOKENS, bos_token_id=264, eos_token_id=266, pad_token_id=519
    )
    return small.model_copy(update={"media_placeholder_token_id": 285})


def tensors_of(path: Path) -> dict[str, Any]:
    """Every tensor of a file as floats, by name."""
    return {
        entry.name: gguf.quants.dequantize(entry.data, entry.tensor_type)
        for entry in gguf.GGUFReader(path).tensors
    }


def fields_of(path: Path) -> dict[str, Any]:
    """Every entry of a file's header."""
    return {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()}


@pytest.mark.requirement("model.gguf-header")
def test_the_header_says_what_the_configuration_says(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    written = exported(random_model(config), tokenizer, tmp_path / "m.gguf", "f32", "f32")
    found = fields_of(written.path)
    own = {
        name.removeprefix("deepseek2."): value
        for name, value in found.items()
        if name.startswith("deepseek2.")
    }
    assert found["general.architecture"] == "deepseek2"
    assert own == {
        "vocab_size": TOKENS,
        "block_count": 3,
        "context_length": 2048,
        "embedding_length": 64,
        "feed_forward_length": 96,
        "leading_dense_block_count": 1,
        "attention.head_count": 4,
        "attention.head_count_kv": 1,
        "attention.key_length": 40,
        "attention.value_length": 32,
        "attention.key_length_mla": 32,
        "attention.value_length_mla": 20,
        "attention.q_lora_rank": 40,
        "attention.kv_lora_rank": 32,
        "attention.layer_norm_rms_epsilon": pytest.approx(1e-5),
        "expert_count": 8,
        "expert_used_count": 3,
        "expert_shared_count": 1,
        "expert_feed_forward_length": 32,
        "expert_weights_scale": pytest.approx(2.827),
        "expert_weights_norm": True,
        "expert_gating_func": 2,
        "rope.dimension_count": 8,
        "rope.freq_base": 10000.0,
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": 4.0,
        "rope.scaling.original_context_length": 512,
        "rope.scaling.yarn_beta_fast": 32.0,
        "rope.scaling.yarn_beta_slow": 1.0,
        "rope.scaling.yarn_log_multiplier": pytest.approx(0.1),
    }


@pytest.mark.requirement("model.gguf-tensors")
def test_every_text_tensor_is_in_the_file_and_none_of_the_vision_tower(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config)
    written = exported(model, tokenizer, tmp_path / "m.gguf", "f32", "f32")
    found = tensors_of(written.path)
    text = {
        name: value.numpy()
        for name, value in model.language_model.state_dict().items()
        if not name.startswith("inverse")
    }
    assert written.tensors == len(found)
    assert written.bytes == written.path.stat().st_size
    assert sum(value.size for value in found.values()) == sum(v.size for v in text.values())
    kv_b = text["layers.1.self_attn.kv_b_proj.weight"].reshape(4, 44, 32)
    assert np.array_equal(found["blk.1.attn_k_b.weight"], kv_b[:, :24].transpose(0, 2, 1))
    assert np.array_equal(found["blk.1.attn_v_b.weight"], kv_b[:, 24:])
    gate_up = text["layers.2.mlp.experts.gate_up_EGH"]
    assert np.array_equal(found["blk.2.ffn_gate_exps.weight"], gate_up[:, :32])
    assert np.array_equal(found["blk.2.ffn_up_exps.weight"], gate_up[:, 32:])
    assert np.array_equal(
        found["blk.2.exp_probs_b.bias"], text["layers.2.mlp.gate.e_score_correction_bias"]
    )
    assert np.array_equal(found["output.weight"], text["lm_head.weight"])


@pytest.mark.requirement("model.gguf-int4")
def test_int4_experts_keep_every_value_in_q4_0(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config)
    path = tmp_path / "m.gguf"
    exported(model, tokenizer, path, "bf16", "q4_0", int4=True)
    found = tensors_of(path)
    for layer, experts in zip((1, 2), model.experts(), strict=True):
        down = int4.dequantize(*int4.quantize(experts.down_EHI))
        gate = int4.dequantize(*int4.quantize(experts.gate_up_EGH[:, :32]))
        assert np.array_equal(found[f"blk.{layer}.ffn_down_exps.weight"], down.numpy())
        assert np.array_equal(found[f"blk.{layer}.ffn_gate_exps.weight"], gate.numpy())


@pytest.mark.requirement("model.gguf-int4")
def test_plain_experts_are_rounded_to_q4_0_as_in_training(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config)
    packed, plain = tmp_path / "packed.gguf", tmp_path / "plain.gguf"
    exported(model, tokenizer, packed, "bf16", "q4_0", int4=True)
    exported(model, tokenizer, plain, "bf16", "q4_0")
    assert packed.read_bytes() == plain.read_bytes()


@pytest.mark.requirement("model.gguf-tensors")
@pytest.mark.parametrize(
    ("form", "error"), [("f16", 2**-11), ("bf16", 2**-8), ("q8_0", 1 / 200), ("q4_0", 1 / 12)]
)
def test_each_number_format_rounds_no_more_than_it_has_to(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path, form: Form, error: float
) -> None:
    model = random_model(config)
    exported(model, tokenizer, tmp_path / "m.gguf", "f32", form)
    found = tensors_of(tmp_path / "m.gguf")["blk.1.ffn_down_exps.weight"]
    weight = model.experts()[0].down_EHI.detach().numpy()
    largest = np.abs(weight).max(axis=-1, keepdims=True)
    assert 0 < np.max(np.abs(found - weight) / largest) < error


@pytest.mark.requirement("model.gguf-int4")
def test_a_scale_too_small_for_fp16_changes_no_weight_by_more_than_a_millionth() -> None:
    weight = torch.full((1, 32), 3e-7)
    blocks = stored(weight, "q4_0")
    found = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType.Q4_0)
    assert np.abs(found - weight.numpy()).max() <= 7 * 2**-25


@pytest.mark.requirement("model.gguf-folder")
def test_a_checkpoint_folder_is_exported_as_the_model_in_memory_is(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config).bfloat16().float()
    folder = tmp_path / "checkpoint"
    save_model(model, folder, int4=True)
    write(tokenizer.tokens, folder / FILE)
    export_folder(folder, tmp_path / "folder.gguf")
    exported(model, tokenizer, tmp_path / "memory.gguf", "bf16", "q4_0", int4=True)
    assert (tmp_path / "folder.gguf").read_bytes() == (tmp_path / "memory.gguf").read_bytes()


@pytest.mark.requirement("model.gguf-vocabulary")
def test_the_vocabulary_lists_ordinary_tokens_and_marks_special_ones(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    exported(random_model(config), tokenizer, tmp_path / "m.gguf", "bf16", "q8_0")
    found = fields_of(tmp_path / "m.gguf")
    texts, kinds = found["tokenizer.ggml.tokens"], found["tokenizer.ggml.token_type"]
    assert found["tokenizer.ggml.model"] == "gpt2"
    assert found["tokenizer.ggml.pre"] == "kimi-k2"
    assert len(texts) == len(set(texts)) == len(kinds) == TOKENS
    assert kinds == [1] * 264 + [3] * 256
    assert texts[tokenizer.special["<|im_end|>"]] == "<|im_end|>"
    assert found["tokenizer.ggml.eos_token_id"] == tokenizer.special["<|im_end|>"]
    assert found["tokenizer.ggml.bos_token_id"] == tokenizer.special["[BOS]"]
    assert found["tokenizer.ggml.padding_token_id"] == tokenizer.special["[PAD]"]
    assert found["tokenizer.ggml.merges"] == [
        "t h",
        "e Ġ",
        "th eĠ",
        "a n",
        "i n",
        "o n",
        "e r",
        "r e",
    ]
    assert found["tokenizer.ggml.add_bos_token"] is False


@pytest.mark.requirement("model.gguf-header")
def test_a_model_that_is_not_stretched_says_so(config: K25Config) -> None:
    found = metadata(with_text(config, rope_scaling=None).text_config)
    scaling = {name: value for name, value in found.items() if "scaling" in name}
    assert scaling == {"deepseek2.rope.scaling.type": "none"}


@pytest.mark.requirement("model.gguf-vocabulary")
def test_merges_join_lower_ranks_in_the_order_of_the_ranks() -> None:
    tokens = [*(bytes([byte]) for byte in range(256)), b"he", b"ll", b"hell", b"o ", b"lo "]
    assert merges(tokens) == ["h e", "l l", "he ll", "o Ġ", "l oĠ"]


@pytest.mark.requirement("model.gguf-vocabulary")
def test_a_token_that_no_two_others_make_has_no_merge() -> None:
    tokens = [*(bytes([byte]) for byte in range(256)), b"xyz", b"xy"]
    assert merges(tokens) == ["x y"]


@pytest.mark.requirement("model.gguf-vocabulary")
def test_every_byte_has_a_printable_character_of_its_own() -> None:
    characters = [printable(bytes([byte])) for byte in range(256)]
    assert len(set(characters)) == 256
    assert all(character.isprintable() and character != " " for character in characters)
    assert printable(" é\n".encode()) == "ĠÃ©Ċ"


def yarn(**figures: float) -> dict[str, object]:
    """A change of the configuration to other figures of YaRN."""
    plain = {"factor": 4.0, "original_max_position_embeddings": 512, "mscale_all_dim": 1.0}
    return {"rope_scaling": RopeScaling.model_validate(plain | figures)}


@pytest.mark.requirement("model.gguf-refuses")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_hidden_layers": 27}, "num_hidden_layers"),
        ({"n_shared_experts": 0}, "n_shared_experts"),
        ({"vocab_size": 5000}, "vocab_size"),
        ({"moe_intermediate_size": 48}, "moe_intermediate_size"),
        (yarn(mscale_all_dim=0.5), "mscale_all_dim"),
        (yarn(mscale=0, mscale_all_dim=0), "mscale_all_dim"),
        (yarn(beta_fast=16), "beta_fast"),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_is_refused_by_its_field(
    config: K25Config,
    tokenizer: Tokenizer,
    tmp_path: Path,
    changes: dict[str, object],
    named: str,
) -> None:
    other = with_text(config, **changes)
    with pytest.raises(ModelFileError, match=named):
        export(_no_weights, other, tokenizer, tmp_path / "m.gguf")


def _no_weights(name: str) -> torch.Tensor:
    raise AssertionError(f"{name} was read of a model that is refused")


@pytest.mark.requirement("model.gguf-whole")
def test_a_weight_that_is_not_finite_is_named_and_no_file_is_left(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = random_model(config)
    with torch.no_grad():
        model.experts()[1].down_EHI[5, 0, 0] = torch.inf
    with pytest.raises(ModelFileError, match=r"layers\.2\.mlp\.experts\.5\.down_proj"):
        exported(model, tokenizer, tmp_path / "m.gguf", "bf16", "q4_0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("model.gguf-whole")
def test_a_folder_that_is_not_there_is_named(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere.*cannot be written"):
        exported(random_model(config), tokenizer, tmp_path / "nowhere" / "m.gguf", "bf16", "bf16")


@pytest.mark.requirement("model.gguf-whole")
def test_a_file_that_the_disk_does_not_take_leaves_the_one_before(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"before")
    with full_disk(), pytest.raises(ModelFileError, match=r"m\.gguf cannot be written"):
        exported(random_model(config), tokenizer, path, "f32", "f32")
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.gguf"]
    assert path.read_bytes() == b"before"


@pytest.mark.requirement("model.gguf-extra")
def test_without_the_gguf_package_the_extra_is_named(
    config: K25Config, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\["):
        export(_no_weights, config, tokenizer, tmp_path / "m.gguf")
