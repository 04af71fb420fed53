"""The secrets that a run knows, and how they are taken out of what it writes and shows.

Owns which values those are; the forms of a value are `journal.redact`'s.
"""

from collections.abc import Callable, Iterable, Mapping

from openswarm.core.tooling import MIN_SECRET_CHARS, ToolSettings
from openswarm.journal.journal import unchanged
from openswarm.llm.providers import PROVIDERS
from openswarm.tools.web.search_choice import SEARCH_KEYS

Scrub = Callable[[str], str]


def known_values(settings: ToolSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the settings' secrets and of the keys for searching and for models."""
    names = {secret.env for secret in settings.http.secrets.values()}
    names.update(SEARCH_KEYS, *(provider.keys for provider in PROVIDERS.values()))
    values = {environ.get(name, "").strip() for name in names}
    return tuple(sorted(value for value in values if len(value) >= MIN_SECRET_CHARS))


def make_scrub(values: Iterable[str]) -> Scrub:
    """What puts `[redacted]` in the place of these values, in any form that `Redactor` knows."""
    kept = tuple(value for value in values if value.strip())
    if not kept:
        return unchanged
    from openswarm.tools.scrubbing import KnownValues  # nothing a run without keys has to load

    return KnownValues(kept).text
