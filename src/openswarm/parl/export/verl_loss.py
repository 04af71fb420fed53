"""The objective of `parl.objective` as a policy loss of verl 0.9, under the name `parl`.

The ratio is kept in [1 − clip_ratio_low, 1 + clip_ratio_high] whatever the advantage's sign; τ is
verl's `dro_beta`, its weight of the squared log-ratio. Source of the form: `PolicyLossFn` and
`agg_loss` of the verl 0.9.1 package. Group means as the baseline are verl's estimator `grpo`
without division by the deviation. Entropy is verl's own term. PyTorch and verl are imported at
call.
"""

import importlib
from typing import Any

from openswarm.core.errors import SettingsError

NAME = "parl"


def register() -> None:
    """Makes `loss_mode: parl` known to verl in this process.

    The module that calls it is verl's `external_lib`. Raises `SettingsError` where verl is
    missing.
    """
    _core().register_policy_loss(NAME)(policy_loss)


def policy_loss(
    old_log_prob: Any,
    log_prob: Any,
    advantages: Any,
    response_mask: Any,
    loss_agg_mode: str = "token-mean",
    config: Any = None,
    rollout_is_weights: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """The negated objective over chosen tokens, and what of it verl logs.

    All tensors are `(rollouts, tokens of the response)`; `config` is verl's of the actor. Raises
    `SettingsError` where τ is missing or importance weights are asked for, which the objective
    does not have.
    """
    import torch

    tau = config.policy_loss.dro_beta
    if tau is None or rollout_is_weights is not None:
        raise SettingsError(
            "the loss `parl` takes its τ from policy_loss.dro_beta, and no weights of"
            " rollout_correction"
        )
    low, high = _bounds(config)
    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    kept = (ratio >= low) & (ratio <= high)
    gain = torch.where(kept, ratio, torch.zeros_like(ratio)) * advantages
    loss = _core().agg_loss(
        loss_mat=tau * log_ratio**2 - gain,
        loss_mask=response_mask,
        loss_agg_mode=loss_agg_mode,
        **config.global_batch_info,
    )
    chosen = response_mask.bool()
    with torch.no_grad():
        count = chosen.sum().clamp_min(1)
        metrics = {
            "actor/parl_masked": ((~kept & chosen).sum() / count).item(),
            "actor/parl_divergence": ((log_ratio**2 * chosen).sum() / count).item(),
        }
    return loss, metrics


def _bounds(config: Any) -> tuple[float, float]:
    low, high = config.clip_ratio_low, config.clip_ratio_high
    return (
        1 - (config.clip_ratio if low is None else low),
        1 + (config.clip_ratio if high is None else high),
    )


def _core() -> Any:
    try:
        return importlib.import_module("verl.trainer.ppo.core_algos")
    except ImportError as error:
        raise SettingsError(
            f"verl 0.9 cannot be imported ({error}); install it, in an environment of its own,"
            " with: pip install 'openswarm[verl]'"
        ) from None
