"""The events of tools beyond calls and returns: what was opened, asked, fetched, made, merged."""

from typing import Literal

from openswarm.core.envelope import Content, Event


class ToolsOpened(Event):
    """The built-in tools of a run were made ready, by this process."""

    type: Literal["tools_opened"] = "tools_opened"
    tools: tuple[str, ...]
    sandbox: str = ""
    """How code is confined: `bubblewrap`, `landlock`, or `none`, where it has all rights of the
    user; '' where no tool runs code."""
    notes: tuple[str, ...] = ()
    """What was left out, and what to do to have it."""


class ApprovalAsked(Event):
    """A call waits for a person's answer."""

    type: Literal["approval_asked"] = "approval_asked"
    id: str
    """Counted from 1 in a run; answers name it."""
    call_id: str
    tool: str
    command: str
    """What it would do, in words or as the command itself."""
    directory: str = ""


class ApprovalGiven(Event):
    """The answer to `approval_asked`; `withdrawn` when nobody needs it any more."""

    type: Literal["approval_given"] = "approval_given"
    id: str
    call_id: str
    tool: str
    answer: Literal["allow", "deny", "withdrawn"]
    by: str
    """Who answered: a user, the policy, or why there was no answer."""
    always: bool = False
    """It holds for every further call of the tool in this run."""
    request: str = ""


class PageFetched(Event):
    """A page came from the web; its bytes are kept, so that quotes of it can be checked."""

    type: Literal["page_fetched"] = "page_fetched"
    url: str
    """What was asked for."""
    address: str
    """Where it was found, after redirects."""
    status: int
    media_type: str
    title: str = ""
    size: int
    """Bytes of the body."""
    blob: str
    """The body as it came."""
    text: Content
    """What of it is text, as a model is shown it."""


class ArtifactKept(Event):
    """A file that a tool made for an agent: a figure, a screenshot, a table."""

    type: Literal["artifact_kept"] = "artifact_kept"
    call_id: str
    name: str
    media_type: str
    size: int
    blob: str


class ChangesMerged(Event):
    """What an agent changed in files went back into their folder."""

    type: Literal["changes_merged"] = "changes_merged"
    root: str
    """The folder."""
    changed: tuple[str, ...]
    """Files that are as the agent left them, or with its changes merged in."""
    conflicts: tuple[str, ...]
    """Files that stayed as they were, since others had changed the same lines."""
    patch: Content
    """All that the agent changed, as a unified diff."""
