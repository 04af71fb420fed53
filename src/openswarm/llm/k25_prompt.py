"""Between requests and tokens: the prompt of a K2.5-shaped model, and the reading of its reply.

Owns the choice of what the prompt shows and what the grammar allows. Imports PyTorch, so it is
imported by whoever loads the model. Knows no engine and no event loop.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from openswarm.core.messages import ImagePart, Message, VideoPart
from openswarm.k25.callids import with_own_ids
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.errors import ModelFileError
from openswarm.k25.grammar import Grammars, ReplyForm, TokenGrammar
from openswarm.k25.parsing import ReplyDelta, ReplyParser
from openswarm.k25.pieces import expand
from openswarm.k25.pixels import (
    CHUNK,
    Patches,
    film_tokens,
    image_patches,
    image_tokens,
    video_chunks,
)
from openswarm.k25.requests import GenerationRequest, TooLongError
from openswarm.k25.sampling import Sampling
from openswarm.k25.template import render
from openswarm.k25.tokenizer import FILE, StreamDecoder, Tokenizer
from openswarm.k25.tokens import (
    EOS,
    IM_ASSISTANT,
    IM_END,
    IM_SYSTEM,
    IM_USER,
    MARKERS,
    MEDIA_PAD,
    SECTION_BEGIN,
)
from openswarm.llm.constrain import bounded
from openswarm.llm.model import Delta, Request, ToolSpec
from openswarm.media.pictures import data_url, decode
from openswarm.media.video import frames

STOPS = (IM_END, EOS, IM_USER, IM_ASSISTANT, IM_SYSTEM)
"""Tokens after which nothing belongs to a reply."""
LEAST_TOP_P = 1e-6
"""What a `top_p` of 0 stands for: the most likely token."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes to the engine, and what its reply has to be read with."""

    request: GenerationRequest
    thinking: bool
    calls_before: int
    """Tool calls of the conversation so far."""


@dataclass(frozen=True, slots=True)
class _Media:
    """The pictures of a conversation in their order, and the times of each video's chunks."""

    patches: list[Patches]
    times: dict[str, list[float]]

    def check_room(self, tokens: int, window: int) -> None:
        """Raises `TooLongError` when so many more leave no room: they take gigabytes once cut."""
        count = sum(entry.tokens for entry in self.patches) + tokens
        if count >= window:
            raise TooLongError(
                f"pictures and videos of {count} tokens leave no room for a reply in the window of"
                f" {window}"
            )


class Reading:
    """One reply on its way from tokens to a message."""

    def __init__(self, tokenizer: Tokenizer, prompt: Prompt, stops: Sequence[str]) -> None:
        self._decoder = StreamDecoder(tokenizer)
        self._names = tokenizer.names
        self._parser = ReplyParser(prompt.thinking, calls_before=prompt.calls_before)
        self._stops = stops
        self._text = ""
        self.stopped = False
        """Whether a stop text has come; what follows is not wanted."""

    def take(self, token: int) -> list[Delta]:
        """What the next token adds to reasoning and text."""
        name = self._names.get(token)
        if name is None:
            return self._shown(self._parser.literal(self._decoder.feed([token])))
        cut = self._parser.literal(self._decoder.finish())
        return self._shown([*cut, *(self._parser.marker(name) if name in MARKERS else [])])

    def finish(self) -> tuple[Message, list[Delta]]:
        """The message, and what was held back because it could have become a marker."""
        rest = self._shown(self._parser.literal(self._decoder.finish()))
        parsed = self._parser.finish()
        rest += self._shown(parsed.held)
        ends = [parsed.text.find(stop) for stop in self._stops if stop in parsed.text]
        message = Message(
            role="assistant",
            content=parsed.text[: min(ends)] if ends else parsed.text,
            reasoning=parsed.reasoning,
            tool_calls=() if self.stopped else parsed.calls,
        )
        return message, rest

    def _shown(self, deltas: Iterable[ReplyDelta]) -> list[Delta]:
        shown = [Delta(delta.kind, delta.text) for delta in deltas]
        if self._stops:
            self._text += "".join(delta.text for delta in shown if delta.kind == "text")
            self.stopped = any(stop in self._text for stop in self._stops)
        return shown


class Prompts:
    """Writes prompts for one model."""

    def __init__(self, tokenizer: Tokenizer, window: int) -> None:
        """`window` is what prompt and reply have together, in tokens."""
        self.tokenizer = tokenizer
        self._window = window
        self._grammars = Grammars(tokenizer)

    def prompt(
        self,
        messages: Sequence[Message],
        request: Request,
        shown: Sequence[ToolDeclaration],
        seed: int,
    ) -> Prompt:
        """The prompt of a request, with `shown` as the tools that it describes.

        Raises `UserError` for a picture, a tool or sampling that cannot be used, `TooLongError`
        for pictures that fill the window, and `SettingsError` when the package that reads them is
        missing.
        """
        thinking = bool(request.effort) if request.thinking is None else request.thinking
        media = _media(messages, self._window)
        pieces = render(
            messages,
            shown,
            thinking=thinking,
            chunks=lambda video: media.times[video.url],
        )
        ids = expand(
            self.tokenizer.encode_pieces(pieces),
            [entry.tokens for entry in media.patches],
            self.tokenizer.special[MEDIA_PAD],
        )
        calls_before = _calls_of(messages)
        room = max(min(request.max_tokens, self._window - len(ids)), 1)
        form = ReplyForm(
            thinking=room // 2 if thinking else None,
            answer=None if request.schema is None else bounded(request.schema),
            tools=[_held(tool) for tool in request.tools],
            must_call=request.must_call,
            first_call=calls_before,
        )
        generation = GenerationRequest(
            ids, media.patches, self._sampling(request, seed), self._grammar(form, shown)
        )
        return Prompt(generation, thinking, calls_before)

    def reading(self, prompt: Prompt, stops: Sequence[str]) -> Reading:
        """For the reply to a prompt; it ends where its text holds one of the `stops`."""
        return Reading(self.tokenizer, prompt, stops)

    def _grammar(self, form: ReplyForm, shown: Sequence[ToolDeclaration]) -> TokenGrammar | None:
        """Free text needs none, unless tools are shown that must not be called."""
        free = form.answer is None and not form.tools and not shown
        return None if free else self._grammars.of_form(form)

    def _sampling(self, request: Request, seed: int) -> Sampling:
        """The most likely tokens, where nothing else is asked for: small models stray else."""
        wanted = dict(request.sampling)
        stops = STOPS if request.tools else (*STOPS, SECTION_BEGIN)
        number = wanted.get("seed", seed)
        if not math.isfinite(number):
            raise ModelFileError(f"seed has to be a whole number, it is {number}")
        return Sampling(
            temperature=wanted.get("temperature", 0.0),
            top_p=max(wanted.get("top_p", 1.0), LEAST_TOP_P),
            seed=int(number),
            max_tokens=request.max_tokens,
            stop=frozenset(self.tokenizer.special[name] for name in stops),
        )


def tokenizer_of(folder: Path, vocab_size: int) -> Tokenizer:
    """A checkpoint's own tokenizer, else the one that comes with openswarm.

    Raises `ModelFileError` when its vocabulary is not the model's.
    """
    own = folder / FILE
    tokenizer = Tokenizer.load(folder) if own.exists() else Tokenizer.load()
    if tokenizer.vocab_size != vocab_size:
        raise ModelFileError(
            f"{own}: the vocabulary has {tokenizer.vocab_size} tokens, and vocab_size in"
            f" config.json is {vocab_size}"
        )
    return tokenizer


def _media(messages: Sequence[Message], window: int) -> _Media:
    """What the messages show, cut into patches as far as the window may hold them."""
    media = _Media([], {})
    for number, (role, part) in enumerate(_media_parts(messages), 1):
        if isinstance(part, ImagePart):
            name = f"picture {number}"
            image = decode(_bytes(part.url, name), name)
            media.check_room(image_tokens(image.height, image.width), window)
            media.patches.append(image_patches(image, name=name))
            continue
        name = f"video {number}"
        film = frames(_bytes(part.url, name), name=name)
        media.check_room(film_tokens(film), window)
        chunks = video_chunks(film, name=name)
        if role == "assistant" and len(chunks) > 1:
            raise ModelFileError(
                f"{name} is in a turn of the assistant, which can show {CHUNK} frames at most"
            )
        media.times[part.url] = [time for time, _ in chunks]
        media.patches.extend(patches for _, patches in chunks)
    return media


def _media_parts(messages: Sequence[Message]) -> Iterator[tuple[str, ImagePart | VideoPart]]:
    """Each with the role of its message."""
    for message in messages:
        for part in () if isinstance(message.content, str) else message.content:
            if isinstance(part, ImagePart | VideoPart):
                yield message.role, part


def _bytes(url: str, name: str) -> bytes:
    """A model on this computer fetches nothing: what it is to see comes with the request."""
    if not url.startswith("data:"):
        raise ModelFileError(f"{name} is an address; a local model takes data: URLs alone")
    return data_url(url)


def _calls_of(messages: Sequence[Message]) -> int:
    """The number of the next call: one above the highest number of a call before."""
    calls = chain.from_iterable(message.tool_calls for message in with_own_ids(messages))
    return max((int(call.id.rpartition(":")[2]) + 1 for call in calls), default=0)


def _held(tool: ToolSpec) -> ToolDeclaration:
    """The tool as its calls are held to it: everything in its arguments has an end."""
    parameters = {"type": "object", **json.loads(tool.parameters)}
    return ToolDeclaration(tool.name, "", bounded(parameters))
