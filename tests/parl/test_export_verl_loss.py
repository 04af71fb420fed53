"""The loss for verl is the objective of our own trainer, token for token."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from openswarm.core.errors import SettingsError
from openswarm.parl.export.verl_loss import policy_loss, register

torch = pytest.importorskip("torch", reason="needs the extra `model`")
CORE = "verl.trainer.ppo.core_algos"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A module in the place of verl's core, and what was registered there."""
    losses: dict[str, Any] = {}

    def agg_loss(loss_mat: Any, loss_mask: Any, loss_agg_mode: str) -> Any:
        assert loss_agg_mode == "token-mean"
        return (loss_mat * loss_mask).sum() / loss_mask.sum()

    def register_policy_loss(name: str) -> Any:
        return lambda function: losses.setdefault(name, function)

    played = SimpleNamespace(agg_loss=agg_loss, register_policy_loss=register_policy_loss)
    monkeypatch.setitem(sys.modules, CORE, played)
    return losses


@pytest.mark.requirement("parl.export-verl")
def test_loss_and_gradient_are_those_of_the_objective(known: dict[str, Any]) -> None:
    """On both sides of the bounds of the ratio, for advantages of both signs."""
    from verl_loss_cases import both

    loss, total, theirs, ours = both()
    assert loss == pytest.approx(total, rel=1e-5)
    assert theirs == pytest.approx(ours, rel=1e-4, abs=1e-7)


@pytest.mark.requirement("parl.export-verl")
def test_the_loss_is_known_to_verl_by_its_name(known: dict[str, Any]) -> None:
    """`loss_mode: parl`."""
    register()
    assert known == {"parl": policy_loss}


@pytest.mark.parametrize(("tau", "weights"), [(None, None), (0.1, 1.0)])
def test_what_the_objective_does_not_have_is_refused(
    known: dict[str, Any], tau: float | None, weights: float | None
) -> None:
    """A missing τ, and weights of importance."""
    config = SimpleNamespace(policy_loss=SimpleNamespace(dro_beta=tau))
    with pytest.raises(SettingsError, match="dro_beta"):
        policy_loss(None, None, None, None, config=config, rollout_is_weights=weights)


def test_without_verl_the_loss_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setitem(sys.modules, CORE, None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[verl\]'"):
        register()
