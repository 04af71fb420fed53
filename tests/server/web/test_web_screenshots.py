"""The pictures of the documents, made from a real run in a real browser (`make screenshots`)."""

from pathlib import Path

import anyio
import pytest
from live import NO_BROWSER, View, expect, watching
from world import FACTS, World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_BROWSER, reason="no Chromium is installed: apt install chromium"),
]
VARIABLE = "SCREENSHOTS"
NAMES = ("web-run-tree", "web-run-table", "web-run-timeline", "web-new", "web-runs")
OTHERS = (
    ("How far is Quito from the equator?", "instant"),
    ("Which of two equal rivers erodes more, and why?", "thinking"),
    ("Summarise what changed in the trade agreement of the Mercosur.", "agent"),
)
MIN_BYTES = 10_000
"""A blank page is smaller."""


async def shoot(view: View, folder: Path, name: str) -> None:
    """Takes a picture of what the window shows."""
    await view.page.mouse.move(0, 0)
    await view.page.screenshot(path=folder / f"{name}.png", animations="disabled")


async def at_work(view: View, world: World, folder: Path) -> str:
    """A run half way, as a tree; then to its end."""
    run = await view.start()
    await view.open(run)
    await expect(view.row("Honduras")).to_contain_text("completed")
    await shoot(view, folder, "web-run-tree")
    world.release.set()
    await view.until_over(run)
    return run


@pytest.mark.requirement("web.screenshots")
async def test_the_pictures_of_the_documents_are_of_a_real_run(
    tmp_path: Path, outer_environment: dict[str, str]
) -> None:
    folder = Path(outer_environment.get(VARIABLE, "") or tmp_path)
    world = World.of(held=("Peru", "Guyana"), pause_s=0.05)
    async with watching(world, tmp_path) as view:
        page = view.page
        run = await at_work(view, world, folder)
        await view.open(run, "table")
        await expect(page.locator(".run-line")).to_contain_text("completed")
        await page.get_by_role("gridcell", name="Bogotá").click()
        await expect(page.get_by_role("complementary", name="Details")).to_be_visible()
        await shoot(view, folder, "web-run-table")
        await page.get_by_role("tab", name="Timeline").click()
        await expect(page.locator("#run-panel")).to_contain_text("critical path")
        await shoot(view, folder, "web-run-timeline")
        await view.go("new")
        listed = ", ".join(FACTS)
        await page.get_by_role("textbox", name="Task").fill(
            f"Find the capital and the population of each of these countries: {listed}"
        )
        await expect(page.locator(".preview")).to_contain_text("12 sub-agents")
        await shoot(view, folder, "web-new")
        for task, mode in OTHERS:
            other = await view.start(task=task, mode=mode, over=[], columns="")
            await view.until_over(other)
        world.release = anyio.Event()
        await view.start(task="Compare the literacy and the schools of Guyana and its neighbours.")
        await view.go("runs")
        await expect(page.get_by_role("row").nth(1)).to_contain_text("running")
        await expect(page.get_by_role("row").nth(1)).to_contain_text("12")
        await shoot(view, folder, "web-runs")
    made = {name: (folder / f"{name}.png").stat().st_size for name in NAMES}
    assert all(size > MIN_BYTES for size in made.values()), made
