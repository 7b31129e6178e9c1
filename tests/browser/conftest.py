"""A browser, a stage to look at, and the rule that a page which complains has failed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


class Stage:
    """The process of ``tests.browser.stage``; every cue is a method: ``stage.send(segment=3, text="…")``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.cookie = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        names = {name: value for name, value in os.environ.items() if not name.startswith("QQCONSOLE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.stage", str(self.port)],
            cwd=ROOT,
            env={**names, "QQCONSOLE_HOME": str(self.home), "QQCONSOLE_ALLOWED_HOSTS": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None

    def __getattr__(self, cue: str) -> Callable[..., Any]:
        def play(**values: Any) -> Any:
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"do": cue, **values}) + "\n")
            self._process.stdin.flush()
            return self._read()

        return play

    def _read(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the stage has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["is"]


# Not for the whole session: Playwright's loop would stay in the main thread, under every asynchronous test after it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"))
    stage.start()
    yield stage
    stage.kill()


Complaints = list[str]


def listen(page: Page, complaints: Complaints) -> None:
    """Note whatever the page complains of: console errors and warnings, uncaught exceptions, failed answers."""
    page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the pages complained of. A test that provokes complaints clears those it expects."""
    found: Complaints = []
    yield found
    assert found == []


@pytest.fixture
def visit(browser: Browser, stage: Stage, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """Open an address of the stage as an operator: ``visit("/", language="en", width=390)``."""
    contexts: list[BrowserContext] = []

    def visit(path: str = "/", *, language: str = "en", width: int = 1280, signed_in: bool = True, **more: Any) -> Page:
        context = browser.new_context(
            base_url=stage.url,
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": 844 if width < 640 else 800},
            **more,
        )
        contexts.append(context)
        if signed_in:
            stage.cookie = stage.cookie or stage.sign_in()
            context.add_cookies([{"name": "qqconsole_session", "value": stage.cookie, "url": stage.url}])
        page = context.new_page()
        page.set_default_timeout(8_000)
        listen(page, complaints)
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
