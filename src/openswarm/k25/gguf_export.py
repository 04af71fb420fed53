"""The text part of a K2.5 model as one GGUF file that llama.cpp runs (`deepseek2`, latent cache).

Owns the file: what its header says, and that it is whole or absent. Layout and vocabulary are
`gguf_layout`'s and `gguf_vocab`'s. Pictures are not exported. Sources: the GGUF specification and
what llama.cpp reads for this architecture.
"""

from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from openswarm.core.errors import SettingsError
from openswarm.k25.checkpoint import Checkpoint
from openswarm.k25.config import K25Config, RopeScaling, TextConfig
from openswarm.k25.errors import ModelFileError
from openswarm.k25.gguf_layout import Entry, Form, Plain, State, entries
from openswarm.k25.gguf_vocab import MODEL, PRE_TOKENIZER, merges, token_texts
from openswarm.k25.layout import GROUP
from openswarm.k25.scheme import fits
from openswarm.k25.shards import whole_file
from openswarm.k25.tokenizer import Tokenizer

ARCHITECTURE = "deepseek2"
SIGMOID = 2
"""`expert_gating_func` of this router."""
YARN_LOG = 0.1
"""The factor of the logarithm in YaRN's attention scale; the file holds mscale_all_dim times it."""
YARN_BETAS = (32.0, 1.0)
"""`beta_fast` and `beta_slow` of llama.cpp."""
NO_QUERY_RANK = (26, 27)
"""llama.cpp takes models of so many layers for the Lite variants, whose queries have no rank."""
FILE_TYPES: dict[Form, int] = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "bf16": 32}
QUANTISED = ("q8_0", "q4_0")
QUANTIZATION_VERSION = 2

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Written:
    """What was exported."""

    path: Path
    tensors: int
    bytes: int


def export(
    state: State,
    config: K25Config,
    tokenizer: Tokenizer,
    path: Path,
    *,
    dense: Plain = "bf16",
    experts: Form = "q4_0",
) -> Written:
    """Writes the file, one tensor in memory at a time; it is there when it is whole.

    `state` reads weights by their published names: `state_of` a model, or a checkpoint's `tensor`.
    `experts` is the number format of the routed experts, `dense` of the other matrices. INT4
    experts keep their values in `q4_0`; others are rounded as in INT4 training. Raises
    `ModelFileError` for a model that llama.cpp would compute otherwise and for a full disk,
    `SettingsError` when the gguf package is not installed.
    """
    _check(config, tokenizer, experts)
    gguf = _gguf()
    plan = list(entries(config, state, dense, experts))
    with whole_file(path) as partial, closing(gguf.GGUFWriter(partial, ARCHITECTURE)) as writer:
        for key, value in {**metadata(config.text_config), **_numbers(experts)}.items():
            _add(writer, key, value)
        _add_vocabulary(writer, config.text_config, tokenizer)
        _write(gguf, writer, plan)
    return Written(path, len(plan), path.stat().st_size)


def export_folder(
    folder: Path, path: Path, *, dense: Plain = "bf16", experts: Form = "q4_0"
) -> Written:
    """Exports a checkpoint's folder, without making a model of it. Raises as `export` does."""
    tokenizer = Tokenizer.load(folder)
    with Checkpoint(folder) as checkpoint:
        state, config = checkpoint.tensor, checkpoint.config
        return export(state, config, tokenizer, path, dense=dense, experts=experts)


def metadata(config: TextConfig) -> dict[str, Value]:
    """What llama.cpp has to know of the text model, by the file's keys."""
    latent = config.kv_lora_rank
    own: dict[str, Value] = {
        "vocab_size": config.vocab_size,
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "leading_dense_block_count": min(config.first_k_dense_replace, config.num_hidden_layers),
        "attention.head_count": config.num_attention_heads,
        # all heads share one latent vector a token: to llama.cpp, one wide key and value head
        "attention.head_count_kv": 1,
        "attention.key_length": config.latent_dim,
        "attention.value_length": latent,
        "attention.key_length_mla": config.qk_head_dim,
        "attention.value_length_mla": config.v_head_dim,
        "attention.q_lora_rank": config.q_lora_rank,
        "attention.kv_lora_rank": latent,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "expert_count": config.n_routed_experts,
        "expert_used_count": config.num_experts_per_tok,
        "expert_shared_count": config.n_shared_experts,
        "expert_feed_forward_length": config.moe_intermediate_size,
        "expert_weights_scale": config.routed_scaling_factor,
        "expert_weights_norm": config.norm_topk_prob,
        "expert_gating_func": SIGMOID,
        "rope.dimension_count": config.qk_rope_head_dim,
        "rope.freq_base": config.rope_theta,
        **_scaling(config.rope_scaling),
    }
    return {f"{ARCHITECTURE}.{key}": value for key, value in own.items()}


def _scaling(scaling: RopeScaling | None) -> dict[str, Value]:
    if scaling is None:
        return {"rope.scaling.type": "none"}
    return {
        "rope.scaling.type": scaling.type,
        "rope.scaling.factor": scaling.factor,
        "rope.scaling.original_context_length": scaling.original_max_position_embeddings,
        "rope.scaling.yarn_beta_fast": scaling.beta_fast,
        "rope.scaling.yarn_beta_slow": scaling.beta_slow,
        "rope.scaling.yarn_log_multiplier": YARN_LOG * scaling.mscale_all_dim,
    }


def _numbers(experts: Form) -> dict[str, Value]:
    return {
        "general.file_type": FILE_TYPES[experts],
        "general.quantization_version": QUANTIZATION_VERSION,
    }


def _check(config: K25Config, tokenizer: Tokenizer, experts: Form) -> None:
    """Refuses what llama.cpp would not load, or load and compute otherwise."""
    text = config.text_config
    if tokenizer.vocab_size != text.vocab_size:
        raise ModelFileError(
            f"vocab_size is {text.vocab_size}, but the tokenizer has {tokenizer.vocab_size} tokens"
        )
    if text.rope_scaling is not None:
        _check_scaling(text.rope_scaling)
    if text.num_hidden_layers in NO_QUERY_RANK:
        raise ModelFileError(
            f"num_hidden_layers: llama.cpp takes {text.num_hidden_layers} layers for another model"
        )
    if not text.n_shared_experts and text.is_sparse(text.num_hidden_layers - 1):
        raise ModelFileError("n_shared_experts is 0, and llama.cpp wants a shared expert")
    if (experts in QUANTISED or config.int4) and not fits(config):
        raise ModelFileError(
            f"hidden_size ({text.hidden_size}) and moe_intermediate_size"
            f" ({text.moe_intermediate_size}) have to be multiples of {GROUP} for {experts}"
        )


def _check_scaling(scaling: RopeScaling) -> None:
    """For this architecture llama.cpp reads one mscale, and takes 0 for none; its betas are
    constants, whatever the file says.
    """
    if scaling.mscale != scaling.mscale_all_dim or not scaling.mscale:
        raise ModelFileError(
            "rope_scaling: llama.cpp needs mscale and mscale_all_dim to be equal and not 0"
        )
    if (scaling.beta_fast, scaling.beta_slow) != YARN_BETAS:
        raise ModelFileError(f"rope_scaling: llama.cpp has beta_fast and beta_slow {YARN_BETAS}")


def _add(writer: Any, key: str, value: Value) -> None:
    if isinstance(value, bool):  # asked first: to Python, a bool is an int
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_string(key, value)


def _add_vocabulary(writer: Any, config: TextConfig, tokenizer: Tokenizer) -> None:
    texts, kinds = token_texts(tokenizer.tokens, tokenizer.special)
    writer.add_tokenizer_model(MODEL)
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges(tokenizer.tokens))
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_pad_token_id(config.pad_token_id)
    writer.add_add_bos_token(False)


def _write(gguf: Any, writer: Any, plan: list[Entry]) -> None:
    """Header and table of tensors first, then each tensor's numbers."""
    for entry in plan:
        form = gguf.GGMLQuantizationType[entry.form.upper()]
        block, block_bytes = gguf.GGML_QUANT_SIZES[form]
        size = prod(entry.shape) // block * block_bytes
        writer.add_tensor_info(entry.name, entry.shape, np.dtype(np.float32), size, form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for entry in plan:
        writer.write_tensor_data(entry.read())


def _gguf() -> Any:
    try:
        return import_module("gguf")
    except ImportError as error:
        raise SettingsError(
            f"writing GGUF needs the gguf package ({error}): pip install 'openswarm[model]'"
        ) from None
