"""How the tool is called and made, without a browser: parameters, effects, what is missing."""

import json
from contextlib import AsyncExitStack
from importlib import util
from pathlib import Path

import pytest
from pydantic import ValidationError

from openswarm.core.errors import SettingsError, UserError
from openswarm.core.tooling import ToolSettings, WebSettings
from openswarm.tools.browser import BrowserParams, browse, open_browser
from openswarm.tools.browsing.chromium import can_confine, find_chromium
from openswarm.tools.browsing.look import Element
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool

pytestmark = pytest.mark.anyio


def program(folder: Path, name: str = "chromium") -> Path:
    """An executable file."""
    file = folder / name
    file.write_text("#!/bin/sh\n", encoding="ascii")
    file.chmod(0o755)
    return file


async def made(stack: AsyncExitStack, path: Path, browser: str = "") -> Tool:
    """The tool, made where the PATH is this folder."""
    settings = ToolSettings(web=WebSettings(browser=browser))
    setup = ToolSetup(Path(), Path(), settings=settings, environ={"PATH": str(path)})
    return await open_browser(setup, stack)


@pytest.mark.requirement("browser.missing")
async def test_without_chromium_the_error_says_what_to_install(tmp_path: Path) -> None:
    """Before a model ever calls it."""
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match="apt install chromium"):
            await made(stack, tmp_path)


@pytest.mark.requirement("browser.missing")
async def test_without_playwright_the_error_names_the_extra(tmp_path: Path, monkeypatch) -> None:
    """Which brings it."""
    program(tmp_path)
    found = util.find_spec
    hidden = "openswarm.tools.browsing.chromium.find_spec"
    monkeypatch.setattr(hidden, lambda name: None if name == "playwright" else found(name))
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"pip install 'openswarm\[web\]'"):
            await made(stack, tmp_path)


@pytest.mark.requirement("browser.missing")
async def test_a_browser_that_was_set_must_be_there(tmp_path: Path) -> None:
    """By its path or its name; no other one takes its place."""
    program(tmp_path)
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"no browser nowhere-chrome.*web\.browser"):
            await made(stack, tmp_path, "nowhere-chrome")


def test_a_browser_is_looked_for_on_the_path(tmp_path: Path) -> None:
    """Unless its own path is given."""
    program(tmp_path)
    own = program(tmp_path, "my-chrome")
    assert find_chromium("", {"PATH": str(tmp_path)}) == str(tmp_path / "chromium")
    assert find_chromium("my-chrome", {"PATH": str(tmp_path)}) == str(own)
    assert find_chromium(str(own), {"PATH": "/nowhere"}) == str(own)


def test_chromium_confines_itself_where_the_kernel_lets_it(tmp_path: Path, monkeypatch) -> None:
    """Not as root."""
    (tmp_path / "user").mkdir()
    limit = tmp_path / "user" / "max_user_namespaces"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert can_confine(tmp_path)
    limit.write_text("0\n", encoding="ascii")
    assert not can_confine(tmp_path)
    limit.write_text("96365\n", encoding="ascii")
    assert can_confine(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert not can_confine(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"action": "open"}, "open needs url"),
        ({"action": "click"}, "click needs element"),
        ({"action": "type", "text": "x"}, "type needs element"),
        ({"action": "type", "element": 1}, "type needs text"),
        ({"action": "press", "element": 1, "text": ""}, "press needs text"),
        ({"action": "find", "text": ""}, "find needs text"),
        ({"action": "find", "text": "x" * 201}, "at most 200"),
        ({"action": "submit"}, "Input should be 'open'"),
        ({"action": "click", "element": 0}, "greater than or equal to 1"),
        ({"action": "read", "page": 0}, "greater than or equal to 1"),
        ({"action": "scroll", "screens": 1e9}, "less than or equal to 50"),
        ({"action": "back", "script": "x"}, "Extra inputs"),
        *(
            ({"action": "open", "url": url}, "only addresses that begin with")
            for url in ("file:///etc/passwd", "javascript:alert(1)", "chrome://crash",
                        "about:blank", "data:text/html,x", "view-source:http://a.de", "example.com",
                        "http://", "ftp://a.de/", "//a.de", "blob:http://a.de/1",
                        "\thttps", "http:/x")
        ),
        ({"action": "open", "url": "https://api.example.com@evil.example/"}, "user name"),
        ({"action": "open", "url": "http://a.de:99999/"}, "Port out of range"),
        ({"action": "open", "url": "http://[::1/"}, "Invalid IPv6"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_what_is_wrong(arguments: dict, problem: str) -> None:
    """Before anything happens."""
    with pytest.raises(ValidationError, match=problem):
        BrowserParams.model_validate_json(json.dumps(arguments))


@pytest.mark.requirement("browser.guard")
async def test_what_a_page_can_answer_is_asked_about(tmp_path: Path) -> None:
    """Looking is not; the person who approves sees what is to be done."""
    program(tmp_path)
    async with AsyncExitStack() as stack:
        tool = await made(stack, tmp_path)
        calls = {
            "click": {"element": 3},
            "type": {"element": 3, "text": "Ada", "submit": True},
            "press": {"element": 3, "text": "Enter"},
            "select": {"element": 3, "text": "Blue"},
        }
        effects = {
            action: tool.effect(tool.params(action=action, **more)).command
            for action, more in calls.items()
        }
        assert effects == {
            "click": "browser click [3]",
            "type": "browser type 'Ada' in [3], then Enter",
            "press": "browser press 'Enter' in [3]",
            "select": "browser select 'Blue' in [3]",
        }
        for action in ("scroll", "back", "read", "screenshot"):
            assert tool.effect(tool.params(action=action)) is None
        assert tool.effect(tool.params(action="open", url="https://a.de/?q=1")) is None
        assert tool.effect(tool.params(action="find", text="x")) is None
        assert (tool.read_only, tool.repeatable, tool.resource) == (False, False, "browser")


async def test_browse_refuses_what_is_no_web_address() -> None:
    """Before it looks for a browser."""
    with pytest.raises(UserError, match="only addresses that begin with http"):
        await browse("file:///etc/passwd")


def test_an_element_is_one_line() -> None:
    """With what is known of it."""
    element = Element(id=7, role="list", name="Colour", value="Red", options=("Red", "Blue"))
    assert element.line == '[7] list "Colour" value "Red" of: Red, Blue'
    box = Element(id=8, role="checkbox", name="", states=("checked", "disabled"))
    assert box.line == '[8] checkbox "" checked disabled'
