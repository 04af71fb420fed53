"""A loopback model server for another process: OpenAI's streamed chat completions, scripted.

Owns HTTP, latency, admission, faults and the counts; what the model says is `script`'s business.
Raw protocol on one event loop, so that it is never the bottleneck: `GET /stats` tells its own
processor time. Start with `python -m bench.server`; it prints its port.

    POST /v1/chat/completions   the model; always a stream
    POST /scenario              a new scenario (`script.Scenario` as JSON); clears all counts
    POST /mark                  begins a new phase in the log, such as after a kill
    GET  /stats                 counts, in-flight maximum, bytes, processor time
    GET  /log                   one entry a request: conversation, messages, replies, phase, outcome
    GET  /sample                the first request of the orchestrator and of a sub-agent
"""

import asyncio
import contextlib
import resource
import time
import zlib
from collections import Counter
from typing import Any

import orjson

from bench.script import FAULTS, ORCHESTRATOR, TIMES, Scenario, Turn, say
from bench.wire import STREAM_END, STREAM_HEAD, error, http_chunk, response, stream_of

COMPLETIONS = b"/v1/chat/completions"


class Endpoint:
    """The state that all connections share: the scenario and what was counted under it."""

    def __init__(self) -> None:
        self.connections = 0
        self.begin(Scenario())

    def begin(self, scenario: Scenario) -> None:
        """Takes a scenario and clears all counts."""
        self.scenario = scenario
        self.phase = 0
        self.in_flight = 0
        self.in_flight_max = 0
        self.connections_made = self.connections
        self.bytes_in = 0
        self.bytes_out = 0
        self.tokens = [0, 0]
        self.spoiled = 0
        self.log: list[tuple[str, int, int, int, str]] = []
        self.sample: dict[str, Any] = {}
        self.cpu_s = time.process_time()

    def note(self, turn: Turn, phase: int, outcome: str) -> None:
        """Writes how a request ended: whole, lost (the client went away), refused or spoiled."""
        self.log.append((turn.conversation, turn.messages, turn.replies, phase, outcome))

    def stats(self) -> dict[str, Any]:
        """What was counted since the scenario began."""
        outcomes = Counter(entry[4] for entry in self.log)
        return {
            "requests": len(self.log),
            "outcomes": outcomes,
            "conversations": len({entry[0] for entry in self.log}),
            "in_flight_max": self.in_flight_max,
            "connections": self.connections - self.connections_made,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "tokens": self.tokens,
            "cpu_s": time.process_time() - self.cpu_s,
        }

    def spoils(self, turn: Turn) -> bool:
        """Whether the fault strikes this request of the faulty unit."""
        if turn.conversation != self.scenario.faulty or not self.scenario.fault:
            return False
        self.spoiled += 1
        return self.spoiled <= TIMES.get(self.scenario.fault, self.spoiled)

    def bill(self, body: bytes, max_tokens: int, said_bytes: int) -> tuple[int, int]:
        """Input and output tokens of one reply."""
        if self.scenario.billing == "plain":
            usage = len(body) // 4, max(said_bytes // 4, 1)
        elif self.scenario.billing == "worst":
            usage = len(body), max_tokens
        else:
            share = zlib.crc32(body) / 0xFFFFFFFF
            usage = int(len(body) * share) + 1, int(max_tokens * share) + 1
        self.tokens[0] += usage[0]
        self.tokens[1] += usage[1]
        return usage


class Connection(asyncio.Protocol):
    """One keep-alive connection; a request at a time, as clients send them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray()
        self.transport: Any = None
        self.pending: asyncio.TimerHandle | None = None
        self.answering: tuple[Turn, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        self.transport = transport
        self.endpoint.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """A reply under way is lost; nobody will read it."""
        if self.pending is not None:
            self.pending.cancel()
        self.finish("lost")

    def data_received(self, data: bytes) -> None:
        """Collects requests; each is dispatched when its body is whole."""
        self.buffer += data
        while (request := self.take()) is not None:
            self.endpoint.bytes_in += len(request[1])
            self.dispatch(*request)

    def take(self) -> tuple[bytes, bytes] | None:
        """The next request line's path and the body, once they are complete."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.buffer[:end])
        found = head.lower().find(b"content-length:")
        size = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
        if len(self.buffer) < end + 4 + size:
            return None
        body = bytes(self.buffer[end + 4 : end + 4 + size])
        del self.buffer[: end + 4 + size]
        return head.split(b" ", 2)[1], body

    def dispatch(self, path: bytes, body: bytes) -> None:
        """The model, or one of the control endpoints."""
        endpoint = self.endpoint
        if path == COMPLETIONS:
            self.complete(body)
        elif path == b"/scenario":
            endpoint.begin(Scenario.of(orjson.loads(body)))
            self.send(response(200, {"faults": FAULTS}))
        elif path == b"/mark":
            endpoint.phase += 1
            self.send(response(200, {"phase": endpoint.phase}))
        elif path == b"/stats":
            self.send(response(200, endpoint.stats()))
        elif path == b"/log":
            self.send(response(200, endpoint.log))
        elif path == b"/sample":
            self.send(response(200, endpoint.sample))
        elif path == b"/v1/models":
            self.send(response(200, {"object": "list", "data": [{"id": "swarm"}]}))
        else:
            self.send(error(404, "no such path"))

    def complete(self, body: bytes) -> None:
        """Admits a request and answers it after the latency."""
        endpoint, scenario = self.endpoint, self.endpoint.scenario
        value = orjson.loads(body)
        turn = Turn.of(value["messages"])
        kind = ORCHESTRATOR if turn.conversation == ORCHESTRATOR else "unit"
        endpoint.sample.setdefault(kind, value)
        if scenario.cap and endpoint.in_flight >= scenario.cap:
            endpoint.note(turn, endpoint.phase, "refused")
            wait = scenario.retry_after_s
            self.send(error(429, "too many requests", f"retry-after: {wait}\r\n" if wait else ""))
            return
        self.answering = (turn, endpoint.phase)
        endpoint.in_flight += 1
        endpoint.in_flight_max = max(endpoint.in_flight_max, endpoint.in_flight)
        answer = self.spoil if endpoint.spoils(turn) else self.answer
        self.pending = self.loop.call_later(scenario.latency_s, answer, turn, value, body)

    def answer(self, turn: Turn, value: dict[str, Any], body: bytes) -> None:
        """Sends a whole reply."""
        scenario = self.endpoint.scenario
        events = self.events(turn, value, body)
        if scenario.spread_s:
            self.send(STREAM_HEAD)
            self.drip(events, 0, self.loop.time())
        else:
            self.send(STREAM_HEAD + b"".join(map(http_chunk, events)) + STREAM_END)
            self.finish("whole")

    def events(self, turn: Turn, value: dict[str, Any], body: bytes) -> list[bytes]:
        """The reply, billed."""
        said = say(self.endpoint.scenario, turn)
        size = len(said.text) + sum(len(arguments) for _, arguments in said.calls)
        max_tokens = value.get("max_tokens") or value.get("max_completion_tokens") or 4096
        usage = self.endpoint.bill(body, max_tokens, size)
        identity = f"{turn.conversation}-{turn.replies}"
        return stream_of(said, identity, self.endpoint.scenario.chunks, usage)

    def drip(self, events: list[bytes], index: int, start: float) -> None:
        """Sends one event, each in its own write, and waits for the time of the next."""
        self.send(http_chunk(events[index]))
        if index + 1 == len(events):
            self.send(STREAM_END)
            self.finish("whole")
            return
        due = start + self.endpoint.scenario.spread_s * (index + 1) / (len(events) - 1)
        self.pending = self.loop.call_at(due, self.drip, events, index + 1, start)

    def spoil(self, turn: Turn, value: dict[str, Any], body: bytes) -> None:
        """Answers as the fault demands; faults of what is said are the script's."""
        fault = self.endpoint.scenario.fault
        if fault.startswith("http_"):
            self.send(error(int(fault.removeprefix("http_")), "broken on purpose"))
        elif fault == "drop":
            self.transport.abort()
        elif fault.startswith("cut"):
            events = self.events(turn, value, body)
            self.send(STREAM_HEAD + b"".join(map(http_chunk, events[: len(events) // 2])))
            self.transport.close()
        elif fault == "garbage":
            self.send(STREAM_HEAD + http_chunk(b'data: {"id": \n\n') + STREAM_END)
        elif fault == "hang":
            return
        else:
            self.answer(turn, value, body)
            return
        self.finish("spoiled")

    def send(self, data: bytes) -> None:
        """Writes, and counts what was written."""
        self.endpoint.bytes_out += len(data)
        self.transport.write(data)

    def finish(self, outcome: str) -> None:
        """Ends the reply under way, if there is one."""
        if self.answering is not None:
            turn, phase = self.answering
            self.answering = self.pending = None
            self.endpoint.in_flight -= 1
            self.endpoint.note(turn, phase, outcome)


async def serve() -> None:
    """Serves on a free loopback port until it is ended."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    endpoint = Endpoint()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(endpoint), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Runs on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    with contextlib.suppress(KeyboardInterrupt):
        run(serve())


if __name__ == "__main__":
    main()
