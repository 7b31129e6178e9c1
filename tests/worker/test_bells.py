"""Doorbells: a broker that is away holds up nothing else, and what waits long is rung for ever more seldom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
from celery.worker import state
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Attempt, Delivery, Status, TypingHint
from qqconsole.engine import claims, sweep
from qqconsole.engine.bells import DELIVER, Bells
from qqconsole.engine.readers import Readers
from tests.worker.conftest import House, Platform
from tests.worker.test_claims import queue


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Takes nothing until the event is set."""
    back = threading.Event()
    monkeypatch.setattr("qqconsole.engine.bells.current_app.send_task", lambda *task, **how: back.wait(20))
    yield back
    back.set()


async def test_a_broker_that_is_away_holds_up_no_question(broker: threading.Event) -> None:
    readers, bells = Readers(), Bells()
    try:
        for key in range(20):
            readers.tell(lambda key=key: [key], bells.ring)
        assert await asyncio.wait_for(readers.ask(lambda: "asked"), 10) == "asked"
    finally:
        broker.set()
        await asyncio.to_thread(readers.close)
        bells.close()


def test_what_waits_to_be_rung_for_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, back, done, rung = threading.Event(), threading.Event(), threading.Event(), []

    def send(task: str, args: list[int]) -> None:
        rung.append((task, *args))
        begun.set()
        back.wait(20)
        if len(rung) == 4:
            done.set()

    monkeypatch.setattr("qqconsole.engine.bells.current_app.send_task", send)
    bells = Bells()
    bells.ring(1)
    assert begun.wait(10)
    for _ in range(2):
        bells.ring(1)
        bells.ring(2)
        bells.ring(2, "deliveries.enrol")
    back.set()
    assert done.wait(10)
    bells.close()
    # The ring that had begun may have come before the news: it is rung once more for that.
    assert rung == [(DELIVER, 1), (DELIVER, 1), (DELIVER, 2), ("deliveries.enrol", 2)]


def test_what_still_waits_is_rung_for_ever_more_seldom() -> None:
    patience, rung = sweep.Patience(), []
    for second in range(0, 600, 5):
        rung += [second for _ in patience.due([(7, 1)], float(second))]
    assert rung == [0, 5, 15, 35, 75, 135, 195, 255, 315, 375, 435, 495, 555]
    # Claimed and put back, it is another wait; so is one that was not found in between.
    assert patience.due([(7, 2)], 600.0) == [7]
    assert patience.due([], 605.0) == []
    assert patience.due([(7, 2)], 610.0) == [7]


def test_leases_are_renewed_whatever_a_sweep_waits_for(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()

    def look(everything: bool) -> list[sweep.Waiting]:
        stuck.wait(20)
        return []

    monkeypatch.setattr(sweep, "look", look)
    monkeypatch.setattr(claims, "RENEW_EVERY", 0.1)
    make_bot(source_model="bench:rate=20,seconds=60,chars=6")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "los")
    first = house.until(lambda: Delivery.objects.filter(status=Status.SENDING).first())
    house.until(lambda: Delivery.objects.filter(pk=first.pk, lease_until__gt=first.lease_until).exists())
    stuck.set()


def test_another_ring_lets_no_thread_go_while_its_stream_is_open(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """The number of threads keeps a worker from taking more than it can carry."""
    make_bot(source_model="bench:rate=20,seconds=60,chars=6")
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, "los")
    house.until(lambda: platform.bot_bubbles("A" * 32))
    (carried,) = Delivery.objects.values_list("pk", flat=True)
    mine = [one for one in state.active_requests if list(one.args) == [carried]]
    assert len(mine) == 1
    for _ in range(2):
        before = state.total_count["deliveries.deliver"]
        house.engine.ring(carried)
        house.until(lambda before=before: state.total_count["deliveries.deliver"] > before)
        house.until(lambda: len(state.reserved_requests) <= 1)
    assert mine[0] in state.active_requests


def test_a_hint_that_was_on_its_way_in_a_crash_is_not_sending_for_ever(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    delivery = queue(make_bot(source_model="echo"), platform, "A" * 32, "hallo")
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.SENDING, owner="gone", fence=1)
    attempt = Attempt.objects.create(delivery=delivery, number=1, status=Status.SENDING, started_at=timezone.now())
    TypingHint.objects.create(attempt=attempt, msg_id="m", msg_seq=1, seconds=60, sent_at=timezone.now())
    house.start(gateways=False)
    [delivery] = house.ended()
    assert (delivery.status, TypingHint.objects.get().status) == (Status.DELIVERED, "unknown")
