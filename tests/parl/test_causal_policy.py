"""A causal model leads runs: what it read and said is kept token by token."""

import json
import random
import sys
from collections.abc import Sequence

import anyio
import pytest
from causal_cases import LOOK, Script, causal, policy, result, shared, system, user
from parl_cases import environment, request, wide_task

from openswarm.core.errors import Fault, JournalError, ModelError, SettingsError
from openswarm.core.events import ROOT, Content, ModelReplied
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.llm.model import ChatModel, Delta, Reply, Request
from openswarm.parl.causal.adapter import Causal, adapted, load_causal
from openswarm.parl.causal.drawing import Draw, Generator, Together
from openswarm.parl.causal.policy import CausalPolicy, leading
from openswarm.parl.causal.template import Template
from openswarm.parl.environment import Seat
from openswarm.parl.fold import fold_trail, parse_turn
from openswarm.parl.rollout import Rollout
from openswarm.parl.scene import Scene

pytestmark = pytest.mark.anyio
CALL = '<tool_call>\n{"name": "look", "arguments": {"at": "A"}}\n</tool_call>'


def begun(**changes: object) -> Request:
    """The first turn of a conversation."""
    history = History([system(), user()])
    return Request(history=history, tools=(LOOK,), **changes)  # type: ignore[arg-type]


def gone_on(first: Request, reply: Reply, *messages: Message) -> Request:
    """The next turn, after a reply and what came of it."""
    first.history.append(reply.message)
    for message in messages:
        first.history.append(message)
    return first


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize("by_bytes", [False, True])
async def test_what_was_sampled_is_never_tokenised_again(by_bytes: bool) -> None:
    """The next turn reads on behind the very tokens, even if the tokenizer would take others."""
    script = Script(shared(), ["Let me see. " + CALL, "It is a city."], by_bytes)
    leader = policy(script)
    asked = begun()
    first = await leader.reply(asked)
    second = await leader.reply(gone_on(asked, first, result("City A")))
    one, two = json.loads(first.trace), json.loads(second.trace)
    assert one["fresh"] and not two["fresh"]
    assert script.contexts[0] == one["read"]
    assert script.contexts[1] == one["read"] + one["ids"] + two["read"]
    text = shared().tokenizer.decode(two["read"])
    assert text.startswith("\n<|im_start|>user\n<tool_response>\nCity A\n</tool_response>")
    assert one["mask"] == [1] * len(one["ids"]) and one["choices"] is None
    assert second.usage.cached_tokens == len(one["read"]) + len(one["ids"])
    assert second.message.content == "It is a city." and second.finish == "stop"


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize(
    "said",
    [CALL, '{"name": "look", "parameters": {"at": "A"}}', "```json\n" + CALL[12:-13] + "\n```"],
)
async def test_calls_are_read_in_the_forms_that_models_write(said: str) -> None:
    """Hermes' tags, bare JSON, a fenced block; ids count the calls of the conversation."""
    leader = policy(Script(shared(), [said]))
    asked = begun()
    first = await leader.reply(asked)
    second = await leader.reply(gone_on(asked, first, result("City A")))
    (call,) = first.message.tool_calls
    assert (call.id, call.name, json.loads(call.arguments)) == (
        "functions.look:0", "look", {"at": "A"},
    )  # fmt: skip
    assert [call.id for call in second.message.tool_calls] == ["functions.look:1"]
    assert first.finish == "tool_calls" and first.message.content == ""


@pytest.mark.requirement("parl.causal")
async def test_a_seat_takes_calls_away() -> None:
    """One at a time, none at all, or none of a tool that is not offered any more."""
    two = CALL + "\n" + CALL.replace('"A"', '"B"')
    for reads in (1, 2):
        made = await policy(Script(shared(), [two]), reads=reads).reply(begun())
        assert len(made.message.tool_calls) == reads
    alone = await policy(Script(shared(), [two]), parallel=False).reply(begun())
    assert [json.loads(c.arguments)["at"] for c in alone.message.tool_calls] == ["A"]
    barred = await policy(Script(shared(), [two]), may_call=lambda: False).reply(begun())
    assert not barred.message.tool_calls and barred.message.content == two
    script = Script(shared(), [CALL])
    leader, asked = policy(script), begun()
    gone_on(asked, await leader.reply(asked), result("City A"), user("Stop now."))
    asked.tools = ()
    last = await leader.reply(asked)
    assert not last.message.tool_calls and not json.loads(last.trace)["fresh"]


@pytest.mark.requirement("parl.causal")
async def test_thoughts_are_no_part_of_the_answer() -> None:
    """A call that was only thought of is not made, and the whole reply is one delta."""
    seen: list[Delta] = []
    script = Script(shared(), [f"<think>\nMaybe {CALL}?\n</think>\n\nNo."])
    made = await policy(script).reply(begun(), seen.append)
    assert made.message.content == "No." and not made.message.tool_calls
    assert made.message.reasoning.startswith("Maybe") and seen == [Delta("text", "No.")]


@pytest.mark.requirement("parl.causal")
async def test_a_reply_that_was_cut_is_ended_by_what_is_read() -> None:
    """The end marker that the policy did not choose is read before what follows."""
    script = Script(shared(), ["A long story. " * 20, "Done."])
    leader, asked = policy(script, reply_tokens=5), begun()
    first = await leader.reply(asked)
    second = await leader.reply(gone_on(asked, first, user("Go on.")))
    assert first.finish == "length" and len(json.loads(first.trace)["ids"]) == 5
    assert json.loads(second.trace)["read"][0] == shared().stops[0]


@pytest.mark.requirement("parl.causal")
async def test_a_conversation_that_was_changed_begins_anew() -> None:
    """Everything is read again, as the tokens of before are not what it says any more."""
    script = Script(shared(), [CALL, "Done."])
    leader, asked = policy(script), begun()
    first = await leader.reply(asked)
    gone_on(asked, first, result("City A"))
    before = list(asked.history)
    asked.history.replace([system(), user("Notes: City A."), *before[2:]])
    second = await leader.reply(asked)
    assert json.loads(second.trace)["fresh"]
    assert script.contexts[1] == Template(shared()).begin(tuple(asked.history), [LOOK])


@pytest.mark.requirement("parl.causal")
async def test_a_full_window_is_said_before_anything_is_drawn() -> None:
    """So that the conversation can be made shorter."""
    script = Script(shared(), ["Done."])
    with pytest.raises(ModelError) as caught:
        await policy(script, window=20).reply(begun())
    assert caught.value.fault is Fault.CONTEXT and not script.contexts


class Failing:
    """Fails at the first batch. See `Drawer`."""

    def __init__(self, script: Script) -> None:
        self.script, self.failed = script, 0

    def draw(self, draws: Sequence[Draw]) -> None:
        """See `Drawer.draw`."""
        if not self.failed:
            self.failed = len(draws)
            raise RuntimeError("out of memory")
        self.script.draw(draws)


@pytest.mark.requirement("parl.causal")
async def test_who_waits_is_drawn_together_and_fails_together() -> None:
    """One batch for three conversations; after an error each goes on as if it had not asked."""
    script = Script(shared(), ["Done."])
    failing = Failing(script)
    leader = policy(script)
    leader.drawing = Together(failing)
    faults: list[Fault] = []

    async def ask() -> None:
        asked = begun()
        try:
            await leader.reply(asked)
        except ModelError as error:
            faults.append(error.fault)
            assert (await leader.reply(asked)).message.content == "Done."

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
    assert failing.failed == 3 and faults == [Fault.REFUSED] * 3
    assert script.batches == [3] and script.contexts[0] == script.contexts[2]


@pytest.mark.requirement("parl.causal")
async def test_who_gives_up_waiting_is_left_out() -> None:
    """The others are drawn without it."""
    script = Script(shared(), ["Done."])
    leader = policy(script)

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await leader.reply(begun())
        tasks.start_soon(leader.reply, begun())
    assert script.batches == [1]


def assigning(*lands: str) -> str:
    """A turn that gives each land to a sub-agent."""
    calls = (
        {
            "name": "assign_batch",
            "arguments": {
                "agent": "researcher",
                "prompt_template": f"Find the row of {{{{item}}}} in {land.casefold()}.md.",
                "items": [land],
            },
        }
        for land in lands
    )
    return "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)


def scripted_rollout(script: Script, **changes: object) -> Rollout:
    """A rollout that a script leads."""

    def lead(_: Scene, seat: Seat, __: object) -> ChatModel:
        return policy(script, parallel=seat.parallel, reads=seat.reads)

    asked = request(wide_task(3), critical=20)
    return anyio.run(environment(**changes).rollout, asked, lead, Seat())


@pytest.mark.requirement("parl.causal")
def test_a_rollout_runs_over_real_text() -> None:
    """Through the run's own loop, tools and scheduler; workers' words are read, never chosen."""
    script = Script(shared(), [assigning("Ardo", "Belu", "Coma"), "The table is done."])
    made = scripted_rollout(script)
    (stage,) = made.stages
    assert (stage.width, stage.outcomes, made.success) == (3, ("completed",) * 3, 1.0)
    (segment,) = made.segments
    words = shared().tokenizer
    chosen = [n for n, was in zip(segment.ids, segment.mask, strict=True) if was]
    ends = "<|im_end|>"
    assert words.decode(chosen) == script.texts[0] + ends + script.texts[1] + ends
    read = words.decode([n for n, was in zip(segment.ids, segment.mask, strict=True) if not was])
    assert "1 of 1 completed." in read and "City B" in read and "City B" not in words.decode(chosen)
    assert segment.choices == () and made.length == len(chosen)
    assert {p for p, was in zip(segment.logprobs, segment.mask, strict=True) if was} == {-0.25}
    assert made.critical_steps == 2 + 2 and made.refused == 0


@pytest.mark.requirement("parl.causal")
def test_a_conversation_that_begins_anew_is_another_segment() -> None:
    """What was read again is not behind the tokens of before."""
    turns = [
        {"read": [1, 2], "ids": [3], "mask": [1], "logprobs": [-0.5], "choices": None,
         "fresh": fresh}
        for fresh in (True, False, True)
    ]  # fmt: skip
    events = [
        ModelReplied(agent=ROOT, model="m", trace=Content(text=json.dumps(turn))) for turn in turns
    ]
    first, second = fold_trail(events, lambda content: content.text).segments()
    assert (first.ids, second.ids) == ((1, 2, 3, 1, 2, 3), (1, 2, 3))
    assert first.choices == second.choices == ()
    for broken in ({"fresh": 1}, {"fresh": None}, {"logprobs": []}, {"choices": [[4]]}):
        with pytest.raises(JournalError):
            parse_turn(json.dumps(turns[0] | broken))


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize("reads_first", [False, True])
def test_a_turn_reads_or_assigns(reads_first: bool) -> None:
    """What its first call is, as for the small policy: a stage is either of them."""
    read = '{"name": "open", "arguments": {"document": "ardo.md", "page": 1}}'
    both = [read, assigning("Belu", "Coma")]
    script = Script(shared(), ["\n".join(both if reads_first else both[::-1]), "Done."])
    made = scripted_rollout(script)
    assert made.spawned == (0 if reads_first else 2)
    text = shared().tokenizer.decode(made.segments[0].ids)
    assert ("City A" in text) == reads_first


def drawn(model: Causal, seeds: Sequence[int], together: bool) -> list[list[int]]:
    """Replies to the same question by these random numbers."""
    generator = Generator(model)
    context = Template(model).begin([system(), user()], [LOOK])
    draws = [Draw(context[n % 3 :], 6 + n % 3, random.Random(n)) for n in seeds]
    for part in [draws] if together else [[draw] for draw in draws]:
        generator.draw(part)
    return [draw.ids for draw in draws]


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize("llama", [False, True])
def test_what_is_said_does_not_depend_on_who_is_drawn_beside_it(llama: bool) -> None:
    """Rows of other lengths and limits in the same batch change no token."""
    model = causal(llama=llama)
    alone = drawn(model, range(6), together=False)
    assert drawn(model, range(6), together=True) == alone
    assert len({tuple(ids) for ids in alone}) > 3
    assert all(len(ids) <= 6 + n % 3 for n, ids in enumerate(alone))


@pytest.mark.requirement("parl.causal")
def test_rollouts_of_a_real_model_are_the_same_again() -> None:
    """By their seeds, with sampling settings of the model's own left aside."""
    model = causal()
    model.model.generation_config.repetition_penalty = 3.0
    asked = [request(wide_task(2), seed=seed, critical=4) for seed in range(2)]

    def made() -> list[Rollout]:
        lead = leading(model, reply_tokens=8)
        return anyio.run(environment().rollouts, asked, lead, Seat())

    first, second = made(), made()
    assert [r.segments for r in first] == [r.segments for r in second]
    assert first[0].segments != first[1].segments
    assert all(r.length for r in first)
    assert model.model.generation_config.repetition_penalty == 3.0


@pytest.mark.requirement("parl.causal")
@pytest.mark.parametrize("missing", ["transformers", "peft"])
def test_a_missing_package_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words that install it."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingsError, match="pip install"):
        adapted(shared()) if missing == "peft" else load_causal("nowhere")


@pytest.mark.requirement("parl.causal")
async def test_the_bound_of_the_input_is_never_too_low() -> None:
    """So that a window or a budget is not overrun."""
    leader, asked = policy(Script(shared(), [CALL])), begun()
    first = await leader.reply(asked)
    assert leader.input_bound(asked) >= first.usage.input_tokens
    second = await leader.reply(gone_on(asked, first, result("City A")))
    assert leader.input_bound(asked) >= second.usage.input_tokens
    assert isinstance(leader, CausalPolicy)
    await leader.aclose()
