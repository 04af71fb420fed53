"""What an agent can do to its page. Each action returns a word on what was done, ours alone.

What a page or playwright says of a failure never reaches those words: it may quote the page.
"""

import re
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from openswarm.core.errors import Fault, ToolError
from openswarm.tools.browsing.chromium import playwright_error
from openswarm.tools.browsing.look import Moved, ask
from openswarm.tools.browsing.session import Session
from openswarm.tools.web.failures import fault_of, refusal

if TYPE_CHECKING:
    from playwright.async_api import Locator, Response

PORTS = {"http": 80, "https": 443}
LATE_S = 2.0
"""What playwright's own limit may be exceeded by before its call is given up."""
ERROR_PAGE = "chrome-error://chromewebdata/"
NETWORK_ERROR = re.compile(r"net::(ERR_[A-Z_]+)")
REASONS = {
    "ERR_TOO_MANY_REDIRECTS": "it redirects in circles",
    "ERR_NAME_NOT_RESOLVED": "there is no host of this name",
    "ERR_EMPTY_RESPONSE": "the server sent nothing",
    "ERR_CONNECTION_RESET": "the server broke the connection off",
    "ERR_ABORTED": "it is no page but a file, or the page cancelled it; fetch may read it",
    "ERR_UNSAFE_PORT": "browsers do not use this port",
    "ERR_SOCKS_CONNECTION_FAILED": "no connection came about",
}
BACK_HAS_NOTHING = "there is no earlier page to go back to"


async def open_page(session: Session, url: str) -> str:
    """Goes to an address. Raises `ToolError`, and `WebError` where the host wants a pause."""
    before = session.page.url
    try:
        with anyio.fail_after(session.timings.navigation_s + LATE_S):
            response = await session.page.goto(url, wait_until="domcontentloaded")
    except playwright_error() as error:
        if f'interrupted by another navigation to "{url}"' in str(error):
            return await _under_way(session, url)
        if not _is_late(error):
            await _at_rest_in_error(session, error)
            raise ToolError(f"{url} did not open: {_why_not(session, error)}") from error
    except TimeoutError:
        pass  # playwright itself was late
    else:
        return _opened(response)
    if session.page.url in (before, "about:blank"):
        with suppress(playwright_error()):
            await session.page.goto("about:blank")  # what may still come is not waited for
        raise ToolError(f"{url} sent no page within {session.timings.navigation_s:g} s")
    return f"the page is still loading after {session.timings.navigation_s:g} s"


async def _under_way(session: Session, url: str) -> str:
    """The page comes by itself: an earlier call set out for it, and was cut off before it knew."""
    try:
        await session.page.wait_for_url(lambda at: at == url, wait_until="domcontentloaded")
    except playwright_error() as error:
        raise ToolError(f"{url} did not open: {_why_not(session, error)}") from error
    return "opened"


async def go_back(session: Session) -> str:
    """To the page before this one."""
    before = session.page.url
    response = await _acted(session, "back", session.page.go_back(wait_until="domcontentloaded"))
    if response is None and session.page.url == before:
        raise ToolError(BACK_HAS_NOTHING)
    if session.page.url == "about:blank":
        await _acted(session, "back", session.page.go_forward(wait_until="domcontentloaded"))
        raise ToolError(BACK_HAS_NOTHING)
    return "went back"


async def click(session: Session, element: int) -> str:
    """On the middle of an element."""
    target = await located(session, element)
    await _acted(session, f"click on [{element}]", target.click(no_wait_after=True))
    return f"clicked [{element}]"


async def type_text(session: Session, element: int, text: str, *, submit: bool) -> str:
    """Into a field, in the place of what stands there; `submit` presses Enter after it."""
    target = await located(session, element)
    await _acted(session, f"type into [{element}]", target.fill(text))
    if submit:
        await _acted(session, f"Enter in [{element}]", target.press("Enter", no_wait_after=True))
    return f"typed into [{element}]" + (" and pressed Enter" if submit else "")


async def press(session: Session, element: int, key: str) -> str:
    """A key, while an element has the focus."""
    target = await located(session, element)
    await _acted(session, f"{key!r} in [{element}]", target.press(key, no_wait_after=True))
    return f"pressed {key} in [{element}]"


async def select(session: Session, element: int, option: str) -> str:
    """An option of a list, by its label or value."""
    target = await located(session, element)
    await _acted(session, f"select in [{element}]", target.select_option(option))
    return f"selected in [{element}]"


async def scroll_to(session: Session, element: int) -> str:
    """Until an element is in the window."""
    target = await located(session, element)
    await _acted(session, f"scroll to [{element}]", target.scroll_into_view_if_needed())
    return f"scrolled to [{element}]"


async def scroll_by(session: Session, screens: float) -> str:
    """By heights of the window, up if negative."""
    answer = await ask(session, session.page.main_frame, Moved, "scroll", screens=screens)
    return "scrolled" if answer.moved else "it does not scroll any further"


async def located(session: Session, element: int) -> "Locator":
    """Where an element is. Raises `ToolError` if it is not there (any more)."""
    target = session.locator(element)
    stale = f"[{element}] is not on the page any more; take a number from the latest answer"
    if target is None:
        raise ToolError(stale)
    try:
        with anyio.fail_after(session.timings.action_s):
            if await target.count():
                return target
    except (playwright_error(), TimeoutError) as error:
        raise ToolError(f"the page did not say where [{element}] is; look again") from error
    raise ToolError(stale)


def _is_late(error: Exception) -> bool:
    """Whether playwright waited in vain."""
    return type(error).__name__ == "TimeoutError"


async def _acted(
    session: Session, what: str, action: Awaitable["Response | object | None"]
) -> object:
    """What an action of playwright's gave. Raises `ToolError` with a reason of ours."""
    try:
        with anyio.fail_after(session.timings.navigation_s + LATE_S):
            return await action
    except (playwright_error(), TimeoutError) as error:
        raise ToolError(f"{what} did not work: {_why_no_action(error)}") from error


SIGNS: dict[str, str] = {
    "intercepts pointer events": "something lies over it; close that first, or scroll",
    "element is not enabled": "it is disabled",
    "element is not visible": "it is not visible; scroll, or open what hides it",
    "element is not stable": "it keeps moving; try again",
    "did not find some options": "there is no such option; the options stand behind the element",
    "not an <input>": "nothing can be typed there",
    "cannot be filled": "nothing can be typed there in this way; press keys, or click",
    "element is not a <select>": "it is no list; click it, then click an option",
    "unknown key": "there is no such key; name it as Enter, Escape, Tab, ArrowDown, a",
    "has been closed": "the page is gone",
    "timeout": "it took too long",
}
"""What playwright says in its errors, in small letters, and what it means to an agent."""


def _why_no_action(error: Exception) -> str:
    text = str(error).lower()
    return next((meaning for sign, meaning in SIGNS.items() if sign in text), "it refused")


async def _at_rest_in_error(session: Session, error: Exception) -> None:
    """Waits for Chromium's own page about the error, which would cut the next navigation off."""
    code = NETWORK_ERROR.search(str(error))
    if code is not None and code[1] != "ERR_ABORTED":
        with suppress(playwright_error()):
            await session.page.wait_for_url(ERROR_PAGE, timeout=1000 * LATE_S)


def _why_not(session: Session, error: Exception) -> str:
    """Why a page did not open, as the door knows it or as Chromium's code says."""
    place = urlsplit(session.heading)
    refused = session.door.why(place.hostname or "", place.port or PORTS.get(place.scheme, 0))
    if refused:
        return refused
    if "Download is starting" in str(error):
        return REASONS["ERR_ABORTED"]
    code = NETWORK_ERROR.search(str(error))
    if code is None:
        return "the page went elsewhere meanwhile"
    if code[1].startswith("ERR_CERT"):
        return f"its certificate is not valid ({code[1]})"
    return REASONS.get(code[1], code[1])


def _opened(response: "Response | None") -> str:
    if response is None or response.status < 400:
        return "opened"
    if fault_of(response.status) is Fault.THROTTLED:
        raise refusal(response.status, response.headers)
    return f"opened; the server answered with status {response.status}"
