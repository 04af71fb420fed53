"""The configuration: the published file round trips, and every fault names its field."""

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from openswarm.k25.config import (
    MAX_BYTES,
    PRESETS,
    TextConfig,
    VisionConfig,
    load_config,
    parse_config,
    preset,
)
from openswarm.k25.errors import ModelFileError
from openswarm.k25.scheme import check_scheme, with_int4

pytestmark = pytest.mark.requirement("model.config")

REQUIRED = [
    (section, name)
    for section, model in (("text_config", TextConfig), ("vision_config", VisionConfig))
    for name, field in model.model_fields.items()
    if field.is_required()
]
FIELDS = [
    (section, name)
    for section, model in (("text_config", TextConfig), ("vision_config", VisionConfig))
    for name in model.model_fields
]
MISFITS: list[tuple[str, str, Any, str]] = [
    ("text_config", "num_experts_per_tok", 17, "num_experts_per_tok (17) is more than"),
    ("text_config", "num_key_value_heads", 2, "num_key_value_heads has to equal"),
    ("text_config", "pad_token_id", 4096, "pad_token_id is not below vocab_size"),
    ("text_config", "n_group", 8, "text_config.n_group"),
    ("text_config", "scoring_func", "softmax", "text_config.scoring_func"),
    ("text_config", "qk_rope_head_dim", 15, "text_config.qk_rope_head_dim"),
    ("text_config", "hidden_size", 0, "text_config.hidden_size"),
    ("text_config", "hidden_size", 256, "text_hidden_size is not text_config.hidden_size"),
    ("vision_config", "vt_num_attention_heads", 5, "vt_hidden_size has to be a multiple"),
    ("vision_config", "mm_hidden_size", 32, "mm_hidden_size has to equal"),
]

HOSTILE: list[tuple[str, str, Any]] = [
    ("text_config", "n_routed_experts", 10**12),
    ("text_config", "n_routed_experts", 50_000),
    ("text_config", "num_hidden_layers", 10**9),
    ("text_config", "hidden_size", 10**400),
    ("text_config", "rope_theta", 1.0),
    ("text_config", "rope_theta", math.inf),
    ("text_config", "rope_theta", math.nan),
    ("text_config", "rms_norm_eps", math.inf),
    ("text_config", "rope_scaling.beta_fast", 0),
    ("text_config", "rope_scaling.beta_slow", 0),
    ("text_config", "rope_scaling.mscale", -1),
    ("text_config", "rope_scaling.factor", math.inf),
    ("vision_config", "vt_num_hidden_layers", 10**9),
    ("vision_config", "merge_kernel_size", [0, 0]),
    ("vision_config", "merge_kernel_size", [-2, 2]),
]


def written(name: str) -> dict[str, Any]:
    """A preset's file."""
    return json.loads((files("openswarm.k25") / "configs" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_is_written_as_it_was_read(name: str) -> None:
    config = preset(name)
    assert json.loads(config.to_json()) == written(name)
    assert parse_config(config.to_json(), "again") == config


def test_fields_of_other_programs_are_passed_over() -> None:
    data = written("tiny") | {"auto_map": {"AutoConfig": "code.py"}, "dtype": "bfloat16"}
    assert parse_config(json.dumps(data), "x") == preset("tiny")


@pytest.mark.parametrize(("section", "name"), REQUIRED)
def test_a_missing_field_is_named(section: str, name: str) -> None:
    data = written("tiny")
    del data[section][name]
    with pytest.raises(ModelFileError, match=f"here: the field {section}.{name} is missing"):
        parse_config(json.dumps(data), "here")


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_a_field_of_the_wrong_kind_is_named(section: str, name: str) -> None:
    data = written("tiny")
    data[section][name] = [{"no": "value"}]
    with pytest.raises(ModelFileError, match=f"here: .*{section}.{name}"):
        parse_config(json.dumps(data), "here")


@pytest.mark.parametrize(("section", "name", "value", "message"), MISFITS)
def test_fields_that_do_not_fit_each_other_are_named(
    section: str, name: str, value: Any, message: str
) -> None:
    data = written("tiny")
    data[section][name] = value
    with pytest.raises(ModelFileError) as caught:
        parse_config(json.dumps(data), "here")
    assert message in str(caught.value)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("section", "name", "value"), HOSTILE)
def test_a_number_that_no_model_has_is_named_at_once(section: str, name: str, value: Any) -> None:
    """Before anything is counted, made or divided by it."""
    data = written("tiny")
    *path, last = f"{section}.{name}".split(".")
    part = data
    for step in path:
        part = part[step]
    part[last] = value
    with pytest.raises(ModelFileError) as caught:
        parse_config(json.dumps(data), "here")
    assert str(caught.value).startswith("here: ")
    assert last in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no config.json"),
        (b"{", "is not JSON"),
        (b"[]", "the file"),
        (b"\xff", "cannot be read"),
        (b"[" * 200_000, "is not JSON"),
        (b" " * (MAX_BYTES + 1), "is longer than"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_config(tmp_path)
    assert str(tmp_path) in str(caught.value)


# how experts are packed


def test_the_published_scheme_is_read_and_written() -> None:
    packed = with_int4(preset("tiny"), True)
    assert parse_config(packed.to_json(), "x") == packed
    assert packed.int4
    assert not with_int4(packed, False).int4
    check_scheme(packed, "x")
    check_scheme(preset("tiny"), "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_bits", 8), ("group_size", 128), ("symmetric", False), ("type", "float"),
     ("strategy", "channel")],
)  # fmt: skip
def test_another_scheme_is_refused_and_the_field_named(field: str, value: Any) -> None:
    data = json.loads(with_int4(preset("tiny"), True).to_json())
    scheme = data["text_config"]["quantization_config"]
    scheme["config_groups"]["group_0"]["weights"][field] = value
    with pytest.raises(ModelFileError, match=rf"group_0\.weights\.{field}: .*{value}"):
        check_scheme(parse_config(json.dumps(data), "x"), "x")


@pytest.mark.parametrize(
    "change", [{"format": "dense"}, {"config_groups": {}}, {"config_groups": {"a": 1}}]
)
def test_a_scheme_without_its_parts_is_refused(change: dict[str, Any]) -> None:
    config = with_int4(preset("tiny"), True)
    scheme = (config.quantization_config or {}) | change
    with pytest.raises(ModelFileError, match="quantization_config"):
        check_scheme(config.model_copy(update={"quantization_config": scheme}), "x")


def test_experts_that_are_no_whole_groups_wide_cannot_be_packed() -> None:
    tiny = preset("tiny")
    text = tiny.text_config.model_copy(update={"moe_intermediate_size": 40})
    with pytest.raises(ModelFileError, match="multiples of 32"):
        with_int4(tiny.model_copy(update={"text_config": text}), True)
