"""The configuration of a K2.5-shaped model: the published `config.json`, its fields by its names.

Knows no torch. `tiny` and `mini` beside `published` are configurations of the same shape, small
enough for two cores. Source of the published figures: the config.json of Kimi K2.5.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from openswarm.k25.bounded import read_bounded
from openswarm.k25.errors import ModelFileError

PRESETS = ("tiny", "mini", "published")
"""The configurations that come with openswarm."""
MAX_BYTES = 1_000_000
"""A longer config.json is none."""
LARGEST = 2**24
"""Of any number of a configuration: a hundred times what a published model has."""
MAX_LAYERS = 1_024
MAX_EXPERTS = 100_000
"""Experts in all layers together: each is a row in every list that is made of a model."""


class _Section(BaseModel):
    """A part of the file: immutable; fields of other programs are passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", protected_namespaces=(), allow_inf_nan=False
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        for name, value in self:
            if isinstance(value, int) and value > LARGEST:
                raise ValueError(f"{name} is more than {LARGEST}, which no model has")
        return self


class RopeScaling(_Section):
    """YaRN: how rotary frequencies are stretched beyond the trained length."""

    type: Literal["yarn"] = "yarn"
    factor: float = Field(ge=1)
    original_max_position_embeddings: int = Field(ge=1)
    beta_fast: float = Field(default=32.0, gt=0)
    beta_slow: float = Field(default=1.0, gt=0)
    mscale: float = Field(default=1.0, ge=0)
    mscale_all_dim: float = Field(default=0.0, ge=0)


class TextConfig(_Section):
    """The text backbone: DeepSeek-V3's shape (`model_type` kimi_k2)."""

    vocab_size: int = Field(ge=1)
    hidden_size: int = Field(ge=1)
    num_hidden_layers: int = Field(ge=1, le=MAX_LAYERS)
    first_k_dense_replace: int = Field(ge=0)
    """So many layers at the bottom have one dense feed-forward block instead of experts."""
    intermediate_size: int = Field(ge=1)
    moe_intermediate_size: int = Field(ge=1)
    n_routed_experts: int = Field(ge=1)
    num_experts_per_tok: int = Field(ge=1)
    n_shared_experts: int = Field(ge=0)
    moe_layer_freq: Literal[1] = 1
    n_group: Literal[1] = 1
    topk_group: Literal[1] = 1
    scoring_func: Literal["sigmoid"] = "sigmoid"
    topk_method: Literal["noaux_tc"] = "noaux_tc"
    norm_topk_prob: Literal[True] = True
    routed_scaling_factor: float = Field(gt=0)
    num_attention_heads: int = Field(ge=1)
    num_key_value_heads: int = Field(ge=1)
    q_lora_rank: int = Field(ge=1)
    kv_lora_rank: int = Field(ge=1)
    qk_nope_head_dim: int = Field(ge=1)
    qk_rope_head_dim: int = Field(ge=2, multiple_of=2)
    v_head_dim: int = Field(ge=1)
    rms_norm_eps: float = Field(gt=0)
    max_position_embeddings: int = Field(ge=1)
    rope_theta: float = Field(gt=1)
    rope_scaling: RopeScaling | None = None
    attention_bias: Literal[False] = False
    tie_word_embeddings: Literal[False] = False
    hidden_act: Literal["silu"] = "silu"
    num_nextn_predict_layers: Literal[0] = 0
    aux_loss_alpha: float = 0.001
    seq_aux: bool = True
    initializer_range: float = 0.02
    bos_token_id: int = Field(ge=0)
    eos_token_id: int = Field(ge=0)
    pad_token_id: int = Field(ge=0)
    model_type: str = "kimi_k2"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.num_experts_per_tok > self.n_routed_experts:
            raise ValueError(
                f"num_experts_per_tok ({self.num_experts_per_tok}) is more than n_routed_experts"
                f" ({self.n_routed_experts})"
            )
        if self.n_routed_experts * self.num_hidden_layers > MAX_EXPERTS:
            raise ValueError(f"n_routed_experts in all layers are more than {MAX_EXPERTS}")
        if self.num_key_value_heads != self.num_attention_heads:
            raise ValueError("num_key_value_heads has to equal num_attention_heads in this model")
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            if getattr(self, name) >= self.vocab_size:
                raise ValueError(f"{name} is not below vocab_size ({self.vocab_size})")
        return self

    @property
    def qk_head_dim(self) -> int:
        """Dimensions of a query or key head: the part without position and the rotated part."""
        return self.qk_nope_head_dim + self.qk_rope_head_dim

    @property
    def latent_dim(self) -> int:
        """Numbers that the cache keeps for a token and layer: 576 in the published model."""
        return self.kv_lora_rank + self.qk_rope_head_dim

    def is_sparse(self, layer: int) -> bool:
        """Whether a layer has experts."""
        return layer >= self.first_k_dense_replace


class VisionConfig(_Section):
    """MoonViT-3D and the projector into the text backbone."""

    patch_size: int = Field(default=14, ge=1)
    init_pos_emb_height: int = Field(default=64, ge=1)
    init_pos_emb_width: int = Field(default=64, ge=1)
    init_pos_emb_time: int = Field(default=4, ge=1)
    """Frames of a chunk of video at most."""
    pos_emb_type: Literal["divided_fixed"] = "divided_fixed"
    vt_num_attention_heads: int = Field(ge=1)
    vt_num_hidden_layers: int = Field(ge=1, le=MAX_LAYERS)
    vt_hidden_size: int = Field(ge=4)
    vt_intermediate_size: int = Field(ge=1)
    merge_kernel_size: tuple[Literal[2], Literal[2]] = (2, 2)
    video_attn_type: Literal["spatial_temporal"] = "spatial_temporal"
    merge_type: Literal["sd2_tpool"] = "sd2_tpool"
    mm_projector_type: Literal["patchmerger"] = "patchmerger"
    mm_hidden_size: int = Field(ge=1)
    projector_hidden_act: Literal["gelu"] = "gelu"
    projector_ln_eps: float = 1e-5
    text_hidden_size: int = Field(ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.vt_hidden_size % self.vt_num_attention_heads or self.head_dim % 4:
            raise ValueError(
                "vt_hidden_size has to be a multiple of 4 x vt_num_attention_heads: each head"
                " rotates pairs by x and pairs by y"
            )
        if self.mm_hidden_size != self.vt_hidden_size:
            raise ValueError("mm_hidden_size has to equal vt_hidden_size")
        return self

    @property
    def head_dim(self) -> int:
        """Dimensions of one attention head."""
        return self.vt_hidden_size // self.vt_num_attention_heads

    @property
    def merged_dim(self) -> int:
        """The width of merged patches, as the projector takes them: 4608 when published."""
        return self.vt_hidden_size * self.merge_kernel_size[0] * self.merge_kernel_size[1]

    @property
    def token_pixels(self) -> tuple[int, int]:
        """Height and width that one token covers, in pixels; pictures are padded to multiples."""
        return (
            self.patch_size * self.merge_kernel_size[0],
            self.patch_size * self.merge_kernel_size[1],
        )


class K25Config(_Section):
    """The whole file. `quantization_config` is kept as it is written; `int4` says what it means."""

    architectures: tuple[str, ...] = ("KimiK25ForConditionalGeneration",)
    model_type: str = "kimi_k25"
    text_config: TextConfig
    vision_config: VisionConfig
    media_placeholder_token_id: int = Field(ge=0)
    ignore_index: int = -100
    quantization_config: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _lifted(cls, data: Any) -> Any:
        """The published file has `quantization_config` inside `text_config`; both are read."""
        text = data.get("text_config") if isinstance(data, dict) else None
        if isinstance(text, dict) and "quantization_config" in text:
            return {"quantization_config": text["quantization_config"], **data}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.vision_config.text_hidden_size != self.text_config.hidden_size:
            raise ValueError("vision_config.text_hidden_size is not text_config.hidden_size")
        if self.media_placeholder_token_id >= self.text_config.vocab_size:
            raise ValueError("media_placeholder_token_id is not below text_config.vocab_size")
        return self

    @property
    def int4(self) -> bool:
        """Whether the routed experts are kept as packed INT4."""
        return self.quantization_config is not None

    def to_json(self) -> str:
        """The file's text, as published: the quantisation inside `text_config`."""
        data = self.model_dump(mode="json")
        quantization = data.pop("quantization_config")
        if quantization is not None:
            data["text_config"]["quantization_config"] = quantization
        return json.dumps(data, indent=2) + "\n"


def preset(name: str) -> K25Config:
    """One of `PRESETS`; raises `FileNotFoundError` for another name."""
    return parse_config(
        (files("openswarm.k25") / "configs" / f"{name}.json").read_text("utf-8"), name
    )


def load_config(folder: Path) -> K25Config:
    """The configuration of a checkpoint's folder. Raises `ModelFileError` naming file and field."""
    path = folder / "config.json"
    data = read_bounded(path, MAX_BYTES, "configuration")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} cannot be read: {error}") from None
    return parse_config(text, str(path))


def parse_config(text: str, origin: str) -> K25Config:
    """Reads a configuration. Raises `ModelFileError` that names `origin` and each wrong field."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{origin} is not JSON: {error}") from None
    try:
        return K25Config.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(_fault(entry) for entry in error.errors(include_url=False))
        raise ModelFileError(f"{origin}: {faults}") from None


def _fault(entry: Any) -> str:
    """One wrong field: where it stands, what is wrong, what stands there."""
    where = ".".join(str(step) for step in entry["loc"]) or "the file"
    if entry["type"] == "missing":
        return f"the field {where} is missing"
    found = "" if isinstance(entry["input"], dict) else f" (it is {str(entry['input'])[:60]!r})"
    return f"{where}: {entry['msg'].removeprefix('Value error, ')}{found}"
