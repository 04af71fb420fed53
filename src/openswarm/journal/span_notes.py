"""What is noted inside spans: things that happened at one moment, from events."""

from openswarm.core.events import (
    Admitted,
    AnyEvent,
    ApprovalAsked,
    ApprovalGiven,
    Cancelled,
    CapacityChanged,
    ConflictFound,
    ContextCompacted,
    ContractDeclared,
    LimitHit,
    Nudged,
    Requeued,
    Resumed,
    Steered,
)
from openswarm.journal.span_words import Made, Words
from openswarm.journal.spans import word


def note_of(event: AnyEvent, words: Words) -> Made | None:
    """What to note of an event; None where it is nothing to note. Its name is the event's type."""
    match event:
        case Admitted() | Resumed():
            return {}
        case Requeued():
            return {"swarm.reason": word(event.reason), "swarm.wait_s": event.wait_s}
        case Steered():
            return {"swarm.by": word(event.by), "swarm.text": words.of(event.text)}
        case Nudged():
            return {"swarm.text": words.of(event.text)}
        case Cancelled():
            return {"swarm.verb": event.verb, "swarm.by": word(event.by)}
        case LimitHit():
            return {"swarm.limit": word(event.limit), "swarm.message": words.of(event.message)}
        case ContextCompacted():
            return _compacted(event)
        case _:
            return _of_the_run(event, words)


def _of_the_run(event: AnyEvent, words: Words) -> Made | None:
    match event:
        case CapacityChanged():
            return {
                "swarm.resource": word(event.resource.rpartition("@")[2]),  # no credentials
                "swarm.capacity": event.capacity,
                "swarm.reason": word(event.reason),
            }
        case ContractDeclared():
            return {"swarm.by": event.by, "swarm.columns": tuple(map(word, event.contract.names))}
        case ConflictFound():
            return {"swarm.column": word(event.column), "swarm.rule": word(event.rule)}
        case ApprovalAsked():
            return {"gen_ai.tool.name": word(event.tool), "swarm.command": words.of(event.command)}
        case ApprovalGiven():
            return {"swarm.answer": event.answer, "swarm.by": word(event.by)}
        case _:
            return None


def _compacted(event: ContextCompacted) -> Made:
    return {
        "swarm.strategy": word(event.strategy),
        "swarm.messages_before": event.messages_before,
        "swarm.messages_after": event.messages_after,
        "swarm.input_tokens": event.usage.input_tokens or None,
        "swarm.output_tokens": event.usage.output_tokens or None,
        "swarm.cost_usd": event.cost_usd,
    }
