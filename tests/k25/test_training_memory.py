"""What training may save without changing: memory by recomputing, time by bf16."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from openswarm.k25.config import K25Config
from openswarm.k25.model import K25

Gradients = dict[str, torch.Tensor]


def model(config: K25Config) -> K25:
    made = K25(config).train()
    made.initialise(3)
    return made


def tokens(config: K25Config) -> torch.Tensor:
    return torch.randint(0, config.text_config.vocab_size - 256, (2, 48))


def loss_of(model: K25, tokens_BL: torch.Tensor) -> torch.Tensor:
    logits_BLV = model(tokens_BL)[:, :-1]
    return F.cross_entropy(logits_BLV.flatten(0, 1).float(), tokens_BL[:, 1:].flatten())


def gradients(model: K25, loss: torch.Tensor) -> Gradients:
    loss.backward()
    found = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def kept_bytes(work: Callable[[], torch.Tensor]) -> int:
    """Bytes that the graph of a computation keeps for the backward pass, each storage once."""
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = work()
    del result
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.requirement("model.checkpointing")
@pytest.mark.parametrize("bf16", [False, True])
def test_recomputed_layers_give_the_gradients_of_kept_ones(config: K25Config, bf16: bool) -> None:
    trained, tokens_BL = model(config), tokens(config)
    found = []
    for checkpointing in (False, True):
        trained.language_model.checkpointing = checkpointing
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = loss_of(trained, tokens_BL)
        found.append((loss.item(), gradients(trained, loss)))
    (kept_loss, kept), (again_loss, again) = found
    assert again_loss == kept_loss
    assert again.keys() == kept.keys()
    for name, gradient in kept.items():
        torch.testing.assert_close(again[name], gradient, msg=lambda text, name=name: name + text)


@pytest.mark.requirement("model.checkpointing")
def test_recomputing_keeps_less_than_half_of_the_layers_activations(config: K25Config) -> None:
    trained, tokens_BL = model(config), tokens(config)
    text = trained.language_model
    weights = sum(each.untyped_storage().nbytes() for each in trained.parameters())
    embeds_BLD = text.embed_tokens(tokens_BL).detach()
    kept = {}
    for checkpointing in (False, True):
        text.checkpointing = checkpointing
        kept[checkpointing] = kept_bytes(lambda: text(embeds_BLD))
    assert kept[True] < kept[False] / 2
    # what stays is the input of each layer and little else, whatever is inside a layer
    layers = config.text_config.num_hidden_layers
    assert kept[True] < (layers + 6) * embeds_BLD.nbytes < weights


@pytest.mark.requirement("model.bf16")
def test_training_in_bf16_has_nearly_the_loss_and_the_gradients_of_float32(
    config: K25Config,
) -> None:
    trained, tokens_BL = model(config), tokens(config)
    exact_loss = loss_of(trained, tokens_BL)
    exact = gradients(trained, exact_loss)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(trained, tokens_BL)
    rough = gradients(trained, loss)
    assert loss.item() == pytest.approx(exact_loss.item(), rel=2e-3)
    assert rough.keys() == exact.keys()
    for name, gradient in rough.items():
        assert gradient.dtype == torch.float32, name
        assert gradient.isfinite().all(), name
    ours, theirs = (torch.cat([each.flatten() for each in d.values()]) for d in (rough, exact))
    assert F.cosine_similarity(ours, theirs, dim=0) > 0.99
