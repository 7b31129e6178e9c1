"""Sent again for real: one, many at once, and the exact repeat of what QQ never told."""

from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest
from django.utils import timezone

from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import AuditLine
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.deliveries import bulk
from qqconsole.deliveries.models import Attempt, BulkResend, BulkStatus, Chunk, Delivery, Mode, Status
from qqconsole.deliveries.resend import ResendRefused, resend
from qqconsole.deliveries.selecting import Filters
from qqconsole.deliveries.sending import send_media
from qqconsole.engine import policies, sweep
from qqconsole.media.intake import take_in
from tests.worker.conftest import House, Platform

OPERATOR, ADMIN = Caller("anna", is_admin=False), Caller("root", is_admin=True)
USER = "A" * 32
TEXT = "/echo 这句话一定要送到"


@pytest.fixture
def bot(make_bot: Callable[..., Bot], platform: Platform) -> Bot:
    platform.do(lambda simulator: simulator.switches.patch({"proactive_times": 1_000}))
    most = {"proactive_per_second": 1_000, "proactive_per_minute": 10_000, "proactive_target_minute": 1_000}
    return make_bot(upload_timeout=2.0, message_timeout=1.5, **most)


def _session(bot: Bot, target: str, scene: str = "c2c") -> Session:
    return Session.objects.create(bot=bot, scene=scene, target_id=target, last_at=timezone.now())


def _failed_file(house: House, platform: Platform, bot: Bot, name: str = "a.txt") -> Delivery:
    platform.do(lambda simulator: simulator.faults.add("code", endpoint="files", code=40093002, count=1))
    send_media(_session(bot, USER), OPERATOR, file=take_in(io.BytesIO(os.urandom(2_000)), name=name))
    (delivery,) = house.ended(1)
    return delivery


def test_an_admin_sends_a_failed_file_again(house: House, platform: Platform, bot: Bot) -> None:
    house.start(gateways=False)
    failed = _failed_file(house, platform, bot)
    assert (failed.status, failed.code, failed.failed_step) == (Status.FAILED, 40093002, "upload")
    first = Chunk.objects.values().get()
    with pytest.raises(ResendRefused):
        resend(failed.pk, OPERATOR)
    resend(failed.pk, ADMIN, why="die Kapazität ist wieder da")
    house.until(lambda: Delivery.objects.filter(status=Status.DELIVERED).exists())
    assert len(platform.bot_bubbles(USER)) == 1
    attempts = list(Attempt.objects.order_by("number").values_list("number", "status", "code", "requested_name", "why"))
    assert attempts == [
        (1, Status.FAILED, 40093002, "anna", ""),
        (2, Status.DELIVERED, None, "root", "die Kapazität ist wieder da"),
    ]
    # The record of the first try stays as it was.
    assert Chunk.objects.values().get(pk=first["id"]) == first
    assert AuditLine.objects.filter(action="resend", subject=f"delivery {failed.pk}").count() == 1


def test_what_qq_may_have_is_sent_again_only_by_somebody_who_was_warned(
    house: House, platform: Platform, bot: Bot
) -> None:
    house.start(gateways=False)
    platform.do(lambda simulator: simulator.faults.add("reset", endpoint="media", when="after", count=1))
    send_media(_session(bot, USER), OPERATOR, file=take_in(io.BytesIO(b"hello"), name="a.txt"))
    (delivery,) = house.ended(1)
    assert (delivery.status, delivery.failed_step) == (Status.UNKNOWN, "send")
    assert len(platform.bot_bubbles(USER)) == 1
    with pytest.raises(ResendRefused) as refused:
        resend(delivery.pk, ADMIN)
    assert refused.value.reason == "second_copy"
    resend(delivery.pk, ADMIN, accept_second_copy=True)
    house.until(lambda: Delivery.objects.filter(status=Status.DELIVERED).exists())
    assert len(platform.bot_bubbles(USER)) == 2


@pytest.mark.parametrize("arrived", [True, False])
def test_the_exact_repeat_proves_what_became_of_a_message(
    house: House, platform: Platform, bot: Bot, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """Every answer to a group message is cut off; later the very same message goes again under its own pair."""
    monkeypatch.setattr(policies, "PROMPT", (0.05,))
    house.start()
    house.until(platform.live)
    group = "7" * 32
    when = "after" if arrived else "before"
    platform.do(lambda simulator: simulator.faults.add("reset", endpoint="message", when=when, count=1))
    platform.do(lambda simulator: simulator.faults.add("reset", endpoint="message", when="before", skip=int(arrived)))
    platform.say(group, TEXT, scene="group", author="D" * 32)
    (delivery,) = house.ended(1, timeout=60)
    assert delivery.status == Status.UNKNOWN
    platform.do(lambda simulator: simulator.faults.clear())
    resend(delivery.pk, ADMIN, mode=Mode.REPEAT)
    house.until(lambda: Delivery.objects.filter(status=Status.DELIVERED).exists())
    assert [bubble["text"] for bubble in platform.bot_bubbles(group, "group")] == [TEXT]
    last = Chunk.objects.order_by("pk").last()
    assert last is not None
    assert last.status == ("duplicate" if arrived else "accepted")
    assert platform.violations() == []


def test_many_by_one_click(
    house: House, platform: Platform, bot: Bot, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred; five thousand where every case is asked for (``make faults``)."""
    many, users = (5_000, 100) if pytestconfig.getoption("--whole", default=False) else (200, 20)
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.5)
    file, now = take_in(io.BytesIO(b"the same for all"), name="a.txt"), timezone.now()
    sessions = [_session(bot, f"{number:032d}") for number in range(users)]
    end = {"status": Status.FAILED, "reason": "refused", "code": 40093002, "finished_at": now}
    failed = Delivery.objects.bulk_create(
        Delivery(session=sessions[number % users], kind="media", item=file, failed_step="upload", fence=1, seq=3, **end)
        for number in range(many)
    )
    Attempt.objects.bulk_create(Attempt(delivery=one, number=1, started_at=now, **end) for one in failed)
    house.start(gateways=False)

    selection = Filters(kind="media", code=40093002)
    seen = bulk.preview(selection, ADMIN)
    assert (seen.count, seen.matching, seen.capped) == (many, many, False)
    begun = bulk.start(selection, ADMIN, expected_total=seen.count, newest_id=seen.newest_id, idempotency_key="k")
    assert bulk.start(selection, ADMIN, expected_total=seen.count, idempotency_key="k").pk == begun.pk
    house.until(lambda: BulkResend.objects.filter(status=BulkStatus.DONE).exists(), many / 10)
    told = bulk.progress(BulkResend.objects.get())
    assert (told.delivered, told.ended, told.failed) == (many, many, 0)
    shown = [len(platform.bot_bubbles(session.target_id)) for session in sessions]
    assert shown == [many // users] * users
    assert Attempt.objects.filter(number=1, status=Status.FAILED).count() == many
    assert AuditLine.objects.filter(action__startswith="bulk").count() == 1
    assert platform.violations() == []


def test_a_bulk_stopped_half_way(house: House, platform: Platform, bot: Bot) -> None:
    """At five a second 60 take a while: what has not begun goes back to how it stood."""
    platform.do(lambda simulator: simulator.faults.add("code", endpoint="files", code=40093002))
    file = take_in(io.BytesIO(b"the same for all"), name="a.txt")
    sessions = [_session(bot, f"{number:032d}") for number in range(60)]
    for session in sessions:
        send_media(session, OPERATOR, file=file)
    house.start(gateways=False)
    house.ended(60, timeout=60)
    platform.do(lambda simulator: simulator.faults.clear())
    Bot.objects.update(proactive_per_second=5)
    begun = bulk.start(Filters(kind="media"), ADMIN, expected_total=60)
    house.until(lambda: Delivery.objects.filter(status=Status.DELIVERED).count() >= 5)
    bulk.cancel(begun.pk, ADMIN)
    house.until(lambda: BulkResend.objects.filter(finished_at__isnull=False).exists())
    delivered = Delivery.objects.filter(status=Status.DELIVERED).count()
    assert 5 <= delivered < 60
    assert Delivery.objects.filter(status=Status.FAILED, code=40093002, failed_step="upload").count() == 60 - delivered
    shown = sum(len(platform.bot_bubbles(session.target_id)) for session in sessions)
    assert shown == delivered
