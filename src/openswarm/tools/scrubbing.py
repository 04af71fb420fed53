"""Taking known values out of text, in any form that `journal.redact` knows, after a quick look.

What merely looks like a secret stays: it may be what the task is about.
"""

import re

from openswarm.journal.redact import Redactor

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
"""What every encoding leaves as it is: URLs, HTML and JSON, however deep inside each other."""


class KnownValues(Redactor):
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
