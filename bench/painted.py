"""When a page had a piece of text on its screen, on the clock that every process of this machine shares."""

from __future__ import annotations

import time

from playwright.async_api import Page

SOCKETS = """
const Native = window.WebSocket;
window.benchSockets = [];
window.WebSocket = class extends Native {
  constructor(...given) { super(...given); window.benchSockets.push(this); }
};
"""
"""Run before a page's own scripts: the sockets it opens can be cut from outside."""

WATCH = """
(selector) => {
  window.benchSeen = {};
  const look = () => {
    const now = performance.now();
    const text = [...document.querySelectorAll(selector)].at(-1)?.textContent ?? "";
    for (const [, number] of text.matchAll(/\\[(\\d+)@/g)) window.benchSeen[number] ??= now;
  };
  // Pages change in an animation frame, and what was changed there is painted before any later task runs.
  const painted = new MessageChannel();
  painted.port1.onmessage = look;
  const changes = { subtree: true, childList: true, characterData: true };
  new MutationObserver(() => painted.port2.postMessage(0)).observe(document.body, changes);
}
"""
TRIES = 30


class Painted:
    """Notes after which paint each stamped piece was first in the last node that ``selector`` finds."""

    def __init__(self, page: Page, selector: str) -> None:
        self._page, self._selector = page, selector

    async def watch(self) -> None:
        """Begin."""
        await self._page.evaluate(WATCH, self._selector)

    async def times(self) -> dict[int, float]:
        """Return each piece's number and its moment, in seconds of the monotonic clock."""
        seen = await self._page.evaluate("window.benchSeen")
        ahead = await self._ahead()
        return {int(number): moment / 1000 + ahead for number, moment in seen.items()}

    async def text(self) -> str:
        """Return what the node shows now."""
        nodes = self._page.locator(self._selector)
        return await nodes.last.text_content() or "" if await nodes.count() else ""

    async def cut(self) -> None:
        """Close the sockets the page has open, as a network would: from below its own scripts."""
        await self._page.evaluate("window.benchSockets.forEach((socket) => socket.close())")

    async def _ahead(self) -> float:
        """Return by how much the monotonic clock is ahead of the page's: from the quickest of some questions."""
        best = (float("inf"), 0.0)
        for _ in range(TRIES):
            asked = time.monotonic()
            page = await self._page.evaluate("performance.now()") / 1000
            took = time.monotonic() - asked
            best = min(best, (took, asked + took / 2 - page))
        return best[1]
