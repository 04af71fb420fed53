"""A program: three episodes of the verifiers environment against a model on loopback.

Run by the interpreter of an environment that has verifiers; prints what came of it as JSON.
"""

import json
import os
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anyio
import verifiers.v1 as vf
from aiohttp import web

from openswarm.core.errors import SettingsError
from openswarm.evals.task import EvalTask
from openswarm.parl.export.verifiers import Endpoint, Plugin, plugin
from openswarm.parl.rollout import Rollout, Stage

WIDTH = 4


@dataclass
class Model:
    """Answers chat completions, and counts how many are under way at once."""

    now: int = 0
    most: int = 0
    asked: list[str] = field(default_factory=list)
    all_here: anyio.Event = field(default_factory=anyio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        """One reply; sub-agents are answered when all of them have asked."""
        body = await request.json()
        text = body["messages"][-1]["content"]
        self.asked.append(text)
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == WIDTH:
            self.all_here.set()
        if text.startswith("part"):
            await self.all_here.wait()
        self.now -= 1
        message = {"role": "assistant", "content": f"{body['model']}: {text}"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        reply = {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [choice], "usage": usage,
        }  # fmt: skip
        return web.json_response(reply)


class LoopbackSwarm:
    """One call of the orchestrator, some of sub-agents at once, one more of the orchestrator."""

    def tasks(self) -> list[EvalTask]:
        """One that is wide, one that needs nobody, one whose run fails."""
        return [
            EvalTask(
                id=name, family="f", kind="fact", split="train", template="", question=name,
                corpus="", scope=(), answer="secret",
            )
            for name in ("wide", "alone", "fault")
        ]  # fmt: skip

    async def rollout(self, task: EvalTask, orchestrator: Endpoint, subagents: Endpoint) -> Rollout:
        """As a real one would, over the two endpoints."""
        first = await ask(orchestrator, task.question)
        if task.id == "fault":
            raise ArithmeticError("no such run")
        width = WIDTH if task.id == "wide" else 0
        texts = [""] * width

        async def work(i: int) -> None:
            texts[i] = await ask(subagents, f"part {i}")

        async with anyio.create_task_group() as group:
            for i in range(width):
                group.start_soon(work, i)
        await ask(orchestrator, f"{first} + {' + '.join(texts)}")
        ones = (1,) * width
        stage = Stage(
            ones, tuple(texts), ("completed",) * width, (True,) * width, (1.0,) * width, ones
        )
        return Rollout(
            task=task.id, group="g", segments=(), stages=(stage,), main_steps=2, created=1,
            refused=0, critical_steps=3, total_steps=6, seconds=1.0, tokens=9,
            outcome="completed", budget_hit=False, quality=1.0, item_f1=1.0, success=1.0,
        )  # fmt: skip

    def rewards(self, rollout: Rollout) -> dict[str, float]:
        """Two terms."""
        return {"r_perf": rollout.quality, "r_parallel": 0.1}


async def ask(endpoint: Endpoint, text: str) -> str:
    """One chat completion."""
    body = {"model": endpoint.model, "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    address = f"{endpoint.base_url.rstrip('/')}/chat/completions"
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, json=body, headers=headers) as response,
    ):
        response.raise_for_status()
        return (await response.json())["choices"][0]["message"]["content"]


async def episodes(made: Plugin) -> list[dict[str, Any]]:
    """An episode of each task over the plugin, as verifiers' own runner makes it."""
    model = Model()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    os.environ["LOOPBACK_KEY"] = "key"
    client = vf.EvalClientConfig(base_url=address, api_key_var="LOOPBACK_KEY")
    config = made.config(
        id="loopback_swarm", taskset={"id": "loopback_swarm"}, subagent={"model": "frozen"}
    )
    environment = made.environment(config)
    context = vf.ModelContext(model="policy", client=client)
    told = []
    async with environment.serving():
        for task in environment.taskset:
            model.asked.clear()
            done = await environment.run_episode(task, context)
            told.append(
                {
                    "task": done.task.data.id,
                    "ok": done.ok,
                    "errors": [error.message for error in done.errors],
                    "most": model.most,
                    "asked": list(model.asked),
                    "seats": {trace.agent.name: seat(trace) for trace in done.traces},
                }
            )
    await runner.cleanup()
    return told


def seat(trace: Any) -> dict[str, Any]:
    """What a trace says."""
    return {
        "trainable": trace.agent.trainable,
        "ok": trace.ok,
        "errors": [error.message for error in trace.errors],
        "reward": trace.reward,
        "metrics": dict(trace.metrics),
        "branches": len(trace.branches),
        "info": trace.info.get("openswarm_rollout", {}).get("task"),
    }


def deadlock_refused(made: Plugin) -> str:
    """What a configuration says under which the seats would wait for each other."""
    config = made.config(id="loopback_swarm", taskset={"id": "loopback_swarm"})
    try:
        made.environment(config.model_copy(update={"max_concurrent_agents": 1}))
    except SettingsError as error:
        return str(error)
    return ""


def installed() -> Plugin:
    """A plugin module at the top level, as a user would write it into a file."""
    made = plugin("__main__:LoopbackSwarm")
    module = types.ModuleType("loopback_swarm")
    module.SwarmTaskset, module.SwarmEnv = made.taskset, made.environment
    module.SwarmHarness = made.harness
    module.__all__ = ["SwarmEnv", "SwarmHarness", "SwarmTaskset"]
    module.__spec__ = types.SimpleNamespace(name="loopback_swarm", parent="")
    sys.modules["loopback_swarm"] = module
    return made


if __name__ == "__main__":
    swarm_plugin = installed()
    answer = anyio.run(episodes, swarm_plugin)
    print(json.dumps({"episodes": answer, "refused": deadlock_refused(swarm_plugin)}))
