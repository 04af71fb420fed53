"""The published sizes follow from the configuration alone, and nothing is allocated for them."""

import tracemalloc

import pytest

from openswarm.k25.config import preset
from openswarm.k25.scheme import with_int4
from openswarm.k25.sizes import sizes

pytestmark = pytest.mark.requirement("model.sizes")

PUBLISHED = preset("published")


def test_the_published_model_has_exactly_so_many_parameters() -> None:
    found = sizes(PUBLISHED)
    assert found.text == 1_026_408_232_448
    assert found.parts["vision"] == pytest.approx(417e6 + 54e6, rel=0.01)
    assert found.total == found.text + found.parts["vision"]
    assert found.active == pytest.approx(31.7e9, rel=0.001)


def test_its_files_are_as_large_as_the_published_ones() -> None:
    int4, bf16 = sizes(PUBLISHED), sizes(with_int4(PUBLISHED, False))
    assert int4.file_bytes == pytest.approx(594e9, abs=2e9)
    assert bf16.file_bytes == pytest.approx(2 * bf16.total, rel=1e-6)
    assert int4.total == bf16.total


def test_its_cache_keeps_a_latent_and_not_every_head() -> None:
    found = sizes(PUBLISHED)
    assert found.cache_bytes == 70_272
    longest = found.cache_bytes * PUBLISHED.text_config.max_position_embeddings
    assert longest == pytest.approx(18.4e9, rel=0.01)
    assert found.plain_cache_bytes > 35 * found.cache_bytes


def test_nothing_is_allocated_for_it() -> None:
    text = PUBLISHED.text_config.model_copy(update={"num_hidden_layers": 3})
    tracemalloc.start()
    found = sizes(PUBLISHED.model_copy(update={"text_config": text}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.total > 30e9
    assert peak < 1_000_000
