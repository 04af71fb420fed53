"""The engine: many replies at once are what each is alone, and what the whole model says."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from openswarm.k25.config import K25Config
from openswarm.k25.errors import ModelFileError
from openswarm.k25.generation import Engine
from openswarm.k25.grammar import Grammars
from openswarm.k25.model import K25
from openswarm.k25.pixels import Patches
from openswarm.k25.prefix import WORTH_WAITING
from openswarm.k25.requests import Event, Generated, GenerationRequest, Ticket, TooLongError
from openswarm.k25.sampling import Sampling
from openswarm.k25.tokenizer import Tokenizer

WINDOW = 160
ORDINARY = 3000


@pytest.fixture
def model(config: K25Config) -> K25:
    """Random weights, spread wide so that no two tokens are nearly alike."""
    text = config.text_config.model_copy(
        update={"num_hidden_layers": 2, "initializer_range": 0.1, "max_position_embeddings": 512}
    )
    made = K25(config.model_copy(update={"text_config": text}))
    made.initialise(5)
    return made


def prompt(length: int, seed: int = 0) -> list[int]:
    """Ordinary tokens."""
    numbers = random.Random(seed)
    return [numbers.randrange(ORDINARY) for _ in range(length)]


def request(
    ids: Sequence[int], media: Sequence[Patches] = (), **options: object
) -> GenerationRequest:
    """Drawn at temperature 1, ten tokens."""
    return GenerationRequest(ids, media, Sampling(**{"max_tokens": 10, **options}))  # type: ignore[arg-type]


def picture(seed: int, rows: int = 4, columns: int = 6, frames: int = 1) -> Patches:
    """Random pixels."""
    generator = torch.Generator().manual_seed(seed)
    shape = (frames * rows * columns, 3, 14, 14)
    return Patches(torch.rand(shape, generator=generator) * 2 - 1, (frames, rows, columns))


def with_pictures(model: K25, *parts: list[int] | Patches) -> tuple[list[int], list[Patches]]:
    """Tokens with pads where the pictures are."""
    ids: list[int] = []
    for part in parts:
        pads = [model.config.media_placeholder_token_id] * getattr(part, "tokens", 0)
        ids += part if isinstance(part, list) else pads
    return ids, [part for part in parts if isinstance(part, Patches)]


def engine(model: K25, slots: int = 4, **options: int) -> Engine:
    """An engine with a short window."""
    return Engine(model, slots=slots, **{"tokens": WINDOW, **options})


def alone(model: K25, asked: GenerationRequest) -> Generated:
    """The reply of an engine that has nothing else to do."""
    return engine(model, slots=1).generate([asked])[0]


def whole_logprobs(model: K25, asked: GenerationRequest, reply: Generated) -> list[float]:
    """What the model says of a reply's tokens in one pass without a cache."""
    ids = [*asked.ids, *reply.ids]
    with torch.inference_mode():
        logits_BLV = model.eval()(torch.tensor([ids[:-1]]), asked.media)
    temperature = asked.sampling.temperature or 1.0
    logprobs_LV = (logits_BLV[0, len(asked.ids) - 1 :] / temperature).log_softmax(-1)
    return logprobs_LV.gather(-1, torch.tensor(reply.ids)[:, None])[:, 0].tolist()


def drain(engine: Engine) -> dict[Ticket, list[Event]]:
    """All events until nothing is left."""
    events: defaultdict[Ticket, list[Event]] = defaultdict(list)
    while engine.busy:
        for event in engine.step():
            events[event.ticket].append(event)
    return events


@pytest.mark.requirement("model.cache")
@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_log_probabilities_are_those_of_the_whole_model(model: K25, chunk: int) -> None:
    """Read in pieces and decoded token by token, or in one pass: the same to 1e-4."""
    asked = [
        request(prompt(length, length), temperature=0.4 * n, seed=n)
        for n, length in enumerate([1, 2, 13, 14, 40, 90])
    ]
    for entry, reply in zip(asked, engine(model, chunk=chunk).generate(asked), strict=True):
        assert len(reply.ids) == 10
        assert reply.logprobs == pytest.approx(whole_logprobs(model, entry, reply), abs=1e-4)


@pytest.mark.requirement("model.cache")
def test_pictures_are_seen_as_by_the_whole_model(model: K25) -> None:
    """Images and a chunk of video between text, cut anywhere by the pieces."""
    ids, media = with_pictures(
        model, prompt(5), picture(1), prompt(3, 1), picture(2, 2, 4, frames=3), picture(3)
    )
    asked = request([*ids, *prompt(4, 2)], media, seed=1)
    for chunk in (4, 256):
        (reply,) = engine(model, chunk=chunk).generate([asked])
        assert reply.logprobs == pytest.approx(whole_logprobs(model, asked, reply), abs=1e-4)


@pytest.mark.requirement("model.batching")
def test_replies_of_a_batch_are_what_they_are_alone(model: K25) -> None:
    """Prompts and replies of mixed lengths, more of them than slots, each with its own seed."""
    numbers = random.Random(3)
    asked = [
        request(
            prompt(numbers.randrange(1, 90), n),
            temperature=numbers.choice([0.0, 0.7, 1.0]),
            top_p=numbers.choice([0.8, 1.0]),
            seed=n,
            max_tokens=numbers.randrange(1, 20),
        )
        for n in range(14)
    ]
    together = engine(model, slots=5, chunk=64).generate(asked)
    for entry, reply in zip(asked, together, strict=True):
        expected = alone(model, entry)
        assert (reply.ids, reply.finish) == (expected.ids, expected.finish)
        assert reply.logprobs == pytest.approx(expected.logprobs, abs=1e-4)
        assert reply.drawn_logprobs == pytest.approx(expected.drawn_logprobs, abs=1e-4)


@pytest.mark.requirement("model.batching")
def test_a_reply_is_the_same_for_the_same_seed_and_another_for_another(model: K25) -> None:
    """Also when the same prompt runs twice at once."""
    one, same, other = engine(model).generate([request(prompt(9), seed=seed) for seed in (1, 1, 2)])
    assert one.ids == same.ids != other.ids


@pytest.mark.requirement("model.prefix-cache")
def test_what_is_shared_is_read_once_and_the_reply_does_not_change(model: K25) -> None:
    """A conversation that goes on, a second one with the same beginning, and the first again."""
    shared, made = prompt(60), engine(model)
    (first,) = made.generate([request(shared, seed=1)])
    turns = [
        ([*shared, *first.ids, *prompt(5, 1)], 60 + 9),  # the last token's latents never existed
        ([*shared[:40], *prompt(8, 2)], 40),
        ([*shared, *first.ids, *prompt(5, 1), *prompt(3, 3)], 60 + 10 + 5),
        (shared, 59),  # the last token is read again, for its logits
    ]
    for ids, cached in turns:
        asked = request(ids, seed=2)
        (reply,) = made.generate([asked])
        assert reply.cached_tokens == cached
        assert reply.ids == alone(model, asked).ids
        assert reply.logprobs == pytest.approx(whole_logprobs(model, asked, reply), abs=1e-4)


@pytest.mark.requirement("model.prefix-cache")
def test_prompts_that_come_together_share_what_the_first_one_reads(model: K25) -> None:
    """The others wait for it, as reading it at the same time would be slower."""
    shared = prompt(WORTH_WAITING + 20)
    asked = [request([*shared, *prompt(n, n)], seed=n) for n in range(1, 5)]
    replies = engine(model, chunk=32).generate(asked)
    assert replies[0].cached_tokens == 0
    for entry, reply in zip(asked[1:], replies[1:], strict=True):
        assert len(shared) >= reply.cached_tokens > len(shared) - WORTH_WAITING
        assert reply.ids == alone(model, entry).ids


@pytest.mark.requirement("model.prefix-cache")
def test_the_slot_longest_unused_is_given_up(model: K25) -> None:
    """Of three conversations in two slots, the oldest one is gone."""
    made = engine(model, slots=2)

    def cached(seed: int) -> int:
        return made.generate([request(prompt(30, seed))])[0].cached_tokens

    assert [cached(seed) for seed in (1, 2, 1, 3, 1, 2)] == [0, 0, 29, 0, 29, 0]


@pytest.mark.requirement("model.prefix-cache")
def test_other_pixels_are_another_prompt(model: K25) -> None:
    """The same pixels are the same one, and a picture is taken over whole or not at all."""
    made = engine(model)

    def reply(*parts: list[int] | Patches) -> tuple[int, list[int]]:
        asked = request(*with_pictures(model, *parts))
        (made_reply,) = made.generate([asked])
        assert made_reply.ids == alone(model, asked).ids
        return made_reply.cached_tokens, made_reply.ids

    start, end, seen = prompt(5), prompt(6, 1), picture(1)
    cached, first = reply(start, seen, end)
    assert cached == 0
    again, same = reply(start, picture(1), end)
    assert (again, same) == (5 + 6 + 5, first)
    other, different = reply(start, picture(2), end)
    assert other == 5 and different != first
    assert reply(start, seen)[0] == 5
    assert reply(start, picture(1, 6, 4), end)[0] == 5


@pytest.mark.requirement("model.prefix-cache")
def test_weights_that_changed_are_not_mixed_with_old_latents(model: K25) -> None:
    """After `forget` nothing is taken over."""
    made, asked = engine(model), request(prompt(20), temperature=0)
    made.generate([asked])
    model.initialise(6)
    made.forget()
    (reply,) = made.generate([asked])
    assert reply.cached_tokens == 0 and reply.ids == alone(model, asked).ids
    made.submit(asked)
    with pytest.raises(RuntimeError, match="may not change"):
        made.forget()


@pytest.mark.requirement("model.continuous")
def test_a_thousand_requests_go_through_four_slots_in_order(model: K25) -> None:
    """All finish, whatever their lengths, and none begins before one that came earlier."""
    text = model.config.text_config.model_copy(update={"num_hidden_layers": 1})
    shallow = K25(model.config.model_copy(update={"text_config": text}))
    shallow.initialise(5)
    numbers = random.Random(1)
    made = Engine(shallow, slots=4, tokens=16)
    tickets = [
        made.submit(request(prompt(numbers.randrange(1, 6), n), max_tokens=numbers.randrange(1, 4)))
        for n in range(1000)
    ]
    begun: list[Ticket] = []
    finished: set[Ticket] = set()
    while made.busy:
        for event in made.step():
            if event.ticket not in begun[-8:]:
                begun.append(event.ticket)
            if event.finish:
                finished.add(event.ticket)
    assert begun == tickets and finished == set(tickets)


@pytest.mark.requirement("model.continuous")
def test_a_long_prompt_does_not_hold_up_the_replies_that_run(model: K25) -> None:
    """Each step reads a piece of it and brings every reply a token."""
    made = engine(model, chunk=8)
    running = made.submit(request(prompt(3), max_tokens=20))
    made.step()
    long = made.submit(request(prompt(100, 1), max_tokens=1))
    for _ in range(12):
        assert [event.ticket for event in made.step()] == [running]
    assert [event.ticket for event in made.step()] == [running, long]


@pytest.mark.requirement("model.continuous")
def test_a_slot_is_free_at_once_after_the_end_and_after_a_cancellation(model: K25) -> None:
    """Requests that run, are being read, or wait can be cancelled; the others are not touched."""
    made = engine(model, slots=2, chunk=8)
    asked = [request(prompt(20, n), seed=n, max_tokens=100) for n in range(4)]
    running, reading, waiting, last = map(made.submit, asked)
    for _ in range(4):
        made.step()
    for ticket in (running, waiting, running, Ticket(99)):
        made.cancel(ticket)
    for _ in range(2):
        made.step()
    made.cancel(reading)
    events = drain(made)
    assert set(events) == {last}
    assert [event.token for event in events[last]] == alone(model, asked[3]).ids
    assert not made.busy and made.step() == []


@pytest.mark.requirement("model.window")
def test_a_prompt_beyond_the_window_is_refused_with_both_lengths(model: K25) -> None:
    """The model's own limit is named; nothing else is disturbed."""
    made = engine(model)
    with pytest.raises(TooLongError, match=r"160 tokens .*max_position_embeddings is 512"):
        made.generate([request(prompt(3)), request(prompt(WINDOW))])
    assert not made.busy
    with pytest.raises(ModelFileError, match="513 tokens"):
        Engine(model, tokens=513)


@pytest.mark.requirement("model.window")
def test_a_reply_ends_where_the_window_ends(model: K25) -> None:
    """Prompt and reply fill it exactly, and the model can read the whole again."""
    for length in (WINDOW - 1, WINDOW - 5):
        asked = request(prompt(length), max_tokens=1000)
        (reply,) = engine(model).generate([asked])
        assert (length + len(reply.ids), reply.finish) == (WINDOW, "length")
        assert reply.logprobs == pytest.approx(whole_logprobs(model, asked, reply), abs=1e-4)


@pytest.mark.requirement("model.window")
def test_a_reply_ends_with_its_stop_token(model: K25) -> None:
    """Which is its last id, with its log-probability."""
    free = alone(model, request(prompt(5)))
    (reply,) = engine(model).generate([request(prompt(5), stop=frozenset({free.ids[4]}))])
    end = free.ids.index(free.ids[4]) + 1
    assert (reply.ids, reply.finish) == (free.ids[:end], "stop")
    assert len(reply.logprobs) == end


@pytest.mark.requirement("model.bad-input")
@pytest.mark.parametrize(
    ("ids", "media", "named"),
    [
        ([], (), "at least one token"),
        ([1, 4096], (), "no token 4096"),
        ([-1], (), "no token -1"),
        ([1, 3861], (), "room for 1 media tokens, the pictures given have 0"),
        ([1], (picture(1),), "room for 0 media tokens, the pictures given have 6"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_named(
    ids: list[int], media: Sequence[Patches], named: str, model: K25
) -> None:
    """Before it is queued."""
    made = engine(model)
    with pytest.raises(ModelFileError, match=named):
        made.submit(GenerationRequest(ids, media))
    assert not made.busy


@pytest.mark.requirement("model.grammar-json")
def test_a_form_holds_one_reply_and_not_the_one_beside_it(model: K25) -> None:
    """The policy's log-probabilities are those without the grammar."""
    tokenizer = Tokenizer.load()
    end = tokenizer.special["<|im_end|>"]
    grammar = Grammars(tokenizer).of_schema({"type": "boolean"})
    held = GenerationRequest(prompt(6), (), Sampling(stop=frozenset({end}), seed=4), grammar)
    said, free = engine(model).generate([held, request(prompt(9))])
    assert tokenizer.decode(said.ids) in ("true<|im_end|>", "false<|im_end|>")
    assert said.logprobs == pytest.approx(whole_logprobs(model, held, said), abs=1e-4)
    assert said.drawn_logprobs[-1] == 0
    assert free.ids == alone(model, request(prompt(9))).ids


def test_a_model_in_training_is_put_into_evaluation(model: K25) -> None:
    """Replies do not count as load of its experts."""
    model.train()
    engine(model).generate([request(prompt(4))])
    assert not model.training
    assert all(not router.load_E.any() for router in model.routers())


class Exhausted:
    """A grammar, and the guide of one reply, that allows three tokens and then nothing."""

    def __init__(self, left: int = 3) -> None:
        self._left = left

    def guide(self) -> "Exhausted":
        """See `requests.Grammar`."""
        return Exhausted(self._left)

    def allowed(self) -> torch.Tensor:
        """See `requests.Guide`."""
        return torch.full((4096,), self._left > 0)

    def accept(self, token: int) -> None:
        """See `requests.Guide`."""
        self._left -= 1


@pytest.mark.requirement("model.sampling")
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_reply_that_nothing_may_follow_ends_alone(model: K25, temperature: float) -> None:
    """It stops with the model's end of text; the reply beside it is what it is alone."""
    free = request(prompt(9), temperature=temperature)
    held = replace(free, grammar=Exhausted())
    made, beside = engine(model).generate([held, free])
    assert made.finish == "stop"
    assert made.ids == [*beside.ids[:3], model.config.text_config.eos_token_id]
    assert beside.ids == alone(model, free).ids
