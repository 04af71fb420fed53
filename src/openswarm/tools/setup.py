"""What built-in tools are made with: the run's journal, pacing, settings and places.

Handed in by `modes`; a tool finds nothing by itself. Everything that a tool opens for the run, it
enters into the stack that it is given, so that all of it is closed with the run.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openswarm.core.events import AnyEvent
from openswarm.core.tooling import Policy, ToolSettings
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.pacing.limiter import Pacing
from openswarm.tools.approvals import Approvals

PROCESSOR = "processor"
"""The resource that running code holds."""

BROWSER = "browser"
"""The resource that a page in the browser holds while an agent acts on it."""
BROWSER_PAGES = 24
"""How many pages there are at once, unless the settings say otherwise."""

MERGE = "merge"
"""What the policy and the approvals call merging of files: no tool may pass for it."""


@dataclass(frozen=True, slots=True)
class ToolSetup:
    """Where the tools of a run work."""

    scratch: Path
    """A folder of the run for what tools write: one folder an agent inside."""
    home: Path
    """openswarm's own folder."""
    journal: Journal = field(default_factory=MemoryJournal)
    pacing: Pacing = field(default_factory=Pacing)
    settings: ToolSettings = field(default_factory=ToolSettings)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Where keys are looked up."""
    roots: Sequence[str] = ()
    """Folders that the file tools may work in, absolute."""
    policy: Policy = field(default_factory=Policy)
    approvals: Approvals | None = None
    """Who is asked for what the policy does not decide; None: nobody."""
    past: Sequence[AnyEvent] = ()
    """What an earlier process did in this run."""
    unsafe_no_sandbox: bool = False
    images: bool = False
    """Whether the run's models read images."""
    page_chars: int = 8_000
    """How much of a page a model is shown at once."""
