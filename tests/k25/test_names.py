"""Published names and places in the module are one to one."""

from collections import Counter

import pytest

from openswarm.k25.config import PRESETS, preset
from openswarm.k25.layout import tensors
from openswarm.k25.model import K25
from openswarm.k25.names import Place, Slice, place_of
from openswarm.k25.scheme import with_int4

pytestmark = pytest.mark.requirement("model.names")

TINY = preset("tiny").text_config


@pytest.mark.parametrize("int4", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_no_two_published_names_have_the_same_place(name: str, int4: bool) -> None:
    config = with_int4(preset(name), int4)
    text = config.text_config.model_copy(update={"num_hidden_layers": 3})
    config = config.model_copy(update={"text_config": text})
    seen: set[Place] = set()
    for spec in tensors(config):
        place = place_of(spec.name, text)
        assert place is not None
        seen.add(place)
    assert len(seen) == sum(1 for _ in tensors(config))


def test_the_places_are_exactly_what_the_module_is_made_of() -> None:
    config = preset("tiny")
    state = K25(config).state_dict()
    filled: Counter[str] = Counter()
    for spec in tensors(config):
        place = place_of(spec.name, config.text_config)
        assert place is not None
        value = state[place.parameter]
        if place.slice is not None:
            value = value[place.slice.expert, place.slice.first : place.slice.last]
        assert tuple(value.shape) == spec.shape
        filled[place.parameter] += value.numel()
    assert filled == {name: value.numel() for name, value in state.items()}


def test_an_experts_matrices_are_rows_of_the_stacks() -> None:
    width = TINY.moe_intermediate_size
    name = "language_model.model.layers.2.mlp.experts.7.{}.weight"
    stack = "language_model.layers.2.mlp.experts."
    assert [place_of(name.format(m), TINY) for m in ("gate_proj", "up_proj", "down_proj")] == [
        Place(f"{stack}gate_up_EGH", Slice(7, 0, width)),
        Place(f"{stack}gate_up_EGH", Slice(7, width, 2 * width)),
        Place(f"{stack}down_EHI", Slice(7, 0, TINY.hidden_size)),
    ]


@pytest.mark.parametrize("name", ["", "lm_head.weight", "model.norm.weight", "language_model.x"])
def test_a_name_of_another_model_has_no_place(name: str) -> None:
    assert place_of(name, TINY) is None
