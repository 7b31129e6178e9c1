"""Who may carry a delivery: claims, leases, fences, the sweep, and wishes to cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from celery.worker import state as worker_state
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Segment, Status
from qqconsole.engine import claims, sweep
from qqconsole.engine.cancel import request_cancel
from qqconsole.engine.engine import Engine
from tests.worker.conftest import House, Platform

USER = "A" * 32
LONG = "/bench rate=30 seconds=60 chars=6"


def queue(bot: Bot, platform: Platform, target: str, text: str, *, age: float = 0) -> Delivery:
    """What the inbox writes, with nobody told of it; ``age`` in seconds."""
    msg_id, now = platform.say(target, text), timezone.now()
    session, _ = Session.objects.get_or_create(bot=bot, scene="c2c", target_id=target, defaults={"last_at": now})
    inbound = InboundMessage.objects.create(
        bot=bot, session=session, qq_id=msg_id, event_type="C2C_MESSAGE_CREATE", content=text, received_at=now
    )
    delivery = Delivery.objects.create(session=session, inbound=inbound)
    Delivery.objects.filter(pk=delivery.pk).update(created_at=now - timedelta(seconds=age))
    return delivery


@pytest.fixture
def other_engine(house: House) -> Iterator[Engine]:
    """A second engine on the same database, as in another process."""
    engine = Engine()
    engine.start()
    yield engine
    engine.stop()


def _streaming(platform: Platform, target: str = USER, characters: int = 30) -> bool:
    return any(len(bubble["text"]) > characters for bubble in platform.bot_bubbles(target))


def test_viewers_hear_when_an_attempt_begins_and_how_it_ended(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "hört ihr das?")
    asyncio.run_coroutine_threadsafe(house.engine.deliver(delivery.pk), house.engine.loop)

    def told() -> list[str]:
        mine = [event for event in [*house.watcher.events] if event.get("delivery") == delivery.pk]
        return [attempt["status"] for event in mine for attempt in event["attempts"]]

    assert house.until(lambda: told() == [Status.SENDING, Status.DELIVERED] and told())


def test_two_engines_never_carry_one_delivery_twice(
    house: House, other_engine: Engine, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="echo")
    house.start(gateways=False)
    deliveries = [queue(bot, platform, f"{number:032X}", "wer von euch beiden?") for number in range(40)]
    for delivery in deliveries:
        for engine in (house.engine, other_engine, house.engine):
            asyncio.run_coroutine_threadsafe(engine.deliver(delivery.pk), engine.loop)
    assert {delivery.status for delivery in house.ended(40)} == {Status.DELIVERED}
    assert Attempt.objects.count() == 40
    assert Chunk.objects.count() == len(platform.requests("/v2/"))
    assert {delivery.fence for delivery in Delivery.objects.all()} == {1}
    for delivery in deliveries:
        assert len(platform.bot_bubbles(delivery.session.target_id)) == 1


def test_who_lost_the_fence_writes_and_sends_nothing_more(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="demo")
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, LONG)
    house.engine.ring(delivery.pk)
    house.until(lambda: _streaming(platform))
    row = Delivery.objects.filter(pk=delivery.pk)
    row.update(fence=7, owner="somebody else", lease_until=timezone.now() + timedelta(seconds=30))
    house.until(lambda: not house.engine.running)
    requests, chunks = len(platform.requests("/v2/")), Chunk.objects.count()
    # At most the request that was under way: its answer is nobody's to write any more.
    assert Chunk.objects.filter(status="sending").count() <= 1
    left = row.get()
    assert (left.fence, left.owner, left.status) == (7, "somebody else", Status.SENDING)
    assert requests == chunks
    # The new owner dies as well; the sweep takes it from there without any doorbell, and the stream is
    # closed with what is recorded.
    house.engine.bells.close()
    row.update(lease_until=timezone.now())
    (ended,) = house.ended()
    assert (ended.status, ended.reason, ended.fence) == (Status.INTERRUPTED, "interrupted", 8)
    (bubble,) = platform.bot_bubbles(USER)
    assert (bubble["state"], bubble["text"]) == ("done", ended.generated_text)
    assert platform.violations() == []


def test_who_slept_through_the_lease_sends_nothing_more(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a SIGSTOP between the intent's commit and its request: nobody else has taken it over yet, but might."""
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.2)
    monkeypatch.setattr(sweep, "LOOK_EVERY", 0.1)
    bot = make_bot(source_model="demo")
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, LONG)
    house.engine.ring(delivery.pk)
    house.until(lambda: _streaming(platform))
    house.engine.running[delivery.pk].lease.until = 0.0
    house.until(lambda: not house.engine.running)
    requests = len(platform.requests("/v2/"))
    # Its last intent is written, and its request never left.
    assert Chunk.objects.count() == requests + 1
    assert Chunk.objects.filter(status="sending").count() == 1
    Delivery.objects.filter(pk=delivery.pk).update(lease_until=timezone.now())
    (ended,) = house.ended()
    assert (ended.status, ended.fence) == (Status.INTERRUPTED, 2)
    (bubble,) = platform.bot_bubbles(USER)
    assert (bubble["state"], bubble["text"]) == ("done", ended.generated_text)
    assert platform.violations() == []


def test_a_lease_is_renewed_as_long_as_it_is_needed(
    house: House,
    other_engine: Engine,
    platform: Platform,
    make_bot: Callable[..., Bot],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that is silent for more than two leases: nothing is written, and still nobody takes the delivery over."""
    # Six renewals a lease: a machine that stands still for a second is not what is told of here.
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=1.8))
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.3)
    monkeypatch.setattr(sweep, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.2)
    bot = make_bot(source_model="late:seconds=4")
    house.start(gateways=False)
    house.engine.ring(queue(bot, platform, USER, "lass dir Zeit").pk)
    (delivery,) = house.ended()
    assert (delivery.status, delivery.fence) == (Status.DELIVERED, 1)
    assert Attempt.objects.count() == 1


def test_the_sweep_rings_for_what_nobody_rang_for(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SWEEP_EVERY", 0.2)
    bot = make_bot(source_model="echo")
    house.start(gateways=False)
    house.until(lambda: house.engine.sweep.swept_at)
    queue(bot, platform, USER, "hat mich jemand gehört?", age=10)
    lost = queue(bot, platform, "B" * 32, "und mich?")
    # Broken in our own hands before anything had left.
    Attempt.objects.create(delivery=lost, number=1, started_at=timezone.now())
    mine = {"status": Status.SENDING, "owner": house.engine.owner, "lease_until": timezone.now()}
    Delivery.objects.filter(pk=lost.pk).update(**mine)
    assert {delivery.status for delivery in house.ended(2)} == {Status.DELIVERED}
    attempts = Attempt.objects.filter(delivery=lost).order_by("number")
    # Nothing of it had left: it is the same attempt that began again.
    assert list(attempts.values_list("status", flat=True)) == [Status.DELIVERED]


def test_cancelling_one_that_waits_and_one_that_is_being_sent(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="demo")
    house.start(gateways=False)
    sending, waiting, last = (queue(bot, platform, USER, text) for text in (LONG, LONG, "/echo und jetzt ich"))
    house.engine.ring(sending.pk)
    house.until(lambda: _streaming(platform))
    assert request_cancel(waiting.pk)
    assert Delivery.objects.get(pk=waiting.pk).status == Status.CANCELLED
    assert request_cancel(sending.pk)
    cancelled = house.ended(3)[0]
    assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, "cancelled")
    bubble, answer = platform.bot_bubbles(USER)
    assert bubble["state"] == "done"
    assert cancelled.generated_text.startswith(bubble["text"])
    assert answer["text"] == "/echo und jetzt ich"
    assert Segment.objects.filter(attempt__delivery=sending).get().status == "closed"
    assert not request_cancel(last.pk)
    assert platform.violations() == []


def test_a_retry_that_is_far_off_holds_no_thread(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task returns, the delivery waits on the loop, and what somebody wants of it still reaches it."""
    monkeypatch.setattr("adapter.sender.LONG_WAIT", 0.3)
    bot = make_bot(source_model="echo")
    platform.do(lambda simulator: simulator.faults.add(fault="throttled", endpoint="message"))
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "eile mit Weile")
    house.engine.ring(delivery.pk)
    house.until(lambda: Chunk.objects.filter(status="throttled").exists())
    house.until(lambda: not worker_state.active_requests)
    assert Delivery.objects.get().status == Status.SENDING
    assert delivery.pk in house.engine.running
    assert request_cancel(delivery.pk)
    (ended,) = house.ended()
    assert ended.status == Status.CANCELLED


def test_a_wish_to_stop_is_heard_at_once(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame every 320 ms, and nobody looks at the rows: at most one more leaves before the closing one."""
    monkeypatch.setattr(sweep, "LOOK_EVERY", 3_600.0)
    bot = make_bot(source_model="demo")
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, LONG)
    house.engine.ring(delivery.pk)
    house.until(lambda: _streaming(platform))
    frames = len(platform.requests("/v2/"))
    assert request_cancel(delivery.pk)
    (ended,) = house.ended()
    assert ended.status == Status.CANCELLED
    # The one that was in flight, or none, and the closing one.
    assert len(platform.requests("/v2/")) - frames <= 2
    assert Chunk.objects.order_by("-pk")[0].kind == "closing"
    assert platform.violations() == []


def test_messages_that_wait_their_turn_hold_no_thread(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="demo")
    house.start()
    house.until(platform.live)
    platform.say(USER, "/bench rate=30 seconds=2 chars=6")
    house.until(lambda: _streaming(platform))
    handled = sum(worker_state.total_count.values())
    for number in range(20):
        platform.say(USER, f"/echo Nummer {number}")
    house.until(lambda: sum(worker_state.total_count.values()) >= handled + 20)
    house.until(lambda: len(worker_state.active_requests) == 1)
    assert Delivery.objects.filter(status=Status.QUEUED).count() == 20
    house.ended(21)
    assert [bubble["text"] for bubble in platform.bot_bubbles(USER)[1:]] == [f"/echo Nummer {n}" for n in range(20)]
    ended = list(Delivery.objects.order_by("pk"))
    assert all(one.finished_at <= two.started_at for one, two in pairwise(ended))
