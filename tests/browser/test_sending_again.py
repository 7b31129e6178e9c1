"""A failed file is sent again from its page by an admin, on the real console with the real simulator behind it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.test_sending_files import (  # noqa: F401 - console and page are fixtures too
    PATIENCE,
    Phone,
    console,
    drop,
    newest,
    page,
    phone,
    png,
)


def fail_to_send(page: Page, phone: Phone, red: int, **fault: object) -> None:  # noqa: F811
    """A picture that does not arrive; afterwards QQ is well again, and the picture's own page is open."""
    phone.fault(**fault)
    drop(page, "夕阳.png", "image/png", png(red))
    turns = page.locator("[data-turns] > .turn--out")
    known = turns.count()
    page.locator("[data-send]").click()
    expect(turns).to_have_count(known + 1, timeout=PATIENCE)
    expect(newest(page)).to_have_attribute("data-status", re.compile("failed|unknown"), timeout=PATIENCE)
    phone.heal()
    newest(page).locator("[data-inspect]").click()
    page.locator(".inspected-title a").click()
    expect(page.locator("h1")).to_contain_text("Delivery #")
    # Before its scripts run, "Send again" opens a page instead of a dialog.
    expect(page.locator(".pill--live")).to_have_attribute("data-state", "live", timeout=PATIENCE)


def test_a_failed_picture_is_sent_again_and_turns_delivered_before_the_admins_eyes(page: Page, phone: Phone) -> None:  # noqa: F811
    before = len(phone.screen())
    fail_to_send(page, phone, 40, fault="code", endpoint="files", code=850019, status=400)

    head = page.locator("[data-part=head]")
    expect(head).to_contain_text("850019")
    expect(head).to_contain_text("Step: upload")
    page.locator("a[data-dialog]").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("夕阳.png")
    expect(dialog).to_contain_text("Proactively")
    expect(dialog).to_contain_text("The file is uploaded to QQ again.")
    expect(dialog).to_contain_text("QQ will probably refuse it again.")
    dialog.locator("input[name=why]").fill("QQ was ill")
    dialog.locator("button").click()

    expect(page.locator("[data-part=head] .status")).to_have_text("delivered", timeout=PATIENCE)
    second = page.locator('[data-attempt="2"]')
    expect(second.locator(".attempt-head")).to_contain_text("asked by admin")
    expect(second.locator(".attempt-head")).to_contain_text("QQ was ill")
    expect(second.locator(".chunk [data-slot=kind]").last).to_have_text("media")
    expect(page.locator('[data-attempt="1"] .attempt-head .status')).to_have_text("failed")
    assert len(phone.screen()) == before + 1
    page.goto(page.url.split("/deliveries/")[0] + "/audit/")
    expect(page.locator(".row").first).to_contain_text("QQ was ill")


def test_an_unknown_one_warns_of_a_second_copy_and_wants_it_accepted(page: Page, phone: Phone) -> None:  # noqa: F811
    before = len(phone.screen())
    fail_to_send(page, phone, 50, fault="reset", endpoint="media", when="after")
    expect(page.locator("[data-part=head] .status")).to_have_text("unknown")
    assert len(phone.screen()) == before + 1

    page.locator("a[data-dialog]").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("[data-second-copy]")).to_contain_text("the user may see it twice")
    dialog.locator("button").click()
    assert dialog.locator("[name=accept_second_copy]").evaluate("box => box.matches(':invalid')")
    expect(dialog).to_be_visible()
    dialog.locator("[name=accept_second_copy]").check()
    dialog.locator("button").click()

    expect(page.locator("[data-part=head] .status")).to_have_text("delivered", timeout=PATIENCE)
    assert len(phone.screen()) == before + 2


def test_two_that_failed_are_sent_again_by_one_click_and_counted_to_the_end(page: Page, phone: Phone) -> None:  # noqa: F811
    before = len(phone.screen())
    for red in (60, 70):
        fail_to_send(page, phone, red, fault="code", endpoint="files", code=850019, status=400)
        page.locator("[data-part=head] dd a").first.click()
        expect(page.locator("[data-turns] > .turn--out").last).to_be_visible()

    page.goto(page.url.split("/sessions/")[0] + "/deliveries/?kind=media&status=failed")
    page.get_by_text("Send all 2 failed ones again").click()
    expect(page.locator("[data-count]")).to_have_text("2")
    page.locator("input[name=why]").fill("QQ was ill")
    page.get_by_role("button", name="Send 2 again").click()

    expect(page.locator("[data-part=bulk]")).to_contain_text("2 of 2 ended", timeout=PATIENCE)
    expect(page.locator("[data-part=bulk] .status")).to_have_text("done", timeout=PATIENCE)
    assert len(phone.screen()) == before + 2
    page.get_by_text("Show its deliveries").click()
    expect(page.locator(".sent .status")).to_have_text(["delivered", "delivered"])
