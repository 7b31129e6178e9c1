"""One real browser that watches while a load runs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

from bench.painted import SOCKETS

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
NAME, PASSWORD = "operator", "a long bench password"


class Watching:
    """A signed-in page on the list of sessions."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def seen(self) -> str:
        """Return what the page shows now, in a line."""
        rows = await self.page.locator("[data-session]").count()
        state = await self.page.locator("[data-live]").first.get_attribute("data-state")
        return f"{rows} rows, live state {state}, {len(self.errors)} errors {self.errors[:2]}"


@asynccontextmanager
async def browser(url: str, path: str = "/", *, signed_in: bool = True) -> AsyncIterator[Watching]:
    """Sign an operator in and open the page; or only open it."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            context = await chromium.new_context()
            await context.add_init_script(SOCKETS)
            page = await context.new_page()
            watching = Watching(page)
            await page.goto(f"{url}{path}")
            if signed_in:
                await page.fill("input[name=username]", NAME)
                await page.fill("input[name=password]", PASSWORD)
                await page.keyboard.press("Enter")
                # Signed in is who is shown a live page; before, another page would be sent to sign in.
                await page.wait_for_selector("[data-live]", state="attached")
            await page.wait_for_load_state()
            yield watching
        finally:
            await chromium.close()
