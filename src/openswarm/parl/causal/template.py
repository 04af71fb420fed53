"""Conversations as tokens, by the tokenizer's own chat template, so that no turn is read twice.

The first turn renders everything: system prompt, tools, brief. From then on the tokens of all turns
stay as they are, those that were sampled above all, and only what is new is rendered: behind a
stand-in for the reply, of which everything up to its end marker is cut off. That is right as long
as the template says the same of new messages whatever came before them, and leaves the beginning
alone. Both are tried out when a template is taken, and a template that fails is refused: one that
puts the tools before the last question, say, or that has no end marker. A template that would drop
the thoughts of earlier turns is taken, but its thoughts stay: the model goes on from what it wrote.

Special tokens that are spelled in a message are broken by a space, so that nothing which a tool
brings can end a turn. Knows no model and no run.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from openswarm.core.errors import SettingsError
from openswarm.core.messages import Message, ToolCall
from openswarm.llm.model import ToolSpec

if TYPE_CHECKING:
    from openswarm.parl.causal.adapter import Causal

_STANDIN = "Zq7replyZq7"
_TOOL = ToolSpec("look", "Looks.", '{"type": "object", "properties": {"at": {"type": "string"}}}')
_CALL = ToolCall(id="functions.look:0", name="look", arguments=json.dumps({"at": _STANDIN}))
_START = (Message(role="system", content="Be brief."), Message(role="user", content="Begin."))
_USER = Message(role="user", content="And then?")
_RESULT = Message(role="tool", content="Nothing there.", tool_call_id=_CALL.id)
_FOLLOWING = ((_USER,), (_RESULT,), (_RESULT, _RESULT), (_RESULT, _USER))
Entry = dict[str, Any]


class Template:
    """The chat template of a tokenizer, tried out."""

    def __init__(self, causal: "Causal", options: Mapping[str, Any] | None = None) -> None:
        """`options` are the template's own, such as `enable_thinking`.

        Raises `SettingsError` for a template with which earlier turns cannot stay as they are.
        """
        self._tokenizer = causal.tokenizer
        self._stops = causal.stops
        self._options = dict(options or {})
        marks = map(str, self._tokenizer.convert_ids_to_tokens(list(causal.stops)))
        self._end = re.compile("|".join(map(re.escape, marks)))
        self._special = _pattern_of(self._tokenizer)
        if not self._tokenizer.chat_template:
            raise SettingsError("the tokenizer has no chat template")
        try:
            self._try_out()
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            raise SettingsError(f"the chat template cannot be used: {error}") from None

    def begin(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The tokens of a whole conversation, up to where the next reply begins.

        Raises `ValueError` for a conversation that the template does not take.
        """
        return self._ids(self._render(messages, tools))

    def go_on(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The tokens from the end marker of the last reply up to where the next one begins.

        `messages` came since that reply; `tools` are those that the conversation began with.
        Raises `ValueError` for messages that the template does not take.
        """
        return self._ids(self._after(_START, messages, tools))

    def text(self, ids: Sequence[int]) -> str:
        """What some tokens say, without special ones."""
        words = [number for number in ids if number not in self._stops]
        return str(self._tokenizer.decode(words, skip_special_tokens=True))

    def _try_out(self) -> None:
        first = self._render(_START, [_TOOL], asks=False)
        longer = (*_START, Message(role="assistant", content="Well."), _USER)
        for following in _FOLLOWING:
            short = self._after(_START, following, [_TOOL])
            whole = self._render([*_START, _standin(following), *following], [_TOOL])
            if not whole.startswith(first):
                raise ValueError("it writes the beginning anew when a conversation goes on")
            if short != self._after(longer, following, [_TOOL]):
                raise ValueError("what it says of new messages depends on earlier ones")
            if self._ids(short)[0] not in self._stops:
                raise ValueError("the mark that ends a reply is not one token")

    def _after(
        self, before: Sequence[Message], messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> str:
        """The rendered text behind a stand-in for the last reply."""
        whole = self._render([*before, _standin(messages), *messages], tools)
        _, found, rest = whole.partition(_STANDIN)
        end = self._end.search(rest)
        if not found or end is None:
            raise ValueError("it does not show a reply, or the token that ends it")
        return rest[end.start() :]

    def _render(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, asks: bool = True
    ) -> str:
        """Raises `ValueError` for what the template does not take."""
        declared = [self._declared(tool) for tool in tools]
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    list(self._entries(messages)),
                    tools=declared or None,
                    tokenize=False,
                    add_generation_prompt=asks,
                    **self._options,
                )
            )
        except (TemplateError, TypeError, KeyError) as error:
            raise ValueError(f"the chat template refuses: {error}") from None

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _plain(self, text: str) -> str:
        """A text in which no special token is spelled."""
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _declared(self, tool: ToolSpec) -> Entry:
        function = {
            "name": tool.name,
            "description": self._plain(tool.description),
            "parameters": json.loads(self._plain(tool.parameters)),
        }
        return {"type": "function", "function": function}

    def _entries(self, messages: Iterable[Message]) -> Iterable[Entry]:
        """Messages as templates know them; those of the user that follow each other are one."""
        names: dict[str, str] = {}
        last: Entry = {}
        for message in messages:
            names.update((call.id, call.name) for call in message.tool_calls)
            entry: Entry = {"role": message.role, "content": self._plain(message.text)}
            if message.role == "user" and last.get("role") == "user":
                last["content"] += f"\n\n{entry['content']}"
                continue
            if message.role == "tool":
                entry |= {"tool_call_id": message.tool_call_id}
                entry |= {"name": names.get(message.tool_call_id, "tool")}
            if message.tool_calls:
                entry["tool_calls"] = [self._call(call) for call in message.tool_calls]
            if last:
                yield last
            last = entry
        if last:
            yield last

    def _call(self, call: ToolCall) -> Entry:
        arguments: Any = self._plain(call.arguments)
        with suppress(ValueError, RecursionError):
            arguments = json.loads(arguments)
        function = {"name": call.name, "arguments": arguments}
        return {"type": "function", "id": call.id, "function": function}


def _standin(following: Sequence[Message]) -> Message:
    """A reply before these messages: a call where results come first, else words."""
    if following and following[0].role == "tool":
        call = _CALL.model_copy(update={"id": following[0].tool_call_id})
        return Message(role="assistant", tool_calls=(call,))
    return Message(role="assistant", content=_STANDIN)


def _pattern_of(tokenizer: Any) -> re.Pattern[str]:
    """Finds the tokens of a tokenizer that are more than letters."""
    added = [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.special or token.content.startswith("<")
    ]
    names = {name for name in (*added, *tokenizer.all_special_tokens) if len(name.strip()) > 1}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
