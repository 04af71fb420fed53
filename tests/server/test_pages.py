"""The web view's files: what is served, as what, under which policy, and nothing beside them."""

from importlib.resources import files
from pathlib import Path

import anyio
import pytest
import yarl
from served import Served, serving
from starlette.applications import Starlette
from starlette.testclient import TestClient

from openswarm.server import pages

pytestmark = pytest.mark.anyio
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'"
)


@pytest.mark.requirement("web.untrusted")
async def test_the_page_is_served_without_a_token_under_its_policy() -> None:
    index = await anyio.Path(str(files("openswarm.server") / "web" / "index.html")).read_bytes()
    async with serving({}) as server:
        for path in ("/", "/index.html"):
            async with server.client.get(path, headers={"authorization": ""}) as answer:
                assert (answer.status, await answer.read()) == (200, index)
                assert answer.headers["content-type"] == "text/html; charset=utf-8"
                assert answer.headers["content-security-policy"] == POLICY
                assert answer.headers["cache-control"] == "no-cache"
                assert answer.headers["x-frame-options"] == "DENY"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["referrer-policy"] == "no-referrer"
        async with server.client.head("/") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert answer.headers["content-length"] == str(len(index))


async def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    async with serving({}) as server:
        async with server.client.get("/app.js") as answer:
            assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
            tag = answer.headers["etag"]
        for known, status in ((tag, 304), (f'"old", W/{tag}', 304), ('"old"', 200)):
            async with server.client.get("/app.js", headers={"if-none-match": known}) as answer:
                assert answer.status == status
                assert answer.headers["etag"] == tag
                assert (await answer.read() == b"") == (status == 304)


async def test_every_file_of_the_web_view_is_served_as_what_it_is() -> None:
    root = Path(str(files("openswarm.server") / "web"))
    paths = [path async for path in anyio.Path(root).rglob("*") if await path.is_file()]
    assert len(paths) > 10
    async with serving({}) as server:
        for path in paths:
            async with server.client.get(f"/{path.relative_to(root).as_posix()}") as answer:
                assert answer.status == 200, path
                assert answer.headers["content-type"] == pages.MEDIA_TYPES[path.suffix]
                assert await answer.read() == await path.read_bytes()


async def status_of(server: Served, method: str, path: str) -> int:
    """The status of an address that is sent as it is written."""
    url = yarl.URL(f"{server.url}{path}", encoded=True)
    async with server.client.request(method, url) as answer:
        return answer.status


@pytest.mark.requirement("web.untrusted")
async def test_no_address_leads_out_of_the_folder() -> None:
    async with serving({}) as server:
        for path in (
            "/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/web/../app.py", "/css/../../app.py",
            "/css%2f..%2f..%2fapp.py", "//etc/passwd", "/%2fetc%2fpasswd", "/css", "/css/", "/.",
            "/.hidden.js", "/app.js%00", "/%00", "/app.py", "/nothing.js", "/css//base.css",
            "/C:%5cx.js", "/..%5capp.js",
        ):  # fmt: skip
            assert await status_of(server, "GET", path) == 404, path


async def test_pages_are_only_read() -> None:
    async with serving({}) as server:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert await status_of(server, method, "/") == 405
            assert await status_of(server, method, "/app.js") == 405
            assert await status_of(server, method, "/nothing") == 404


def test_files_of_other_kinds_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "secret.key").write_text("x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.css").write_text("p {}")
    with TestClient(Starlette(routes=pages.routes(tmp_path))) as client:
        assert client.get("/").text == "<p>"
        assert client.get("/deep/a.css").headers["content-type"] == "text/css; charset=utf-8"
        for path in ("/secret.key", "/deep", "/index", "/deep/b.css"):
            assert client.get(path).status_code == 404
