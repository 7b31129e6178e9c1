"""The list of sessions, the bots and the frame around them in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints

Visit = Callable[..., Page]


def live(page: Page) -> Page:
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    return page


def test_a_session_appears_moves_up_and_shows_the_text_as_it_streams(stage, visit):
    bot = stage.bot()
    first = stage.session(bot=bot, name="First")
    stage.message(session=first, content="I was here before")
    page = live(visit("/"))
    lines = page.locator(".line-name")
    second = stage.session(bot=bot, name="Second")
    question = stage.message(session=second, content="new here")
    expect(lines.first).to_have_text("Second")
    line = page.locator(f"[data-session='{second}']")
    expect(line.locator("[data-slot=text]")).to_have_text("new here")
    delivery = stage.queue(session=second, inbound=question)
    segment = stage.open_segment(delivery=delivery)
    stage.send(segment=segment, text="wel", kind="opening")
    expect(line.locator("[data-slot=text]")).to_have_text("wel")
    expect(line.locator("[data-slot=status]")).to_have_text("sending")
    expect(line.locator(".bars")).to_be_visible()
    stage.send(segment=segment, text="come", kind="closing")
    stage.finish(delivery=delivery)
    expect(line.locator("[data-slot=text]")).to_have_text("welcome")
    expect(line.locator("[data-slot=status]")).to_have_text("delivered")
    stage.message(session=first, content="me again")
    expect(lines.first).to_have_text("First")
    before = page.locator(".line").all_inner_texts()
    page.reload()
    assert live(page).locator(".line").all_inner_texts() == before
    page.locator(f"[data-session='{second}'] a").click()
    expect(page.get_by_role("heading", name="Second")).to_be_visible()


def test_a_narrowed_list_stays_narrow_while_it_lives(stage, visit):
    bot, other = stage.bot(name="Lisa"), stage.bot(name="Otto")
    stage.message(session=stage.session(bot=bot, name="Narrow Anna"), content="hi")
    for name in ("Bert", "Cleo"):
        stage.message(session=stage.session(bot=bot, name=name), content="hi")
    page = live(visit("/"))
    page.get_by_label("Name or id").fill("narrow")
    page.get_by_role("button", name="Show").click()
    names = page.locator(".line-name")
    expect(names).to_have_text(["Narrow Anna"])
    live(page)
    stage.message(session=stage.session(bot=bot, name="Dora"), content="not of these")
    stage.message(session=stage.session(bot=other, name="the NARROW one"), content="of these")
    expect(names).to_have_text(["the NARROW one", "Narrow Anna"])
    page.get_by_label("Bot", exact=True).select_option("Lisa")
    expect(names).to_have_text(["Narrow Anna"])
    live(page)
    stage.message(session=stage.session(bot=other, name="narrow, of another bot"), content="not of these")
    stage.message(session=stage.session(bot=bot, name="narrow too"), content="of these")
    expect(names).to_have_text(["narrow too", "Narrow Anna"])
    page.reload()
    expect(live(page).locator(".line-name")).to_have_text(["narrow too", "Narrow Anna"])
    page.get_by_role("link", name="Show all").click()
    expect(names.filter(has_text="Bert")).to_be_visible()
    page.get_by_label("Name or id").fill("nobody at all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No such conversation")).to_be_visible()
    live(page)
    stage.message(session=stage.session(bot=bot, name="Nobody at all, really"), content="me")
    expect(names).to_have_text(["Nobody at all, really"])
    expect(page.locator("[data-empty]")).to_be_hidden()


def test_a_message_that_answers_nothing_moves_its_session_up(stage, visit):
    bot = stage.bot()
    quiet, lively = stage.session(bot=bot, name="Quiet"), stage.session(bot=bot, name="Lively")
    stage.message(session=quiet, content="long ago")
    stage.message(session=lively, content="just now")
    names = live(visit("/")).locator(".line-name")
    expect(names.first).to_have_text("Lively")
    stage.finish(delivery=stage.queue(session=quiet, kind="message"))
    expect(names.first).to_have_text("Quiet")


def test_a_bot_says_its_true_state_and_why(stage, visit):
    bot = stage.bot(name="true state")
    page = live(visit("/bots/"))
    card = page.locator(f"[data-bot='{bot}']")
    state = card.locator("[data-slot=state]")
    expect(state).to_have_text("connected")
    stage.bot(name="true state", state="refused", reason="ip_not_listed", code=11298)
    expect(state).to_have_text("refused by QQ")
    expect(card.locator("[data-slot=reason]")).to_contain_text("not on the bot's IP list")
    expect(card.locator("[data-slot=code]")).to_contain_text("11298")
    long_ago = (datetime.now(UTC) - timedelta(seconds=40)).isoformat()
    stage.bot(name="true state", state="connected", seen_at=long_ago)
    expect(state).to_have_text("gateway not running")
    expect(card.locator("[data-slot=known]")).to_contain_text("Last known at")
    stage.bot(name="a new one")
    expect(page.get_by_text("The bots have changed.")).to_be_visible(timeout=12_000)


def test_language_and_theme_stay_chosen(stage, visit):
    page = visit("/", language="en")
    page.get_by_role("button", name="切换到中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("会话")
    page.get_by_role("button", name="主题：跟随系统").click()
    page.get_by_role("button", name="主题：浅色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("heading", level=1)).to_have_text("会话")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(13, 17, 23)"


def test_signing_in(stage, visit):
    stage.sign_in()
    page = visit("/", signed_in=False)
    expect(page).to_have_url(re.compile("/accounts/login/"))
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill("right horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    live(page)
    page.get_by_role("button", name="Sign out operator").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))
    stage.cookie = ""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_keyboard_reaches_everything_and_nothing_is_wider_than_the_page(stage, visit, width):
    session = stage.session(bot=stage.bot(), name="a very long name " * 6)
    stage.message(session=session, content="https://example.com/" + "x" * 300)
    for path in ("/", "/bots/", f"/sessions/{session}/"):
        page = live(visit(path, width=width))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for _ in range(3):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"


def test_a_page_that_complains_fails(visit, complaints: Complaints):
    page = visit("/")
    page.evaluate("console.warn('careful')")
    page.evaluate("setTimeout(() => { throw new Error('oh') })")
    page.wait_for_function("true")
    assert any("careful" in one for one in complaints)
    complaints.clear()


COLOURS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
                         return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    let ground = node;
    while (ground && rgb(getComputedStyle(ground).backgroundColor)[3] < 255) ground = ground.parentElement;
    const behind = getComputedStyle(ground ?? document.documentElement).backgroundColor;
    found.push([node.className, node.textContent.trim().slice(0, 30), rgb(getComputedStyle(node).color), rgb(behind)]);
  }
  return found;
}"""


def luminance(colour: list[int]) -> float:
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(stage, visit, theme):
    bot = stage.bot(name="contrast", state="refused", reason="banned", code=4915)
    session = stage.session(bot=bot, name="Bob")
    for status, reason in (
        ("failed", "refused"),
        ("unknown", "no_proof"),
        ("interrupted", "shutdown"),
        ("delivered", ""),
    ):
        delivery = stage.queue(session=session, inbound=stage.message(session=session, content="q"))
        segment = stage.open_segment(delivery=delivery)
        stage.send(segment=segment, text="some", kind="opening")
        chunk = stage.send(segment=segment, text=" more", answer=False)
        if status == "failed":
            stage.answered(chunk=chunk, status="refused", http_status=400, code=40034006)
            stage.end_segment(segment=segment, status="failed")
        elif status == "delivered":
            stage.answered(chunk=chunk)
        stage.finish(delivery=delivery, status=status, reason=reason)
    for path in ("/", "/bots/", f"/sessions/{session}/"):
        page = live(visit(path, color_scheme=theme))
        faint = []
        for name, text, ink, ground in page.evaluate(COLOURS):
            lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
            if (lighter + 0.05) / (darker + 0.05) < 4.5:
                faint.append((name, text, ink, ground))
        assert faint == []
