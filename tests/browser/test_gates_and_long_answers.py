"""What keeps an answer from being seen whole is told live: a bot that is paused, a bubble that was full, one denied."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage

Visit = Callable[..., Page]
FULL = {"full": True, "closes_with": "```"}


@pytest.fixture
def session(stage: Stage) -> int:
    return stage.session(bot=stage.bot(name="gated"), name="Alice")


def start(stage: Stage, session: int) -> tuple[int, int]:
    delivery = stage.queue(session=session, inbound=stage.message(session=session, content="hello?"))
    return delivery, stage.open_segment(delivery=delivery)


def live(page: Page) -> Page:
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    return page


def test_a_pause_comes_and_goes_by_itself_on_both_pages(stage, session, visit):
    bots, talk = live(visit("/bots/", language="zh")), live(visit(f"/sessions/{session}/"))
    card = bots.locator(".bot", has_text="gated").locator("[data-gate]")
    banner = talk.locator("[data-gate]")
    for gate in (card, banner):
        expect(gate).to_be_hidden()
    stage.gate(bot="gated", state="paused", reason="refused", code=11298, next_try=40)
    expect(card).to_contain_text("QQ 拒绝这个机器人的所有消息。 11298")
    expect(card).to_contain_text(re.compile(r"\d+ 秒后重试"))
    expect(banner).to_contain_text("Sending is paused")
    expect(banner).to_contain_text(re.compile(r"Next try in \d+ s\."))
    stage.gate(bot="gated", state="trial")
    expect(banner).to_contain_text("one message at a time")
    stage.gate(bot="gated", state="well")
    for gate in (card, banner):
        expect(gate).to_be_hidden()


def test_a_session_that_is_back_is_said_to_settle_until_sending_goes_on(stage, session, visit):
    """Nothing is published when it has settled: each page sees for itself that it has."""
    stage.settle_for(bot="gated", ms=3_000)
    pages = [live(visit(path)) for path in (f"/sessions/{session}/", "/deliveries/")]
    stage.lose(bot="gated")
    for page in pages:
        expect(page.get_by_text("answers wait until it is back")).to_be_visible()
    stage.come_back(bot="gated")
    for page in pages:
        expect(page.get_by_text("answers wait until it has settled")).to_be_visible()
    for page in pages:
        expect(page.get_by_text("answers wait until it has settled")).to_be_hidden()


def test_what_the_model_writes_is_told_while_the_answer_is_held(stage, session, visit):
    delivery, segment = start(stage, session)
    stage.send(segment=segment, text="seen", kind="opening")
    page = live(visit(f"/sessions/{session}/"))
    pending = page.locator(".turn--out .pending")
    stage.write(delivery=delivery, start=4, text=" and not")
    expect(pending).to_have_text("the model is writing: 12 characters so far")
    expect(page.locator(".turn--out [data-slot=count]")).to_have_text("4 of 12 characters delivered")
    stage.write(delivery=delivery, start=4, text=" and not yet seen", whole=True)
    expect(pending).to_have_text("the model has written all 21 characters; they wait to be sent")
    stage.send(segment=segment, text=" and not yet seen", kind="closing")
    stage.finish(delivery=delivery)
    expect(pending).to_be_hidden()


def test_a_long_answer_goes_on_in_a_new_bubble(stage, session, visit):
    delivery, first = start(stage, session)
    stage.send(segment=first, text="```python\none = 1\n", kind="closing")
    stage.change_segment(segment=first, **FULL)
    second = stage.open_segment(delivery=delivery, opens_with="```python\n")
    stage.send(segment=second, text="two = 2\n```", kind="closing")
    third = stage.open_segment(delivery=delivery, decision={"why": "none_left", "passive": False, "used": 4, "of": 4})
    stage.write_whole(delivery=delivery, more=" and the rest")
    stage.end_segment(segment=third, status="failed")
    stage.finish(delivery=delivery, status="interrupted", reason="passive_used_up")
    page = live(visit(f"/sessions/{session}/"))
    bubbles = page.locator(".bubble--out .text")
    expect(bubbles.nth(0)).to_have_text("```python\none = 1\n```")
    expect(bubbles.nth(1)).to_have_text("```python\ntwo = 2\n```")
    expect(page.locator(".bubble--out .bubble-note").nth(2)).to_have_text("Not sent: the rest, 13 characters.")
    facts = page.locator("[data-inspected-segment] .segment-facts")
    expect(facts.nth(0)).to_contain_text("full: goes on in the next bubble")
    expect(facts.nth(1)).to_contain_text("opens the cut code block again")
    expect(facts.nth(2)).to_contain_text("not sent: all 4 answers to the user's message are used")
