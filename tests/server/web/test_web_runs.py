"""A run in the browser: started, watched, steered, edited, replayed, for real."""

from pathlib import Path

import anyio
import pytest
from live import NO_BROWSER, View, expect, watching
from world import COLUMNS, FACTS, TASK, World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_BROWSER, reason="no Chromium is installed: apt install chromium"),
]
SIX = tuple(FACTS)[:6]


async def is_over(view: View, outcome: str = "completed") -> None:
    """Waits until the page says how the run ended."""
    await expect(view.page.locator(".run-line")).to_contain_text(outcome)


@pytest.mark.requirement("web.run")
async def test_a_run_is_started_from_its_form_and_watched_to_its_end(tmp_path: Path) -> None:
    async with watching(World.of(SIX, pause_s=0.05), tmp_path) as view:
        page = view.page
        await view.go("new")
        await page.get_by_role("textbox", name="Task").fill(TASK)
        await page.get_by_text("swarm", exact=True).click()
        await page.keyboard.press("Control+Enter")  # nobody knows how many countries: it asks
        await expect(page.get_by_role("dialog")).to_contain_text("sub-agents")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        listed = f"{TASK} They are {', '.join(SIX)}."
        await page.get_by_role("textbox", name="Task").fill(listed)
        await page.locator("summary", has_text="Table").click()
        await page.get_by_role("button", name="Columns as text").click()
        await page.get_by_role("textbox", name="Columns as text").fill(COLUMNS)
        await page.locator("summary", has_text="Documents").click()
        await page.get_by_role("textbox", name="Paths and addresses").fill("documents")
        await expect(page.locator(".preview")).to_contain_text("6 sub-agents")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url("**/#/run/*")
        await is_over(view)
        await expect(page.get_by_role("treegrid").get_by_role("row", name="Peru")).to_be_visible()
        await page.get_by_role("tab", name="Table").click()
        await expect(view.row("Peru")).to_contain_text("Lima")
        run = page.url.partition("#/run/")[2].partition("/")[0]
        assert (await view.snapshot(run))["outcome"] == "completed"


@pytest.mark.requirement("web.control")
async def test_one_agent_is_steered_and_another_killed_while_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    world = World.of(SIX, held=("Peru", "Bolivia"))
    async with watching(world, tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.open(run)
        await view.row("Peru").dblclick()
        drawer = page.get_by_role("dialog")
        await drawer.get_by_label("What to tell root/2").fill("Please steer to the answer.")
        await drawer.get_by_role("button", name="Steer").click()
        await expect(drawer.locator(".drawer-head")).to_contain_text("completed")
        assert any("steer to the answer" in text for text in world.told["Peru"])
        await page.keyboard.press("Escape")
        await view.row("Bolivia").dblclick()
        await drawer.get_by_role("button", name="Kill root/3").click()
        await page.get_by_role("button", name="Kill it").click()
        await page.keyboard.press("Escape")
        await expect(view.row("Bolivia")).to_contain_text("cancelled")
        await is_over(view, "partial")
        agents = {a["item"]: a["outcome"] for a in (await view.snapshot(run))["agents"]}
        assert agents["Bolivia"] == "cancelled"
        assert [agents[c] for c in SIX if c != "Bolivia"] == ["completed"] * 5


@pytest.mark.requirement("web.cells")
async def test_a_cell_shows_its_evidence_and_is_edited_locked_and_undone(tmp_path: Path) -> None:
    async with watching(World.of(SIX), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.open(run, "table")
        await is_over(view)
        await page.get_by_role("gridcell", name="Lima").click()
        panel = page.get_by_role("complementary", name="Details")
        await expect(panel).to_contain_text("peru.md")
        await expect(panel.locator("blockquote")).to_have_text("Capital: Lima")
        await panel.get_by_role("button", name="Edit").click()
        await panel.get_by_label("New value").fill("Cusco")
        await page.keyboard.press("Enter")
        await expect(view.row("Peru")).to_contain_text("Cusco")
        await expect(panel).to_contain_text("locked")
        await expect(panel).to_contain_text("Lima")  # what it was before
        cells = [r["cells"]["capital"] for r in (await view.snapshot(run))["rows"]]
        assert [c["value"] for c in cells if c["state"] == "locked"] == ["Cusco"]
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        await expect(view.row("Peru")).to_contain_text("Lima")
        assert (await view.snapshot(run))["generations"][0]["undone"] is True


@pytest.mark.requirement("web.cells")
async def test_a_row_is_worked_on_again_from_the_table(tmp_path: Path) -> None:
    async with watching(World.of(SIX), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.open(run, "table")
        await is_over(view)
        await page.get_by_role("gridcell", name="Lima").click()
        await page.get_by_role("button", name="Try again: this row").click()
        await expect(page.get_by_role("dialog")).to_contain_text("2 cells in 1 row")
        await page.get_by_role("button", name="Carry out").click()
        with anyio.fail_after(15):
            while len((await view.snapshot(run))["agents"]) < 8:
                await page.wait_for_timeout(100)
        await is_over(view)
        await page.get_by_role("tab", name="Agents").click()
        await expect(page.get_by_role("treegrid")).to_contain_text("Edit 1")


@pytest.mark.requirement("web.reload")
async def test_a_page_that_is_loaded_anew_or_cut_off_shows_the_same_run(tmp_path: Path) -> None:
    world = World.of(SIX, held=("Peru", "Bolivia"), pause_s=0.02)
    async with watching(world, tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.open(run)
        await expect(view.row("Chile")).to_contain_text("completed")
        await page.reload()  # the token is kept by the tab, and is not in the address
        assert "token" not in page.url
        await expect(view.row("Chile")).to_contain_text("completed")
        await expect(view.row("Peru")).to_contain_text("running")
        await view.relay.cut()
        await expect(page.get_by_text("The connection is lost")).to_be_visible()
        world.release.set()
        await view.until_over(run)
        await expect(view.row("Peru")).to_contain_text("running")
        view.relay.mend()
        await expect(view.row("Peru")).to_contain_text("completed")
        await is_over(view)
        await expect(page.get_by_text("The connection is lost")).to_be_hidden()
        seen = await page.locator(".scrub-where").text_content()
        last = (await view.snapshot(run))["as_of_seq"]
        assert f"event {last} of {last}" in (seen or "")


@pytest.mark.requirement("web.replay")
async def test_an_old_run_is_replayed_to_any_of_its_events(tmp_path: Path) -> None:
    async with watching(World.of(SIX), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.until_over(run)
        await view.open(run)
        await is_over(view)
        slider = page.get_by_role("slider", name="Moment of the run")
        await slider.focus()
        await page.keyboard.press("Home")
        await expect(page.locator(".scrub-where")).to_contain_text("event 0 of")
        await expect(page.get_by_role("treegrid")).not_to_contain_text("Peru")
        await slider.fill("12")
        await expect(view.row("Peru")).to_be_visible()
        await expect(view.row("Peru")).not_to_contain_text("completed")
        await page.get_by_role("tab", name="Table").click()
        await expect(page.locator("#run-panel")).not_to_contain_text("Lima")
        await page.get_by_role("button", name="End").click()
        await expect(view.row("Peru")).to_contain_text("Lima")
        await page.get_by_role("button", name="Play the run from here").click()
        await expect(page.get_by_role("button", name="Play the run from here")).to_be_visible()
        await expect(view.row("Peru")).to_contain_text("Lima")


@pytest.mark.requirement("web.run")
async def test_the_timeline_draws_the_critical_path_and_the_answer_opens_its_cells(
    tmp_path: Path,
) -> None:
    async with watching(World.of(pause_s=0.01), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.open(run, "timeline")
        await is_over(view)
        stats = (await view.snapshot(run))["stats"]
        await expect(page.locator("#run-panel")).to_contain_text(
            f"critical path, {stats['critical_steps']} steps"
        )
        await page.get_by_role("tab", name="Answer").click()
        await page.get_by_role("button", name="c1: the cell").first.click()
        panel = page.get_by_role("complementary", name="Details")
        await expect(panel.locator("blockquote")).to_be_visible()


@pytest.mark.requirement("web.run")
async def test_a_result_is_exported_from_the_page(tmp_path: Path) -> None:
    async with watching(World.of(SIX), tmp_path) as view:
        page = view.page
        await view.open(await view.start())
        await is_over(view)
        await page.locator("summary", has_text="Export").click()
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="CSV").click()
        download = await coming.value
        await download.save_as(tmp_path / "table.csv")
        text = await anyio.Path(tmp_path / "table.csv").read_text("utf-8-sig")
        assert text.splitlines()[0].startswith("country,capital,population")
        assert "Peru,Lima,34352719" in text
