"""Between a checked call and its tool: the policy, approvals, resources, secrets."""

import json

import anyio
import pytest
from pydantic import BaseModel

import openswarm
from openswarm.core.events import Answered, ApprovalAsked, ApprovalGiven, Content
from openswarm.core.messages import ToolCall
from openswarm.core.tooling import Policy, ResourceLimit, Verdict
from openswarm.journal.journal import MemoryJournal
from openswarm.pacing.limiter import Pacing
from openswarm.tools.approvals import NOBODY, Answer, Approvals
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult
from openswarm.tools.toolset import Toolset

pytestmark = pytest.mark.anyio


class Words(BaseModel):
    words: str = ""


class Sending:
    """A tool with an effect, that counts its runs."""

    def __init__(self, name: str = "send", resource: str = "") -> None:
        self.runs: list[str] = []
        self.inside = self.most = 0
        self.tool = Tool(
            name, "Sends.", Words, self.run, effect=self.effect, resource=resource
        )  # fmt: skip

    def effect(self, params: Words) -> Effect | None:
        return None if params.words == "look" else Effect(f"send {params.words}", "/outbox")

    async def run(self, params: Words, context: ToolContext) -> ToolResult:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await anyio.lowlevel.checkpoint()
        self.inside -= 1
        self.runs.append(f"{context.agent} {params.words}")
        return ToolResult(f"sent {params.words}")


async def call(
    dispatch: Dispatcher, tool: Tool, words: str, agent: str = "root/1", id_: str = "c1"
) -> ToolResult:
    made = ToolCall(id=id_, name=tool.name, arguments=json.dumps({"words": words}))
    toolset = Toolset([tool], dispatch=dispatch)
    return (await toolset.run([made], agent, lambda _: None, lambda *_: None))[0]


def with_rules(rules: dict[str, Verdict], journal: MemoryJournal | None = None) -> Dispatcher:
    return Dispatcher(Approvals(journal or MemoryJournal()), Policy(rules=rules))


# the policy


@pytest.mark.requirement("policy.verdicts")
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, "ask"),
        ({"mcp__github__send": "allow"}, "allow"),
        ({"mcp__*": "deny"}, "deny"),
        ({"mcp__*": "deny", "mcp__github__*": "allow"}, "allow"),
        ({"mcp__github__*": "allow", "mcp__*": "deny"}, "allow"),
        ({"mcp__github__*": "allow", "mcp__github__send": "deny"}, "deny"),
        ({"*": "allow"}, "allow"),
        ({"mcp__github*": "allow", "mcp__*__send": "deny"}, "deny"),
        ({"mcp__*__send": "ask", "mcp__github*": "allow"}, "ask"),
        ({"MCP__GITHUB__SEND": "allow"}, "ask"),
        ({"send": "allow"}, "ask"),
    ],
)
def test_the_most_exact_rule_decides(rules: dict[str, Verdict], expected: str) -> None:
    assert Policy(rules=rules).verdict("mcp__github__send", "ask") == expected


@pytest.mark.requirement("policy.verdicts")
def test_the_command_line_goes_before_the_settings() -> None:
    given, settings = Policy(rules={"a": "deny"}), Policy(rules={"a": "allow", "b": "ask"})
    assert given.over(settings).rules == {"a": "deny", "b": "ask"}


@pytest.mark.requirement("policy.verdicts")
async def test_an_allowed_call_runs_and_a_denied_one_does_not() -> None:
    sending = Sending()
    sent = await call(with_rules({"send": "allow"}), sending.tool, "x")
    refused = await call(with_rules({"send": "deny"}), sending.tool, "y")
    assert (sent.ok, sent.text) == (True, "sent x")
    assert not refused.ok
    assert "the user's policy denies it" in refused.text
    assert sending.runs == ["root/1 x"]


async def test_a_call_without_effect_is_not_asked_about() -> None:
    journal, sending = MemoryJournal(), Sending()
    result = await call(with_rules({}, journal), sending.tool, "look")
    assert result.ok
    assert not journal.events()


async def test_a_read_only_tool_can_be_asked_about_and_denied_too() -> None:
    journal = MemoryJournal()
    read = Tool("read", "Reads.", Words, Sending().run, read_only=True)
    denied = await call(with_rules({"read": "deny"}), read, "x")
    asked = await call(with_rules({"read": "ask"}, journal), read, "x")
    assert not denied.ok
    assert not asked.ok
    assert journal.events()[0].command == 'read {"words":"x"}'  # type: ignore[union-attr]


async def test_a_tool_of_ones_own_is_asked_about_where_it_says_so() -> None:
    @openswarm.tool(ask=True)
    def pay(amount: int) -> str:
        """Pays."""
        return f"paid {amount}"

    journal = MemoryJournal()
    made = ToolCall(id="1", name="pay", arguments='{"amount": 5}')
    toolset = Toolset([pay], dispatch=with_rules({}, journal))
    (result,) = await toolset.run([made], "root", lambda _: None, lambda *_: None)
    assert not result.ok
    assert journal.events()[0].command == 'pay {"amount":5}'  # type: ignore[union-attr]


# approvals


@pytest.mark.requirement("policy.headless", "agent.approvals")
async def test_where_nobody_can_answer_a_call_is_denied_and_that_is_written_down() -> None:
    journal, sending = MemoryJournal(), Sending()
    result = await call(with_rules({}, journal), sending.tool, "x")
    asked, given = journal.events()
    assert isinstance(asked, ApprovalAsked)
    assert isinstance(given, ApprovalGiven)
    assert (asked.agent, asked.tool, asked.command, asked.directory) == (
        "root/1", "send", "send x", "/outbox",
    )  # fmt: skip
    assert (given.id, given.answer, given.by) == (asked.id, "deny", NOBODY)
    assert not result.ok
    assert NOBODY in result.text
    assert not sending.runs


@pytest.mark.requirement("policy.by-id")
async def test_questions_of_many_agents_are_answered_by_id_in_any_order() -> None:
    approvals = Approvals(MemoryJournal(), attended=True)
    dispatch, sending = Dispatcher(approvals), Sending()
    results: dict[str, ToolResult] = {}

    async def agent(number: int) -> None:
        path = f"root/{number}"
        results[path] = await call(dispatch, sending.tool, f"w{number}", path, f"c{number}")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(1, 101):
                tasks.start_soon(agent, number)
            await anyio.wait_all_tasks_blocked()
            assert len(approvals.waiting) == 100
            for asked in reversed(approvals.waiting):
                allow = int(asked.command.removeprefix("send w")) % 2 == 0
                assert approvals.answer(asked.id, "allow" if allow else "deny", "ann")
    assert all(results[f"root/{n}"].ok is (n % 2 == 0) for n in range(1, 101))
    assert sorted(sending.runs) == sorted(f"root/{n} w{n}" for n in range(2, 101, 2))
    assert not approvals.waiting


async def test_a_question_is_answered_once() -> None:
    approvals, sending = Approvals(MemoryJournal(), attended=True), Sending()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, Dispatcher(approvals), sending.tool, "x")
            await anyio.wait_all_tasks_blocked()
            (asked,) = approvals.waiting
            assert not approvals.answer("99", "allow", "ann")
            assert approvals.answer(asked.id, "deny", "ann")
            assert not approvals.answer(asked.id, "allow", "bob")
    assert not sending.runs


async def test_always_allows_what_waits_and_what_comes_and_no_other_tool() -> None:
    journal = MemoryJournal()
    approvals = Approvals(journal, attended=True)
    dispatch, sending, other = Dispatcher(approvals), Sending(), Sending("other")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(call, dispatch, sending.tool, f"w{number}", f"root/{number}")
            tasks.start_soon(call, dispatch, other.tool, "x")
            await anyio.wait_all_tasks_blocked()
            approvals.answer(approvals.waiting[0].id, "always", "ann")
            await anyio.wait_all_tasks_blocked()
            assert [asked.tool for asked in approvals.waiting] == ["other"]
            approvals.answer(approvals.waiting[0].id, "deny", "ann")
        assert (await call(dispatch, sending.tool, "later")).ok
    assert len(sending.runs) == 4
    assert not other.runs
    given = [event for event in journal.events() if isinstance(event, ApprovalGiven)]
    assert [event.always for event in given if event.tool == "send"].count(True) == 1


async def test_an_agent_that_is_stopped_withdraws_its_question() -> None:
    journal = MemoryJournal()
    approvals = Approvals(journal, attended=True)
    with anyio.fail_after(5), anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, Dispatcher(approvals), Sending().tool, "x")
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert not approvals.waiting
    assert [event.answer for event in journal.events() if isinstance(event, ApprovalGiven)] == [
        "withdrawn"
    ]


@pytest.mark.parametrize(("answer", "ran"), [("allow", True), ("deny", False), ("always", True)])
async def test_a_function_can_answer(answer: Answer, ran: bool) -> None:
    seen: list[str] = []

    async def approver(asked: ApprovalAsked) -> Answer:
        seen.append(asked.command)
        return answer

    sending = Sending()
    dispatch = Dispatcher(Approvals(MemoryJournal(), approver=approver))
    results = [await call(dispatch, sending.tool, "x"), await call(dispatch, sending.tool, "y")]
    assert [result.ok for result in results] == [ran, ran]
    assert seen == (["send x"] if answer == "always" else ["send x", "send y"])


async def test_what_was_asked_before_is_withdrawn_and_what_was_always_allowed_stays() -> None:
    journal = MemoryJournal()
    journal.append(ApprovalAsked(id="7", call_id="c", tool="send", command="send x"))
    journal.append(ApprovalAsked(id="6", call_id="c", tool="pay", command="pay"))
    journal.append(
        ApprovalGiven(id="6", call_id="c", tool="pay", answer="allow", by="ann", always=True)
    )
    approvals = Approvals(journal)
    approvals.restore(tuple(journal.events()))
    last = journal.events()[-1]
    assert isinstance(last, ApprovalGiven)
    assert (last.id, last.answer) == ("7", "withdrawn")
    paying = Sending("pay")
    assert (await call(Dispatcher(approvals), paying.tool, "x")).ok
    asked = [event for event in journal.events() if isinstance(event, ApprovalAsked)]
    assert asked[-1].id == "8"


async def test_always_ends_with_the_answer_of_the_run() -> None:
    journal = MemoryJournal()
    journal.append(ApprovalAsked(id="1", call_id="c", tool="send", command="send x"))
    journal.append(
        ApprovalGiven(id="1", call_id="c", tool="send", answer="allow", by="ann", always=True)
    )
    journal.append(Answered(outcome="completed", text=Content(text="Done.")))
    approvals = Approvals(journal)
    approvals.restore(tuple(journal.events()))
    assert not (await call(Dispatcher(approvals), Sending().tool, "x")).ok


# resources and secrets


@pytest.mark.requirement("resources.named")
async def test_a_tool_s_resource_admits_no_more_at_once_than_was_set() -> None:
    pacing = Pacing(limit_of=lambda _: ResourceLimit(at_once=2))
    dispatch = Dispatcher(policy=Policy(rules={"*": "allow"}), pacing=pacing)
    one = Sending("one", resource="db")
    shared = Tool("two", "Sends.", Words, one.run, resource="db")
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, dispatch, one.tool, f"{number}", f"root/{number}")
            tasks.start_soon(call, dispatch, shared, f"{number}", f"root/{number}")
    assert len(one.runs) == 40
    assert one.most == 2


async def test_secrets_are_taken_out_of_results_and_out_of_what_is_asked() -> None:
    journal, sending = MemoryJournal(), Sending()

    def scrub(text: str) -> str:
        return text.replace("s3cret", "[redacted]")

    allowed = Dispatcher(policy=Policy(rules={"send": "allow"}), scrub=scrub)
    asking = Dispatcher(Approvals(journal), scrub=scrub)
    assert (await call(allowed, sending.tool, "s3cret")).text == "sent [redacted]"
    await call(asking, sending.tool, "s3cret")
    assert journal.events()[0].command == "send [redacted]"  # type: ignore[union-attr]


async def test_release_reaches_every_tool_and_a_broken_one_costs_nothing() -> None:
    told: list[tuple[str, bool]] = []

    async def release(agent: str, finished: bool) -> str:
        told.append((agent, finished))
        return "two files were merged"

    async def broken(_: str, __: bool) -> str:
        raise OSError("disk")

    tools = [
        Tool("a", "A.", Words, Sending().run, release=broken),
        Tool("b", "B.", Words, Sending().run, release=release),
    ]
    note = await Toolset(tools).release("root/1", finished=True)
    assert told == [("root/1", True)]
    assert note == "a could not tidy up: OSError: disk\ntwo files were merged"
