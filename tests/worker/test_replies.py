"""A user's message comes in through the gateway, the model answers, the answer reaches the user, every chunk a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, PassivePair, Segment, Status
from tests.worker.conftest import House, Platform

USER = "A" * 32
GROUP = "B" * 32


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
def test_an_answer_is_streamed_and_every_chunk_is_a_row(
    dialect: str, house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(dialect=dialect, source_model="bench:rate=30,seconds=2,chars=6")
    house.start()
    house.until(platform.live)
    msg_id = platform.say(USER, "你好")
    (delivery,) = house.ended()
    assert (delivery.status, delivery.reason) == (Status.DELIVERED, "")
    (bubble,) = platform.bot_bubbles(USER)
    assert bubble["text"].rstrip("\n") == delivery.generated_text
    assert bubble["state"] == "done"
    (segment,) = Segment.objects.all()
    chunks = list(segment.chunks.order_by("number"))
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert len(chunks) > 3
    assert {chunk.status for chunk in chunks} == {ChunkStatus.ACCEPTED}
    assert [chunk.state for chunk in chunks] == [1] * (len(chunks) - 1) + [10]
    assert "".join(chunk.text for chunk in chunks) == delivery.generated_text == segment.text
    assert segment.status == "closed"
    assert all(chunk.trace_id and chunk.http_status == 200 and chunk.elapsed_ms for chunk in chunks)
    pairs = PassivePair.objects.filter(msg_id=msg_id).count()
    assert pairs == (1 if dialect == "stream_messages" else len(chunks))
    assert platform.violations() == []


def test_a_group_gets_the_whole_answer_at_once(house: House, platform: Platform, make_bot: Callable[..., Bot]) -> None:
    make_bot(source_model="bench:rate=30,seconds=1,chars=6")
    house.start()
    house.until(platform.live)
    platform.say(GROUP, "大家好", scene="group", author=USER)
    (delivery,) = house.ended()
    assert delivery.status == Status.DELIVERED
    (bubble,) = platform.bot_bubbles(GROUP, "group")
    assert bubble["text"] == delivery.generated_text
    assert Chunk.objects.count() == 1


def test_the_same_event_three_times_is_answered_once(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="echo")
    house.start()
    house.until(platform.live)
    platform.say(USER, "只说一次", repeat=3)
    platform.say(USER, "第二句")
    house.ended(2)
    assert InboundMessage.objects.count() == Delivery.objects.count() == 2
    assert len(platform.bot_bubbles(USER)) == 2


def test_a_second_message_waits_for_the_first_answer(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(source_model="bench:rate=30,seconds=2,chars=6")
    house.start()
    house.until(platform.live)
    platform.say(USER, "eins")
    platform.say(USER, "zwei")
    first, second = house.ended(2)
    assert (first.status, second.status) == (Status.DELIVERED, Status.DELIVERED)
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at
    assert not Chunk.objects.exclude(status=ChunkStatus.ACCEPTED).exists()
