"""What of a page a model sees: its visible elements by number, and the text from where it stands.

Asks `page.js`, which runs in the page. Its answers are the page's word: they are read strictly,
bounded, and shown inside a fence alone.
"""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openswarm.core.errors import ToolError
from openswarm.tools.browsing.chromium import ENGINE, playwright_error
from openswarm.tools.browsing.session import Session
from openswarm.tools.documents import Document, fence

if TYPE_CHECKING:
    from playwright.async_api import Frame

MOST_ELEMENTS = 80
MOST_IN_A_FRAME = 25
MOST_FRAMES = 8
NUMBERS_A_LOOK = MOST_ELEMENTS + MOST_FRAMES * MOST_IN_A_FRAME
"""How many numbers one look may give away."""
TEXT_CHARS = 2_000
FRAME_CHARS = 500
MOST_CHARS = 400_000
MOST_FOUND = 10


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


Form = TypeVar("Form", bound=_Answer)


class Element(_Answer):
    """Something in a page that can be acted on."""

    id: int = Field(ge=1)
    role: str = Field(max_length=20)
    name: str = Field(max_length=80)
    value: str = Field("", max_length=80)
    states: tuple[str, ...] = Field((), max_length=5)
    options: tuple[str, ...] = Field((), max_length=20)

    @property
    def line(self) -> str:
        """As it is shown: `[12] button "Search"`."""
        parts = [f'[{self.id}] {self.role} "{self.name}"']
        if self.value:
            parts.append(f'value "{self.value}"')
        parts += self.states
        if self.options:
            parts.append(f"of: {', '.join(self.options)}")
        return " ".join(parts)


class Text(_Answer):
    """Visible text of a frame; `cut` says that there is more."""

    text: str = Field("", max_length=MOST_CHARS + 1)
    cut: bool = False


class Found(_Answer):
    """Places of a frame in which words stand."""

    count: int = 0
    found: tuple[str, ...] = Field((), max_length=MOST_FOUND)


class Moved(_Answer):
    """Whether scrolling changed anything."""

    moved: bool = False


class _Look(Text):
    hidden: bool = False
    title: str = Field("", max_length=200)
    elements: tuple[Element, ...] = Field((), max_length=MOST_ELEMENTS)
    above: int = 0
    below: int = 0
    screen: float = 0.0
    screens: float = 0.0


class View(BaseModel):
    """A page as it is shown after an action."""

    model_config = ConfigDict(frozen=True)

    address: str
    title: str
    elements: tuple[Element, ...]
    text: str
    """Visible text from the top of the window on, bounded."""
    cut: bool
    above: int
    """Elements further up than the window."""
    below: int
    """Elements beyond the ones that are listed."""
    screen: float
    """How far it is scrolled, in heights of the window."""
    screens: float
    """How long it is."""
    notes: tuple[str, ...] = ()
    """What happened since the last look."""

    def shown(self) -> str:
        """The view as a document for a model."""
        lines = [f"title: {self.title}"] if self.title else []
        lines.append(f"scrolled {self.screen:.1f} of {max(self.screens, 1):.1f} screens")
        lines += [f"note: {note}" for note in self.notes]
        if self.above:
            lines.append(f"({self.above} elements further up)")
        lines += [element.line for element in self.elements]
        if self.below:
            lines.append(f"({self.below} more elements further down: scroll)")
        lines += ["", self.text.strip() or "(no visible text)"]
        if self.cut:
            lines.append("(more text: read, or scroll)")
        return fence(Document(self.address, "\n".join(lines)))


async def look(session: Session, first: int) -> View:
    """The page as it is now; elements that were never shown get numbers from `first` on.

    Raises `ToolError` for a page that does not answer.
    """
    page = session.page
    main, *others = page.frames
    top = await ask(
        session, main, _Look, "look", first=first, limit=MOST_ELEMENTS, chars=TEXT_CHARS
    )
    parts = [(main, top)]
    with anyio.move_on_after(session.timings.action_s):
        for frame in others[:MOST_FRAMES]:
            used = [element.id for _, part in parts for element in part.elements]
            part = await _look_into(session, frame, max([first - 1, *used]) + 1)
            if part is not None:
                parts.append((frame, part))
    session.show(
        {element.id: (frame, element.line) for frame, part in parts for element in part.elements}
    )
    texts = [part.text for _, part in parts]
    return View(
        address=page.url[:2_000],
        title=top.title,
        elements=tuple(element for _, part in parts for element in part.elements),
        text="\n".join(text for text in texts if text),
        cut=any(part.cut for _, part in parts),
        above=top.above,
        below=sum(part.below for _, part in parts),
        screen=top.screen,
        screens=top.screens,
        notes=tuple(session.take_notes()),
    )


async def read(session: Session) -> str:
    """All visible text of the page and its frames, bounded."""
    parts = await _ask_all(session, Text, "read", chars=MOST_CHARS)
    return "".join(part.text for part in parts)[:MOST_CHARS]


async def find(session: Session, words: str) -> list[Found]:
    """Where words stand, by frame; the window is moved to the first place."""
    return await _ask_all(session, Found, "find", text=words, limit=MOST_FOUND)


async def ask(
    session: Session, frame: "Frame", form: type[Form], what: str, **details: Any
) -> Form:
    """Puts a question of `page.js` to a frame. Raises `ToolError` when it does not answer."""
    question = quote(json.dumps({"ask": what, **details}), safe="")
    try:
        with anyio.fail_after(session.timings.action_s):
            text = await frame.locator(f"{ENGINE}={question}").text_content()
        return form.model_validate_json(text or "")
    except (playwright_error(), TimeoutError, ValidationError) as error:
        raise ToolError("the page does not answer; open it again, or another one") from error


async def _ask_all(session: Session, form: type[Form], what: str, **details: Any) -> list[Form]:
    """The answers of the page and of those of its frames that answer in time."""
    main, *others = session.page.frames
    answers = [await ask(session, main, form, what, **details)]
    with anyio.move_on_after(session.timings.action_s):
        for frame in others[:MOST_FRAMES]:
            with suppress(ToolError):
                answers.append(await ask(session, frame, form, what, **details))
    return answers


async def _look_into(session: Session, frame: "Frame", first: int) -> _Look | None:
    """What a frame inside of the page shows; None where it is hidden or does not answer."""
    limits = {"first": first, "limit": MOST_IN_A_FRAME, "chars": FRAME_CHARS}
    with suppress(ToolError):
        part = await ask(session, frame, _Look, "look", **limits)
        return None if part.hidden else part
    return None
