"""What tests of telemetry share: what holds for all spans of a run, and a tree as readable text."""

import math
from collections import defaultdict
from collections.abc import Sequence

from openswarm.journal.spans import MAX_EVENTS, Attributes, Span

GENAI_NAMES = {
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.conversation.id", "gen_ai.agent.id",
    "gen_ai.agent.name", "gen_ai.request.model", "gen_ai.response.model",
    "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.type", "error.type",
}  # fmt: skip
"""All names beside `swarm.…` that may be used."""
CONTENT_NAMES = {
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
}  # fmt: skip
"""And these, where content is exported."""
OPERATIONS = ("invoke_workflow", "invoke_agent", "chat", "execute_tool")
VARYING = ("swarm.queued_s", "swarm.version", "swarm.max_in_flight")


def check_tree(spans: Sequence[Span], *, content: bool = False) -> None:
    """What holds for the spans of every journal, whole or torn, honest or not."""
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    assert len({span.trace_id for span in spans}) <= 1
    for span in spans:
        assert (len(span.trace_id), len(span.span_id)) == (32, 16)
        assert 0 <= span.start <= span.end < math.inf
        assert all(link in by_id for link in span.links)
        assert len(span.events) <= MAX_EVENTS
        assert all(span.start <= event.at <= span.end for event in span.events), span
        if span.parent_id:
            parent = by_id[span.parent_id]
            assert parent.start <= span.start, (span, parent)
            assert span.end <= parent.end, (span, parent)
            assert span.top_id == parent.top_id
        else:
            assert span.top_id == span.span_id
        check_names(span, content=content)


def check_names(span: Span, *, content: bool) -> None:
    """The names of a span and of all that it says, and that its values can be written."""
    operation = span.attributes["gen_ai.operation.name"]
    assert operation in OPERATIONS
    assert span.name.split(" ")[0] == operation
    assert span.attributes.get("error.type", "") == span.error
    assert (span.kind == "client") == (operation == "chat")
    known = GENAI_NAMES | (CONTENT_NAMES if content else set())
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        assert not {n for n in attributes if not n.startswith("swarm.")} - known
        assert all(map(is_writable, attributes.values())), attributes
    assert all(event.name.startswith("swarm.") for event in span.events)


def is_writable(value: object) -> bool:
    """Whether any exporter can write a value."""
    match value:
        case bool():
            return True
        case str():
            return bool(value.encode())
        case int():
            return abs(value) < 2**63
        case float():
            return math.isfinite(value)
        case tuple():
            return bool(value) and all(isinstance(part, str) for part in value)
    return False


def shown(spans: Sequence[Span]) -> str:
    """The tree as text: names, errors, our own attributes, and what happened in each span."""
    children: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda s: (s.start, str(s.attributes.get("gen_ai.agent.id")))):
        children[span.parent_id].append(span)
    lines: list[str] = []

    def add(parent_id: str, depth: int) -> None:
        for span in children[parent_id]:
            lines.append("  " * depth + line_of(span))
            add(span.span_id, depth + 1)

    add("", 0)
    return "\n".join(lines)


def line_of(span: Span) -> str:
    """One span as a line."""
    error = f" FAILED({span.error})" if span.error else ""
    happened = [event.name.removeprefix("swarm.") for event in span.events]
    return f"{span.name}{error}{own(span.attributes)}{f' {happened}' if happened else ''}"


def own(attributes: Attributes) -> str:
    """Our own attributes that are the same in each run."""
    mine = {
        name.removeprefix("swarm."): value
        for name, value in attributes.items()
        if name.startswith("swarm.") and name not in VARYING
    }
    return "".join(f" {name}={value}" for name, value in mine.items())


def only(spans: Sequence[Span], name: str) -> Span:
    """The one span of that name."""
    (span,) = [span for span in spans if span.name == name]
    return span
