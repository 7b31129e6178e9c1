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
    page.locator("[data-send]").click()
    expect(newest(page)).to_have_attribute("data-status", re.compile("failed|unknown"), timeout=PATIENCE)
    phone.heal()
    newest(page).locator("[data-inspect]").click()
    page.locator(".inspected-title a").click()
    expect(page.locator("h1")).to_contain_text("Delivery #")


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
