"""The web view for everybody: screen readers, keyboards; and what models wrote stays text."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from live import NO_BROWSER, View, expect, watching
from world import FACTS, World, item_of, report_on

from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from swarm_scripts import batch, calls, turn

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(NO_BROWSER, reason="no Chromium is installed: apt install chromium"),
]
FOUR = tuple(FACTS)[:4]
HARM = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'


INSIDE = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"


async def violations(view: View) -> list[str]:
    """What axe finds on the page as it is."""
    from axe_playwright_python.async_playwright import Axe

    found = await Axe().run(view.page)
    return [
        f"{entry['id']}: {node['target']}"
        for entry in found.response["violations"]
        for node in entry["nodes"]
    ]


async def stations(view: View) -> AsyncIterator[str]:
    """Every page of the web view, one after the other, with a name for it."""
    page = view.page
    run = await view.start()
    await view.until_over(run)
    await view.go("runs")
    await expect(page.get_by_role("row").nth(1)).to_be_visible()
    yield "runs"
    await view.go("new")
    await page.get_by_role("textbox", name="Task").fill("Compare Chile and Peru.")
    for summary in await page.locator("summary").all():
        await summary.click()
    yield "new run"
    for tab in ("Agents", "Table", "Timeline", "Answer"):
        await view.open(run)
        await page.get_by_role("tab", name=tab).click()
        await expect(page.locator("#run-panel")).to_be_visible()
        yield tab
    await page.get_by_role("tab", name="Table").click()
    await page.get_by_role("gridcell", name="Lima").click()
    await expect(page.get_by_role("complementary", name="Details")).to_be_visible()
    yield "a cell"
    await page.get_by_role("tab", name="Agents").click()
    await view.row("Peru").dblclick()
    await expect(page.get_by_role("dialog")).to_contain_text("Find the facts on Peru")
    yield "an agent"


@pytest.mark.requirement("web.accessible")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation_on_any_page(tmp_path: Path, scheme: str) -> None:
    found: dict[str, list[str]] = {}
    async with watching(World.of(FOUR), tmp_path, scheme=scheme) as view:
        async for name in stations(view):
            if wrong := await violations(view):
                found[name] = wrong
    assert found == {}


@pytest.mark.requirement("web.accessible")
async def test_axe_finds_no_violation_while_a_run_is_at_work(tmp_path: Path) -> None:
    world = World.of(FOUR, held=("Peru",))
    async with watching(world, tmp_path) as view:
        await view.open(await view.start())
        await expect(view.row("Chile")).to_contain_text("completed")
        assert await violations(view) == []
        world.release.set()


@pytest.mark.requirement("web.keyboard")
async def test_the_tree_is_walked_with_the_keyboard_and_the_focus_comes_back(
    tmp_path: Path,
) -> None:
    async with watching(World.of(FOUR), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.until_over(run)
        await view.open(run)
        await expect(view.row("Bolivia")).to_be_visible()
        await page.locator('tr[data-key="root"]').focus()
        await page.keyboard.press("End")
        await expect(page.locator('tr[data-key="root/4"]')).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("root/3")
        for _ in range(30):  # the focus stays inside, or goes to the browser's own bar
            await page.keyboard.press("Tab")
            assert await page.evaluate(INSIDE)
        await page.keyboard.press("Escape")
        await expect(page.locator('tr[data-key="root/3"]')).to_be_focused()
        await page.keyboard.press("Home")
        await page.keyboard.press("ArrowLeft")  # folds the tree
        await expect(view.row("Bolivia")).to_be_hidden()
        await page.keyboard.press("ArrowRight")
        await expect(view.row("Bolivia")).to_be_visible()
        await page.locator('tr[data-key="root/3"]').focus()
        await page.keyboard.press("ArrowLeft")  # what has the focus is folded away
        await expect(page.locator('tr[data-key="root"]')).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await expect(view.row("Bolivia")).to_be_visible()


@pytest.mark.requirement("web.keyboard")
async def test_a_cell_is_edited_without_a_mouse(tmp_path: Path) -> None:
    async with watching(World.of(FOUR), tmp_path) as view:
        page = view.page
        run = await view.start()
        await view.until_over(run)
        await view.open(run, "table")
        cell = page.get_by_role("gridcell", name="Lima")
        await expect(cell).to_be_visible()
        await reach(view, "[role=grid] [tabindex='0']")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(":focus")).to_have_text("Lima")
        await page.keyboard.press("F2")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("Cusco")
        await page.keyboard.press("Enter")
        await expect(view.row("Peru")).to_contain_text("Cusco")


async def reach(view: View, selector: str, most: int = 60) -> None:
    """Goes on with the Tab key until that has the focus."""
    for _ in range(most):
        await view.page.keyboard.press("Tab")
        if await view.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the Tab key does not reach {selector}")


@pytest.mark.requirement("web.untrusted")
async def test_what_models_and_users_wrote_stays_text(tmp_path: Path) -> None:
    world = World.of(FOUR)
    lead = [
        calls(batch([*FOUR, HARM], template="Find the facts on {{item}}."), text=HARM),
        Say(f"# {HARM}\n\n{HARM} [x](javascript:alert(1))"),
    ]

    def look_up(request: Request) -> Say:
        if item_of(request):
            return report_on(item_of(request)) if turn(request) else calls(("search", {"q": HARM}))
        cells: dict[str, Any] = {
            name: {"value": HARM, "source": HARM, "quote": HARM} for name in ("capital",)
        }
        return calls(("report", cells), text=HARM)

    world.scripts = {
        "orchestrator": lambda request: lead[min(turn(request), 1)], "*": look_up,
    }  # fmt: skip
    async with watching(world, tmp_path) as view:
        page = view.page
        run = await view.start(task=f"Harm: {HARM}")
        await view.until_over(run)
        await view.go("runs")
        await expect(page.get_by_role("row").nth(1)).to_contain_text("<img")
        for tab in ("Agents", "Table", "Timeline", "Answer"):
            await view.open(run)
            await page.get_by_role("tab", name=tab).click()
            await expect(page.locator("#run-panel")).to_contain_text("<img")
            assert await page.locator("#app img[src=x], #app script").count() == 0
            assert await page.locator("#app a[href^=javascript]").count() == 0
        await page.get_by_role("tab", name="Agents").click()
        await view.row("root/5").dblclick()
        await expect(page.get_by_role("dialog")).to_contain_text("onerror")
        assert await page.evaluate("window.harmed") is None


@pytest.mark.requirement("web.untrusted")
async def test_the_policy_of_the_page_allows_nothing_inline(tmp_path: Path) -> None:
    async with watching(World.of(FOUR), tmp_path) as view:
        async with view.server.client.get("/") as answer:
            policy = answer.headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if rule.strip())
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == "'self'"
        assert "unsafe" not in policy
        await view.go("runs")
        await expect(view.page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
        harmed = await view.page.evaluate(
            """async () => {
                const script = document.createElement("script");
                script.textContent = "window.harmed = true";
                document.body.append(script);
                await new Promise((done) => setTimeout(done, 50));
                return Boolean(window.harmed);
            }"""
        )
        assert harmed is False
        view.problems.clear()  # the browser said that it refused
