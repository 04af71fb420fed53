"""Calls of a run and decisions of the policy: how one is written as the other, both ways.

Owns the words of the briefs that the policy's decisions become, and what a call that is already
there, whoever made it, would have been as a decision. Knows no conversation.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openswarm.core.messages import ToolCall
from openswarm.llm.policy.language import Call
from openswarm.llm.policy.naming import Document, Names, without_list
from openswarm.llm.policy.vocabulary import AGENTS, ASSIGN, CREATE, DEFAULT_AGENT, OPEN, ROLE

BATCH = "assign_batch"
REPORT = "report"
"""The tool with which an agent that works alone hands in rows."""
ITEM = "{{item}}"


@dataclass(frozen=True, slots=True)
class Told:
    """A call of the run, or one item of it, as a decision."""

    id: str
    """Of the call in the run."""
    call: Call
    item: str = ""
    """Of a batch."""
    page: int = 0
    """That was opened."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the wording of calls depends on."""

    question: str
    documents: Sequence[Document]
    first: int
    """The number of the first document."""
    columns: int
    """Of the table that is asked for."""

    def written(self, call: Call, page: int, offered: Collection[str]) -> ToolCall:
        """A decision in the words of the run, `page` being what is read next of its document.

        A row is assigned by its key where the question says how that is written; where it was made
        of a file's name the sub-agent finds out. The call's id is not given yet.
        """
        if call.tool == CREATE:
            return _call(CREATE, name=call.agent, system_prompt=ROLE)
        document = self.documents[call.document - self.first]
        if call.tool == OPEN:
            return _call(OPEN, document=document.name, page=page)
        if self.columns and BATCH in offered and (document.named or ASSIGN not in offered):
            asked = without_list(self.question).strip()
            template = f"{asked}\n\nYour part of it: the row of {ITEM}, in {document.name}."
            return _call(BATCH, agent=call.agent, prompt_template=template, items=[document.item])
        asked = f"{self.question}\n\nYour part of it is the document {document.name}."
        return _call(ASSIGN, agent=call.agent, prompt=asked)

    def told(self, calls: Sequence[ToolCall]) -> list[Told]:
        """Calls of the run as decisions. What is no decision, or about no document, is left out."""
        names = Names(self.documents)
        return [told for call in calls for told in self._told(call, names)]

    def _told(self, call: ToolCall, names: Names) -> Iterator[Told]:
        arguments = _arguments(call)
        if call.name == CREATE and arguments.get("name") in AGENTS:
            yield Told(call.id, Call(CREATE, arguments["name"]))
        elif call.name == OPEN:
            place, page = names.only(_text(arguments, "document")), arguments.get("page", 1)
            if place is not None:
                page = page if type(page) is int and page > 0 else 1
                yield Told(call.id, Call(OPEN, document=self.first + place), page=page)
        elif call.name in {ASSIGN, BATCH} and _is_known(arguments.get("agent")):
            yield from self._assigned(call, arguments, names)

    def _assigned(
        self, call: ToolCall, arguments: Mapping[str, Any], names: Names
    ) -> Iterator[Told]:
        """An assignment is about the document that its item names, or else its brief."""
        if call.name == ASSIGN:
            brief, items = _text(arguments, "prompt").removeprefix(self.question), [""]
        else:
            asked = without_list(self.question).strip()
            brief = _text(arguments, "prompt_template").removeprefix(asked)
            given = arguments.get("items")
            items = given if isinstance(given, list) else []
        for item in (item.strip() for item in items if isinstance(item, str)):
            place = names.only(item)
            if place is None:
                place = names.only(brief.replace(ITEM, item))
            if place is not None:
                yield Told(call.id, Call(ASSIGN, arguments["agent"], self.first + place), item)


def own_arguments(call: Call) -> str:
    """The arguments of a decision in the narrow language."""
    if call.tool == CREATE:
        return json.dumps({"name": call.agent, "system_prompt": ROLE})
    if call.tool == OPEN:
        return json.dumps({"document": str(call.document)})
    return json.dumps({"agent": call.agent, "prompt": str(call.document)})


def _call(tool: str, /, **arguments: object) -> ToolCall:
    return ToolCall(id="", name=tool, arguments=json.dumps(arguments, ensure_ascii=False))


def _arguments(call: ToolCall) -> dict[str, Any]:
    """What a call says, strictly read; {} for what is no object."""
    try:
        value = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name, "")
    return value if isinstance(value, str) else ""


def _is_known(agent: object) -> bool:
    return agent == DEFAULT_AGENT or agent in AGENTS
