"""The phone page in a real browser: what is written arrives, bubbles grow in place, words never become HTML."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator

CHROMIUM = os.environ.get("CHROMIUM", "") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
USER = "0BADC0FFEE0000000000000000000001"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
]


class BotCaller:
    """The bot's side of a conversation, by bare HTTP."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession, token: str) -> None:
        self._sim = sim
        self._http = http
        self._headers = {"Authorization": f"QQBot {token}"}

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self._http.post(f"{self._sim.url}{path}", json=body, headers=self._headers) as answer:
            given: dict[str, Any] = await answer.json()
            assert answer.status == 200, given
            return given

    async def frame(self, msg_id: str, index: int, text: str, *, state: int = 1, stream: str = "") -> str:
        """Send one frame of a markdown stream to USER; return the stream's id."""
        self._sim.clock.advance(1)
        known = {"stream_msg_id": stream} if stream else {}
        answer = await self.post(
            f"/v2/users/{USER}/stream_messages",
            input_mode="replace",
            input_state=state,
            index=index,
            content_type="markdown",
            content_raw=text,
            msg_id=msg_id,
            msg_seq=1,
            **known,
        )
        return str(answer["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest_asyncio.fixture(loop_scope="module")
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def bot(sim: Simulator) -> AsyncIterator[BotCaller]:
    credentials = {"appId": DEMO_APP_ID, "clientSecret": DEMO_SECRET}
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{sim.url}/app/getAppAccessToken", json=credentials) as answer:
            token = (await answer.json())["access_token"]
        yield BotCaller(sim, http, token)


async def opened(browser: Browser, sim: Simulator, *, scene: str = "c2c", **context: Any) -> tuple[Page, list[str]]:
    """Return the page, live, and the list that its errors go to."""
    context = {"locale": "zh-CN", "viewport": {"width": 1360, "height": 860}, "reduced_motion": "reduce"} | context
    page = await (await browser.new_context(**context)).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
    await page.goto(f"{sim.url}/_sim/?bot={DEMO_APP_ID}&scene={scene}&target={USER}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page, errors


async def test_what_is_written_arrives_and_the_reply_grows_in_place(
    browser: Browser, sim: Simulator, bot: BotCaller
) -> None:
    page, errors = await opened(browser, sim)
    await page.fill("#words", "你好，机器人")
    await page.press("#words", "Enter")
    await expect(page.locator(".mine .bubble")).to_have_text("你好，机器人")
    asked = sim.screen(DEMO_APP_ID, "c2c", USER)[0]
    assert (asked["from"], asked["text"]) == ("user", "你好，机器人")

    stream = await bot.frame(asked["id"], 0, "先看**第一段**，")
    reply = page.locator(".message:not(.mine) .bubble")
    await expect(reply).to_have_text("先看第一段，")
    await expect(page.locator("#chat-sub")).to_have_text("对方正在输入…")
    assert "streaming" in (await reply.get_attribute("class") or "")
    message = await page.query_selector(".message:not(.mine)")
    await bot.frame(asked["id"], 1, "先看**第一段**，再看表：\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |", stream=stream)
    await expect(reply.locator("td")).to_have_text(["1", "2"])
    await bot.frame(
        asked["id"], 2, "先看**第一段**，再看表：\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n\n完。", stream=stream, state=10
    )
    await expect(page.locator("article[data-state=done]:not(.mine)")).to_have_count(1)
    await expect(reply.locator("strong")).to_have_text("第一段")
    assert message is not None
    assert await message.evaluate("node => node.isConnected"), "the bubble was replaced instead of growing"
    assert errors == []


async def test_words_never_become_html(browser: Browser, sim: Simulator, bot: BotCaller) -> None:
    evil = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
    page, errors = await opened(browser, sim)
    await page.fill("#words", evil)
    await page.click("#send")
    await expect(page.locator(".mine .bubble")).to_have_text(evil)
    asked = sim.screen(DEMO_APP_ID, "c2c", USER)[0]
    path = f"/v2/users/{USER}/messages"
    text = f"{evil} [x](javascript:alert(1)) **{evil}** `{evil}`\n\n| {evil} |\n|---|\n| {evil} |"
    await bot.post(path, msg_type=2, markdown={"content": text}, msg_id=asked["id"], msg_seq=1)
    reply = page.locator(".message:not(.mine) .bubble")
    await expect(reply.locator("td")).to_have_text(evil)
    assert await page.locator("#screen :is(.bubble img, script, [onerror])").count() == 0
    assert await reply.locator("a[href^='javascript']").count() == 0
    assert await page.title() == "模拟手机"
    assert errors == []


async def test_a_stream_without_its_end_is_shown_for_what_it_is(
    browser: Browser, sim: Simulator, bot: BotCaller
) -> None:
    page, errors = await opened(browser, sim, locale="en-US")
    msg_id = await sim.say(DEMO_APP_ID, USER, "hello")
    await bot.frame(msg_id, 0, "half of an answer")
    await expect(page.locator(".bubble.streaming")).to_have_text("half of an answer")
    sim.clock.advance(sim.switches.stream_timeout + 1)
    await expect(page.locator(".note.warn")).to_contain_text("closed by the platform")
    await expect(page.locator(".bubble.streaming")).to_have_count(0)
    await expect(page.locator("#violation-count")).to_have_text("1")
    assert errors == []


async def test_a_fault_is_switched_on_and_off(browser: Browser, sim: Simulator, bot: BotCaller) -> None:
    page, errors = await opened(browser, sim)
    await page.select_option("#fault-endpoint", "message")
    await page.select_option("#fault-often", "1")
    toggle = page.locator("#faults input[value=system_busy]")
    await toggle.check()
    await expect(page.locator("#faults-clear")).to_be_visible()
    (rule,) = sim.faults.view()
    assert (rule["fault"], rule["endpoint"], rule["count"]) == ("system_busy", "message", 1)
    msg_id = await sim.say(DEMO_APP_ID, USER, "hi")
    with pytest.raises(AssertionError, match="系统繁忙"):
        await bot.post(f"/v2/users/{USER}/messages", msg_type=0, content="x", msg_id=msg_id, msg_seq=1)
    await expect(page.locator("#faults label:has(input[value=system_busy]) .fired")).to_have_text("已触发 1")
    await toggle.uncheck()
    await expect(page.locator("#faults-clear")).to_be_hidden()
    assert sim.faults.view() == []
    assert errors == []


async def test_a_group_member_may_leave_the_mention_out(browser: Browser, sim: Simulator) -> None:
    page, _ = await opened(browser, sim, scene="group", locale="en-US", color_scheme="dark")
    said: list[bool] = []
    page.on("request", lambda sent: said.append(sent.post_data_json["mention"]) if sent.url.endswith("/say") else None)
    assert await page.locator("html").get_attribute("data-theme") == "dark"
    await page.fill("#words", "for the bot")
    await page.press("#words", "Enter")
    await expect(page.locator(".mine .bubble")).to_have_text("for the bot")
    await page.locator("#at").click()
    await page.fill("#words", "for the others")
    await page.press("#words", "Enter")
    await expect(page.locator(".mine .bubble")).to_have_text(["for the bot", "for the others"])
    assert said == [True, False]


async def test_on_a_phone_the_sides_are_drawers(browser: Browser, sim: Simulator) -> None:
    page, errors = await opened(browser, sim, viewport={"width": 390, "height": 780}, locale="en-GB")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await expect(page.locator("#panel")).to_be_hidden()
    await page.click("[data-open=panel]")
    await expect(page.locator("#panel h2")).to_have_text("Platform controls")
    await page.click("#panel [data-language=zh]")
    await expect(page.locator("#panel h2")).to_have_text("平台控制")
    await page.keyboard.press("Escape")
    await expect(page.locator("#panel")).to_be_hidden()
    await expect(page.locator("#words")).to_have_attribute("placeholder", "发消息…")
    assert errors == []


async def test_a_lost_connection_is_said_and_mended(browser: Browser) -> None:
    async with Simulator() as before:
        page, _ = await opened(browser, before)
        port = int(before.url.rsplit(":", 1)[1])
        await before.say(DEMO_APP_ID, USER, "before the end")
        await expect(page.locator(".mine .bubble")).to_have_text("before the end")
    await expect(page.locator("#live")).to_have_text("连接断开，正在重连…")
    async with Simulator(port=port) as after:
        await after.say(DEMO_APP_ID, USER, "after the end")
        await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=10_000)
        await expect(page.locator(".mine .bubble")).to_have_text("after the end")
