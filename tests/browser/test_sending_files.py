"""Files from the session page to a user's phone, on the real console with the real simulator behind it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Complaints, listen
from tests.browser.test_running_console import RunningConsole, sign_in, start

_users = count(1)
PATIENCE = 30_000  # ms

DROP = """([name, type, content, padding]) => {
  // A file let go over the conversation, as the browser tells it.
  const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes, new Uint8Array(padding)], name, { type }));
  const place = document.querySelector("[data-conversation]");
  for (const what of ["dragenter", "dragover", "drop"]) {
    place.dispatchEvent(new DragEvent(what, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@dataclass
class Phone:
    """The user's side: what the simulator shows, and what it is told to do wrong."""

    page: Page
    url: str
    user: str

    def say(self, text: str) -> None:
        self._call("post", "say", {"target": self.user, "text": text})

    def screen(self) -> list[dict[str, Any]]:
        bubbles = self.page.request.get(f"{self.url}/_sim/screen?scene=c2c&target={self.user}").json()["bubbles"]
        return [bubble for bubble in bubbles if bubble["from"] != "user"]

    def switch(self, **switches: Any) -> None:
        self._call("patch", "switches", switches)

    def fault(self, **rule: Any) -> None:
        self._call("post", "faults", rule)

    def heal(self) -> None:
        self._call("delete", "faults", {})

    def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        answer = getattr(self.page.request, method)(f"{self.url}/_sim/{path}", data=body)
        assert answer.ok, answer.text()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    running = start(tmp_path_factory.mktemp("sending") / "home")
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, console: RunningConsole, complaints: Complaints) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    listen(opened, complaints)
    sign_in(opened, console)
    yield opened
    context.close()


@pytest.fixture
def phone(page: Page, console: RunningConsole) -> Iterator[Phone]:
    """A new user who has written; the page shows the conversation, its first answer delivered."""
    demo = page.request.get(f"{console.url}/api/v1/bots").json()["items"][0]
    phone = Phone(page, demo["api_base"], f"{next(_users):032X}")
    phone.say("hello")
    page.locator(".line", has_text=phone.user[-6:]).locator("a").click(timeout=PATIENCE)
    expect(page.locator(".turn--out[data-status=delivered]").last).to_be_visible(timeout=PATIENCE)
    yield phone
    phone.heal()


def drop(page: Page, name: str, kind: str, content: bytes, padding: int = 0) -> None:
    page.evaluate(DROP, [name, kind, base64.b64encode(content).decode(), padding])


def png(red: int) -> bytes:
    """Another content for each red: what QQ has already is not uploaded again."""
    file = io.BytesIO()
    Image.new("RGB", (320, 200), (red, 98, 196)).save(file, "PNG")
    return file.getvalue()


def newest(page: Page) -> Any:
    return page.locator("[data-turns] > .turn--out").last


def test_what_is_dropped_arrives_in_order_with_its_name_and_type(page: Page, phone: Phone) -> None:
    phone.switch(part_size=1_048_576)
    phone.fault(fault="slow", endpoint="part", seconds=0.4)
    before = len(phone.screen())

    drop(page, "猫.png", "image/png", png(10))
    drop(page, "报告.pdf", "application/pdf", b"%PDF-1.7\n", 5_000_000)
    cards = page.locator("[data-outgoing-item]")
    expect(cards.locator("[data-slot=name]")).to_have_text(["猫.png", "报告.pdf"])
    expect(cards.locator("[data-slot=facts]")).to_have_text(
        [re.compile("Goes as: picture"), re.compile("Goes as: file")]
    )
    expect(cards.locator("[data-slot=state]")).to_have_text(["Ready to send", "Ready to send"], timeout=PATIENCE)
    cards.first.locator("[data-caption]").fill("here it is")
    page.fill("[data-text]", "two things for you")
    page.press("[data-text]", "Enter")

    expect(cards).to_have_count(0)
    way = newest(page).locator("[data-slot=way]")
    expect(way).to_have_text(re.compile(r"part \d of 5"), timeout=PATIENCE)
    expect(newest(page).locator(".status")).to_have_text("delivered", timeout=PATIENCE)
    text, picture, file = (page.locator("[data-turns] > .turn--out").nth(place) for place in (-3, -2, -1))
    expect(text.locator("[data-slot=accepted]")).to_have_text("two things for you")
    expect(text.locator("[data-slot=by]")).to_have_text("by admin")
    expect(picture.locator("[data-slot=accepted]")).to_have_text("here it is")
    assert picture.locator(".media-picture").evaluate("image => image.complete && image.naturalWidth") > 0
    expect(file.locator("[data-slot=media_name]")).to_have_text("报告.pdf")

    shown = phone.screen()[before:]
    assert shown[0]["text"] == "two things for you"
    assert [bubble["media"]["type"] for bubble in shown[1:]] == ["image", "file"]
    assert shown[2]["media"]["name"] == "报告.pdf"
    newest(page).locator("[data-inspect]").click()
    steps = page.locator("[data-chunk] [data-slot=kind]").all_inner_texts()
    assert steps == [
        "preparing the upload", *["part", "finishing a part"] * 5, "upload", "media",
    ]  # fmt: skip
    expect(page.locator("[data-chunk] [data-slot=text]").nth(9)).to_have_text("part 5 of 5")


def test_a_refused_upload_says_its_step_its_code_and_what_it_means(page: Page, phone: Phone) -> None:
    answered = phone.screen()
    phone.fault(fault="code", endpoint="files", code=850019, status=400)

    drop(page, "broken.png", "image/png", png(20))
    page.locator("[data-send]").click()

    turn = newest(page)
    expect(turn.locator(".status")).to_have_text("failed", timeout=PATIENCE)
    expect(turn.locator(".turn-reason")).to_contain_text("850019")
    expect(turn.locator(".turn-reason")).to_contain_text("Step: upload.")
    assert phone.screen() == answered


def test_what_qq_never_takes_is_told_before_a_byte_is_sent(page: Page, phone: Phone) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)

    drop(page, "nothing.txt", "text/plain", b"")
    card = page.locator("[data-outgoing-item]")
    expect(card.locator("[data-slot=problem]")).to_have_text("The file is empty.")
    page.locator("[data-send]").click()

    expect(page.locator(".composer-error")).to_contain_text("not ready")
    card.locator("[data-remove]").click()
    expect(card).to_have_count(0)
    assert asked == []


def test_an_upload_that_broke_off_is_tried_again_and_nothing_is_lost(
    page: Page, phone: Phone, complaints: Complaints
) -> None:
    page.route("**/api/v1/media", lambda route: route.abort())
    drop(page, "again.png", "image/png", png(30))
    card = page.locator("[data-outgoing-item]")
    expect(card.locator("[data-slot=problem]")).to_contain_text("broke off")
    card.locator("[data-caption]").fill("the second time")
    page.unroute("**/api/v1/media")
    card.locator("[data-retry]").click()
    expect(card.locator("[data-slot=state]")).to_have_text("Ready to send", timeout=PATIENCE)
    page.locator("[data-send]").click()

    expect(page.locator(".turn--out[data-status=delivered]")).to_have_count(2, timeout=PATIENCE)
    assert phone.screen()[-1]["media"]["type"] == "image"
    complaints[:] = [one for one in complaints if "ERR_FAILED" not in one]
