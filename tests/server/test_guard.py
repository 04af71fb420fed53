"""What stands before every handler: names, token, sizes; refusals in the shape of each wire."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from served import TOKEN, Served, serving

pytestmark = pytest.mark.anyio
NO_TOKEN = {"authorization": ""}


async def asked(server: Served, path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    async with server.client.request(method, path, **more) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.requirement("api.guard")
@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True), ("LOCALHOST:1", True), ("127.0.0.1:8700", True), ("[::1]:8700", True),
        ("box.example", True), ("Box.Example:80", True), ("evil.example", False), ("", False),
        ("localhost.evil.example", False), ("127.0.0.1.evil.example", False), ("[::2]", False),
        ("evil.example:127.0.0.1", False), ("localhost@evil.example", False), ("::1", False),
    ],
)  # fmt: skip
async def test_a_server_answers_to_its_own_names_alone(host: str, known: bool) -> None:
    async with serving({}, hosts=("box.example",)) as server:
        for path in ("/", "/health", "/api/info", "/v1/models"):
            async with server.client.get(path, headers={"host": host}) as answer:
                assert answer.status == (200 if known else 403), path
        if not known:
            _, body = await asked(server, "/api/info", headers={"host": host})
            assert body["error"]["code"] == "host"
            assert "--allow-host" in body["error"]["message"]


@pytest.mark.requirement("api.guard")
@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, True),
        ({"authorization": f"bearer  {TOKEN} "}, True),
        ({"authorization": "", "x-api-key": TOKEN}, True),
        ({"authorization": f"Basic {TOKEN}", "x-api-key": TOKEN}, True),
        ({"authorization": "Bearer wrong", "x-api-key": TOKEN}, False),
        ({"authorization": TOKEN}, False),
        ({"authorization": "Bearer"}, False),
        ({"authorization": ""}, False),
        ({"authorization": f"Bearer {TOKEN}x"}, False),
        ({"authorization": "", "x-api-key": TOKEN[:-1]}, False),
        ({"authorization": "Bearer \u00fc"}, False),
    ],
)
async def test_the_token_comes_by_either_header(headers: Any, known: bool) -> None:
    async with serving({}) as server:
        for path in ("/api/info", "/v1/models", "/openapi.json"):
            async with server.client.get(path, headers=headers) as answer:
                assert answer.status == (200 if known else 401), path


@pytest.mark.requirement("api.guard")
async def test_the_token_in_an_address_counts_for_nothing_and_pages_need_none() -> None:
    async with serving({}) as server:
        for path in (f"/api/info?token={TOKEN}", f"/api/runs?x-api-key={TOKEN}", "/api/", "/v1/"):
            status, _ = await asked(server, path, headers=NO_TOKEN)
            assert status == 401, path
        for path in ("/", "/health", "/app.js"):
            async with server.client.get(path, headers=NO_TOKEN) as answer:
                assert answer.status == 200, path


@pytest.mark.requirement("api.errors", "api.guard")
async def test_a_refusal_has_the_shape_of_the_wire_that_was_asked() -> None:
    async with serving({}) as server:
        run, openai, anthropic, by_header = [
            (await asked(server, path, headers=NO_TOKEN | headers))[1]
            for path, headers in (
                ("/api/info", {}),
                ("/v1/models", {}),
                ("/v1/messages", {}),
                ("/v1/models", {"anthropic-version": "2023-06-01"}),
            )
        ]
    assert (run["error"]["type"], run["error"]["code"]) == ("user", "token")
    assert set(run["error"]) == {"message", "type", "code"}
    assert (openai["error"]["type"], openai["error"]["code"]) == ("authentication_error", "token")
    assert set(openai["error"]) == {"message", "type", "code", "param"}
    assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "authentication_error")
    assert by_header["type"] == "error"


async def pieces(number: int) -> AsyncIterator[bytes]:
    """A body whose length is not stated."""
    yield b'{"task": "'
    for _ in range(number):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.requirement("api.guard", "api.limits")
async def test_a_body_that_is_too_large_is_refused_with_a_length_and_without() -> None:
    async with serving({}, max_body_bytes=10_000) as server:
        for path in ("/api/preview", "/v1/chat/completions", "/v1/messages"):
            for data in (b"x" * 10_001, pieces(20)):
                async with server.client.post(path, data=data) as answer:
                    assert answer.status == 413, path
                    assert "10000 bytes" in await answer.text()
        status, _ = await asked(server, "/api/preview", "POST", data=pieces(3))
        assert status == 200
        status, _ = await asked(server, "/api/info")
        assert status == 200


@pytest.mark.requirement("api.guard")
async def test_every_answer_says_that_it_is_not_to_be_guessed_at_or_shared() -> None:
    async with serving({}) as server:
        for path, headers in (("/", {}), ("/api/info", {}), ("/api/x", {}), ("/v1/x", NO_TOKEN)):
            async with server.client.get(path, headers=headers) as answer:
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["referrer-policy"] == "no-referrer"
                assert answer.headers["cross-origin-resource-policy"] == "same-origin"
                assert "access-control-allow-origin" not in answer.headers
                assert "server" not in answer.headers
