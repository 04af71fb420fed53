"""Scripted models whose thoughts carry a signature, as Anthropic's do, or whose replies break."""

import json
from dataclasses import replace

from openswarm.core.errors import Fault, ModelError
from openswarm.llm.model import Delta, OnDelta, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel

LAYOUT = json.dumps([["thinking", 13, "proof+/=of-the-backend"], ["call"], ["call"]])
"""Opaque to the server: only the backend's own client reads it."""


class Proving(ScriptedModel):
    """Signs every reply that thinks."""

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        reply = await super().reply(request, on_delta)
        if not reply.message.reasoning:
            return reply
        return replace(reply, message=reply.message.model_copy(update={"signature": LAYOUT}))


def thought_and_called(*cities: str, text: str = "") -> Say:
    """A reply that looks cities up, all at once."""
    made = tuple(("look_up", {"city": city}) for city in cities)
    return Say(text, calls=made, reasoning="Both at once.")


class Breaking(ScriptedModel):
    """Ends every reply in its middle."""

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """Says half of it. Raises `ModelError`."""
        on_delta(Delta("text", "Half a"))
        raise ModelError(Fault.BROKEN, "the stream ended in the middle")
