"""The one scheme of quantisation that is read and written: `quantization_config` as published.

Owns the check that a checkpoint's routed experts are packed as the layout says: symmetric INT4,
one scale for 32 weights, everything else as it is. Knows no torch. Sources: the config.json of
Kimi K2.5, and compressed-tensors' description of `pack-quantized`.
"""

from typing import Any

from openswarm.k25.config import K25Config, preset
from openswarm.k25.errors import ModelFileError
from openswarm.k25.layout import EXPERT_MATRICES, GROUP, expert_shape

WEIGHTS: dict[str, Any] = {
    "type": "int",
    "num_bits": 4,
    "group_size": GROUP,
    "strategy": "group",
    "symmetric": True,
}
"""What `config_groups.*.weights` has to say."""


def with_int4(config: K25Config, int4: bool) -> K25Config:
    """The same model with its routed experts packed as INT4, or plain.

    Raises `ModelFileError` where an expert's matrix cannot be cut into groups.
    """
    if not int4:
        return config.model_copy(update={"quantization_config": None})
    if not fits(config):
        raise ModelFileError(
            f"INT4 needs hidden_size and moe_intermediate_size to be multiples of {GROUP}"
        )
    return config.model_copy(
        update={"quantization_config": preset("published").quantization_config}
    )


def fits(config: K25Config) -> bool:
    """Whether the rows of every expert's matrix are whole groups."""
    text = config.text_config
    return not any(expert_shape(text, matrix)[1] % GROUP for matrix in EXPERT_MATRICES)


def check_scheme(config: K25Config, origin: str) -> None:
    """Raises `ModelFileError`, naming `origin` and the field, if the experts are quantised in
    another way than the published one."""
    scheme = config.quantization_config
    if scheme is None:
        return
    where = f"{origin}: quantization_config"
    if scheme.get("format") != "pack-quantized":
        raise ModelFileError(f"{where}.format: only pack-quantized can be read")
    groups = scheme.get("config_groups")
    if not isinstance(groups, dict) or len(groups) != 1:
        raise ModelFileError(f"{where}.config_groups: exactly one group is needed")
    (name, group), *_ = groups.items()
    weights = group.get("weights") if isinstance(group, dict) else None
    found = weights if isinstance(weights, dict) else {}
    for field, needed in WEIGHTS.items():
        if found.get(field) != needed:
            raise ModelFileError(
                f"{where}.config_groups.{name}.weights.{field}: only {needed!r} can be read"
                f" (it is {str(found.get(field))[:60]!r})"
            )
    if not fits(config):
        raise ModelFileError(f"{origin}: the experts' matrices are not multiples of {GROUP} wide")
