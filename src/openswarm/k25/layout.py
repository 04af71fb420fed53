"""Every tensor of a checkpoint in the published layout, from the configuration alone.

Data, no torch: names, shapes and types as they stand in the safetensors shards. Sources: the
published checkpoint's index, and compressed-tensors' `pack-quantized` format for INT4.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

from openswarm.k25.config import K25Config, TextConfig, VisionConfig

Part = Literal["embedding", "attention", "dense", "experts", "shared", "router", "norm", "vision"]
Dtype = Literal["BF16", "F32", "I32"]

GROUP = 32
"""Weights that share one scale, along the input dimension."""
NIBBLES = 8
"""INT4 values in one packed 32-bit number."""
BYTES: dict[Dtype, int] = {"BF16": 2, "F32": 4, "I32": 4}
TEXT = "language_model.model."
HEAD = "language_model.lm_head.weight"
VISION = "vision_tower."
PROJECTOR = "mm_projector."
EXPERT_MATRICES = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of the file. `parameters` are the weights that it stands for, 0 for scales."""

    name: str
    shape: tuple[int, ...]
    dtype: Dtype
    part: Part
    parameters: int

    @property
    def bytes(self) -> int:
        """Its size in the file."""
        return prod(self.shape) * BYTES[self.dtype]


def tensors(config: K25Config) -> Iterator[TensorSpec]:
    """All tensors of the checkpoint, in the order of the forward pass."""
    yield from _vision(config.vision_config)
    text = config.text_config
    yield _plain(f"{TEXT}embed_tokens.weight", "embedding", text.vocab_size, text.hidden_size)
    for layer in range(text.num_hidden_layers):
        yield from _layer(text, layer, config.int4)
    yield _plain(f"{TEXT}norm.weight", "norm", text.hidden_size)
    yield _plain(HEAD, "embedding", text.vocab_size, text.hidden_size)


def expert_name(layer: int, expert: int, matrix: str) -> str:
    """The name of one matrix of one routed expert, without `.weight…`."""
    return f"{TEXT}layers.{layer}.mlp.experts.{expert}.{matrix}"


def expert_shape(config: TextConfig, matrix: str) -> tuple[int, int]:
    """Output and input width of an expert's matrix."""
    wide, narrow = config.moe_intermediate_size, config.hidden_size
    return (narrow, wide) if matrix == "down_proj" else (wide, narrow)


def _plain(name: str, part: Part, *shape: int) -> TensorSpec:
    return TensorSpec(name, shape, "BF16", part, prod(shape))


def _layer(config: TextConfig, layer: int, int4: bool) -> Iterator[TensorSpec]:
    prefix = f"{TEXT}layers.{layer}."
    yield _plain(f"{prefix}input_layernorm.weight", "norm", config.hidden_size)
    yield from _attention(config, f"{prefix}self_attn.")
    yield _plain(f"{prefix}post_attention_layernorm.weight", "norm", config.hidden_size)
    if not config.is_sparse(layer):
        yield from _feed_forward(f"{prefix}mlp.", "dense", config, config.intermediate_size)
        return
    experts = config.n_routed_experts
    yield _plain(f"{prefix}mlp.gate.weight", "router", experts, config.hidden_size)
    bias = f"{prefix}mlp.gate.e_score_correction_bias"
    yield TensorSpec(bias, (experts,), "F32", "router", experts)
    for expert in range(experts):
        for matrix in EXPERT_MATRICES:
            yield from _expert(config, expert_name(layer, expert, matrix), matrix, int4)
    if config.n_shared_experts:
        width = config.moe_intermediate_size * config.n_shared_experts
        yield from _feed_forward(f"{prefix}mlp.shared_experts.", "shared", config, width)


def _attention(config: TextConfig, prefix: str) -> Iterator[TensorSpec]:
    heads, hidden = config.num_attention_heads, config.hidden_size
    key_value = config.qk_nope_head_dim + config.v_head_dim
    shapes: dict[str, tuple[int, ...]] = {
        "q_a_proj": (config.q_lora_rank, hidden),
        "q_a_layernorm": (config.q_lora_rank,),
        "q_b_proj": (heads * config.qk_head_dim, config.q_lora_rank),
        "kv_a_proj_with_mqa": (config.latent_dim, hidden),
        "kv_a_layernorm": (config.kv_lora_rank,),
        "kv_b_proj": (heads * key_value, config.kv_lora_rank),
        "o_proj": (hidden, heads * config.v_head_dim),
    }
    for name, shape in shapes.items():
        yield _plain(f"{prefix}{name}.weight", "attention", *shape)


def _feed_forward(prefix: str, part: Part, config: TextConfig, width: int) -> Iterator[TensorSpec]:
    for matrix in EXPERT_MATRICES:
        shape = (width, config.hidden_size)
        yield _plain(
            f"{prefix}{matrix}.weight", part, *(shape[::-1] if matrix == "down_proj" else shape)
        )


def _expert(config: TextConfig, name: str, matrix: str, int4: bool) -> Iterator[TensorSpec]:
    rows, columns = expert_shape(config, matrix)
    if not int4:
        yield _plain(f"{name}.weight", "experts", rows, columns)
        return
    packed = (rows, columns // NIBBLES)
    yield TensorSpec(f"{name}.weight_packed", packed, "I32", "experts", rows * columns)
    yield TensorSpec(f"{name}.weight_scale", (rows, columns // GROUP), "BF16", "experts", 0)
    yield TensorSpec(f"{name}.weight_shape", (2,), "I32", "experts", 0)


def _vision(config: VisionConfig) -> Iterator[TensorSpec]:
    width, inner, patch = config.vt_hidden_size, config.vt_intermediate_size, config.patch_size
    grid = (config.init_pos_emb_height, config.init_pos_emb_width)
    shapes: dict[str, tuple[int, ...]] = {
        f"{VISION}patch_embed.pos_emb.weight": (*grid, width),
        f"{VISION}patch_embed.proj.weight": (width, 3, patch, patch),
        f"{VISION}patch_embed.proj.bias": (width,),
    }
    for block in range(config.vt_num_hidden_layers):
        prefix = f"{VISION}encoder.blocks.{block}."
        shapes |= _normed(f"{prefix}norm0", width) | _linear(f"{prefix}wqkv", 3 * width, width)
        shapes |= _linear(f"{prefix}wo", width, width) | _normed(f"{prefix}norm1", width)
        shapes |= _linear(f"{prefix}mlp.fc0", inner, width)
        shapes |= _linear(f"{prefix}mlp.fc1", width, inner)
    merged, text = config.merged_dim, config.text_hidden_size
    shapes |= _normed(f"{VISION}encoder.final_layernorm", width)
    shapes |= _normed(f"{PROJECTOR}pre_norm", width)
    shapes |= _linear(f"{PROJECTOR}proj.0", merged, merged)
    shapes |= _linear(f"{PROJECTOR}proj.2", text, merged)
    for name, shape in shapes.items():
        yield _plain(name, "vision", *shape)


def _linear(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _normed(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
