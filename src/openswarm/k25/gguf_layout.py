"""Where each text tensor of a K2.5 checkpoint goes in llama.cpp's `deepseek2` layout, and how.

Owns names, shapes and number formats; writes no file and needs no gguf package. The vision tower
and the projector have no place in this layout. Sources: llama.cpp's deepseek2 graph, and ggml's
block formats Q4_0 and Q8_0.

Legend of shapes: N heads, D dimensions of a head without position, C latent width of keys and
values; of any matrix: R rows, C columns, S = C/32 scales.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from openswarm.k25 import int4
from openswarm.k25.config import K25Config, TextConfig
from openswarm.k25.errors import ModelFileError
from openswarm.k25.layout import (
    GROUP,
    HEAD,
    TEXT,
    TensorSpec,
    expert_name,
    expert_shape,
    tensors,
)
from openswarm.k25.names import place_of

State = Callable[[str], Tensor]
"""Reads a tensor by its published name: packed INT4 and scales where the configuration has them."""
Plain = Literal["f32", "f16", "bf16"]
Form = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
"""How numbers are stored."""
Array = np.ndarray

LARGEST_8_BIT = 127
OUTSIDE = {
    f"{TEXT}embed_tokens.weight": "token_embd.weight",
    f"{TEXT}norm.weight": "output_norm.weight",
    HEAD: "output.weight",
}
IN_LAYER = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_a_proj.weight": "attn_q_a.weight",
    "self_attn.q_a_layernorm.weight": "attn_q_a_norm.weight",
    "self_attn.q_b_proj.weight": "attn_q_b.weight",
    "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
    "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight",
    "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
    "mlp.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
    "mlp.shared_experts.up_proj.weight": "ffn_up_shexp.weight",
    "mlp.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
}
"""Tensors that go over as they are; a layer has those of a dense block or those of experts."""
STACKED = {
    "gate_proj": "ffn_gate_exps.weight",
    "up_proj": "ffn_up_exps.weight",
    "down_proj": "ffn_down_exps.weight",
}
"""Matrices of the routed experts, which one tensor holds for all experts of a layer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of the file. `read` makes its stored numbers, so that one is held at a time."""

    name: str
    shape: tuple[int, ...]
    """In the order of torch; the file lists it reversed."""
    form: Form
    read: Callable[[], Array]


def state_of(model: nn.Module, config: TextConfig) -> State:
    """Reads the weights of a `K25` in memory, by their published names.

    Packed INT4 is rounded as it is read, so weights that came out of INT4 go back unchanged.
    Raises `KeyError` for a name that the model does not have.
    """
    held = model.state_dict()

    def read(name: str) -> Tensor:
        place = place_of(name, config)
        if place is None or place.parameter not in held:
            raise KeyError(name)
        weight = held[place.parameter]
        if place.slice is not None:
            weight = weight[place.slice.expert, place.slice.first : place.slice.last]
        if place.form == "weight":
            return weight
        q_RC, scale_RS = int4.quantize(weight)
        return scale_RS if place.form == "weight_scale" else int4.pack(q_RC)

    return read


def entries(config: K25Config, state: State, dense: Plain, experts: Form) -> Iterator[Entry]:
    """All tensors of the file. `experts` is the form of the routed experts, `dense` of all other
    matrices; norms and routers are f32.

    Reading an entry raises `ModelFileError` for weights that have no such form.
    """
    text = config.text_config
    specs = {spec.name: spec for spec in tensors(config) if spec.part not in ("experts", "vision")}
    for source, name in OUTSIDE.items():
        yield _as_it_is(name, specs[source], dense, state)
    for layer in range(text.num_hidden_layers):
        prefix, block = f"{TEXT}layers.{layer}.", f"blk.{layer}."
        for source, name in IN_LAYER.items():
            if spec := specs.get(prefix + source):
                yield _as_it_is(block + name, spec, dense, state)
        yield from _keys_and_values(text, layer, dense, state)
        for matrix, name in STACKED.items() if text.is_sparse(layer) else ():
            shape = (text.n_routed_experts, *expert_shape(text, matrix))
            read = partial(_stack, config, layer, matrix, experts, state)
            yield Entry(block + name, shape, experts, read)


def stored(weight: Tensor, form: Form) -> Array:
    """A weight's numbers in a form. Quantised rows are bytes, block after block.

    Raises `ValueError` as `int4.quantize` and `stored_q4` do.
    """
    weight = weight.cpu()
    if form == "f32":
        return weight.float().numpy()
    if form == "f16":
        return weight.half().numpy()
    if form == "bf16":
        return weight.bfloat16().contiguous().view(torch.int16).numpy()
    return stored_q8(weight) if form == "q8_0" else stored_q4(*int4.quantize(weight))


def stored_q4(q_RC: Tensor, scale_RS: Tensor) -> Array:
    """Q4_0 blocks of 18 bytes: the scale in fp16, then values 0 … 15 and 16 … 31 as nibbles.

    Both formats have symmetric groups of 32 and store a value plus 8, so the values stay, and so
    does a bf16 scale from 2^-17 on; a smaller one is rounded by 2^-25 at most. Raises `ValueError`
    for a scale beyond fp16.
    """
    scale = scale_RS.cpu().half()
    if not scale.isfinite().all():
        raise ValueError("a scale is not finite in fp16, so Q4_0 cannot hold it")
    nibbles = (q_RC.cpu().numpy() + int4.OFFSET).astype(np.uint8)
    halves = nibbles.reshape(*scale.shape, 2, GROUP // 2)
    return _blocks(scale, halves[..., 0, :] | halves[..., 1, :] << int4.BITS)


def stored_q8(weight_RC: Tensor) -> Array:
    """Q8_0 blocks of 34 bytes: the scale in fp16, then 32 values from -127 to 127."""
    groups = weight_RC.float().unflatten(-1, (-1, GROUP))
    scale_RS = groups.abs().amax(dim=-1) / LARGEST_8_BIT
    divisor = torch.where(scale_RS == 0, torch.ones_like(scale_RS), scale_RS).unsqueeze(-1)
    values = (groups / divisor).round().to(torch.int8).numpy()
    return _blocks(scale_RS.half(), values.view(np.uint8))


def _blocks(scale_RS: Tensor, values: Array) -> Array:
    """Scales and values side by side, a row's blocks in one row of bytes."""
    head = scale_RS.unsqueeze(-1).numpy().view(np.uint8)
    return np.concatenate([head, values], axis=-1).reshape(*scale_RS.shape[:-1], -1)


def _as_it_is(name: str, spec: TensorSpec, dense: Plain, state: State) -> Entry:
    # llama.cpp multiplies with norms and compares router scores in f32 alone
    form: Plain = "f32" if len(spec.shape) == 1 or spec.part == "router" else dense
    return Entry(name, spec.shape, form, lambda: stored(state(spec.name), form))


def _keys_and_values(config: TextConfig, layer: int, form: Plain, state: State) -> Iterator[Entry]:
    """`kv_b_proj` in two. llama.cpp takes queries into the latent space instead of keys out of it,
    so the part of the keys stands transposed in each head.
    """
    source = f"{TEXT}layers.{layer}.self_attn.kv_b_proj.weight"
    heads, latent = config.num_attention_heads, config.kv_lora_rank
    key, value = config.qk_nope_head_dim, config.v_head_dim

    def keys() -> Array:
        k_NDC = state(source).unflatten(0, (heads, -1))[:, :key]
        return stored(k_NDC.transpose(1, 2), form)

    def values() -> Array:
        v_NDC = state(source).unflatten(0, (heads, -1))[:, key:]
        return stored(v_NDC, form)

    yield Entry(f"blk.{layer}.attn_k_b.weight", (heads, latent, key), form, keys)
    yield Entry(f"blk.{layer}.attn_v_b.weight", (heads, value, latent), form, values)


def _stack(config: K25Config, layer: int, matrix: str, form: Form, state: State) -> Array:
    """One matrix of all experts of a layer."""
    rows: list[Array] = []
    for expert in range(config.text_config.n_routed_experts):
        name = expert_name(layer, expert, matrix)
        try:
            rows.append(_expert(config, name, matrix, form, state))
        except ValueError as error:
            raise ModelFileError(f"{name}: {error}") from None
    return np.stack(rows)


def _expert(config: K25Config, name: str, matrix: str, form: Form, state: State) -> Array:
    """One matrix of one expert; from INT4 to Q4_0 without computing a weight."""
    if not config.int4:
        return stored(state(f"{name}.weight"), form)
    columns = expert_shape(config.text_config, matrix)[1]
    q_RC = int4.unpack(state(f"{name}.weight_packed"), columns)
    scale_RS = state(f"{name}.weight_scale")
    if form == "q4_0":
        return stored_q4(q_RC, scale_RS)
    return stored(int4.dequantize(q_RC, scale_RS), form)
