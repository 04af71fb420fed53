"""Web search over each provider: how it is asked, and one form for what it answers."""

import json
from typing import Any

import pytest
from aiohttp import web
from search_server import Asked, search_server

from openswarm.core.tooling import WebSettings
from openswarm.tools.web.search_hits import Hit
from openswarm.tools.web_search import Found, web_search

pytestmark = pytest.mark.anyio

KEY = "k3y-of-the-provider"
PAGES = [
    ("Copper in Chile", "https://a.example/copper", "5.3 million tonnes", "2026-01-02"),
    ("Copper in Peru", "https://b.example/copper?x=1", "2.7 million tonnes", ""),
]
HITS = tuple(Hit(*page) for page in PAGES)


def entries(title: str, url: str, snippet: str, date: str) -> list[dict[str, str]]:
    """The pages, in members of these names."""
    names = (title, url, snippet, date)
    return [dict(zip(names, page, strict=True)) for page in PAGES]


ANSWERS: dict[str, Any] = {
    "brave": {"web": {"results": entries("title", "url", "description", "page_age")}},
    "serper": {"organic": entries("title", "link", "snippet", "date")},
    "tavily": {"results": entries("title", "url", "content", "published_date")},
    "exa": {
        "results": [
            {**entry, "highlights": [entry["h"]]}
            for entry in entries("title", "url", "h", "publishedDate")
        ]
    },
    "searxng": {"results": entries("title", "url", "content", "publishedDate")},
}
WAYS = {
    "brave": ("GET", "/res/v1/web/search", "x-subscription-token", KEY),
    "serper": ("POST", "/search", "x-api-key", KEY),
    "tavily": ("POST", "/search", "authorization", f"Bearer {KEY}"),
    "exa": ("POST", "/search", "x-api-key", KEY),
    "searxng": ("GET", "/search", "accept", "application/json"),
}


async def search(name: str, url: str, *queries: str, count: int = 5) -> list[Found]:
    """Searches with a provider that is served here."""
    environ = {f"{name.upper()}_API_KEY": KEY, f"{name.upper()}_BASE_URL": url}
    if name == "searxng":
        return await web_search(
            queries, num_results=count, settings=WebSettings(searxng_url=f"{url}/"), environ={}
        )
    return await web_search(queries, num_results=count, environ=environ)


@pytest.mark.requirement("web.search", "tools.plain")
@pytest.mark.parametrize("name", ANSWERS)
async def test_each_provider_is_asked_in_its_way_and_answers_in_one_form(name: str) -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        return web.json_response(ANSWERS[name])

    async with search_server(answer) as server:
        found = await search(name, server.url, "copper  output\n2026", count=2)

    assert found == [Found("copper output 2026", HITS)]
    (asked,) = server.asked
    method, path, header, value = WAYS[name]
    assert (asked.method, asked.path, asked.headers[header]) == (method, path, value)
    assert asked.text == "copper output 2026"
    numbers = [*asked.query.values(), *(asked.body or {}).values()]
    assert name == "searxng" or 2 in numbers or "2" in numbers


@pytest.mark.requirement("web.search")
async def test_moonshot_searches_itself_and_is_handed_its_own_arguments_back() -> None:
    arguments = json.dumps({"search_result": {"search_id": "s-1"}, "usage": {"total_tokens": 9}})
    call = {"id": "c1", "type": "builtin_function",
            "function": {"name": "$web_search", "arguments": arguments}}  # fmt: skip
    first = {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]}
    pages = json.dumps(entries("title", "url", "snippet", "date"))
    last = {"role": "assistant", "content": f"Here:\n```json\n{pages}\n```"}

    def answer(asked: Asked) -> web.StreamResponse:
        message = first if len(asked.body["messages"]) == 2 else last
        return web.json_response({"choices": [{"message": message}]})

    async with search_server(answer) as server:
        found = await search("moonshot", f"{server.url}/v1", "copper")

    assert found == [Found("copper", HITS)]
    one, two = server.asked
    assert one.path == "/v1/chat/completions" and one.headers["authorization"] == f"Bearer {KEY}"
    assert one.body["tools"] == [{"type": "builtin_function", "function": {"name": "$web_search"}}]
    assert two.body["messages"][2] == first
    assert two.body["messages"][3] == {
        "role": "tool", "tool_call_id": "c1", "name": "$web_search", "content": arguments
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"content": "Chile leads."}, ""),
        ({"content": '[{"title": "no address"}]'}, ""),
        ({"content": "[" * 100_000 + "]"}, ""),
        ({"content": " "}, "empty"),
        ({"content": None}, "empty"),
        ({"tool_calls": "x"}, "no list"),
        ({"tool_calls": [{"id": "1", "function": {"name": "rm", "arguments": "{}"}}]}, "else than"),
        ({"tool_calls": [{"id": "1", "function": {"name": "$web_search"}}]}, "else than"),
        ({"tool_calls": [7]}, "no JSON object"),
        ("text", "no JSON object"),
        (
            {"tool_calls": [{"id": "1", "function": {"name": "$web_search", "arguments": "{}"}}]},
            "still searching",
        ),
    ],
)
async def test_whatever_moonshots_model_says_becomes_hits_or_a_problem(
    message: Any, problem: str
) -> None:
    body = {"choices": [{"message": message}]}
    async with search_server(lambda _: web.json_response(body)) as server:
        (found,) = await search("moonshot", server.url, "copper")
    assert problem in found.problem and bool(problem) == bool(found.problem)
    if not problem:
        (hit,) = found.hits
        assert hit.url == "" and hit.snippet and len(hit.snippet) <= 4_000


@pytest.mark.parametrize("body", [{"choices": []}, {}, [], "x", None, {"choices": [None]}])
async def test_an_answer_of_moonshot_without_a_message_is_a_problem(body: Any) -> None:
    async with search_server(lambda _: web.json_response(body)) as server:
        (found,) = await search("moonshot", server.url, "copper")
    assert "the answer of moonshot cannot be used" in found.problem


@pytest.mark.requirement("web.search")
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize(
    "body",
    [[], "text", 7, None, {"web": [], "organic": 1, "results": {}},
     {"web": {"results": [{}]}, "organic": [{}], "results": [{"url": 3, "link": 3}]},
     {"web": {"results": [{"url": "javascript:x"}]}, "organic": [{"link": "/x"}],
      "results": [{"url": "file:///etc/passwd"}]}],
)  # fmt: skip
async def test_an_answer_of_another_form_is_a_problem(name: str, body: Any) -> None:
    async with search_server(lambda _: web.json_response(body)) as server:
        (found,) = await search(name, server.url, "copper")
    assert f"the answer of {name} cannot be used" in found.problem


@pytest.mark.parametrize("name", ANSWERS)
async def test_nothing_found_is_no_problem(name: str) -> None:
    empty = {"web": {"results": []}, "organic": [], "results": []}
    async with search_server(lambda _: web.json_response(empty)) as server:
        assert await search(name, server.url, "copper") == [Found("copper")]
    if name == "brave":
        async with search_server(lambda _: web.json_response({"query": {}})) as server:
            assert await search(name, server.url, "copper") == [Found("copper")]


async def test_what_an_answer_holds_is_bounded_and_plain() -> None:
    good = {
        "title": "<strong>Copper</strong> &amp;\n tin",
        "url": "https://a.example/x",
        "description": "x" * 3_000,
        "page_age": {"not": "a text"},
    }
    odd = [None, 7, "x", {"url": "https://b.example/" + "y" * 10_000}, {"url": "https://[bad"}]
    body = {"web": {"results": [*odd, good, *[good] * 500]}}
    async with search_server(lambda _: web.json_response(body)) as server:
        (found,) = await search("brave", server.url, "copper", count=3)
    assert len(found.hits) == 3
    hit = found.hits[0]
    assert (hit.title, hit.url, hit.date) == ("Copper & tin", "https://a.example/x", "")
    assert len(hit.snippet) == 1_000 and hit.snippet.endswith("…")
