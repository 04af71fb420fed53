"""What tests of models share: a checkpoint, made once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def k25_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A K2.5-shaped checkpoint of random weights with two layers."""
    from openswarm.k25.checkpoint import save_model
    from openswarm.k25.config import preset
    from openswarm.k25.model import K25

    config = preset("tiny")
    text = config.text_config.model_copy(update={"num_hidden_layers": 2})
    model = K25(config.model_copy(update={"text_config": text}))
    model.initialise(3)
    place = tmp_path_factory.mktemp("weights") / "k25-tiny"
    save_model(model, place, int4=False)
    return place
