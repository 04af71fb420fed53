"""Each action of the tool in a real Chromium, against pages on loopback."""

import base64
from dataclasses import replace

import pytest
from aiohttp import web
from browsing_site import NO_CHROMIUM, QUICK, Hand, Site, browsing, named

from openswarm.core.errors import ToolError
from openswarm.core.events import ArtifactKept
from openswarm.journal.journal import MemoryJournal
from openswarm.tools.browser import browse
from openswarm.tools.documents import fenced

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_CHROMIUM, reason="no Chromium is installed: apt install chromium"),
]

FORM = """<title>A form</title><h1>Order</h1>
<form action="/sent"><label>Name <input name="name"></label>
<select name="colour" aria-label="Colour"><option>Red<option value="b">Blue</select>
<label><input type="checkbox" name="agree"> I agree</label>
<input type="password" aria-label="Secret" value="hunter2"><button>Send</button></form>
<button disabled>Off</button><p>Below the form.</p>"""


async def sent(request: web.Request) -> web.Response:
    """What a form sent."""
    said = ", ".join(f"{name}={value}" for name, value in sorted(request.query.items()))
    return web.Response(text=f"<title>Thanks</title><p>Got {said}.</p>", content_type="text/html")


@pytest.mark.requirement("browser.real")
async def test_open_shows_title_elements_and_text_as_a_document(site: Site, hand: Hand) -> None:
    """Under the page's address, with the states of fields and without a password."""
    site.pages["/form"] = FORM
    result = await hand.do("open", url=site.url("/form"))
    (document,) = fenced(result.text)
    assert document.source == site.url("/form")
    assert "title: A form" in document.text
    assert 'list "Colour" value "Red" of: Red, Blue' in document.text
    assert 'button "Off" disabled' in document.text
    assert 'password "Secret"' in document.text
    assert "hunter2" not in result.text
    assert "Below the form." in document.text
    assert result.text.startswith("opened\n")


@pytest.mark.requirement("browser.real")
async def test_a_form_is_filled_and_sent(site: Site, hand: Hand) -> None:
    """Typed, selected, clicked, and the page that answers is seen."""
    site.pages |= {"/form": FORM, "/sent": sent}
    view = await hand.view("open", url=site.url("/form"))
    await hand.view("type", element=named(view, "Name"), text="Ada")
    view = await hand.view("select", element=named(view, "Colour"), text="Blue")
    view = await hand.view("click", element=named(view, "I agree"))
    box = next(element for element in view.elements if element.name == "I agree")
    assert box.states == ("checked",)
    view = await hand.view("click", element=named(view, "Send"))
    assert view.title == "Thanks"
    assert "Got agree=on, colour=b, name=Ada." in view.text


async def test_typing_replaces_what_stood_there_and_can_submit(site: Site, hand: Hand) -> None:
    """By Enter, as a person would."""
    site.pages |= {"/form": FORM, "/sent": sent}
    view = await hand.view("open", url=site.url("/form"))
    field = named(view, "Name")
    await hand.view("type", element=field, text="first")
    view = await hand.view("type", element=field, text="second", submit=True)
    assert "name=second" in view.text


async def test_keys_are_pressed_where_they_are_meant(site: Site, hand: Hand) -> None:
    """And a key that is none is named as such."""
    site.pages["/keys"] = """<input aria-label="Field" onkeydown="out.textContent='key '+event.key">
        <p id="out"></p>"""
    view = await hand.view("open", url=site.url("/keys"))
    field = named(view, "Field")
    assert "key ArrowDown" in (await hand.view("press", element=field, text="ArrowDown")).text
    wrong = await hand.do("press", element=field, text="Any Key")
    assert not wrong.ok
    assert "there is no such key" in wrong.text


@pytest.mark.requirement("browser.real")
async def test_what_scripts_make_is_seen(site: Site, hand: Hand) -> None:
    """Also when they ask the server for it first, and after a click without a new page."""

    async def slow(_: web.Request) -> web.Response:
        return web.json_response({"items": ["copper", "zinc"]})

    site.pages["/items"] = slow
    site.pages["/app"] = """<title>App</title><div id="list"></div>
        <div style="cursor:pointer" id="more">More</div><script>
        const load = async () => { const r = await fetch('/items');
          for (const item of (await r.json()).items)
            list.insertAdjacentHTML('beforeend', '<p>' + item + '</p>'); };
        load(); more.onclick = load; </script>"""
    view = await hand.view("open", url=site.url("/app"))
    assert view.text.split() == ["copper", "zinc", "More"]
    view = await hand.view("click", element=named(view, "More"))
    assert view.text.split().count("zinc") == 2


@pytest.mark.requirement("browser.real")
async def test_scrolling_moves_through_a_long_page(site: Site, hand: Hand) -> None:
    """By screens, to an element, and not beyond the end; text begins at the window."""
    rows = "".join(
        f"<p style='height:200px'>row {n} <a href='/r{n}'>link {n}</a></p>" for n in range(40)
    )
    site.pages["/long"] = rows
    top = await hand.view("open", url=site.url("/long"))
    assert top.screen == 0
    assert top.screens > 8
    middle = await hand.view("scroll", screens=4)
    assert middle.screen > 3
    assert middle.above > 5
    assert "row 0 " not in middle.text
    assert await hand.view("scroll", element=middle.elements[-1].id)
    end = await hand.do("scroll", screens=50)
    assert "row 39" in end.text
    assert "does not scroll any further" in (await hand.do("scroll", screens=1)).text
    up = await hand.view("scroll", screens=-50)
    assert up.screen == 0


@pytest.mark.requirement("browser.real")
async def test_find_names_the_places_and_moves_there(site: Site, hand: Hand) -> None:
    """On the whole page, whatever the case."""
    filler = "<p style='height:900px'>nothing</p>" * 3
    site.pages["/find"] = f"{filler}<p>The <b>Copper</b> price is 9,000.</p><p>copper again</p>"
    await hand.view("open", url=site.url("/find"))
    result = await hand.do("find", text="copper")
    assert "found in 2 places" in result.text
    quotes, view = fenced(result.text)
    assert quotes.text == "- The Copper price is 9,000.\n- copper again"
    assert result.data.screen > 1
    assert "copper again" in view.text
    assert "not on the page" in (await hand.do("find", text="zeppelin")).text


@pytest.mark.requirement("browser.real")
async def test_back_returns_and_says_when_there_is_nothing(site: Site, hand: Hand) -> None:
    """The empty page of the beginning is not shown."""
    site.pages |= {"/one": "<a href='/two'>go</a>", "/two": "<p>second</p>"}
    view = await hand.view("open", url=site.url("/one"))
    view = await hand.view("click", element=named(view, "go"))
    assert view.address == site.url("/two")
    assert (await hand.view("back")).address == site.url("/one")
    nothing = await hand.do("back")
    assert not nothing.ok
    assert "no earlier page" in nothing.text
    assert site.url("/one") in nothing.text


async def test_read_gives_the_whole_text_by_pages(site: Site, hand: Hand) -> None:
    """With tables as rows, without what is hidden."""
    words = "".join(f"<p>Paragraph {n} of a long text.</p>" for n in range(200))
    site.pages["/text"] = (
        f"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
        f"<p style='display:none'>unseen</p>{words}"
    )
    await hand.view("open", url=site.url("/text"))
    first = await hand.do("read")
    assert first.text.startswith("Page 1 of 3.")
    assert "a | b\nc | d" in first.text
    assert "unseen" not in first.text
    assert first.data.endswith("of a long text.")
    assert "Paragraph 199" in (await hand.do("read", page=3)).text
    with pytest.raises(ToolError, match="the text has 3 pages"):
        await hand.do("read", page=4)


async def test_elements_inside_of_frames_work(site: Site, hand: Hand) -> None:
    """They are numbered on, and clicking reaches them."""
    site.pages["/inner"] = (
        "<button onclick=\"this.textContent='done'\">Inside</button> framed words"
    )
    site.pages["/outer"] = (
        "<p>outer</p><iframe src='/inner'></iframe><iframe src='/inner' hidden></iframe>"
    )
    view = await hand.view("open", url=site.url("/outer"))
    assert "framed words" in view.text
    view = await hand.view("click", element=named(view, "Inside"))
    assert named(view, "done")


async def test_elements_of_web_components_work(site: Site, hand: Hand) -> None:
    """Those in open shadow roots."""
    site.pages["/shadow"] = """<x-box></x-box><script>customElements.define('x-box',
        class extends HTMLElement { connectedCallback() {
        const root = this.attachShadow({mode: 'open'});
        root.innerHTML = '<button>Deep</button><p>shadow text</p>';
        root.querySelector('button').onclick = (e) => e.target.textContent = 'hit';
        } });</script>"""
    view = await hand.view("open", url=site.url("/shadow"))
    assert "shadow text" in view.text
    assert named(await hand.view("click", element=named(view, "Deep")), "hit")


@pytest.mark.requirement("browser.guard")
async def test_who_approves_sees_the_element_and_the_page(site: Site, hand: Hand) -> None:
    """As the agent was shown them."""
    site.pages["/form"] = FORM
    view = await hand.view("open", url=site.url("/form"))
    send = named(view, "Send")
    effect = hand.tool.effect(hand.tool.params(action="click", element=send))
    assert effect.command == f'browser click [{send}] button "Send" on {site.url("/form")}'


async def test_a_number_that_is_gone_is_an_error_at_once(site: Site, hand: Hand, tool) -> None:
    """Of an element that was removed, of a page before, of another agent, of nobody."""
    site.pages["/gone"] = """<button onclick="other.remove()">Remove</button>
        <button id="other">Other</button><a href="/form">next</a>"""
    site.pages["/form"] = FORM
    view = await hand.view("open", url=site.url("/gone"))
    other = named(view, "Other")
    second = Hand(tool)
    await second.view("open", url=site.url("/form"))
    assert "not on the page any more" in (await second.do("click", element=other)).text
    await hand.view("click", element=named(view, "Remove"))
    result = await hand.do("click", element=other)
    assert not result.ok
    assert f"[{other}] is not on the page any more" in result.text
    assert 'button "Remove"' in result.text
    await hand.view("click", element=named(view, "next"))
    assert (
        "not on the page any more" in (await hand.do("click", element=named(view, "Remove"))).text
    )
    assert "not on the page any more" in (await hand.do("click", element=10**9)).text


async def test_an_action_that_does_not_work_says_why(site: Site) -> None:
    """In words of ours, beside the page as it is."""
    site.pages["/stuck"] = """<button disabled>Off</button><button>Under</button>
        <a href="/">plain</a><select aria-label="List"><option>One</select>
        <div style="position:fixed;inset:0" title="evil words"></div>"""
    async with browsing(site.host, timings=replace(QUICK, action_s=1.5)) as tool:
        hand = Hand(tool)
        view = await hand.view("open", url=site.url("/stuck"))
        for action, name, text, why in (
            ("click", "Off", None, "it is disabled"),
            ("click", "Under", None, "something lies over it"),
            ("type", "plain", "x", "nothing can be typed there"),
            ("select", "List", "Two", "there is no such option"),
            ("select", "Under", "Two", "it is no list"),
        ):
            result = await hand.do(action, element=named(view, name), text=text)
            assert not result.ok
            assert why in result.text.splitlines()[0]
            assert "evil words" not in result.text.splitlines()[0]


async def test_without_an_open_page_the_error_says_what_to_do(hand: Hand) -> None:
    """Whatever the action."""
    for action in ("read", "back", "screenshot", "scroll"):
        with pytest.raises(ToolError, match="no page is open"):
            await hand.do(action)


async def test_statuses_are_told_and_a_throttled_host_gets_its_pause(
    site: Site, hand: Hand
) -> None:
    """Of 404 the page is shown; 429 goes to the limiter, which tries again."""
    result = await hand.do("open", url=site.url("/nothing-here"))
    assert "status 404" in result.text
    assert "no such page" in result.text
    answers = iter([429, 200])

    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=next(answers), headers={"Retry-After": "0"}, text="served")

    site.pages["/busy"] = busy
    assert "served" in (await hand.view("open", url=site.url("/busy"))).text

    async def closed(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "600"}, text="no")

    site.pages["/closed"] = closed
    with pytest.raises(ToolError, match="to ask again in 600 s at the soonest"):
        await hand.do("open", url=site.url("/closed"))
    assert site.hits.count("/closed") == 1


@pytest.mark.requirement("browser.real")
async def test_a_screenshot_is_kept_and_shown_to_models_that_read_images(site: Site) -> None:
    """As PNG in the journal; other models are told to read instead."""
    site.pages["/form"] = FORM
    journal = MemoryJournal()
    async with browsing(site.host, journal=journal, images=True) as tool:
        hand = Hand(tool)
        await hand.view("open", url=site.url("/form"))
        result = await hand.do("screenshot")
        (kept,) = [event for event in journal.events() if isinstance(event, ArtifactKept)]
        png = journal.read_bytes(kept.blob)
        assert png.startswith(b"\x89PNG")
        assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (1280, 800)
        assert (kept.agent, kept.call_id, kept.size) == (hand.agent, "c1", len(png))
        (image,) = result.images
        assert image.url == f"data:image/png;base64,{base64.b64encode(png).decode()}"
        view = (await hand.do("scroll", screens=0)).data
        small = (await hand.do("screenshot", element=named(view, "Send"))).images[0]
        assert len(small.url) < len(image.url)


async def test_without_images_a_screenshot_is_only_kept(site: Site, hand: Hand) -> None:
    """And the answer says how to read the page."""
    site.pages["/form"] = FORM
    await hand.view("open", url=site.url("/form"))
    result = await hand.do("screenshot")
    assert not result.images
    assert "reads no images" in result.text


@pytest.mark.requirement("browser.real")
async def test_browse_opens_a_page_without_a_run(site: Site) -> None:
    """And what is private stays refused unless it is named."""
    site.pages["/form"] = FORM
    view = await browse(site.url("/form"), allow_hosts=[site.host])
    assert (view.title, named(view, "Send") > 0) == ("A form", True)
    with pytest.raises(ToolError, match="private network"):
        await browse(site.url("/form"))
