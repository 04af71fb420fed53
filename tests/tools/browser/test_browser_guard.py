"""Whatever a page makes the browser ask for obeys the rules of fetching.

Each hostile page stands on a site that is allowed, and reaches for one that is not; the latter
counts what arrived.
"""

import json
import socket
from contextlib import closing

import anyio
import pytest
from aiohttp import web
from browsing_site import NO_CHROMIUM, Hand, Site, browsing

from openswarm.core.errors import ToolError

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.requirement("browser.guard"),
    pytest.mark.skipif(NO_CHROMIUM, reason="no Chromium is installed: apt install chromium"),
]

SCRIPTS = {
    "fetch": "await fetch(F + '/x', {mode: 'no-cors'})",
    "fetch that follows a redirect": "await fetch('/away')",
    "post": "await fetch(F + '/x', {mode: 'no-cors', method: 'POST', body: 'a=1'})",
    "xhr": "await new Promise((done) => { const x = new XMLHttpRequest(); x.open('GET', F + '/x');"
    " x.onloadend = done; x.send(); })",
    "beacon": "navigator.sendBeacon(F + '/x', 'data')",
    "websocket": "await new Promise((done) => { const s = new WebSocket(F.replace('http', 'ws'));"
    " s.onerror = s.onclose = s.onopen = done; })",
    "event source": "await new Promise((done) => { const s = new EventSource(F + '/x');"
    " s.onerror = s.onopen = done; })",
    "worker": "await new Promise((done) => { const code = `fetch('${F}/x', {mode: 'no-cors'})"
    ".catch(() => 0).then(() => postMessage(1))`; const w = new Worker(URL.createObjectURL("
    "new Blob([code]))); w.onmessage = w.onerror = done; })",
    "image": "await new Promise((done) => { const i = new Image(); i.onload = i.onerror = done;"
    " i.src = F + '/x.png'; })",
    "image by a redirect": "await new Promise((done) => { const i = new Image();"
    " i.onload = i.onerror = done; i.src = '/away'; })",
    "script": "await new Promise((done) => { const s = document.createElement('script');"
    " s.onload = s.onerror = done; s.src = F + '/x.js'; document.head.append(s); })",
    "module": "await import(F + '/x.js')",
    "style": "document.head.insertAdjacentHTML('beforeend',"
    " `<style>@import '${F}/x.css'; body { background: url(${F}/x.png) }</style>`)",
    "font": "await new FontFace('f', `url(${F}/x.woff)`).load()",
    "frame": "document.body.insertAdjacentHTML('beforeend', `<iframe src='${F}/x'></iframe>`)",
    "frame by a redirect": "document.body.insertAdjacentHTML('beforeend',"
    " `<iframe src='/away'></iframe>`)",
    "object and media": "document.body.insertAdjacentHTML('beforeend',"
    " `<object data='${F}/x'></object><video src='${F}/x' autoplay></video>`)",
    "hints": "for (const rel of ['preconnect', 'prefetch', 'preload', 'dns-prefetch', 'icon'])"
    " document.head.insertAdjacentHTML('beforeend',"
    " `<link rel='${rel}' as='fetch' href='${F}/x'>`)",
    "speculation": "const s = document.createElement('script'); s.type = 'speculationrules';"
    " s.textContent = JSON.stringify({prerender: [{urls: [F + '/x']}]}); document.head.append(s)",
    "form": "document.body.insertAdjacentHTML('beforeend', `<iframe name='t'></iframe>"
    "<form action='${F}/x' method='post' target='t'></form>`); document.forms[0].submit()",
    "window": "window.open(F + '/x')",
    "other names": "for (const host of ['localhost', '[::1]', '127.1', '0x7f000001', '2130706433',"
    " '0.0.0.0', '[::ffff:127.0.0.1]'])"
    " await fetch(`http://${host}:${F.split(':')[2]}/x`, {mode: 'no-cors'}).catch(() => 0)",
}


async def away(site: Site, target: str) -> None:
    """Gives the site a page that redirects to the target."""

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound(target)

    site.pages["/away"] = redirect


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_a_page_reaches_nothing_that_is_not_allowed(
    script: str, site: Site, forbidden: Site, hand: Hand
) -> None:
    """By none of the ways that a page has to ask for something."""
    await away(site, forbidden.url("/x"))
    site.pages["/hostile"] = (
        f"<h1>Page</h1><script type=module>const F = {json.dumps(forbidden.url(''))};"
        f"try {{ {script} }} catch {{}} document.title = 'tried'</script>"
    )
    forbidden.hits.clear()
    view = await hand.view("open", url=site.url("/hostile"))
    assert view.title == "tried"
    assert forbidden.hits == []


async def test_the_forbidden_site_is_there_for_those_who_may(forbidden: Site) -> None:
    """So that counting nothing means something."""
    forbidden.pages["/x"] = "<p>inner secrets</p>"
    async with browsing(forbidden.host) as tool:
        assert "inner secrets" in (await Hand(tool).view("open", url=forbidden.url("/x"))).text


@pytest.mark.parametrize(
    "address",
    ["{f}", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[::1]/",
     "http://10.0.0.1/", "http://100.64.0.1/", "http://localhost:{port}/", "http://127.1:{port}/",
     "http://0x7f.1:{port}/", "http://2130706433:{port}/", "http://0.0.0.0:{port}/",
     "http://[::ffff:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]/", "https://127.0.0.1:{port}/"],
)  # fmt: skip
async def test_a_private_address_is_not_opened(
    address: str, site: Site, forbidden: Site, hand: Hand
) -> None:
    """Nor after a redirect, in whatever spelling; the error says why."""
    forbidden.hits.clear()
    url = address.format(f=forbidden.url("/x"), port=forbidden.host.rpartition(":")[2])
    with pytest.raises(ToolError, match="private network"):
        await hand.do("open", url=url)
    await away(site, url)
    with pytest.raises(ToolError, match="did not open"):
        await hand.do("open", url=site.url("/away"))
    assert forbidden.hits == []


async def test_a_page_that_goes_elsewhere_by_itself_gets_nowhere(
    site: Site, forbidden: Site, hand: Hand
) -> None:
    """By script or refresh; what was refused is told inside of the fence."""
    forbidden.hits.clear()
    site.pages["/leave"] = f"<script>location = {json.dumps(forbidden.url('/x'))}</script>"
    site.pages["/refresh"] = f"<meta http-equiv=refresh content='0;url={forbidden.url('/x')}'>here"
    for path in ("/leave", "/refresh"):
        result = await hand.do("open", url=site.url(path))
        assert "inner secrets" not in result.text
    assert forbidden.hits == []


async def test_what_was_refused_is_noted(site: Site, hand: Hand) -> None:
    """Once, as part of the page's document."""
    site.pages["/img"] = "<img src='http://169.254.169.254/x.png'><p>text</p>"
    view = await hand.view("open", url=site.url("/img"))
    assert view.notes == ("refused: 169.254.169.254 is an address of a private network",)
    assert (await hand.view("scroll", screens=0)).notes == ()


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "chrome://crash", "data:text/html,<title>data</title>"],
)
async def test_a_page_leads_to_no_other_scheme(target: str, site: Site, hand: Hand) -> None:
    """By a click on a link, by script or by a redirect."""
    site.pages["/scheme"] = (
        f"<title>Here</title><a href={json.dumps(target)}>link</a>"
        f"<iframe src={json.dumps(target)}></iframe>"
        f"<script>setTimeout(() => {{ location = {json.dumps(target)} }}, 50)</script>"
    )
    view = await hand.view("open", url=site.url("/scheme"))
    (link,) = [element for element in view.elements if element.name == "link"]
    result = await hand.do("click", element=link.id)
    assert "root:" not in result.text
    assert result.data.title == "Here"
    await away(site, target)
    with pytest.raises(ToolError, match="did not open"):
        await hand.do("open", url=site.url("/away"))


async def test_nothing_leaves_but_by_the_door(site: Site, hand: Hand) -> None:
    """WebRTC sends no datagram to an address of the page's choice."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        port = sock.getsockname()[1]
        site.pages["/rtc"] = f"""<script type=module>
            const peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}},
              {{urls: 'turn:127.0.0.1:{port}', username: 'a', credential: 'b'}}]}});
            peer.createDataChannel('x');
            await peer.setLocalDescription(await peer.createOffer());
            await new Promise((done) => {{ setTimeout(done, 300);
              new WebTransport('https://127.0.0.1:{port}/').ready.catch(done); }});
            await new Promise((done) => {{ peer.onicegatheringstatechange = () =>
              peer.iceGatheringState === 'complete' && done(); setTimeout(done, 700); }});
            document.title = 'tried'</script>"""
        view = await hand.view("open", url=site.url("/rtc"))
        assert view.title == "tried"
        with anyio.move_on_after(0.5):
            await anyio.wait_readable(sock)
            pytest.fail(f"a datagram arrived: {sock.recv(100)!r}")


async def test_a_name_is_resolved_once_and_checked(site: Site, hand: Hand) -> None:
    """The door connects to the address that it checked; a name without one is told as such."""
    with pytest.raises(ToolError, match=r"there is no host nowhere\.invalid"):
        await hand.do("open", url="http://nowhere.invalid/")
