"""What went wrong is said truly and is found at a glance: in the list, in the conversation, in the inspector."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage

Visit = Callable[..., Page]


@pytest.fixture
def session(stage: Stage) -> int:
    return stage.session(bot=stage.bot(), name="Alice")


def start(stage: Stage, session: int, question: str = "hello?") -> tuple[int, int]:
    delivery = stage.queue(session=session, inbound=stage.message(session=session, content=question))
    return delivery, stage.open_segment(delivery=delivery)


def live(page: Page) -> Page:
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    return page


def test_what_qq_may_have_is_not_called_refused(stage, session, visit):
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="certain, ", kind="opening")
    chunk = stage.send(segment=segment, text="perhaps", kind="closing", answer=False)
    stage.answered(
        chunk=chunk, status="unknown", http_status=None, message="no answer in time (SocketTimeoutError)", answer=""
    )
    stage.end_segment(segment=segment, status="unknown")
    stage.finish(delivery=delivery, status="unknown", reason="no_proof")
    page = live(visit(f"/sessions/{session}/", language="zh"))
    bubble = page.locator(".bubble--out")
    expect(bubble.locator(".bubble-note")).to_have_text("QQ 可能已收到，但没有确认")
    rest = bubble.locator(".in-flight")
    expect(rest).to_have_text("perhaps")
    assert rest.evaluate("(node) => getComputedStyle(node).textDecorationLine") == "none"
    line = page.locator(".chunk").last
    expect(line.locator("[data-slot=said]")).to_have_text("结果未知 · 等待应答超时 (SocketTimeoutError)")
    line.locator("summary").click()
    expect(line.locator("[data-slot=network]")).to_have_text("等待应答超时 (SocketTimeoutError)")
    expect(line.locator("[data-slot=message]")).to_be_hidden()  # not QQ's words
    expect(line.locator("[data-slot=answer]")).to_have_text("没有收到应答，或应答为空。")


def test_what_qq_still_reviews_is_not_called_delivered(stage, session, visit):
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="take a look", kind="plain")
    stage.end_segment(segment=segment, status="in_review")
    stage.finish(delivery=delivery, status="in_review", reason="in_review")
    page = live(visit(f"/sessions/{session}/"))
    expect(page.locator(".turn--out [data-slot=count]")).to_have_text("0 of 11 characters delivered")
    expect(page.locator(".facts [data-slot=accepted]")).to_have_text("0 chars")


def test_media_are_named_where_there_is_no_text(stage, session, visit):
    delivery = stage.queue(session=session, inbound=stage.message(session=session, content="a picture?"))
    picture = {"kind": "image", "name": "sunset.png", "url": "", "caption": ""}
    segment = stage.open_segment(delivery=delivery, kind="media", media=picture)
    stage.send(segment=segment, text="", kind="upload")
    page = live(visit(f"/sessions/{session}/", language="zh"))
    bubble = page.locator(".bubble--out .media")
    expect(bubble).to_contain_text("sunset.png")
    expect(bubble).to_contain_text("图片")
    expect(page.locator(".chunk [data-slot=text]")).to_have_text("图片 · sunset.png")


def test_the_newest_chunk_stays_in_view_until_somebody_scrolls_away(stage, session, visit):
    delivery, segment = start(stage, session)
    for number in range(40):
        stage.send(segment=segment, text=f"{number} ", kind="middle" if number else "opening")
    page = live(visit(f"/sessions/{session}/"))
    chunks = page.locator(".chunk")
    expect(chunks.last).to_be_in_viewport()
    stage.send(segment=segment, text="one more ")
    expect(chunks).to_have_count(41)
    expect(chunks.last).to_be_in_viewport()
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport()
    page.locator(".inspector").hover()
    page.mouse.wheel(0, -5000)
    expect(page.locator(".track")).to_be_in_viewport()
    stage.send(segment=segment, text="and another")
    expect(chunks).to_have_count(42)
    expect(page.locator(".track")).to_be_in_viewport()
    stage.finish(delivery=delivery)


def test_the_list_says_what_went_wrong(stage, session, visit):
    refused, segment = start(stage, session)
    stage.end_segment(segment=segment, status="failed")
    stage.finish(delivery=refused, status="failed", reason="refused", code=40034006)
    other = stage.session(bot=stage.bot(), name="Bob")
    silent, _ = start(stage, other)
    stage.finish(delivery=silent, status="failed", reason="model_key_refused")
    page = live(visit("/"))
    why = ".line[data-session='{}'] [data-slot=why]"
    expect(page.locator(why.format(session))).to_have_text(re.compile("^40034006 .*moderation"))
    expect(page.locator(why.format(other))).to_have_text(re.compile("refused the key"))


def test_an_answer_that_streams_is_told_before_those_that_wait_behind_it(stage, session, visit):
    running, segment = start(stage, session)
    stage.send(segment=segment, text="streaming", kind="opening")
    waiting = stage.queue(session=session, inbound=stage.message(session=session, content="and another thing"))
    page = live(visit("/"))
    status = page.locator(f".line[data-session='{session}'] [data-slot=status]")
    expect(status).to_have_text("sending")
    stage.message(session=session, content="hello?")
    expect(status).to_have_text("sending")
    stage.send(segment=segment, text=" over", kind="closing")
    stage.finish(delivery=running)
    expect(status).to_have_text("queued")
    stage.finish(delivery=waiting)
    expect(status).to_have_text("delivered")


def test_bots_in_trouble_come_first(stage, visit):
    stage.bot(name="aaa well")
    stage.bot(name="zzz ill", state="refused", reason="token_refused", code=100016, detail="The app id is wrong.")
    page = live(visit("/bots/"))
    names = page.locator(".bot h2").all_inner_texts()
    assert names.index("zzz ill") < names.index("aaa well")
    card = page.locator(".bot", has_text="zzz ill")
    expect(card.locator("[data-slot=code]")).to_contain_text("100016")
    expect(card.locator("[data-slot=detail]")).to_be_hidden()  # the code has said it
    expect(card.locator("[data-slot=since]")).to_contain_text("since")


def test_a_mistyped_password_is_typed_again_at_once(visit):
    page = visit("/accounts/login/", signed_in=False)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("somebody")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()


def test_the_inspector_follows_what_streams_not_what_waits(stage, session, visit):
    running, segment = start(stage, session)
    stage.send(segment=segment, text="streaming", kind="opening")
    waiting = stage.queue(session=session, inbound=stage.message(session=session, content="and another thing"))
    page = live(visit(f"/sessions/{session}/"))
    shown = page.locator(".inspected-title [data-slot=id]")
    expect(page.locator(f"[data-delivery='{waiting}']")).to_be_visible()
    expect(shown).to_have_text(f"#{running}")
    stage.send(segment=segment, text=" over", kind="closing")
    stage.finish(delivery=running)
    behind = stage.open_segment(delivery=waiting)
    stage.send(segment=behind, text="its turn", kind="opening")
    expect(shown).to_have_text(f"#{waiting}")
    stage.finish(delivery=waiting)
