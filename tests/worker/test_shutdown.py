"""The house closes in the middle of everything: nothing new is begun, what is open is closed, every row is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from qqconsole.bots.models import Bot, BotConnection, ConnectionState
from qqconsole.deliveries.models import Attempt, Chunk, ChunkStatus, Delivery, Segment, SegmentStatus, Status
from tests.worker.conftest import House, Platform, Watcher

LONG = "/bench rate=30 seconds=60 chars=6"


def _users(letter: str, count: int) -> list[str]:
    return [f"{letter}{number:031X}" for number in range(count)]


def _nothing_is_untrue() -> None:
    assert not Delivery.objects.filter(status=Status.SENDING).exists()
    assert not Delivery.objects.exclude(owner="").exists()
    assert not Attempt.objects.filter(status=Status.SENDING).exists()
    assert not Segment.objects.filter(status=SegmentStatus.OPEN).exists()
    assert not Chunk.objects.filter(status=ChunkStatus.SENDING).exists()


def test_in_the_middle_of_forty_streams_and_a_rush_of_new_messages(
    house: House, platform: Platform, make_bot: Callable[..., Bot], watcher: Watcher
) -> None:
    bot = make_bot(source_model="demo")
    house.start()
    house.until(platform.live)
    streaming, groups, rushing = _users("A", 40), _users("B", 10), _users("C", 60)
    for user in streaming:
        platform.say(user, LONG)
    for group in groups:
        platform.say(group, LONG, scene="group", author="D" * 32)
    house.until(lambda: all(platform.bot_bubbles(user) for user in streaming))
    house.until(lambda: Delivery.objects.filter(status=Status.SENDING).count() == 50)
    for user in rushing:
        platform.say(user, "/echo kurz")
    assert house.stop() == 0
    _nothing_is_untrue()
    assert BotConnection.objects.get(bot=bot).state == ConnectionState.STOPPED
    for user in streaming:
        (delivery,) = Delivery.objects.filter(session__target_id=user)
        (bubble,) = platform.bot_bubbles(user)
        assert (delivery.status, delivery.reason) == (Status.INTERRUPTED, "shutdown")
        assert (bubble["state"], bubble["text"]) == ("done", delivery.generated_text)
    in_groups = Delivery.objects.filter(session__target_id__in=groups)
    assert Counter(in_groups.values_list("status", "reason")) == {(Status.QUEUED, ""): 10}

    Bot.objects.update(source_model="echo")
    again = House(watcher)
    again.start()
    again.ended(110, 30)
    again.stop()
    _nothing_is_untrue()
    for group in groups:
        assert [bubble["text"] for bubble in platform.bot_bubbles(group, "group")] == [LONG]
    for user in rushing:
        assert [bubble["text"] for bubble in platform.bot_bubbles(user)] == ["/echo kurz"]
    assert Delivery.objects.count() == 110
    assert platform.violations() == []


def test_a_platform_that_hangs_does_not_hold_the_house(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """What could not be closed in time stays *sending*, for the next start to close."""
    make_bot(source_model="demo", message_timeout=60)
    house.start()
    house.until(platform.live)
    platform.say("A" * 32, LONG)
    house.until(lambda: any(len(bubble["text"]) > 30 for bubble in platform.bot_bubbles("A" * 32)))
    platform.do(lambda simulator: simulator.faults.add("hang", when="before", count=1))
    house.until(lambda: platform.do(lambda simulator: all(rule.fired for rule in simulator.faults)))
    assert house.stop(0.5) == 1
    (delivery,) = Delivery.objects.all()
    assert delivery.status == Status.SENDING
    again = House(house.watcher)
    again.start()
    (ended,) = again.ended()
    again.stop()
    (bubble,) = platform.bot_bubbles("A" * 32)
    assert (ended.status, ended.reason, bubble["state"]) == (Status.INTERRUPTED, "interrupted", "done")
    assert bubble["text"] == ended.generated_text
    _nothing_is_untrue()
