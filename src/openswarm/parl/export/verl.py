"""Rollouts in verl 0.9: what an agent loop hands back, and an agent loop that runs ours.

Owns the cut of a segment into prompt and response, and the policy behind verl's rollout servers.
Source of the form: `AgentLoopOutput` and `AgentLoopBase` of the verl 0.9.1 package, whose trainer
v1 takes a list of outputs and gives all of them the reward of the last one. Knows no reward of its
own; verl is imported by the function that needs it.
"""

import importlib
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import uuid4

from openswarm.core.errors import SettingsError
from openswarm.parl.export.figures import figures
from openswarm.parl.export.soundness import unrestricted
from openswarm.parl.rollout import Rollout, Segment
from openswarm.parl.scale.protocol import Factory

MODULE = "verl.experimental.agent_loop.agent_loop"


class TokenPolicy(Protocol):
    """The policy: token ids in, token ids out."""

    async def generate(self, ids: list[int]) -> tuple[list[int], list[float]]:
        """What the policy writes after `ids`, and the log-probability of each of its tokens."""
        ...


class SwarmEnvironment(Protocol):
    """What runs a row of verl's data set as a swarm, and what says what that was worth."""

    async def rollout(self, row: Mapping[str, Any], policy: TokenPolicy) -> Rollout:
        """One run of the orchestrator, whose sub-agents are on an endpoint of their own."""
        ...

    def reward(self, rollout: Rollout, update: int) -> float:
        """Of the whole trajectory; `update` is verl's global step, for what is annealed."""
        ...


def output_fields(
    rollout: Rollout, reward: float, *, response_limit: int | None = None
) -> list[dict[str, Any]]:
    """The arguments of an `AgentLoopOutput` for each segment in which the policy chose something.

    Prompt is what stands before the first chosen token, response the rest, its mask 1 where the
    policy chose. A response over `response_limit` tokens is cut there, as verl's own loops do, and
    `cut_tokens` says by how much. Raises `ValueError` where nothing was chosen at all, the rollout
    is not sound, or the policy could not choose from its whole vocabulary.
    """
    segments = [segment for segment in unrestricted(rollout).segments if any(segment.mask)]
    if not segments:
        raise ValueError(f"rollout of task {rollout.task!r}: the policy chose no token")
    return [_output(rollout, segment, reward, response_limit) for segment in segments]


def to_agent_loop_output(
    rollout: Rollout, reward: float, *, response_limit: int | None = None
) -> list[Any]:
    """The same as verl's `AgentLoopOutput`. Raises `SettingsError` where verl is missing."""
    output = _verl().AgentLoopOutput
    fields = output_fields(rollout, reward, response_limit=response_limit)
    return [output(**each) for each in fields]


def agent_loop(*, environment: str, options: Mapping[str, Any] | None = None, **verl: Any) -> Any:
    """An agent loop over `environment`, `module:function`, called with `options`.

    It is the `_target_` of an entry in `agent_loop_config_path`; verl hands in the rest. The
    function gives a `SwarmEnvironment`. Raises `SettingsError` where verl or the function is
    missing.
    """
    swarm = Factory(environment, dict(options or {})).build()
    return agent_loop_class()(swarm, **verl)


def agent_loop_class() -> type:
    """The subclass of `AgentLoopBase`, whose first argument is a `SwarmEnvironment`."""
    base = _verl().AgentLoopBase

    class SwarmAgentLoop(base):
        """One row as one swarm; only the orchestrator's tokens come back."""

        def __init__(self, swarm: SwarmEnvironment, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.swarm = swarm

        async def run(self, sampling_params: dict[str, Any], **row: Any) -> Any:
            """One output, or a list of them where the conversation was compacted."""
            policy = ServedPolicy(self.server_manager, sampling_params)
            rollout = await self.swarm.rollout(row, policy)
            reward = self.swarm.reward(rollout, int(row.get("global_steps", 0)))
            limit = self.rollout_config.response_length
            outputs = to_agent_loop_output(rollout, reward, response_limit=limit)
            for output in outputs:
                output.extra_fields.update(policy.weights)
            return outputs[0] if len(outputs) == 1 else outputs

    return SwarmAgentLoop


class ServedPolicy:
    """The policy behind verl's rollout servers; one of them for one conversation."""

    def __init__(self, servers: Any, sampling: Mapping[str, Any]) -> None:
        """`servers` is verl's `LLMServerClient`; the conversation stays on one server's cache."""
        self._servers = servers
        self._sampling = {**sampling, "logprobs": True}
        self._conversation = uuid4().hex
        self.weights: dict[str, Any] = {}
        """The first and the last version of the weights that wrote, as verl's trainer reads it."""

    async def generate(self, ids: list[int]) -> tuple[list[int], list[float]]:
        """See `TokenPolicy`. Raises `ValueError` where a token came without log-probability."""
        output = await self._servers.generate(
            request_id=self._conversation,
            prompt_ids=list(ids),
            sampling_params=dict(self._sampling),
        )
        tokens, logprobs = list(output.token_ids), list(output.log_probs or ())
        if len(tokens) != len(logprobs):
            raise ValueError(f"{len(tokens)} tokens came with {len(logprobs)} log-probabilities")
        self._note(output.extra_fields)
        return tokens, logprobs

    def _note(self, extra: Mapping[str, Any]) -> None:
        for name, kept in (("min_global_steps", "first"), ("max_global_steps", "last")):
            if extra.get(name) is not None and (kept == "last" or name not in self.weights):
                self.weights[name] = extra[name]


def _output(rollout: Rollout, segment: Segment, reward: float, limit: int | None) -> dict[str, Any]:
    begin = segment.mask.index(True)
    end = len(segment.ids) if limit is None else min(len(segment.ids), begin + limit)
    measured = figures(rollout)
    return {
        "prompt_ids": list(segment.ids[:begin]),
        "response_ids": list(segment.ids[begin:end]),
        "response_mask": [int(chosen) for chosen in segment.mask[begin:end]],
        "response_logprobs": list(segment.logprobs[begin:end]),
        "reward_score": float(reward),
        "num_turns": 2 * rollout.main_steps,
        "metrics": {},
        "extra_fields": {
            **measured,
            "task": rollout.task,
            "outcome": rollout.outcome,
            "cut_tokens": len(segment.ids) - end,
            "reward_extra_info": dict(measured),
        },
    }


def _verl() -> Any:
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        raise SettingsError(
            f"verl 0.9 cannot be imported ({error}); install it, in an environment of its own,"
            " with: pip install 'openswarm[verl]'"
        ) from None
