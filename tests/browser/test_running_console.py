"""The real console as ``make run`` starts it, demo and all, seen through a browser: nothing is staged."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Complaints, listen

ROOT = Path(__file__).resolve().parents[2]
LOGIN = re.compile(r"首次登录\s+(\S+)\s+(\S+)")
READY = re.compile(r"Ctrl-C")


@dataclass
class RunningConsole:
    home: Path
    port: int
    process: subprocess.Popen[str]
    login: tuple[str, str] | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


GROWS = """() => {
  // True once the text of a bubble is longer than this page has seen it, and still begins as it did.
  window.seen ??= new Map();
  for (const bubble of document.querySelectorAll(".bubble--out")) {
    const text = bubble.querySelector("[data-slot=accepted]").textContent;
    const before = window.seen.get(bubble.dataset.segment);
    if (before && text.length > before.length && text.startsWith(before)) return true;
    window.seen.set(bubble.dataset.segment, text);
  }
  return false;
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, *options: str, port: int | None = None) -> RunningConsole:
    port = port or free_port()
    names = {name: value for name, value in os.environ.items() if not name.startswith("QQCONSOLE_")}
    with (home.parent / f"{home.name}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "console", "--port", str(port), *options],
            cwd=ROOT,
            env={**names, "QQCONSOLE_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if READY.search(line):
            break
    else:
        raise AssertionError(f"the console ended: {said}")
    told = LOGIN.search(said)
    return RunningConsole(home, port, process, (told[1], told[2]) if told else None)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    running = start(tmp_path_factory.mktemp("running") / "home")
    yield running
    running.stop()


def sign_in(page: Page, console: RunningConsole) -> None:
    assert console.login is not None
    page.goto(console.url)
    page.fill("input[name=username]", console.login[0])
    page.fill("input[name=password]", console.login[1])
    page.press("input[name=password]", "Enter")
    page.wait_for_selector(".pill--live")


@pytest.fixture
def page(browser: Browser, console: RunningConsole, complaints: Complaints) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    listen(opened, complaints)
    sign_in(opened, console)
    yield opened
    context.close()


def test_within_ten_seconds_an_operator_sees_a_reply_stream_chunk_by_chunk(page: Page) -> None:
    page.locator(".line[data-status=sending] a").first.click(timeout=10_000)
    bubble = page.locator(".bubble--out[data-status=open]").last
    expect(bubble).to_be_visible(timeout=10_000)
    page.wait_for_function(GROWS)
    expect(page.locator("[data-chunk]").first).to_be_visible()


def test_everything_is_still_right_after_a_reload(page: Page) -> None:
    page.locator(".line a").first.click()
    delivered = page.locator(".bubble--out[data-status=closed]").first
    expect(delivered).to_be_visible(timeout=30_000)
    before = delivered.inner_text()
    page.reload()
    expect(page.locator(".bubble--out[data-status=closed]").first).to_have_text(before, use_inner_text=True)


def test_a_second_start_is_quick_and_keeps_the_data(tmp_path: Path, browser: Browser) -> None:
    first = start(tmp_path / "home")
    try:
        context = browser.new_context(locale="zh-CN")
        page = context.new_page()
        sign_in(page, first)
        expect(page.locator("h1")).to_have_text("会话")
        expect(page.locator(".line a").first).to_be_visible(timeout=15_000)
        number = page.locator(".line a").count()
        assert first.stop() == 0
        second = start(tmp_path / "home", "--no-demo", port=first.port)
        try:
            assert second.login is None
            page.reload()
            assert page.locator(".line a").count() >= number
            page.goto(f"{second.url}/bots/")
            expect(page.locator("main")).to_contain_text("已停用")
        finally:
            second.stop()
        context.close()
    finally:
        if first.process.poll() is None:
            first.stop(signal.SIGKILL)


def test_a_console_that_is_gone_is_said_to_be_gone_and_comes_back(tmp_path: Path, browser: Browser) -> None:
    running = start(tmp_path / "home")
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    sign_in(page, running)
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live", timeout=10_000)
    running.stop(signal.SIGKILL)
    expect(page.locator(".pill--live")).not_to_have_attribute("data-state", "live", timeout=20_000)
    again = start(tmp_path / "home", port=running.port)
    try:
        expect(page.locator(".pill--live")).to_have_attribute("data-state", "live", timeout=40_000)
    finally:
        again.stop()
        context.close()
