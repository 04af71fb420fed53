"""The K2.5-shaped local model: random weights of the tiny configuration, saved and served."""

import base64
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import av
import pytest
from PIL import Image

from openswarm.core.errors import Fault, ModelError, SettingsError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart, VideoPart
from openswarm.core.settings import Settings
from openswarm.k25.tokenizer import Tokenizer
from openswarm.llm import weights
from openswarm.llm.k25_local import K25Model
from openswarm.llm.model import Delta, Request, ToolSpec
from openswarm.llm.resolve import resolve

pytestmark = pytest.mark.anyio

READ = ToolSpec(
    "read_page",
    "Reads a page.",
    '{"type":"object","properties":{"page":{"type":"integer","minimum":0,"maximum":99}},'
    '"required":["page"],"additionalProperties":false}',
)
FIT = {"type": "object", "properties": {"fits": {"type": "boolean"}}, "required": ["fits"]}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The one that comes with openswarm, which that checkpoint has."""
    return Tokenizer.load()


@pytest.fixture
def unloaded(k25_folder: Path) -> K25Model:
    """The model of that folder, of which only the configuration was read."""
    return K25Model.at(k25_folder, spec="local/k25-tiny", parallel=2)


@pytest.fixture
async def model(unloaded: K25Model) -> AsyncIterator[K25Model]:
    """The same; it is closed after the test."""
    yield unloaded
    await unloaded.aclose()


def plain(shade: int, side: int) -> ImagePart:
    """A square of one shade of grey; 28 pixels are the side of a token."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (shade,) * 3).save(file, "PNG")
    return ImagePart.of("image/png", file.getvalue())


def video(*shades: int) -> VideoPart:
    """A screen that has these shades of grey, each for half a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=2)
        stream.width = stream.height = 56
        stream.pix_fmt = "yuv420p"
        for shade in shades:
            frame = av.VideoFrame.from_image(Image.new("RGB", (56, 56), (shade,) * 3))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = base64.b64encode(file.getvalue()).decode()
    return VideoPart(url=f"data:video/mp4;base64,{data}")


def request(text: Any = "Go.", *tools: ToolSpec, **options: Any) -> Request:
    """One turn of a few tokens."""
    options = {"max_tokens": 12, **options}
    return Request(History([Message(role="user", content=text)]), tools=tools, **options)


def drawn(seed: int) -> tuple[tuple[str, float], ...]:
    """Sampling that gives something else for each seed."""
    return (("temperature", 1.0), ("seed", float(seed)))


@pytest.mark.requirement("model.local")
async def test_a_reply_streams_as_text_and_counts_its_tokens(model: K25Model) -> None:
    """The deltas are the message; a model of random weights writes until it may not."""
    seen: list[Delta] = []
    reply = await model.reply(request(), seen.append)
    assert "".join(delta.text for delta in seen if delta.kind == "text") == reply.message.text
    assert reply.message.text and not reply.message.reasoning
    assert (reply.finish, reply.usage.output_tokens, reply.model) == (
        "length",
        12,
        "local/k25-tiny",
    )
    again = await model.reply(request())
    assert again.message.text == reply.message.text
    assert again.usage.cached_tokens == again.usage.input_tokens - 1


@pytest.mark.requirement("model.local-thinking")
async def test_thoughts_come_apart_from_the_answer(model: K25Model) -> None:
    """The thought is ended by force where an answer of a form has to follow."""
    seen: list[Delta] = []
    asked = request("Fits?", thinking=True, schema=FIT, max_tokens=60, sampling=drawn(1))
    reply = await model.reply(asked, seen.append)
    assert seen[0].kind == "reasoning"
    assert "".join(d.text for d in seen if d.kind == "reasoning") == reply.message.reasoning
    assert reply.finish == "stop"
    assert set(json.loads(reply.message.text)) == {"fits"}


@pytest.mark.requirement("model.local-tools")
async def test_calls_are_of_declared_tools_with_arguments_that_fit(model: K25Model) -> None:
    """Whatever the weights would rather say."""
    for seed in range(3):
        asked = request("Go.", READ, must_call=True, max_tokens=200, sampling=drawn(seed))
        reply = await model.reply(asked)
        assert reply.finish == "tool_calls" and not reply.message.text
        for number, call in enumerate(reply.message.tool_calls):
            assert (call.name, call.id) == ("read_page", f"functions.read_page:{number}")
            assert 0 <= json.loads(call.arguments)["page"] <= 99


async def test_calls_are_numbered_on_in_the_conversation(model: K25Model) -> None:
    """Ids of another form count as well."""
    first = await model.reply(request("Go.", READ, must_call=True, max_tokens=200))
    calls = tuple(call.model_copy(update={"id": "x"}) for call in first.message.tool_calls[:1])
    said = first.message.model_copy(update={"tool_calls": calls})
    result = Message(role="tool", content="Page.", tool_call_id="x")
    asked = request("Go.", READ, must_call=True, max_tokens=200)
    asked.history.append(said)
    asked.history.append(result)
    second = await model.reply(asked)
    assert second.message.tool_calls[0].id == "functions.read_page:1"


@pytest.mark.requirement("model.local-cache")
async def test_the_next_turn_reads_only_what_is_new(model: K25Model) -> None:
    """Also when the tools have been taken away for it: the prompt still shows them."""
    asked = request("Read a page and say what is on it.", READ, must_call=True, max_tokens=200)
    first = await model.reply(asked)
    asked.history.append(first.message)
    for call in first.message.tool_calls:
        result = Message(role="tool", content="Nothing.", tool_call_id=call.id)
        asked.history.append(result)
    last = Request(asked.history, max_tokens=30, sampling=drawn(2))
    reply = await model.reply(last)
    assert not reply.message.tool_calls
    assert reply.usage.cached_tokens >= first.usage.input_tokens


@pytest.mark.requirement("model.local-together")
async def test_replies_are_made_together_and_are_what_they_are_alone(model: K25Model) -> None:
    """More of them than there are slots."""
    asked = [request(f"Number {n}.", sampling=drawn(n)) for n in range(5)]
    alone = [(await model.reply(entry)).message.text for entry in asked]
    together: dict[int, str] = {}

    async def one(number: int) -> None:
        together[number] = (await model.reply(asked[number])).message.text

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(one, number)
    assert [together[number] for number in range(5)] == alone


@pytest.mark.requirement("model.local-cancel")
async def test_whoever_goes_away_frees_the_slot(model: K25Model) -> None:
    """Three long replies are given up on two slots; a fourth is still made."""
    await model.reply(request())
    for _ in range(3):
        with anyio.CancelScope() as scope:
            # the stream calls back on the event loop, so the scope is cancelled in the middle
            await model.reply(request(max_tokens=2000), lambda _: scope.cancel())
        assert scope.cancelled_caught
    with anyio.fail_after(20):
        assert (await model.reply(request())).usage.output_tokens == 12


async def test_a_reply_ends_at_a_stop_text(model: K25Model) -> None:
    """Which is not part of it."""
    whole = (await model.reply(request())).message.text
    stop = whole[len(whole) // 2 :][:3]
    reply = await model.reply(request(stop=(stop,)))
    assert reply.message.text == whole[: whole.index(stop)]
    assert reply.usage.output_tokens < 12 and reply.finish == "stop"


@pytest.mark.requirement("model.local-pictures")
async def test_pictures_that_come_with_the_request_are_seen(model: K25Model) -> None:
    """Other pixels of the same size make another reply, and the same ones the same reply."""
    asked = [request((TextPart(text="What?"), plain(shade, 56))) for shade in (0, 255, 0)]
    black, white, again = [await model.reply(entry) for entry in asked]
    assert black.message.text == again.message.text != white.message.text
    assert black.usage.input_tokens == white.usage.input_tokens
    small = await model.reply(request((TextPart(text="What?"), plain(0, 28))))
    assert black.usage.input_tokens == small.usage.input_tokens + 3
    assert model.input_bound(asked[0]) >= black.usage.input_tokens


@pytest.mark.requirement("model.local-pictures")
@pytest.mark.parametrize(
    "part", [ImagePart(url="https://example.org/a.png"), VideoPart(url="data:video/mp4,no")]
)
async def test_an_address_and_a_video_that_is_none_are_refused(
    model: K25Model, part: ImagePart | VideoPart
) -> None:
    """Nothing is fetched."""
    with pytest.raises(ModelError) as caught:
        await model.reply(request((part,)))
    assert caught.value.fault is Fault.REFUSED


@pytest.mark.requirement("model.local-pictures")
async def test_a_video_is_seen_in_chunks_with_their_times(
    model: K25Model, tokenizer: Tokenizer
) -> None:
    """Each chunk of up to four frames takes its own place in the text, in its order."""
    shades = range(0, 240, 40)
    dawn, dusk, short = [
        await model.reply(request((video(*film), TextPart(text="What?"))))
        for film in (shades, reversed(shades), shades[:4])
    ]
    assert dawn.message.text != dusk.message.text
    assert dawn.usage.input_tokens == dusk.usage.input_tokens
    words = len(tokenizer.encode("00:00:02.000")) + len(tokenizer.encode("video"))
    markers, seen = 3, 4
    assert dawn.usage.input_tokens == short.usage.input_tokens + words + markers + seen
    assert model.input_bound(request((video(0),))) == model.info.context_tokens


@pytest.mark.requirement("model.local-window")
async def test_a_conversation_that_is_too_long_says_how_long_it_may_be(model: K25Model) -> None:
    """The fault is that of a window that is full."""
    with pytest.raises(ModelError, match=r"of \d+ tokens .* window of 2048") as caught:
        await model.reply(request("word " * 3000))
    assert caught.value.fault is Fault.CONTEXT
    assert model.input_bound(request("word " * 3000)) == model.info.context_tokens == 2048


async def test_the_bound_of_a_request_is_never_below_its_tokens(model: K25Model) -> None:
    """With tools and markers."""
    asked = request("Grüße, 世界! 123456", READ)
    assert model.input_bound(asked) >= (await model.reply(asked)).usage.input_tokens


async def test_half_of_a_surrogate_pair_is_counted(model: K25Model) -> None:
    """Which JSON may hold, and UTF-8 may not; the prompt has U+FFFD in its place."""
    asked = request("Go.", ToolSpec("read_page", "Reads \ud800 pages.", READ.parameters))
    assert model.input_bound(asked) >= (await model.reply(asked)).usage.input_tokens


async def test_a_closed_model_is_loaded_again(model: K25Model) -> None:
    """A reply that was being made fails."""
    failed: list[ModelError] = []
    begun = anyio.Event()

    async def long() -> None:
        try:
            await model.reply(request(max_tokens=2000), lambda _: begun.set())
        except ModelError as error:
            failed.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(long)
        await begun.wait()
        await model.aclose()
    assert failed[0].fault is Fault.BROKEN
    assert (await model.reply(request())).usage.output_tokens == 12


async def test_a_failing_model_ends_its_replies_and_not_itself(
    model: K25Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next reply gets a fresh engine."""
    from openswarm.k25 import generation

    await model.reply(request())

    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(generation, "sample", broken)
        with pytest.raises(ModelError, match="out of memory"):
            await model.reply(request())
    assert (await model.reply(request())).usage.output_tokens == 12


@pytest.mark.requirement("model.local-name")
def test_the_model_is_found_by_its_name_and_by_its_folder(
    k25_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the home folder, in a checkout, or where the path says."""

    def named(name: str) -> str:
        found = resolve(f"local/{name}", Settings(), {}, home)
        assert isinstance(found, K25Model)
        return found.spec

    assert named(str(k25_folder)) == f"local/{k25_folder}"
    with pytest.raises(SettingsError, match="openswarm k25 train"):
        named("k25-tiny")
    (home / "models").mkdir(parents=True)
    (home / "models" / "k25-tiny").symlink_to(k25_folder)
    assert named("k25-tiny") == "local/k25-tiny"
    (home / "models" / "k25-tiny").unlink()
    monkeypatch.setattr(weights, "CHECKOUT", k25_folder.parents[1])
    k25_folder.parent.with_name("weights").symlink_to(k25_folder.parent)
    assert named("k25-tiny") == "local/k25-tiny"


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    """Before anything is loaded."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SettingsError, match="text_config is missing"):
        K25Model.at(tmp_path)


@pytest.fixture
def hollow(k25_folder: Path, tmp_path: Path) -> K25Model:
    """A folder with a configuration and no weights."""
    (tmp_path / "config.json").write_bytes((k25_folder / "config.json").read_bytes())
    return K25Model.at(tmp_path)


async def test_missing_weights_are_named_at_the_first_reply(hollow: K25Model) -> None:
    """And nothing is left to close."""
    with pytest.raises(SettingsError, match="cannot be loaded"):
        await hollow.reply(request())
    await hollow.aclose()


@pytest.mark.requirement("model.local-extra")
async def test_a_missing_package_is_named_with_its_extra(
    unloaded: K25Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first reply, which is when it is needed."""
    for name in ("openswarm.llm.k25_prompt", "openswarm.k25.grammar"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(SettingsError, match=r"llguidance: pip install 'openswarm\[model\]'"):
        await unloaded.reply(request())


@pytest.mark.requirement("model.local-extra")
def test_naming_the_model_loads_no_heavy_library() -> None:
    """They are imported with the first reply."""
    code = (
        "import sys, openswarm.llm.k25_local; print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
