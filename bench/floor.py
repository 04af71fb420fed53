"""The floor: the bare aiohttp loop that makes the same calls as openswarm, and nothing else.

It sends the very contents that openswarm sends (a sample of its requests is handed in), streams,
folds the deltas, runs the tool, and grows each history in the same way. It has no journal, budget,
limiter, validation or recovery. Run as `python -m bench.floor JOB`; prints its figures.
"""

import asyncio
import resource
import sys
from typing import Any

import aiohttp
import orjson

from bench.worker import Job, measured, run_loop

UNIT = "unit-0000"


async def lookup(key: str) -> str:
    """The tool."""
    return f"{key}: 42"


class Floor:
    """One swarm, by hand."""

    def __init__(self, job: Job, session: aiohttp.ClientSession) -> None:
        self.url = f"{job.url}/v1/chat/completions"
        self.sample = job.sample
        self.session = session

    async def swarm(self) -> int:
        """The orchestrator's first turn, all sub-agents at once, its last turn."""
        body = {**self.sample["orchestrator"]}
        messages = body["messages"] = list(body["messages"])
        text, calls = await self.reply(body)
        messages.append(assistant(text, calls))
        units = orjson.loads(calls[-1]["function"]["arguments"])["items"]
        reports = await asyncio.gather(*map(self.subagent, units))
        *created, fan_out = calls
        messages += [result(call, "created") for call in created]
        messages.append(result(fan_out, "\n".join(reports)))
        await self.reply(body)
        return len(reports)

    async def subagent(self, unit: str) -> str:
        """One conversation, from its brief to its report."""
        sample = self.sample["unit"]
        body = {**sample, "messages": [named(entry, unit) for entry in sample["messages"]]}
        while True:
            text, calls = await self.reply(body)
            if not calls:
                return text
            body["messages"].append(assistant(text, calls))
            for call in calls:
                arguments = orjson.loads(call["function"]["arguments"])
                body["messages"].append(result(call, await lookup(**arguments)))

    async def reply(self, body: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        """One streamed reply: its text and its tool calls."""
        text: list[str] = []
        calls: list[dict[str, Any]] = []
        headers = {"content-type": "application/json"}
        data = orjson.dumps(body)
        async with self.session.post(self.url, data=data, headers=headers) as response:
            response.raise_for_status()
            rest = b""
            async for part in response.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: {"):
                        fold(orjson.loads(line[6:])["choices"], text, calls)
        return "".join(text), calls


def fold(choices: list[dict[str, Any]], text: list[str], calls: list[dict[str, Any]]) -> None:
    """Adds the deltas of one chunk."""
    for choice in choices:
        delta = choice["delta"]
        if delta.get("content"):
            text.append(delta["content"])
        calls.extend(delta.get("tool_calls") or ())


def assistant(text: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """A reply as it stands in a history."""
    entries = [{"id": c["id"], "type": "function", "function": c["function"]} for c in calls]
    return {"role": "assistant", "content": text, "tool_calls": entries}


def result(call: dict[str, Any], text: str) -> dict[str, Any]:
    """A tool's result as it stands in a history."""
    return {"role": "tool", "tool_call_id": call["id"], "content": text}


def named(message: dict[str, Any], unit: str) -> dict[str, Any]:
    """The message of the sampled unit, for another one."""
    return {**message, "content": message["content"].replace(UNIT, unit)}


async def main(job: Job) -> dict[str, Any]:
    """The whole work, measured."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with measured() as figures:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            figures["done"] = await Floor(job, session).swarm()
    return figures


if __name__ == "__main__":
    run_loop(main, Job.of(sys.argv[1]))
