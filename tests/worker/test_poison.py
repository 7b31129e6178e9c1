"""Rows that cannot be worked with: each ends in a clear state, alone, and the house goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Segment, SegmentStatus, Status
from qqconsole.engine import sweep
from tests.worker.conftest import House, Platform
from tests.worker.test_claims import LONG, queue


@pytest.fixture(autouse=True)
def _quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a row that came round again and again would show."""
    monkeypatch.setattr(sweep, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.2)


def test_a_bot_no_delivery_can_be_made_of_leaves_others_alone(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    sealed, odd, well = (make_bot(name, source_model="echo") for name in ("sealed", "odd", "well"))
    house.start(gateways=False)
    Bot.objects.filter(pk=odd.pk).update(on_dead_reference="no such thing")
    with connection.cursor() as cursor:
        # As after the loss of the key it was encrypted with.
        cursor.execute("UPDATE bots_bot SET secret = 'gAAAAABnot-a-token' WHERE id = %s", [sealed.pk])
    deliveries = [queue(bot, platform, f"{bot.pk:032X}", "guten Tag zusammen", age=10) for bot in (sealed, odd, well)]
    for delivery in deliveries:
        house.engine.ring(delivery.pk)
    ended = house.ended(3)
    assert [(delivery.status, delivery.reason) for delivery in ended] == [
        (Status.FAILED, "engine_error"),
        (Status.FAILED, "engine_error"),
        (Status.DELIVERED, ""),
    ]
    assert "cannot be decrypted" in ended[0].detail
    assert "no such thing" in ended[1].detail
    assert Attempt.objects.filter(delivery=deliveries[1]).get().status == Status.FAILED
    assert Attempt.objects.filter(delivery=deliveries[0]).count() == 0


def test_what_cannot_be_taken_over_is_marked_and_never_tried_for_ever(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    lost = queue(bot, platform, "A" * 32, "guten Tag")
    attempt = Attempt.objects.create(delivery=lost, number=1, started_at=timezone.now())
    segment = Segment.objects.create(
        attempt=attempt, number=1, kind="riddle", text="guten Tag", accepted_length=5, opened_at=timezone.now()
    )
    Chunk.objects.create(segment=segment, number=1, kind="opening", text="guten Tag", sent_at=timezone.now())
    Delivery.objects.filter(pk=lost.pk).update(status=Status.SENDING, owner="one that died", seq=3)
    house.start(gateways=False)
    (ended,) = house.ended()
    assert (ended.status, ended.reason, ended.seq) == (Status.INTERRUPTED, "engine_error", 5)
    segment.refresh_from_db()
    assert (segment.status, segment.seq) == (SegmentStatus.UNCLOSED, 5)
    assert segment.chunks.get().status == "unknown"
    assert ended.fence == 1
    # The session is free again.
    queue(bot, platform, "A" * 32, "und weiter?", age=10)
    assert house.ended(2)[1].status == Status.DELIVERED


def test_others_that_answer_the_same_message_meanwhile_break_no_stream(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """The older dialect takes a new msg_seq for each frame: somebody else takes the next few."""
    bot = make_bot(source_model="bench:rate=30,seconds=2,chars=6", dialect="messages.stream")
    house.start(gateways=False)
    delivery = queue(bot, platform, "A" * 32, "los")
    house.engine.ring(delivery.pk)
    house.until(lambda: Chunk.objects.exists())
    InboundMessage.objects.update(next_msg_seq=F("next_msg_seq") + 50)
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.DELIVERED, "")
    (bubble,) = platform.bot_bubbles("A" * 32)
    assert bubble["text"].rstrip("\n") == ended.generated_text
    used = list(Chunk.objects.order_by("number").values_list("msg_seq", flat=True))
    assert used == sorted(set(used))
    assert used[-1] == len(used) + 50
    assert platform.violations() == []


def test_an_open_stream_in_broken_hands_is_closed_by_the_next(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """Its own attempt is pulled from under it in the middle of the stream: the rows still close the bubble."""
    bot = make_bot(source_model="demo")
    house.start(gateways=False)
    delivery = queue(bot, platform, "A" * 32, LONG)
    house.engine.ring(delivery.pk)
    house.until(lambda: any(len(bubble["text"]) > 30 for bubble in platform.bot_bubbles("A" * 32)))
    next_number = Chunk.objects.count() + 1
    segment = Segment.objects.get()
    # The number its next chunks would take: the database refuses them.
    for number in range(next_number, next_number + 2):
        last = segment.chunks.order_by("number").last()
        last.pk, last.number, last.status, last.text = None, number, "refused", ""
        last.save()
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.INTERRUPTED, "interrupted")
    (bubble,) = platform.bot_bubbles("A" * 32)
    assert (bubble["state"], bubble["text"]) == ("done", ended.generated_text)
    assert ended.fence == 2
