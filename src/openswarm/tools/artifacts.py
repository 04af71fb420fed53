"""Files that tools make for an agent, kept as artifacts of the run."""

from openswarm.core.events import ArtifactKept
from openswarm.journal.journal import Journal
from openswarm.tools.tool import ToolContext


def keep_artifact(
    journal: Journal, context: ToolContext, name: str, media_type: str, data: bytes
) -> None:
    """Keeps the bytes of a file, and notes in the journal whose it is and what it is called."""
    journal.append(
        ArtifactKept(
            agent=context.agent,
            call_id=context.call_id,
            name=name,
            media_type=media_type,
            size=len(data),
            blob=journal.keep_bytes(data),
        )
    )
