"""Known secrets never reach a journal: no event, no blob, no observer, on disk or in memory."""

import base64
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from every_event import every_event, free_texts

from openswarm.core.contract import Column, Contract
from openswarm.core.errors import JournalError
from openswarm.core.events import (
    EVENT,
    AnyEvent,
    Content,
    ContractDeclared,
    ModelReplied,
    Tick,
    ToolsOpened,
)
from openswarm.core.messages import Message, ToolCall
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import MemoryJournal, Stamping, unchanged
from openswarm.journal.redact import MARK
from openswarm.tools.secrets import make_scrub

SECRET = 'Tr0ubadour"and/3 xkcd&'
SCRUB = make_scrub([SECRET])
BASIC = base64.b64encode(f"me:{SECRET}".encode()).decode()
WRITTEN = [SECRET, quote(SECRET, safe=""), html.escape(SECRET), json.dumps(SECRET)[1:-1], BASIC]
CORE, CORE64 = "Tr0ubadour", BASIC[5:20]
"""What stands in every form, and in base64."""
PLACE = "PLACE-OF-THE-SECRET"


@pytest.fixture(params=["memory", "folder"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stamping]:
    """A journal that knows the secret."""
    if request.param == "memory":
        made: Stamping = MemoryJournal()
        made.scrub = SCRUB
        yield made
        return
    folder = FolderJournal.create(tmp_path / "run")
    folder.scrub = SCRUB
    yield folder
    folder.close()


def all_bytes(folder: Path) -> bytes:
    """Everything that stands in a folder."""
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def is_clean(text: str) -> bool:
    """Whether the secret stands nowhere in a text."""
    return CORE not in text and CORE64 not in text


def put(value: Any, form: str) -> Any:
    """The JSON value with a form of the secret where `PLACE` stands, also in JSON inside of it."""
    match value:
        case str() if value[:1] in ("{", "["):
            return json.dumps(put(json.loads(value), form))
        case str():
            return value.replace(PLACE, form)
        case list():
            return [put(entry, form) for entry in value]
        case dict():
            return {put(key, form): put(entry, form) for key, entry in value.items()}
    return value


def events_with(form: str, contents: list[Content]) -> list[AnyEvent]:
    """Events of every type with a form of the secret wherever any text may stand."""
    made = every_event(f"a {PLACE} b", [Content(text=f"a {PLACE} b"), *contents])
    lines = [put(json.loads(event.model_dump_json()), form) for event in made]
    return [EVENT.validate_json(json.dumps(line)) for line in lines]


def talk_with(form: str) -> str:
    """A conversation whose texts and whose call hold it."""
    text = f"a {PLACE} b"
    call = ToolCall(id=text, name=text, arguments=json.dumps({text: json.dumps({"x": text})}))
    message = Message(role="assistant", content=text, reasoning=text, tool_calls=(call,))
    return json.dumps(put([message.model_dump() for _ in range(50)], form))


@pytest.mark.requirement("http.redaction")
@pytest.mark.parametrize("form", WRITTEN)
def test_no_event_of_any_type_holds_a_secret_in_any_form(
    journal: Stamping, tmp_path: Path, form: str
) -> None:
    seen: list[AnyEvent | Tick] = []
    journal.observe(seen.append)
    contents = [journal.keep(f"a {form} b " * 500), journal.keep(talk_with(form))]
    made = events_with(form, contents)
    assert all(CORE in text or CORE64 in text for event in made for text in free_texts(event))
    returned = [journal.append(event) for event in made]

    events = list(journal.events())
    assert [event for event in seen if not isinstance(event, Tick)] == events == returned
    assert len(events) == len(made)
    texts = [text for event in events for text in free_texts(event)]
    assert len(texts) > 300 and all(MARK in text and is_clean(text) for text in texts)
    assert all(is_clean(event.model_dump_json()) for event in events)
    for content in contents:
        assert is_clean(journal.read(content)) and MARK in journal.read(content)
    entries = [Message.model_validate(entry) for entry in json.loads(journal.read(contents[1]))]
    assert len(entries) == 50 and all(MARK in entry.text for entry in entries)
    if isinstance(journal, FolderJournal):
        journal.close()
        written = all_bytes(tmp_path / "run")
        assert len(written) > 10_000 and is_clean(written.decode())


@pytest.mark.requirement("http.redaction")
def test_nothing_but_the_secret_is_taken_out_of_an_event(journal: Stamping) -> None:
    blob = Content(blob="a" * 64)
    for event in events_with(SECRET, [blob]):
        journal.append(event)
    expected = MemoryJournal()
    for event in events_with(MARK, [blob]):
        expected.append(event)
    for before, after in zip(expected.events(), journal.events(), strict=True):
        assert after == before.model_copy(update={"at": after.at, "run": after.run})


def test_an_event_without_a_secret_stays_the_very_same(journal: Stamping) -> None:
    event = ToolsOpened(tools=("fetch",), notes=("Tr0uba and other words",))
    assert journal.append(event) is event


@pytest.mark.requirement("http.redaction")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_bytes_are_kept_without_the_secret_and_otherwise_as_they_came(
    journal: Stamping, encoding: str
) -> None:
    around = "größer ".encode(encoding)
    name = journal.keep_bytes(around + SECRET.encode() + around)
    assert journal.read_bytes(name) == around + MARK.encode() + around
    picture = bytes(range(256)) * 40
    assert journal.read_bytes(journal.keep_bytes(picture)) == picture


def test_the_name_of_a_blob_is_no_text(tmp_path: Path) -> None:
    """Though a secret stands in a hash by chance."""
    journal = MemoryJournal()
    name = journal.keep_bytes(b"a page")
    journal.scrub = make_scrub([name[10:20]])
    event = journal.append(ModelReplied(model=name[10:20], text=Content(blob=name)))
    assert event.text.blob == name and event.model == MARK
    numbers = make_scrub(["12345678"])
    journal.scrub = numbers
    assert journal.append(ModelReplied(model="m", text=Content(text="12345678"))).text.text == MARK


def test_an_event_that_would_be_none_without_the_secret_is_not_written(journal: Stamping) -> None:
    journal.scrub = lambda text: text.replace("user", MARK)
    contract = Contract(columns=(Column(name="copper"),), key=("copper",))
    with pytest.raises(JournalError, match="ContractDeclared cannot be written") as raised:
        journal.append(ContractDeclared(contract=contract, by="user"))
    assert raised.value.kind == "secret"
    assert list(journal.events()) == []
    assert journal.append(ToolsOpened(tools=())).seq == 1


def test_a_journal_that_knows_no_secret_looks_at_nothing() -> None:
    journal = MemoryJournal()
    assert journal.scrub is unchanged
    asked: list[str] = []
    observed: Callable[[str], str] = lambda text: asked.append(text) or text  # noqa: E731
    journal.append(ToolsOpened(tools=()))
    assert asked == []
    journal.scrub = observed
    journal.append(ToolsOpened(tools=()))
    assert len(asked) == 1
