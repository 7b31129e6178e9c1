"""Many answers at once in a real browser: none is lost between the row and the page."""

from __future__ import annotations

from playwright.sync_api import expect


def test_two_hundred_answers_at_once_arrive_whole(stage, visit):
    page = visit("/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    last_words = stage.storm(bot=stage.bot(), streams=200, frames=10)
    expect(page.locator('.line[data-status="delivered"]')).to_have_count(200, timeout=15_000)
    shown = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".line")].map(
             (line) => [line.dataset.session, line.querySelector("[data-slot=text]").textContent]))"""
    )
    wrong = {session: shown.get(session) for session, words in last_words.items() if not shown[session].endswith(words)}
    assert wrong == {}
