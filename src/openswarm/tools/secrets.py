"""The secrets that a run knows, and how they are taken out of what it writes and shows.

Owns which values those are and the quick look that every text gets; the forms of a value are
`journal.redact`'s. What merely looks like a secret stays: it may be what the task is about.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from openswarm.core.tooling import ToolSettings
from openswarm.journal.journal import unchanged
from openswarm.journal.redact import MIN_CHARS, Redactor
from openswarm.llm.providers import PROVIDERS
from openswarm.tools.web.search_choice import SEARCH_KEYS

Scrub = Callable[[str], str]

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
"""What every encoding leaves as it is: URLs, HTML and JSON, however deep inside each other."""


def known_values(settings: ToolSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the settings' secrets and of the keys for searching and for models.

    Shorter ones than `MIN_CHARS` are none: they would tear holes into ordinary words.
    """
    names = {secret.env for secret in settings.http.secrets.values()}
    names.update(SEARCH_KEYS, *(provider.keys for provider in PROVIDERS.values()))
    values = {environ.get(name, "").strip() for name in names}
    return tuple(sorted(value for value in values if len(value) >= MIN_CHARS))


def make_scrub(values: Iterable[str]) -> Scrub:
    """What puts `[redacted]` in the place of these values, in any form that `Redactor` knows."""
    kept = tuple(value for value in values if value.strip())
    return _KnownValues(kept).text if kept else unchanged


class _KnownValues(Redactor):
    """Redacts known values alone. A text without any is given back after a quick look."""

    def __init__(self, values: tuple[str, ...]) -> None:
        super().__init__(values, shapes=False)
        texts = {*self._forms, *self._starts}
        self._traces = _shortest({max(_PLAIN.findall(text), key=len, default="") for text in texts})
        """Each text that holds a form, or ends in the start of a value, holds one of these."""

    def text(self, text: str) -> str:
        """See `Redactor.text`."""
        return super().text(text) if self._may_hold(text) else text

    def _may_hold(self, text: str) -> bool:
        return any(trace in text for trace in self._traces)

    def _cannot_matter(self, token: str, key: str) -> bool:
        return not self._may_hold(token)


def _shortest(traces: set[str]) -> tuple[str, ...]:
    """Those that hold no other one."""
    kept: list[str] = []
    for trace in sorted(traces, key=lambda trace: (len(trace), trace)):
        if not any(other in trace for other in kept):
            kept.append(trace)
    return tuple(kept)
