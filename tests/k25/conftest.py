"""What holds for every test of the model: one thread, fixed seeds, tiny configurations."""

from collections.abc import Iterator

import pytest
import torch

from openswarm.k25.config import K25Config, TextConfig, preset


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads of one test beside those of another are slower than one each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config() -> K25Config:
    """A model of the published shape in which no two dimensions are equal by accident."""
    tiny = preset("tiny")
    text = tiny.text_config.model_copy(
        update={
            "hidden_size": 64,
            "num_hidden_layers": 3,
            "intermediate_size": 96,
            "moe_intermediate_size": 32,
            "n_routed_experts": 8,
            "num_experts_per_tok": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "q_lora_rank": 40,
            "kv_lora_rank": 32,
            "qk_nope_head_dim": 24,
            "qk_rope_head_dim": 8,
            "v_head_dim": 20,
            "routed_scaling_factor": 2.827,
        }
    )
    vision = tiny.vision_config.model_copy(
        update={
            "init_pos_emb_height": 6,
            "init_pos_emb_width": 6,
            "vt_num_attention_heads": 2,
            "vt_hidden_size": 24,
            "mm_hidden_size": 24,
            "vt_intermediate_size": 40,
            "text_hidden_size": 64,
        }
    )
    return tiny.model_copy(update={"text_config": text, "vision_config": vision})


@pytest.fixture
def text_config(config: K25Config) -> TextConfig:
    """Its text part."""
    return config.text_config
