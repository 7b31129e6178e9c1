"""One real browser that watches while a load runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright


class Watching:
    """A signed-in page on the list of sessions."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def seen(self) -> str:
        """Return what the page shows now, in a line."""
        rows = await self._page.locator("[data-session]").count()
        state = await self._page.locator("[data-live]").first.get_attribute("data-state")
        return f"{rows} rows, live state {state}, {len(self.errors)} errors {self.errors[:2]}"


@asynccontextmanager
async def browser(url: str, path: str = "/") -> AsyncIterator[Watching]:
    """Sign an operator in and open the page."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            page = await chromium.new_page()
            watching = Watching(page)
            await page.goto(f"{url}{path}")
            await page.fill("input[name=username]", "operator")
            await page.fill("input[name=password]", "a long bench password")
            await page.keyboard.press("Enter")
            await page.wait_for_load_state()
            yield watching
        finally:
            await chromium.close()
