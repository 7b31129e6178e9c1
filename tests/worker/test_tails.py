"""What a model writes while nothing leaves is kept: whoever takes over a moment later has all of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import (
    Attempt,
    Chunk,
    ChunkStatus,
    Delivery,
    Mode,
    Segment,
    SegmentStatus,
    Status,
    Tail,
)
from qqconsole.deliveries.tails import written
from qqconsole.engine import claims, sweep
from qqconsole.live.snapshot import whole
from tests.worker.conftest import House, Platform
from tests.worker.test_claims import queue

USER = "A" * 32


@pytest.fixture(autouse=True)
def _quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.2)
    monkeypatch.setattr(sweep, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.2)


def _lose(delivery: Delivery, **values: Any) -> None:
    """Its process died: what runs in our own hands can write nothing more, and its lease has ended."""
    lost = {"owner": "one that died", "fence": 7, "lease_until": timezone.now() - timedelta(seconds=1)}
    Delivery.objects.filter(pk=delivery.pk).update(**lost, **values)


def _text_now(delivery: Delivery) -> str:
    return written(whole(Delivery.objects.filter(pk=delivery.pk)).get())[0]


def test_text_is_kept_while_no_frame_leaves(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    """A throttle of a minute: after the opening frame nothing leaves, and the rows know what the model says."""
    bot = make_bot(source_model="bench:rate=30,seconds=60,chars=6", throttle_ms=60_000)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "los")
    house.engine.ring(delivery.pk)
    house.until(lambda: len(_text_now(delivery)) > 150)
    assert Chunk.objects.count() == 1
    known = _text_now(delivery)
    _lose(delivery)
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.INTERRUPTED, "interrupted")
    assert ended.generated_text.startswith(known)
    (bubble,) = platform.bot_bubbles(USER)
    assert (bubble["state"], bubble["text"]) == ("done", ended.generated_text)
    assert not Tail.objects.exists()
    assert platform.violations() == []


def test_a_long_tail_goes_into_the_deliverys_own_row(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqconsole.deliveries.spoken.LONG", 100)
    bot = make_bot(source_model="bench:rate=60,seconds=2,chars=12", throttle_ms=60_000)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "los")
    house.engine.ring(delivery.pk)

    def folded() -> bool:
        stored = Delivery.objects.values_list("generated_text", flat=True).get()
        return Chunk.objects.count() == 1 and len(stored) > 500

    house.until(folded)
    tail = Tail.objects.get()
    assert tail.start > 300
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.DELIVERED, "")
    assert [bubble["text"] for bubble in platform.bot_bubbles(USER)] == [ended.generated_text]


def _closed(bot: Bot, platform: Platform, text: str, *, mode: str = Mode.FIRST) -> Delivery:
    """A stream whose process died when its closing frame had been accepted."""
    delivery = queue(bot, platform, USER, "was meinst du?")
    now = timezone.now()
    attempt = Attempt.objects.create(delivery=delivery, number=1, mode=mode, started_at=now)
    segment = Segment.objects.create(
        attempt=attempt,
        number=1,
        kind="stream",
        dialect="stream_messages",
        stream_id="901b714c-25a5-4992-8b35-a51b88794931",
        status=SegmentStatus.CLOSED,
        text=text,
        accepted_length=len(text),
        opened_at=now,
    )
    Chunk.objects.create(segment=segment, number=1, kind="closing", status=ChunkStatus.ACCEPTED, text=text, sent_at=now)
    values = {"generated_text": text, "status": Status.SENDING, "seq": 2}
    Delivery.objects.filter(pk=delivery.pk).update(**values, owner="one that died", fence=1)
    return delivery


@pytest.mark.parametrize(("whole", "end"), [(True, Status.DELIVERED), (False, Status.INTERRUPTED)])
def test_the_last_frame_was_taken_and_the_end_was_never_written(
    whole: bool, end: Status, house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    text = "Das war es schon."
    delivery = _closed(make_bot(), platform, text)
    if whole:
        Tail.objects.create(delivery=delivery, start=len(text), text="", reasoning_start=0, reasoning="", whole=True)
    house.start(gateways=False)
    (ended,) = house.ended()
    assert ended.status == end
    assert ended.generated_text == text
    assert Chunk.objects.count() == 1


def test_a_whole_answer_nobody_has_seen_is_sent_as_it_is(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """The model had ended and nothing had left: it is not asked again."""
    bot = make_bot(source_model="echo")
    delivery = queue(bot, platform, USER, "frag mich nicht noch einmal")
    Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    Tail.objects.create(delivery=delivery, start=0, text="Zweiundvierzig.", reasoning_start=0, reasoning="", whole=True)
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.SENDING, owner="one that died", fence=1, seq=1)
    house.start(gateways=False)
    (ended,) = house.ended()
    assert (ended.status, ended.reason, ended.generated_text) == (Status.DELIVERED, "", "Zweiundvierzig.")
    assert [bubble["text"] for bubble in platform.bot_bubbles(USER)] == ["Zweiundvierzig."]


def test_half_an_answer_nobody_has_seen_is_asked_for_again(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    delivery = queue(bot, platform, USER, "noch einmal von vorn")
    Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    half = {"start": 3, "text": "be Antw", "reasoning_start": 0, "reasoning": "hm"}
    Tail.objects.create(delivery=delivery, **half, whole=False)
    lost = {"status": Status.SENDING, "owner": "one that died", "fence": 1, "generated_text": "hal"}
    Delivery.objects.filter(pk=delivery.pk).update(**lost)
    house.start(gateways=False)
    (ended,) = house.ended()
    assert (ended.status, ended.generated_text) == (Status.DELIVERED, "noch einmal von vorn")
    assert ended.reasoning_text == ""
    assert not Tail.objects.exists()


def test_an_attempt_that_asked_the_model_again_is_no_less_interrupted(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """The first try had nothing to send, an admin had it asked again, and that one's process died in the middle."""
    text = "Das ist nur der Anfang"
    delivery = _closed(make_bot(), platform, text, mode=Mode.RESEND)
    tail = {"start": len(text), "text": " und das hier seine Mitte", "reasoning_start": 0, "reasoning": ""}
    Tail.objects.create(delivery=delivery, **tail, whole=False)
    house.start(gateways=False)
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.INTERRUPTED, "interrupted")
    assert [bubble["text"].strip() for bubble in platform.bot_bubbles(USER)] == ["und das hier seine Mitte"]


def test_who_lost_the_fence_keeps_nothing(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    bot = make_bot(source_model="bench:rate=30,seconds=60,chars=6", throttle_ms=60_000)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "los")
    house.engine.ring(delivery.pk)
    house.until(lambda: Tail.objects.exists())
    row = Delivery.objects.filter(pk=delivery.pk)
    # Still its owner by name, so that only the statement itself can tell.
    row.update(fence=7)
    before = Tail.objects.get()
    kept = house.engine.keeper.kept
    house.until(lambda: house.engine.keeper.kept > kept + 3)
    assert Tail.objects.get().text == before.text
    # The next look at the lease tells the one who has it no longer: the model is not read any more.
    row.update(owner="somebody else", lease_until=timezone.now() + claims.LEASE)
    house.until(lambda: not house.engine.running)


def test_a_wish_to_stop_survives_the_process_it_was_meant_for(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="bench:rate=30,seconds=60,chars=6", throttle_ms=60_000)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "los")
    house.engine.ring(delivery.pk)
    house.until(lambda: len(_text_now(delivery)) > 60)
    _lose(delivery, cancel_requested_at=timezone.now())
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.CANCELLED, "cancelled")
    (bubble,) = platform.bot_bubbles(USER)
    assert bubble["state"] == "done"
    assert len(bubble["text"]) < 60 < len(ended.generated_text)
