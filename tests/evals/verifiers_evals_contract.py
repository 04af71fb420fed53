"""A program: the twenty tasks as verifiers tasksets, against a model on loopback.

Run by the interpreter of an environment that has verifiers; prints the figures as JSON.
"""

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import anyio
import verifiers.v1 as vf
from adapter_cases import ARMS, COUNT, FAMILIES, HalfKnowing, as_openai, drawn
from aiohttp import web

from openswarm.evals.adapters.attempt import Way
from openswarm.evals.adapters.verifiers import ATTEMPT, Plugin, plugin
from openswarm.evals.arms import named_arm

TASKS = [task for each in drawn().values() for task in each.tasks]


async def answer(request: web.Request) -> web.StreamResponse:
    """One reply, as a stream where it is asked for."""
    body = await request.json()
    messages = body["messages"]
    brief = next(text_of(m) for m in messages if m["role"] == "user")
    replies = sum(message["role"] == "assistant" for message in messages)
    tools = {tool["function"]["name"] for tool in body.get("tools") or ()}
    whole = as_openai(HalfKnowing(TASKS).say(brief, replies, tools), body["model"])
    if not body.get("stream"):
        return web.json_response(whole)
    choice = whole["choices"][0]
    delta = choice["message"]
    for at, call in enumerate(delta.get("tool_calls", ())):
        call["index"] = at
    chunk = whole | {"object": "chat.completion.chunk"}
    chunk["choices"] = [{"index": 0, "delta": delta, "finish_reason": choice["finish_reason"]}]
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())
    await response.write_eof()
    return response


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, which may be in parts."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def installed(made: Plugin, name: str) -> None:
    """A plugin module at the top level, as a user would write it into a file."""
    module = types.ModuleType(name)
    module.EvalsTaskset, module.EvalsEnv = made.taskset, made.environment
    module.EvalsHarness = made.harness
    module.__all__ = ["EvalsEnv", "EvalsHarness", "EvalsTaskset"]
    module.__spec__ = types.SimpleNamespace(name=name, parent="")
    sys.modules[name] = module


async def figures(made: Plugin, name: str, client: Any) -> dict[str, dict[str, Any]]:
    """The figures of the episodes of all tasks, as verifiers' own runner makes them."""
    environment = made.environment(made.config(id=name, taskset={"id": name}))
    context = vf.ModelContext(model="halfknowing", client=client)
    found = {}
    async with environment.serving():
        for task in environment.taskset:
            done = await environment.run_episode(task, context)
            (trace,) = done.traces
            assert done.ok, [error.message for error in (*done.errors, *trace.errors)]
            found[done.task.data.id] = {
                "item_f1": trace.reward,
                **trace.metrics,
                "calls": sum(len(branch.messages) > 1 for branch in trace.branches),
                "spawned": trace.info[ATTEMPT]["spawned"],
            }
    return found


async def main() -> dict[str, Any]:
    """All families, each by two arms."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    os.environ["LOOPBACK_KEY"] = "key"
    client = vf.EvalClientConfig(base_url=address, api_key_var="LOOPBACK_KEY")
    told: dict[str, Any] = {arm: {} for arm in ARMS}
    for arm in ARMS:
        for family in FAMILIES:
            way = Way(named_arm(arm), Path("unused"))
            made = plugin(family, "test", COUNT, 0, way=way)
            name = f"evals_{arm}_{family.replace('-', '_')}"
            installed(made, name)
            told[arm] |= await figures(made, name, client)
    await runner.cleanup()
    return told


if __name__ == "__main__":
    print(json.dumps(anyio.run(main)))
