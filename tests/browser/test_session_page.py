"""One session in a real browser: the answer grows in place, the inspector tells all, and it is right after anything."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, Stage

Visit = Callable[..., Page]


@pytest.fixture
def session(stage: Stage) -> int:
    return stage.session(bot=stage.bot(), name="Alice")


def start(stage: Stage, session: int, question: str = "hello?") -> tuple[int, int]:
    delivery = stage.queue(session=session, inbound=stage.message(session=session, content=question))
    return delivery, stage.open_segment(delivery=delivery, stream_id="ROBOT1.0_stream")


def live(page: Page) -> Page:
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    return page


def outline(page: Page) -> list[str]:
    return [re.sub(r"\s+", " ", text) for text in page.locator("[data-turns] > *").all_inner_texts()]


def test_an_answer_is_watched_from_the_question_to_the_end(stage, session, visit):
    page = live(visit(f"/sessions/{session}/"))
    expect(page.get_by_text("Nothing was said here yet")).to_be_visible()
    delivery = stage.queue(session=session, inbound=stage.message(session=session, content="how are you?"))
    expect(page.get_by_text("how are you?")).to_be_visible()
    expect(page.get_by_text("waiting for its turn")).to_be_visible()

    segment = stage.open_segment(delivery=delivery)
    chunk = stage.send(segment=segment, text="I am fine, ", kind="opening", answer=False)
    bubble = page.locator(".bubble--out")
    expect(bubble.locator(".in-flight")).to_have_text("I am fine, ")
    expect(bubble.locator("[data-slot=accepted]")).to_have_text("")
    stage.answered(chunk=chunk)
    expect(bubble.locator("[data-slot=accepted]")).to_have_text("I am fine, ")
    expect(bubble.locator(".in-flight")).to_have_text("")
    expect(bubble.locator(".cursor")).to_be_visible()
    stage.send(segment=segment, text="谢谢 👩‍👩‍👧 ")
    stage.send(segment=segment, text="and you?", kind="closing")
    expect(bubble.locator("[data-slot=accepted]")).to_have_text("I am fine, 谢谢 👩‍👩‍👧 and you?")
    stage.finish(delivery=delivery)
    expect(page.locator(".turn--out .status")).to_have_text("delivered")
    expect(bubble.locator(".cursor")).to_be_hidden()
    expect(page.locator("[data-announce]")).to_have_text(re.compile("delivered"))

    chunks = page.locator(".chunk")
    expect(chunks).to_have_count(3)
    expect(chunks.locator("[data-slot=kind]")).to_have_text(["opening", "middle", "closing"])
    expect(chunks.locator("[data-slot=characters]")).to_have_text(["11", "9", "8"])
    expect(chunks.locator("[data-slot=http]")).to_have_text(["200", "200", "200"])
    expect(page.locator("[data-slot=generated]")).to_have_text("28 chars")
    expect(page.locator(".facts [data-slot=accepted]")).to_have_text("28 chars")
    expect(page.locator(".track .mark")).to_have_count(3)


def test_a_refusal_says_its_code_in_words_and_shows_the_raw_wire(stage, session, visit):
    delivery, segment = start(stage, session)
    chunk = stage.send(segment=segment, text="hello there", kind="opening", answer=False)
    stage.answered(chunk=chunk, status="refused", http_status=400, code=40034006, message="消息内容违规")
    stage.end_segment(segment=segment, status="failed")
    stage.finish(delivery=delivery, status="failed", reason="refused", code=40034006)
    page = live(visit(f"/sessions/{session}/", language="zh"))
    expect(page.locator(".turn-reason")).to_have_text(
        "QQ 最终拒绝了全部或部分内容。 40034006 内容未通过 QQ 的审核。请修改文字。"
    )
    expect(page.locator(".bubble-note")).to_have_text("QQ 未接受")
    line = page.locator(".chunk")
    expect(line.locator("[data-slot=said]")).to_contain_text("40034006")
    line.locator("summary").click()
    expect(line.locator("[data-slot=message]")).to_have_text("消息内容违规")
    expect(line.locator("[data-slot=request]")).to_contain_text("stream_messages")
    expect(line.locator("[data-slot=answer]")).to_contain_text("ROBOT1.0_abc")


def test_words_never_become_html(stage, session, visit):
    page = live(visit(f"/sessions/{session}/"))
    evil = "</script><img src=x onerror=alert(1)> & <b>\n\n  two lines"
    _, segment = start(stage, session, evil)
    stage.send(segment=segment, text=evil, kind="opening")
    expect(page.locator(".bubble--out [data-slot=accepted]")).to_have_text(evil, use_inner_text=True)
    for reload in (False, True):
        if reload:
            live(page).reload()
        assert page.locator(".turn img, .turn b, .chunk img").count() == 0
        assert page.locator(".bubble--in [data-slot=text]").text_content() == evil


def test_a_reload_changes_nothing(stage, session, visit):
    delivery, segment = start(stage, session, "one")
    stage.send(segment=segment, text="一二三四五六", kind="opening")
    stage.send(segment=segment, text="七八九", kind="closing")
    rest = stage.open_segment(delivery=delivery, kind="plain", purpose="rest", dialect="")
    stage.send(segment=rest, text="and the rest", kind="plain")
    stage.finish(delivery=delivery)
    stage.message(session=session, content="[photo]", addressed=False, attachments=[{"filename": "a.jpg"}])
    page = live(visit(f"/sessions/{session}/"))
    _, second = start(stage, session, "two")
    stage.send(segment=second, text="still ", kind="opening")
    stage.send(segment=second, text="going", answer=False)
    expect(page.locator(".in-flight").last).to_have_text("going")
    before = outline(page)
    page.reload()
    live(page)
    expect(page.locator(".chunk")).to_have_count(2)
    assert outline(page) == before


def test_a_lost_event_is_asked_for(stage, session, visit):
    page = live(visit(f"/sessions/{session}/"))
    _, segment = start(stage, session)
    stage.send(segment=segment, text="one ", kind="opening")
    expect(page.locator(".chunk")).to_have_count(1)
    stage.stream_silently(segment=segment, text="two ")
    stage.send(segment=segment, text="three")
    expect(page.locator(".chunk")).to_have_count(3)
    expect(page.locator(".bubble--out [data-slot=accepted]")).to_have_text("one two three")


def test_it_says_when_it_is_not_live_and_is_right_when_it_is_again(stage, session, visit, complaints: Complaints):
    page = live(visit(f"/sessions/{session}/"))
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="before ", kind="opening")
    expect(page.locator(".bubble--out [data-slot=accepted]")).to_have_text("before ")
    stage.kill()
    banner = page.locator("[data-banner]")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("not live")
    expect(page.locator("[data-live]")).to_have_text("Not live")
    stage.start()
    stage.send(segment=segment, text="and after", kind="closing")
    stage.finish(delivery=delivery)
    stage.message(session=session, content="while you were away")
    banner.get_by_role("button", name="Try now").click()
    live(page)
    expect(banner).to_be_hidden()
    expect(page.locator(".bubble--out [data-slot=accepted]")).to_have_text("before and after")
    expect(page.locator(".turn--out .status")).to_have_text("delivered")
    expect(page.get_by_text("while you were away")).to_be_visible()
    # The browser itself complains of the connections that were refused meanwhile.
    refused = [one for one in complaints if "ERR_CONNECTION" in one or "WebSocket" in one]
    assert refused == complaints
    complaints.clear()


def test_whoever_is_signed_out_elsewhere_lands_at_the_sign_in(stage, session, visit, complaints: Complaints):
    page = live(visit(f"/sessions/{session}/"))
    stage.sign_everybody_out()
    stage.cookie = ""
    page.wait_for_url("**/accounts/login/**", timeout=15_000)
    complaints[:] = [one for one in complaints if "WebSocket" not in one and "403" not in one]


def test_an_answer_can_be_stopped(stage, session, visit):
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="and so on ", kind="opening")
    page = live(visit(f"/sessions/{session}/"))
    stop = page.get_by_role("button", name="Stop")
    with page.expect_response("**/cancel") as answer:
        stop.click()
    assert answer.value.status == 202
    expect(stop).to_be_disabled()
    assert stage.status_of(delivery=delivery)["cancel_requested"]
    stage.finish(delivery=delivery, status="cancelled", reason="cancelled")
    expect(page.locator(".turn-reason")).to_have_text("Somebody stopped it.")
    expect(stop).to_be_hidden()


def test_the_inspector_follows_the_newest_until_another_is_chosen(stage, session, visit):
    first, segment = start(stage, session, "one")
    stage.send(segment=segment, text="first", kind="closing")
    stage.finish(delivery=first)
    page = live(visit(f"/sessions/{session}/"))
    shown = page.locator(".inspected-title [data-slot=id]")
    expect(shown).to_have_text(f"#{first}")
    second, running = start(stage, session, "two")
    stage.send(segment=running, text="second", kind="opening")
    expect(shown).to_have_text(f"#{second}")
    page.locator(".chunk summary").click()
    third, running = start(stage, session, "three")
    stage.send(segment=running, text="third", kind="opening")
    expect(page.locator(f"[data-delivery='{third}'] .bubble--out")).to_be_visible()
    expect(shown).to_have_text(f"#{second}")
    page.locator(f"[data-delivery='{first}'] [data-inspect]").click()
    expect(shown).to_have_text(f"#{first}")
    expect(page).to_have_url(re.compile(rf"delivery={first}$"))
    stage.send(segment=running, text=" more")
    page.reload()
    live(page)
    expect(shown).to_have_text(f"#{first}")


def test_what_the_model_wrote_is_there_on_request(stage, session, visit):
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="visible", kind="closing")
    stage.finish(delivery=delivery, reasoning_text="let me think")
    page = live(visit(f"/sessions/{session}/"))
    page.get_by_text("What the model wrote").click()
    expect(page.locator("[data-slot=generated_text]")).to_have_text("visible")
    expect(page.locator("[data-slot=reasoning_text]")).to_have_text("let me think")


def test_on_a_phone_the_inspector_is_a_tab(stage, session, visit):
    _, segment = start(stage, session)
    stage.send(segment=segment, text="hello", kind="opening")
    page = live(visit(f"/sessions/{session}/", width=390))
    expect(page.locator(".bubble--out")).to_be_visible()
    expect(page.locator(".chunk")).to_be_hidden()
    page.get_by_role("button", name="Inspect this answer").click()
    expect(page.locator(".chunk")).to_be_visible()
    expect(page.locator(".bubble--out")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_whoever_is_at_the_end_stays_there_and_whoever_reads_above_does_too(stage, session, visit):
    for number in range(12):
        delivery, segment = start(stage, session, f"question {number}")
        stage.send(segment=segment, text="a line\n" * 8, kind="closing")
        stage.finish(delivery=delivery)
    page = live(visit(f"/sessions/{session}/"))
    pane = page.locator("[data-conversation]")
    left = "pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight"
    to_end = page.locator("[data-to-end]")
    page.fill("[data-text]", "\n" * 6)
    expect(to_end).to_be_hidden()
    page.locator(".bubble--out").last.evaluate("bubble => (bubble.style.paddingBottom = '900px')")
    expect(to_end).to_be_hidden()
    assert pane.evaluate(left) < 2

    pane.evaluate("pane => (pane.scrollTop -= 600)")
    expect(to_end).to_be_visible()
    before = pane.evaluate("pane => pane.scrollTop")
    stage.message(session=session, content="something new")
    expect(page.get_by_text("something new")).to_be_attached()
    assert pane.evaluate("pane => pane.scrollTop") == before
