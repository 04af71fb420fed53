"""Decisions of a K2.5-shaped model for many conversations at once.

Each conversation keeps its latents between turns, so that a turn reads what is new and nothing
twice. Forced tokens are read together with what comes before the next decision. Owns slots, the
forward pass and the draw; knows no text and no run. One caller uses it at a time.

Legend of shapes: B rows, L tokens of a piece, D hidden size, V vocabulary, C choices.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from openswarm.k25.cache import LatentCache
from openswarm.k25.model import K25
from openswarm.k25.requests import TooLongError
from openswarm.llm.policy.language import TurnGuide
from openswarm.llm.policy.view import View

CHUNK = 8192
"""Tokens, padding included, that are read in one pass."""


@dataclass(slots=True, eq=False)
class Session:
    """One conversation of the policy."""

    view: View
    slot: int = -1
    numbers: random.Random = field(default_factory=random.Random)
    length: int = 0
    """Tokens whose latents are held."""
    unread: list[int] = field(default_factory=list)
    """The end of the last turn, which is read with what comes next."""


@dataclass(slots=True, eq=False)
class Job:
    """A turn to be decided: `read` came since the last one."""

    session: Session
    read: Sequence[int]
    guide: TurnGuide
    logprobs: list[float] = field(default_factory=list)
    """Of the decisions, over what was allowed."""
    error: Exception | None = None
    """Why the turn could not be decided."""
    _fed: int = 0


class Sampler:
    """Decides turns with one model."""

    def __init__(self, model: K25, *, slots: int, tokens: int, temperature: float = 1.0) -> None:
        """`tokens` is the window of one conversation. A temperature of 0 takes the likeliest.

        `slots` is how many conversations there is room for; the room grows with them.
        """
        self.tokens = tokens
        self.temperature = temperature
        self._model = model
        self._slots = slots
        self._free = list(range(slots))
        self._cache = self._new_cache()

    def open(self, view: View) -> Session:
        """A new conversation. Its draws are independent of what the view makes of the same seed."""
        if not self._free:
            self._free += range(self._slots, 2 * self._slots)
            self._slots *= 2
        return Session(view, self._free.pop(), random.Random(f"draws/{view.seed}"))

    def close(self, session: Session) -> None:
        """Ends a conversation; its slot is free."""
        self._free.append(session.slot)

    def room(self, session: Session, read: Sequence[int]) -> int:
        """Tokens that are left for a turn and all that comes after it."""
        return self.tokens - session.length - len(session.unread) - len(read)

    @torch.inference_mode()
    def decide(self, jobs: Sequence[Job]) -> None:
        """Brings every job's guide to the end of its turn.

        A conversation that does not fit its window gets a `TooLongError` as its job's error.
        """
        self._model.eval()
        self._grow()
        for job in jobs:
            job.session.unread += job.read
        active = [job for job in jobs if not job.guide.over]
        while active := [job for job in active if self._fits(job)]:
            self._draw(active, self._read(active))
            active = [job for job in active if not job.guide.over]
        for job in jobs:
            self._feed(job)

    def _new_cache(self) -> LatentCache:
        dtype = self._model.language_model.embed_tokens.weight.dtype
        return LatentCache(self._model.config.text_config, self._slots, self.tokens, dtype)

    def _grow(self) -> None:
        """Gives the cache a row for every slot, here where nobody else reads it."""
        held = self._cache.latents_NSTC
        if held.shape[1] < self._slots:
            self._cache = self._new_cache()
            self._cache.latents_NSTC[:, : held.shape[1]] = held

    def _feed(self, job: Job) -> None:
        """What the turn has said so far is to be read."""
        job.session.unread += job.guide.ids[job._fed :]
        job._fed = len(job.guide.ids)

    def _fits(self, job: Job) -> bool:
        """Whether what is unread fits the window; else the job gets its error."""
        self._feed(job)
        if self.room(job.session, ()) < 0:
            job.error = TooLongError(f"a conversation is longer than {self.tokens} tokens")
        return job.error is None

    def _read(self, jobs: list[Job]) -> torch.Tensor:
        """Reads what each row has unread; hidden states of their last tokens, `(B, D)`."""
        longest = max(len(job.session.unread) for job in jobs)
        together = max(1, CHUNK // longest)
        parts = [jobs[place : place + together] for place in range(0, len(jobs), together)]
        return torch.cat([self._forward(part) for part in parts])

    def _forward(self, jobs: list[Job]) -> torch.Tensor:
        """Shorter pieces are filled up with their own last token at its own position."""
        sessions = [job.session for job in jobs]
        longest = max(len(session.unread) for session in sessions)
        tokens_BL = torch.tensor(
            [s.unread + s.unread[-1:] * (longest - len(s.unread)) for s in sessions]
        )
        last_B1 = torch.tensor([[len(session.unread) - 1] for session in sessions])
        starts_B1 = torch.tensor([[session.length] for session in sessions])
        offsets_BL = torch.minimum(torch.arange(longest)[None], last_B1)
        text = self._model.language_model
        hidden_BLD = text(
            text.embed_tokens(tokens_BL),
            starts_B1 + offsets_BL,
            self._cache,
            torch.tensor([session.slot for session in sessions]),
        )
        for session in sessions:
            session.length += len(session.unread)
            session.unread = []
        return hidden_BLD[:, -1]

    def _draw(self, jobs: list[Job], hidden_BD: torch.Tensor) -> None:
        """One decision for every row."""
        logits_BV = self._model.language_model.lm_head(hidden_BD).double()
        width = max(len(job.guide.allowed) for job in jobs)
        ids_BC = torch.tensor(
            [[*job.guide.allowed, *[-1] * (width - len(job.guide.allowed))] for job in jobs]
        )
        logits_BC = logits_BV.gather(1, ids_BC.clamp_min(0))
        logprobs_BC = logits_BC.masked_fill(ids_BC < 0, -torch.inf).log_softmax(-1)
        if self.temperature == 0:
            places_B = logprobs_BC.argmax(-1)
        else:
            heated_BC = (logprobs_BC / self.temperature).softmax(-1)
            uniform_B1 = torch.tensor([[j.session.numbers.random()] for j in jobs]).double()
            places_B = (heated_BC.cumsum(-1) <= uniform_B1).sum(-1)
            last_B = torch.tensor([len(job.guide.allowed) - 1 for job in jobs])
            places_B = torch.minimum(places_B, last_B)
        drawn_B = ids_BC.gather(1, places_B[:, None])[:, 0].tolist()
        logprobs_B = logprobs_BC.gather(1, places_B[:, None])[:, 0].tolist()
        for job, token, logprob in zip(jobs, drawn_B, logprobs_B, strict=True):
            job.guide.take(token)
            job.logprobs.append(logprob)
