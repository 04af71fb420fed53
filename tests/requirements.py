"""The claim manifest: each behaviour that openswarm promises, where it is asked for, what shows it.

A claim is shown by the tests that carry `@pytest.mark.requirement("its.id")`, or by a program of
the repository that fails when it does not hold (`PROGRAMS`), or it has a stated gap (`GAPS`).
`test_requirements.py` checks all directions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from claims.bars import BARS
from claims.model import (
    CHECKPOINTS,
    INFERENCE,
    LANGUAGE,
    MEASURED,
    MEDIA,
    SHAPE,
    TRAINING,
)
from claims.runtime import (
    AGENT,
    BAD_INPUT,
    CORPUS,
    HOUSE,
    JOURNAL,
    LOCAL,
    MODELS,
    SWARM,
    TERMINAL,
)
from claims.serving import SERVE
from claims.training import EVALS, PARL
from claims.work import TABLE, TOOLS


@dataclass(frozen=True, slots=True)
class Claim:
    """One behaviour."""

    id: str
    """`room.behaviour`."""
    source: str
    text: str
    program: str = ""
    """The program that shows it, by its path in the repository; '' when tests do."""
    gap: str = ""
    """Why nothing shows it yet."""


GAPS = {
    "corpus.many": "bench/corpus.py measures it, and no bar was set for it",
    "swarm.redundancy": "near-duplicates are neither refused nor reported as redundancy",
}

PROGRAMS = {
    "house.install": ".ci/run",
    "demo.accuracy": "demo/factbook.py",
    "bars.fanout": "bench/fanout.py",
    "bars.width": "bench/fanout.py",
    "bars.streaming": "bench/streaming.py",
    "bars.capped": "bench/capped.py",
    "bars.broken": "bench/broken.py",
    "bars.resume": "bench/resume.py",
    "bars.budget": "bench/budget.py",
    "bars.import": "bench/imports.py",
    "bars.consistency": "bench/consistency.py",
    "bars.add-column": "bench/edits.py",
    "bars.large-table": "bench/large.py",
    "bars.fetch": "bench/fetching.py",
    "bars.sandbox": "bench/sandboxes.py",
    "bars.injection": "bench/injection.py",
    "bars.chaos": "bench/chaos.py",
    "bars.router": "bench/routing/__init__.py",
    "bars.streams": "bench/streams.py",
    "bars.model": "bench/model.py",
    "bars.model-generation": "bench/model_generation.py",
    "bars.model-cache": "bench/model_cache.py",
    "bars.model-growth": "bench/model_growth.py",
    "bars.model-int4": "bench/int4.py",
    "api.clients": "bench/clients.py",
    "web.rate": "bench/webview.py",
}


def _claims(source: str, text: str) -> Iterator[Claim]:
    for line in text.strip().splitlines():
        id_, _, sentence = line.partition(": ")
        yield Claim(id_, source, sentence, PROGRAMS.get(id_, ""), GAPS.get(id_, ""))


CLAIMS: tuple[Claim, ...] = (
    *_claims("issue 2, item 1; DESIGN 9", HOUSE),
    *_claims("issue 2, item 2; DESIGN 4", JOURNAL),
    *_claims("issue 2, item 3; DESIGN 5 and 6", MODELS),
    *_claims("issue 2, item 4", LOCAL),
    *_claims("issue 2, item 5; DESIGN 5", AGENT),
    *_claims("issue 2, item 6", CORPUS),
    *_claims("issue 2, item 7; DESIGN 5", SWARM),
    *_claims("issue 2, item 8; DESIGN 6", TERMINAL),
    *_claims("issue 2, bad input: a clear error that says what to do, nothing lost", BAD_INPUT),
    *_claims("issue 3; DESIGN 5", TABLE),
    *_claims("issue 4", TOOLS),
    *_claims("issue 5", SERVE),
    *_claims("issue 6", SHAPE),
    *_claims("issue 6", LANGUAGE),
    *_claims("issue 6", CHECKPOINTS),
    *_claims("issue 6", TRAINING),
    *_claims("issue 6", INFERENCE),
    *_claims("issue 6", MEDIA),
    *_claims("issue 6, benches", MEASURED),
    *_claims("issue 7, items 1 to 3", EVALS),
    *_claims("issue 7, items 4 to 9", PARL),
    *_claims("DESIGN 8; issue 5; issue 4; issue 2, item 9; issue 3, items 4, 5 and 9", BARS),
)
