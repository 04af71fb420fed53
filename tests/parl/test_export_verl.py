"""Outputs for verl's agent loops: prompt and response, and the policy's tokens marked."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from compacted_rollout import compacted
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from sound_rollouts import rollouts

from openswarm.core.errors import SettingsError
from openswarm.parl.export.verl import (
    MODULE,
    ServedPolicy,
    agent_loop,
    output_fields,
    to_agent_loop_output,
)
from openswarm.parl.rollout import Rollout, Segment

HERE = Path(__file__).parent
PYTHON = "OPENSWARM_VERL_PYTHON"


class Metrics(BaseModel):
    """The documented fields of verl's `AgentLoopMetrics`."""

    generate_sequences: float = 0.0
    tool_calls: float = 0.0
    compute_score: float = 0.0
    num_preempted: int = -1


class Output(BaseModel):
    """The documented fields of verl's `AgentLoopOutput`, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt_ids: list[int]
    response_ids: list[int]
    response_mask: list[int]
    response_logprobs: list[float] | None = None
    reward_score: float | None = None
    num_turns: int = 0
    metrics: Metrics
    extra_fields: dict[str, Any] = {}


class Loop:
    """As much of verl's `AgentLoopBase` as a loop reads."""

    def __init__(self, server_manager: Any, response_length: int, **rest: Any) -> None:
        """What verl hands in."""
        self.server_manager = server_manager
        self.rollout_config = SimpleNamespace(response_length=response_length)


class Servers:
    """Two tokens each time, with or without log-probabilities."""

    def __init__(self, logprobs: list[float] | None) -> None:
        """`logprobs` come with each reply."""
        self.logprobs, self.asked = logprobs, []

    async def generate(self, **asked: Any) -> SimpleNamespace:
        """What verl's client gives."""
        self.asked.append(asked)
        update = len(self.asked)
        extra = {"min_global_steps": update, "max_global_steps": update}
        return SimpleNamespace(token_ids=[5, 6], log_probs=self.logprobs, extra_fields=extra)


class OneTurn:
    """A swarm whose policy is asked twice; the second segment comes after a compaction."""

    async def rollout(self, row: Any, policy: Any) -> Rollout:
        """Two segments."""
        assert await policy.generate([1]) == ([5, 6], [-1.0, -2.0])
        await policy.generate([1, 5, 6])
        return compacted(task=row["task"])

    def reward(self, rollout: Rollout, update: int) -> float:
        """Says that the update was handed on."""
        return rollout.quality + update


@pytest.fixture
def played_verl(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in verl's place."""
    played = SimpleNamespace(AgentLoopBase=Loop, AgentLoopOutput=Output)
    monkeypatch.setitem(sys.modules, MODULE, played)


@pytest.mark.requirement("parl.export-verl")
def test_each_segment_is_an_output_cut_where_the_policy_begins() -> None:
    """Forced tokens and results stay in the response with mask 0."""
    first, second = (Output(**fields) for fields in output_fields(compacted(), 0.5))
    assert (first.prompt_ids, first.response_ids) == ([10, 11], [12, 13, 14, 15])
    assert first.response_mask == [1, 1, 0, 1]
    assert first.response_logprobs == [-0.5, -0.25, 0.0, -1.0]
    assert (second.prompt_ids, second.response_ids) == ([10, 20], [21])
    assert first.reward_score == second.reward_score == 0.5
    assert first.num_turns == 6


@pytest.mark.requirement("parl.export-verl")
def test_the_figures_of_a_swarm_go_where_verl_logs_them() -> None:
    """Numbers alone are in `reward_extra_info`; each output has it."""
    for fields in output_fields(compacted(), 0.5):
        extra = fields["extra_fields"]
        assert extra["task"] == "wide-1"
        info = extra["reward_extra_info"]
        assert info["critical_steps"] == 6
        assert info["spawned"] == 2
        assert all(isinstance(value, int | float) for value in info.values())


@pytest.mark.requirement("parl.export-verl")
@given(rollouts(), st.none() | st.integers(1, 20))
def test_no_token_is_lost_or_marked_that_the_policy_did_not_choose(
    rollout: Rollout, limit: int | None
) -> None:
    """Whatever the rollout; what a limit cuts off is counted."""
    assume(rollout.length)
    outputs = [Output(**each) for each in output_fields(rollout, 1.0, response_limit=limit)]
    kept = [segment for segment in rollout.segments if any(segment.mask)]
    for output, segment in zip(outputs, kept, strict=True):
        together = output.prompt_ids + output.response_ids
        assert len(together) + output.extra_fields["cut_tokens"] == len(segment.ids)
        assert tuple(together) == segment.ids[: len(together)]
        mask = [0] * len(output.prompt_ids) + output.response_mask
        assert [bool(each) for each in mask] == list(segment.mask[: len(mask)])
        assert output.response_mask[0] == 1
        assert len(output.response_ids) == len(output.response_logprobs or ())
        assert limit is None or len(output.response_ids) <= limit


def narrow() -> Rollout:
    """A rollout whose log-probabilities are over a few allowed tokens."""
    segment = Segment((1, 2, 3), (False, False, True), (0.0, 0.0, -0.7), ((3, 4),))
    return compacted(segments=(segment,))


@pytest.mark.requirement("parl.export-verl")
def test_a_policy_that_chose_among_a_few_tokens_is_refused() -> None:
    """verl computes log-probabilities over the whole vocabulary: the ratios would be wrong."""
    with pytest.raises(ValueError, match=r"'wide-1'.*whole vocabulary"):
        output_fields(narrow(), 1.0)


def test_a_rollout_in_which_the_policy_said_nothing_is_refused() -> None:
    """It can teach nothing; verl then drops its group."""
    with pytest.raises(ValueError, match="chose no token"):
        output_fields(compacted(segments=()), 1.0)


@pytest.mark.anyio
@pytest.mark.requirement("parl.export-verl")
async def test_a_loop_runs_a_row_and_gives_a_list_where_it_was_compacted(
    played_verl: None,
) -> None:
    """All outputs carry the versions of the weights that wrote them, first and last."""
    servers = Servers([-1.0, -2.0])
    loop = agent_loop(
        environment="test_export_verl:OneTurn", server_manager=servers, response_length=3
    )
    outputs = await loop.run({"temperature": 0.7}, task="t9", global_steps=3)
    assert [output.response_ids for output in outputs] == [[12, 13, 14], [21]]
    for output in outputs:
        assert output.reward_score == 3.75
        assert output.extra_fields["min_global_steps"] == 1
        assert output.extra_fields["max_global_steps"] == 2
    assert {asked["request_id"] for asked in servers.asked} == {servers.asked[0]["request_id"]}
    assert servers.asked[0]["sampling_params"] == {"temperature": 0.7, "logprobs": True}


@pytest.mark.anyio
async def test_tokens_without_log_probabilities_are_refused() -> None:
    """The ratio could not be taken."""
    with pytest.raises(ValueError, match="2 tokens came with 0"):
        await ServedPolicy(Servers(None), {}).generate([1])


@pytest.mark.parametrize("call", [lambda: to_agent_loop_output(compacted(), 1.0)])
def test_without_verl_the_extra_is_named(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setitem(sys.modules, MODULE, None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[verl\]'"):
        call()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.requirement("parl.export-verl")
def test_verls_own_types_take_the_outputs(outer_environment: dict[str, str]) -> None:
    """In an environment that has verl, on the CPU: made by hydra, run with played servers."""
    if not (python := outer_environment.get(PYTHON)):
        pytest.skip(f"{PYTHON} names no interpreter that has verl 0.9")
    done = subprocess.run(
        [python, str(HERE / "verl_contract.py")], check=True, capture_output=True, text=True,
        env={**outer_environment, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["registered"]
    assert told["loss"][0] == pytest.approx(told["loss"][1], rel=1e-5)
    assert told["gradient_apart"] < 1e-6
    assert told["is_loop"]
    assert told["is_output"]
    assert told["all_outputs"]
    assert told["output"]["prompt_ids"] == [1, 2, 3]
    assert told["mask"] == [1, 1, 0, 0, 0, 1, 1]
    assert told["logprobs"] == [-0.5, -0.25, 0.0, 0.0, 0.0, -0.5, -0.25]
    assert told["rm_scores"] == [0.0] * 6 + [4.75]
    assert told["output"]["extra_fields"]["max_global_steps"] == 2
    assert [asked["prompt_ids"][:3] for asked in told["asked"]] == [[1, 2, 3]] * 2
    assert told["several"] == [[10, 11, 12, 13, 14, 15], [10, 20, 21]]
