"""The built-in tools of a run: sets and names, what is missing, and what a run does with them."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from aiohttp import web
from bench.injection import serving
from pydantic import BaseModel

import openswarm
from openswarm.core.errors import SettingsError, UserError
from openswarm.core.events import (
    ApprovalGiven,
    PageFetched,
    ReportReceived,
    RunStarted,
    ToolReturned,
    ToolsOpened,
)
from openswarm.core.settings import Settings
from openswarm.core.tooling import HttpSettings, ToolSettings, WebSettings
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import ModelInfo
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.toolbox import NAMES, SETS, expand
from openswarm.tools.tool import Tool, ToolContext, ToolResult
from swarm_scripts import calls, create, of, scripted, told

pytestmark = pytest.mark.anyio
FULL = "What was found, with its source and all that belongs to it. " * 5


@dataclass
class Site:
    """A site with pages that say which they are."""

    host: str = ""
    hits: list[str] = field(default_factory=list)

    async def show(self, request: web.Request) -> web.Response:
        self.hits.append(request.path)
        body = f"<title>Page</title><main><p>This is {request.path}, as it stands.</p></main>"
        return web.Response(text=body, content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """It runs for one test."""
    made = Site()
    async with serving(made.show) as url:
        made.host = url.removeprefix("http://")
        yield made


def open_to(site: Site, **more: Any) -> Settings:
    """Settings that let the site be fetched."""
    web_settings = WebSettings(allow_hosts=(site.host,), robots=False)
    return Settings(tools=ToolSettings(web=web_settings, **more))


def fetching(url: str) -> tuple[str, dict[str, Any]]:
    return "fetch", {"url": url}


class Nothing(BaseModel):
    """Parameters of a tool that has none."""


def holding(note: str = "") -> tuple[Tool, list[tuple[str, bool]]]:
    """A tool that holds something for its agents, and whom it was told to let go of."""
    ends: list[tuple[str, bool]] = []

    async def run(_: Nothing, __: ToolContext) -> ToolResult:
        return ToolResult("ok")

    async def release(agent: str, finished: bool) -> str:
        ends.append((agent, finished))
        return note.format(agent=agent)

    return Tool("hold", "Holds.", Nothing, run, release=release), ends


# names


@pytest.mark.requirement("tools.sets")
def test_sets_and_names_are_taken_together_and_each_tool_once() -> None:
    assert expand(["web", "fetch,python", "python"]) == ("web_search", "fetch", "browser", "python")
    assert expand([]) == ()
    assert set(expand([*SETS])) == set(NAMES)


@pytest.mark.requirement("tools.sets")
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pyhton", "do you mean python\\?"),
        ("web_serch", "do you mean web_search\\?"),
        ("mcp__git__log", "come with mcp"),
        ("9", "there are: web"),
    ],
)
async def test_an_unknown_name_is_an_error_before_anything_begins(name: str, near: str) -> None:
    journal = MemoryJournal()
    with pytest.raises(UserError, match=f"there is no tool '{name}'; .*{near}"):
        await openswarm.run("x", model=ScriptedModel({}), tools=[name], journal=journal)
    assert not journal.events()


async def test_a_tool_of_ones_own_cannot_be_called_as_a_built_in_one_of_the_run() -> None:
    @openswarm.tool
    def fetch(url: str) -> str:
        """Fetches."""
        return url

    with pytest.raises(UserError, match="two tools are called 'fetch'"):
        await openswarm.run("x", model=ScriptedModel({}), tools=["web", fetch])


async def test_no_tool_of_ones_own_passes_for_merging() -> None:
    @openswarm.tool
    def merge(x: str) -> str:
        """Merges."""
        return x

    with pytest.raises(UserError, match="'merge'"):
        await openswarm.run("x", model=ScriptedModel({}), tools=[merge])


# what is missing


@pytest.mark.requirement("tools.sets", "web.search-keys")
async def test_a_member_of_a_set_that_lacks_its_key_is_left_out_and_that_is_said() -> None:
    journal = MemoryJournal()
    model = ScriptedModel({"agent": [Say(FULL)]})
    await openswarm.run("x", model=model, mode="agent", tools=["web"], journal=journal)
    (opened,) = of(journal.events(), ToolsOpened)
    assert "fetch" in opened.tools
    assert "web_search" not in opened.tools
    assert "BRAVE_API_KEY" in next(note for note in opened.notes if "web_search" in note)


@pytest.mark.requirement("tools.sets")
@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (["web_search"], "BRAVE_API_KEY"),
        (["web", "web_search"], "BRAVE_API_KEY"),
        (["mcp"], "mcpServers"),
        (["http"], r"\[tools.http\]|allow"),
    ],
)
async def test_what_is_named_and_cannot_be_had_is_an_error_that_says_what_to_do(
    tools: list[str], said: str
) -> None:
    with pytest.raises((SettingsError, UserError), match=said):
        await openswarm.run("x", model=ScriptedModel({}), mode="agent", tools=tools)


@pytest.mark.requirement("tools.sets")
async def test_file_tools_need_a_folder() -> None:
    with pytest.raises(UserError, match="--root"):
        await openswarm.run("x", model=ScriptedModel({}), mode="agent", tools=["files"])


# in a run


@pytest.mark.requirement("tools.sets")
async def test_the_orchestrator_and_its_sub_agents_use_built_in_tools_in_any_run(
    site: Site,
) -> None:
    url = f"http://{site.host}"
    lead = [
        calls(fetching(f"{url}/one"), create("reader")),
        calls(("assign_task", {"agent": "reader", "prompt": "Read the second page."})),
        Say("Done."),
    ]
    model = scripted(lead, reader=[calls(fetching(f"{url}/two")), Say(FULL)])
    journal = MemoryJournal()
    result = await openswarm.run(
        "x", model=model, mode="swarm", tools=["fetch"], settings=open_to(site), journal=journal
    )
    assert result.outcome == "completed"
    assert site.hits == ["/one", "/two"]
    assert [page.agent for page in of(journal.events(), PageFetched)] == ["root", "root/1"]
    (started,) = of(journal.events(), RunStarted)
    assert started.task.tools == ("fetch",)
    assert started.tools == ()


@pytest.mark.requirement("web.kept")
async def test_a_resumed_run_opens_its_tools_again_and_reads_pages_from_its_journal(
    site: Site, home: Path
) -> None:
    url = f"http://{site.host}/one"
    settings = open_to(site)
    first = ScriptedModel({"agent": [calls(fetching(url)), Say(error=_broken())]})
    with pytest.raises(openswarm.OpenswarmError):
        await openswarm.run("x", model=first, mode="agent", tools=["fetch"], settings=settings)
    (folder,) = (home / "runs").iterdir()
    again = ScriptedModel({"agent": [Say("unused"), calls(fetching(url)), Say(FULL)]})
    result = await openswarm.resume(folder.name, model=again, settings=settings)
    assert result.outcome == "completed"
    assert "This is /one" in told(again.requests["agent"][-1])[-1]
    assert site.hits == ["/one"]


def _broken() -> Any:
    from openswarm.core.errors import Fault, ModelError

    return ModelError(Fault.REFUSED, "no")


@pytest.mark.requirement("policy.narrow")
async def test_a_sub_agent_has_the_tools_that_it_was_given_and_never_others(site: Site) -> None:
    @openswarm.tool
    def weigh(thing: str) -> str:
        """Weighs."""
        return f"{thing}: 3 kg"

    lead = [
        calls(create("wider", tools=["weigh", "shell"]), create("narrow", tools=["weigh"])),
        calls(("assign_task", {"agent": "narrow", "prompt": "Fetch the page."})),
        Say("Done."),
    ]
    tried = [calls(fetching(f"http://{site.host}/one"), ("weigh", {"thing": "it"})), Say(FULL)]
    model = scripted(lead, narrow=tried)
    await openswarm.run(
        "x", model=model, mode="swarm", tools=["fetch", weigh], settings=open_to(site)
    )
    refused, _ = told(model.requests["orchestrator"][1])
    assert "shell" in refused
    assert "Not registered" in refused
    results = told(model.requests["narrow"][-1])
    assert results == ["There is no tool 'fetch'. The tools: weigh.", "it: 3 kg"]
    assert not site.hits


async def test_a_question_of_a_sub_agent_reaches_the_program_and_its_answer_the_sub_agent() -> None:
    asked: list[str] = []

    async def approver(question: Any) -> Any:
        asked.append(f"{question.agent} {question.command}")
        return "deny" if "1000" in question.command else "allow"

    @openswarm.tool(ask=True)
    def pay(amount: int) -> str:
        """Pays."""
        return f"paid {amount}"

    lead = [calls(("assign_task", {"agent": "researcher", "prompt": "Pay."})), Say("Done.")]
    paying = [calls(("pay", {"amount": 5}), ("pay", {"amount": 1000})), Say(FULL)]
    model = scripted(lead, researcher=paying)
    journal = MemoryJournal()
    await openswarm.run(
        "x", model=model, mode="swarm", tools=[pay], approver=approver, journal=journal
    )
    assert sorted(asked) == ['root/1 pay {"amount":1000}', 'root/1 pay {"amount":5}']
    paid, denied = told(model.requests["researcher"][-1])
    assert paid == "paid 5"
    assert "denied (the program)" in denied
    assert [event.agent for event in of(journal.events(), ApprovalGiven)] == ["root/1"] * 2


async def test_answers_from_elsewhere_need_a_run_with_a_folder() -> None:
    with pytest.raises(UserError, match="in memory"):
        await openswarm.run(
            "x", model=ScriptedModel({}), approver="wait", journal=MemoryJournal(), mode="agent"
        )


PIXEL = base64.b64encode(b"\x89PNG not really").decode()


async def test_images_of_tools_are_shown_to_models_that_read_images_and_come_back() -> None:
    from openswarm.agent.conversation import replay
    from openswarm.core.messages import ImagePart

    async def look(_: Nothing, __: ToolContext) -> ToolResult:
        return ToolResult("a picture", images=(ImagePart(url=f"data:image/png;base64,{PIXEL}"),))

    model = ScriptedModel({"agent": [calls(("look", {})), Say(FULL)]}, info=ModelInfo(images=True))
    journal = MemoryJournal()
    tool = Tool("look", "Looks.", Nothing, look)
    await openswarm.run("x", model=model, mode="agent", tools=[tool], journal=journal)
    last = model.requests["agent"][-1]
    assert [message.role for message in last[-2:]] == ["tool", "user"]
    assert last[-1].content[1] == ImagePart(url=f"data:image/png;base64,{PIXEL}")
    (returned,) = of(journal.events(), ToolReturned)
    assert journal.read_bytes(returned.images[0].blob) == b"\x89PNG not really"
    again = replay("root", journal, journal.events())
    assert list(again.history)[: len(last)] == last


async def test_what_tools_hand_over_at_the_end_stands_in_the_report_and_in_the_answer() -> None:
    tool, ends = holding("{agent} changed two files")
    lead = [calls(("assign_task", {"agent": "researcher", "prompt": "Do it."})), Say("Done.")]
    model = scripted(lead, researcher=[Say(FULL)])
    journal = MemoryJournal()
    result = await openswarm.run("x", model=model, mode="swarm", tools=[tool], journal=journal)
    assert ends == [("root/1", True), ("root", True)]
    (report,) = of(journal.events(), ReportReceived)
    assert journal.read(report.text).endswith("root/1 changed two files")
    assert result.answer.endswith("root changed two files")


@pytest.mark.requirement("files.nothing-lost")
async def test_an_agent_that_is_stopped_half_way_hands_nothing_over() -> None:
    tool, ends = holding()
    lead = [calls(("assign_task", {"agent": "researcher", "prompt": "Do it."})), Say("Done.")]
    working = [calls(("hold", {})), Say("Half of it.")]
    model = scripted(lead, researcher=working)
    limits = openswarm.Limits(subagent_steps=1)
    await openswarm.run("x", model=model, mode="swarm", tools=[tool], limits=limits)
    assert ends == [("root/1", False), ("root", True)]


async def test_a_sub_agent_that_fails_lets_go_without_handing_over() -> None:
    tool, ends = holding()
    lead = [calls(("assign_task", {"agent": "researcher", "prompt": "Do it."})), Say("Done.")]
    model = scripted(lead, researcher=[Say(error=_broken())])
    await openswarm.run("x", model=model, mode="swarm", tools=[tool])
    assert ends == [("root/1", False), ("root", True)]


# secrets


@pytest.mark.requirement("http.redaction")
async def test_no_file_of_a_run_holds_a_secret_that_went_through_it(
    site: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "tr0ub4dor-and-some-more"
    monkeypatch.setenv("BRAVE_API_KEY", key)

    @openswarm.tool
    def leak() -> str:
        """Says what it should not."""
        return json.dumps({"key": key, "base64": base64.b64encode(key.encode()).decode()})

    model = ScriptedModel({"agent": [calls(("leak", {})), Say(f"It is {key}. {FULL}")]})
    settings = open_to(site, http=HttpSettings(allow=(f"http://{site.host}/",)))
    result = await openswarm.run(
        f"Use {key}", model=model, mode="agent", tools=[leak], settings=settings
    )
    assert key not in result.answer
    seen = "\n".join(
        message.text for message in model.requests["agent"][-1] if message.role == "tool"
    )
    assert key not in seen
    written = await anyio.to_thread.run_sync(_all_bytes, Path(result.folder))
    assert b"leak" in written
    assert key.encode() not in written
    assert base64.b64encode(key.encode()) not in written


def _all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.sandbox
@pytest.mark.requirement("code.unsafe")
async def test_a_run_says_how_its_code_was_confined() -> None:
    for unsafe, kinds in ((True, {"none"}), (False, {"bubblewrap", "landlock"})):
        model = ScriptedModel({"agent": [calls(("python", {"code": "1 + 1"})), Say(FULL)]})
        result = await openswarm.run(
            "x", model=model, mode="agent", tools=["python"], unsafe_no_sandbox=unsafe
        )
        assert result.sandbox in kinds
        assert told(model.requests["agent"][-1])[-1].count("2")
