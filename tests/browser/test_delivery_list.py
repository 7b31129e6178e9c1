"""The list of deliveries on the stage: it follows by itself, keeps its filter, and says when it does not follow."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Complaints, Stage


def test_a_delivery_appears_and_turns_failed_without_a_reload(visit, stage: Stage) -> None:
    session = stage.session(bot=stage.bot(), name="陈晨")
    page = visit(f"/deliveries/?session={session}")
    expect(page.locator(".empty")).to_contain_text("No delivery matches")
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live")

    delivery = stage.queue(session=session)
    line = page.locator(f'.sent[data-delivery="{delivery}"]')
    expect(line.locator(".status")).to_have_text("queued")
    segment = stage.open_segment(delivery=delivery)
    stage.send(segment=segment, text="你好，我是小助手。", kind="opening")
    expect(line.locator(".status")).to_have_text("sending")
    stage.finish(delivery=delivery, status="failed", reason="refused", code=40034017)
    expect(line.locator(".status")).to_have_text("failed")
    expect(line).to_contain_text("40034017")
    expect(line).to_contain_text("你好，我是小助手。")


def test_a_filter_takes_in_what_comes_to_match_and_nothing_else(visit, stage: Stage) -> None:
    session = stage.session(bot=stage.bot(), name="Filter")
    page = visit(f"/deliveries/?session={session}&status=failed")
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live")
    well, ill = stage.queue(session=session), stage.queue(session=session)
    stage.finish(delivery=well)
    stage.finish(delivery=ill, status="failed", reason="model_unreachable")

    expect(page.locator(".sent")).to_have_count(1)
    expect(page.locator(".sent")).to_have_attribute("data-delivery", str(ill))


def test_one_deliverys_page_follows_its_steps(visit, stage: Stage) -> None:
    session = stage.session(bot=stage.bot(), name="Steps")
    delivery = stage.queue(session=session)
    page = visit(f"/deliveries/{delivery}/", width=390)
    expect(page.locator("[data-no-attempt]")).to_be_visible()
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live")

    segment = stage.open_segment(delivery=delivery)
    stage.send(segment=segment, text="第一句。", kind="opening")
    expect(page.locator('[data-attempt="1"] .chunk')).to_have_count(1)
    stage.send(segment=segment, text="第二句。", kind="closing")
    stage.finish(delivery=delivery)
    expect(page.locator('[data-attempt="1"] .chunk')).to_have_count(2)
    expect(page.locator("[data-part=head] .status")).to_have_text("delivered")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_list_says_when_it_does_not_follow(visit, stage: Stage, complaints: Complaints) -> None:
    page = visit("/deliveries/")
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live")
    page.context.set_offline(True)
    expect(page.locator("[data-banner]")).to_contain_text("not live", timeout=20_000)
    page.context.set_offline(False)
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live", timeout=20_000)
    complaints.clear()  # the browser's own, about the network that was away
