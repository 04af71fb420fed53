"""A picture of the window: kept as an artifact, and shown to models that read images."""

from dataclasses import dataclass
from itertools import count
from typing import Literal

import anyio

from openswarm.core.errors import ToolError
from openswarm.core.messages import ImagePart
from openswarm.journal.journal import Journal
from openswarm.tools.artifacts import keep_artifact
from openswarm.tools.browsing.actions import located
from openswarm.tools.browsing.chromium import playwright_error
from openswarm.tools.browsing.session import Session
from openswarm.tools.tool import ToolContext

LARGEST_IMAGE = 1_000_000
"""Bytes of a PNG that is shown as it is; a larger one is shown as JPEG."""
JPEG_QUALITY = 70


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: its kept name, and what a model is shown."""

    name: str
    image: ImagePart


class Screenshots:
    """The pictures of a run."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers = count(1)

    async def take(self, session: Session, element: int | None, context: ToolContext) -> Shot:
        """A picture of the window, or of one element. Raises `ToolError`."""
        png = await _picture(session, element, "png")
        shown, media_type = png, "image/png"
        if len(png) > LARGEST_IMAGE:
            shown, media_type = await _picture(session, element, "jpeg"), "image/jpeg"
        name = f"browser-{next(self._numbers)}.png"
        keep_artifact(self._journal, context, name, "image/png", png)
        return Shot(name, ImagePart.of(media_type, shown))


async def _picture(session: Session, element: int | None, form: Literal["png", "jpeg"]) -> bytes:
    subject = session.page if element is None else await located(session, element)
    quality = JPEG_QUALITY if form == "jpeg" else None
    try:
        with anyio.fail_after(session.timings.navigation_s):
            return await subject.screenshot(
                type=form, scale="css", animations="disabled", caret="hide", quality=quality
            )
    except (playwright_error(), TimeoutError) as error:
        raise ToolError("the page does not come to rest for a screenshot; read it") from error
