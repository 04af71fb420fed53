"""A program: our agent loop inside of verl, with rollout servers that are played.

Run by the interpreter of an environment that has verl 0.9; prints what came of it as JSON.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import hydra
from compacted_rollout import compacted
from omegaconf import OmegaConf
from verl.experimental.agent_loop.agent_loop import (
    AgentLoopBase,
    AgentLoopOutput,
    DictConfigWrap,
    ToolListWrap,
)
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.workers.rollout.replica import TokenOutput
from verl_loss_cases import both

from openswarm.parl.export.verl import TokenPolicy, to_agent_loop_output
from openswarm.parl.export.verl_loss import policy_loss, register
from openswarm.parl.rollout import Rollout, Segment


class PlayedServers:
    """Has the one method of verl's client that a loop calls; counts its token ids on."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked: list[dict[str, Any]] = []

    async def generate(self, request_id: str, **asked: Any) -> TokenOutput:
        """Two tokens."""
        self.asked.append({"request_id": request_id, **asked})
        update = len(self.asked)
        ids = [100 + len(asked["prompt_ids"]), 101 + len(asked["prompt_ids"])]
        extra = {"min_global_steps": update, "max_global_steps": update}
        return TokenOutput(token_ids=ids, log_probs=[-0.5, -0.25], extra_fields=extra)


class TwoTurns:
    """A swarm of two turns, between which results of sub-agents are read."""

    async def rollout(self, row: Mapping[str, Any], policy: TokenPolicy) -> Rollout:
        """One segment."""
        ids, mask, logprobs = [1, 2, 3], [False] * 3, [0.0] * 3
        for read in ([7, 8, 9], []):
            wrote, of_them = await policy.generate(ids)
            ids += [*wrote, *read]
            mask += [True] * len(wrote) + [False] * len(read)
            logprobs += [*of_them, *[0.0] * len(read)]
        segment = Segment(tuple(ids), tuple(mask), tuple(logprobs))
        return compacted(task=row["task"], segments=(segment,))

    def reward(self, rollout: Rollout, update: int) -> float:
        """Says that the update was handed on."""
        return rollout.quality + update


class Tokenizer:
    """What verl's loop asks of a tokenizer when it is made."""

    pad_token_id = 0
    chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"

    def __getattr__(self, name: str) -> Any:
        """Nothing else is there."""
        raise AttributeError(name)


def loop(servers: PlayedServers) -> Any:
    """The loop, made as verl's worker makes it: from an entry of its configuration file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "loops.yaml"
        file.write_text(
            "- name: parl\n"
            "  _target_: openswarm.parl.export.verl.agent_loop\n"
            "  environment: __main__:TwoTurns\n"
        )
        entry = OmegaConf.load(file)[0]
    config = OmegaConf.create(
        {
            "actor_rollout_ref": {"rollout": {"prompt_length": 16, "response_length": 32}},
            "data": {},
        }
    )
    return hydra.utils.instantiate(
        config=entry,
        trainer_config=DictConfigWrap(config=config),
        server_manager=servers,
        tokenizer=Tokenizer(),
        processor=None,
        hf_model_type=None,
        dataset_cls=None,
        data_config=DictConfigWrap(config.data),
        tools=ToolListWrap([]),
    )


async def main() -> None:
    """One row."""
    servers = PlayedServers()
    made = loop(servers)
    output = await made.run({"temperature": 1.0}, task="t1", global_steps=4, raw_prompt=[])
    tensors = output.as_dict()
    register()
    loss, total, theirs, ours = both()
    several = to_agent_loop_output(compacted(), 0.5)
    answer = {
        "registered": get_policy_loss_fn("parl") is policy_loss,
        "loss": [loss, total],
        "gradient_apart": max(abs(a - b) for a, b in zip(theirs, ours, strict=True)),
        "is_loop": isinstance(made, AgentLoopBase),
        "is_output": isinstance(output, AgentLoopOutput),
        "output": json.loads(output.model_dump_json()),
        "rm_scores": tensors["rm_scores"].tolist(),
        "mask": tensors["response_mask"].tolist(),
        "logprobs": tensors["rollout_log_probs"].tolist(),
        "asked": servers.asked,
        "several": [each.prompt_ids + each.response_ids for each in several],
        "all_outputs": all(isinstance(each, AgentLoopOutput) for each in several),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    anyio.run(main)
