"""Generation: many replies at once from one model, each beginning and ending when it likes.

A step brings one token to every reply that runs, then reads a bounded piece of the prompts that
wait. Slots that get free are used at once, and what a slot holds is not computed again for a prompt
that begins the same way. Owns the queue, the rows and their latents; knows no text, chat or thread:
one caller steps it.

Legend of shapes: B rows, L tokens of a piece, D hidden size, V vocabulary.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch

from openswarm.k25.cache import LatentCache
from openswarm.k25.errors import ModelFileError
from openswarm.k25.model import K25
from openswarm.k25.prefix import KeyedPrompt, Slot, Slots, prompt_of
from openswarm.k25.requests import (
    Event,
    Finish,
    Generated,
    GenerationRequest,
    Guide,
    Ticket,
    TooLongError,
    whole,
)
from openswarm.k25.sampling import sample

SLOTS = 16
"""Replies that are made together."""
CHUNK = 256
"""Prompt tokens that are read between two tokens of the replies that run."""


@dataclass(slots=True, eq=False)
class _Row:
    """A request that has a slot. `len(slot.keys)` is the position of the next token to read."""

    ticket: Ticket
    request: GenerationRequest
    slot: Slot
    cached: int
    rest_LD: torch.Tensor
    """Embeddings of the prompt's tokens that are not read yet."""
    guide: Guide | None
    numbers: random.Random
    ids: list[int] = field(default_factory=list)


class Engine:
    """Makes the replies of one model. Not to be used by two threads at once."""

    def __init__(
        self, model: K25, *, slots: int = SLOTS, tokens: int | None = None, chunk: int = CHUNK
    ) -> None:
        """`tokens` is the window of one reply with its prompt, by default the model's.

        Raises `ModelFileError` when that is more than the model's positions.
        """
        config = model.config.text_config
        self._model = model
        dtype = model.language_model.embed_tokens.weight.dtype
        self._cache = LatentCache(config, slots, tokens or config.max_position_embeddings, dtype)
        self._slots = Slots(slots)
        self._chunk = chunk
        self._queue: deque[tuple[Ticket, GenerationRequest, KeyedPrompt]] = deque()
        self._reading: list[_Row] = []
        self._running: list[_Row] = []
        self._tickets = 0

    @property
    def busy(self) -> bool:
        """Whether a step would do something."""
        return bool(self._queue or self._reading or self._running)

    @property
    def tokens(self) -> int:
        """The window: prompt and reply together."""
        return self._cache.tokens

    def submit(self, request: GenerationRequest) -> Ticket:
        """Puts a request into the queue, which is served in order.

        Raises `TooLongError` for a prompt that fills the window, and `ModelFileError` for tokens
        that the vocabulary lacks and pictures that do not match the pads.
        """
        self._check(request)
        self._tickets += 1
        ticket = Ticket(self._tickets)
        pad = self._model.config.media_placeholder_token_id
        self._queue.append((ticket, request, prompt_of(request.ids, request.media, pad)))
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Ends a request without an event; one that is over already stays as it is."""
        self._queue = deque(entry for entry in self._queue if entry[0] != ticket)
        for row in [*self._reading, *self._running]:
            if row.ticket == ticket:
                self._end(row)

    def forget(self) -> None:
        """Drops what is held for later prompts: to be called when the weights have changed.

        Raises `RuntimeError` while replies are being made, as theirs would be made of both.
        """
        if self.busy:
            raise RuntimeError("the weights may not change while replies are being made")
        self._slots.forget()

    @torch.inference_mode()
    def step(self) -> list[Event]:
        """One token for every reply that runs, then one piece of the prompts that wait."""
        if self._model.training:
            self._model.eval()
        self._admit()
        return [*self._decode(), *self._read()]

    def generate(self, requests: Iterable[GenerationRequest]) -> list[Generated]:
        """Makes all replies, in the order of their requests.

        To be called while nothing else is running. Raises as `submit` does, before any begins.
        """
        requests = list(requests)
        for request in requests:
            self._check(request)
        events: dict[Ticket, list[Event]] = {self.submit(request): [] for request in requests}
        while self.busy:
            for event in self.step():
                events[event.ticket].append(event)
        return [whole(entries) for entries in events.values()]

    def _check(self, request: GenerationRequest) -> None:
        config = self._model.config
        count = len(request.ids)
        if not count:
            raise ModelFileError("a prompt has to have at least one token")
        if count >= self.tokens:
            raise TooLongError(
                f"a prompt of {count} tokens leaves no room for a reply in the window of"
                f" {self.tokens} (max_position_embeddings is"
                f" {config.text_config.max_position_embeddings})"
            )
        vocabulary = config.text_config.vocab_size
        strange = next((token for token in request.ids if not 0 <= token < vocabulary), None)
        if strange is not None:
            raise ModelFileError(f"the vocabulary of {vocabulary} has no token {strange}")
        pads = sum(token == config.media_placeholder_token_id for token in request.ids)
        given = sum(entry.tokens for entry in request.media)
        if pads != given:
            raise ModelFileError(
                f"the prompt has room for {pads} media tokens, the pictures given have {given}"
            )

    def _admit(self) -> None:
        """Gives slots to the requests at the head of the queue."""
        while self._queue:
            ticket, request, prompt = self._queue[0]
            place = self._slots.take(prompt)
            if place is None:
                return
            self._queue.popleft()
            if place.source is not place.slot:
                self._cache.copy(place.source.number, place.slot.number, place.cached)
            # pictures are whole: one that begins before `cached` ends before it too
            read = sum(first < place.cached for first, _ in prompt.spans)
            rest_1L = torch.tensor([request.ids[place.cached :]])
            self._reading.append(
                _Row(
                    ticket,
                    request,
                    place.slot,
                    place.cached,
                    self._model.embed(rest_1L, request.media[read:])[0],
                    request.grammar.guide() if request.grammar else None,
                    random.Random(request.sampling.seed),
                )
            )

    def _read(self) -> list[Event]:
        """Reads the next piece of the oldest prompt, and of the next ones as far as they fit."""
        rows, longest = self._readable()
        if not rows:
            return []
        pieces = [row.rest_LD[:longest] for row in rows]
        hidden_BD = self._forward(rows, pieces)
        for row, piece in zip(rows, pieces, strict=True):
            row.rest_LD = row.rest_LD[len(piece) :]
            held = len(row.slot.keys)
            row.slot.keys += row.slot.coming[held : held + len(piece)]
        ready = [place for place, row in enumerate(rows) if not len(row.rest_LD)]
        done = [rows[place] for place in ready]
        for row in done:
            row.slot.coming = []
        self._reading = [row for row in self._reading if row not in done]
        self._running += done
        return self._draw(done, hidden_BD[ready])

    def _readable(self) -> tuple[list[_Row], int]:
        """The rows that are read together, at most a chunk in all, and their longest piece."""
        rows, longest = list[_Row](), 0
        for row in self._reading:
            longer = max(longest, min(len(row.rest_LD), self._chunk))
            if rows and longer * (len(rows) + 1) > self._chunk:
                break
            rows.append(row)
            longest = longer
        return rows, longest

    def _decode(self) -> list[Event]:
        """The next token of every reply that runs."""
        rows = list(self._running)
        if not rows:
            return []
        tokens_B1 = torch.tensor([row.ids[-1:] for row in rows])
        embeds_B1D = self._model.language_model.embed_tokens(tokens_B1)
        hidden_BD = self._forward(rows, list(embeds_B1D))
        for row in rows:
            row.slot.keys.append(row.ids[-1])
        return self._draw(rows, hidden_BD)

    def _forward(self, rows: list[_Row], pieces: list[torch.Tensor]) -> torch.Tensor:
        """The hidden state of each piece's last token, `(B, D)`; latents go into the slots.

        Shorter pieces are filled up with their own last token at its own position: it is computed
        and written again as it is, so that the batch leaves nothing behind the pieces' ends.
        """
        longest = max(map(len, pieces))
        lengths_B1 = torch.tensor([[len(piece)] for piece in pieces])
        starts_B1 = torch.tensor([[len(row.slot.keys)] for row in rows])
        offsets_BL = torch.minimum(torch.arange(longest)[None], lengths_B1 - 1)
        embeds_BLD = torch.stack(
            [piece[offsets_L] for piece, offsets_L in zip(pieces, offsets_BL, strict=True)]
        )
        hidden_BLD = self._model.language_model(
            embeds_BLD,
            starts_B1 + offsets_BL,
            self._cache,
            torch.tensor([row.slot.number for row in rows]),
        )
        return hidden_BLD[:, -1]

    def _draw(self, rows: list[_Row], hidden_BD: torch.Tensor) -> list[Event]:
        """Draws a token for each row, and ends the rows whose last one it is."""
        if not rows:
            return []
        logits_BV = self._model.language_model.lm_head(hidden_BD)
        allowed_BV = self._allowed(rows)
        # a grammar that is at a loss ends its own reply, and not those beside it
        stuck_B = ~allowed_BV.any(-1)
        allowed_BV[stuck_B, self._model.config.text_config.eos_token_id] = True
        drawn = sample(
            logits_BV,
            [row.request.sampling for row in rows],
            torch.tensor([row.numbers.random() for row in rows], dtype=torch.float64),
            allowed_BV,
        )
        columns = (drawn.tokens_B, drawn.logprobs_B, drawn.drawn_logprobs_B, stuck_B)
        values = zip(rows, *(column.tolist() for column in columns), strict=True)
        return [self._took(row, *value) for row, *value in values]

    def _allowed(self, rows: list[_Row]) -> torch.Tensor:
        """What the rows' guides allow, `(B, V)`.

        Nobody may say that a picture follows: such a text could not be read again.
        """
        shape = (len(rows), self._model.config.text_config.vocab_size)
        allowed_BV = torch.ones(shape, dtype=torch.bool)
        for allowed_V, row in zip(allowed_BV, rows, strict=True):
            if row.guide is not None:
                allowed_V.copy_(row.guide.allowed())
        allowed_BV[:, self._model.config.media_placeholder_token_id] = False
        return allowed_BV

    def _took(
        self, row: _Row, token: int, logprob: float, drawn_logprob: float, stuck: bool
    ) -> Event:
        """Goes on by a token; `stuck` is a row that it ends, as nothing may follow."""
        row.ids.append(token)
        if row.guide is not None and not stuck:
            row.guide.accept(token)
        room = self.tokens - len(row.slot.keys) - 1  # the token itself is not in the cache yet
        finish: Finish | None = None
        if stuck or token in row.request.sampling.stop:
            finish = "stop"
        elif len(row.ids) == row.request.sampling.max_tokens or not room:
            finish = "length"
        if finish:
            self._end(row)
        return Event(row.ticket, token, logprob, drawn_logprob, finish, row.cached)

    def _end(self, row: _Row) -> None:
        rows = self._running if row in self._running else self._reading
        rows.remove(row)
        self._slots.give_back(row.slot)
