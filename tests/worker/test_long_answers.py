"""An answer longer than a bubble, through the whole house: rows, what the user sees and what was generated agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from adapter.client import Credentials, QQClient
from adapter.dialects import DIALECTS
from adapter.pieces import MediaOutcome, Piece, Text
from adapter.policy import Policy
from adapter.sender import Sender
from adapter.stream import StreamMachine
from adapter.targets import Scene, Target
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.ledger import Address
from qqconsole.deliveries.missing import unsent_text
from qqconsole.deliveries.models import Attempt, Delivery, Segment, SegmentStatus, Status
from qqconsole.deliveries.recorder import AttemptRecorder
from qqconsole.engine.writer import GroupWriter
from simulator import DEMO_APP_ID, DEMO_SECRET
from tests.worker.conftest import House, Platform

USER = "A" * 32


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
def test_a_long_answer_is_several_bubbles_and_one_text(
    dialect: str, house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    make_bot(dialect=dialect, source_model="bench:rate=30,seconds=2,chars=60", frame_bytes=1_000)
    house.start()
    house.until(platform.live)
    platform.say(USER, "讲讲")
    (delivery,) = house.ended()
    assert (delivery.status, delivery.reason) == (Status.DELIVERED, "")
    segments = list(Segment.objects.order_by("number"))
    shown = [bubble["text"].rstrip("\n") for bubble in platform.bot_bubbles(USER)]
    assert shown == [(one.opens_with + one.text + one.closes_with).rstrip("\n") for one in segments]
    assert "".join(one.text for one in segments) == delivery.generated_text
    assert unsent_text(delivery.generated_text, [one.text for one in segments]) == ""
    assert [one.full for one in segments] == [True] * (len(segments) - 1) + [False]
    assert (len(segments) > 2) is (dialect == "stream_messages")
    assert platform.violations() == []


CODE = "甲 = 1\n"
WRITTEN = ("```py\n" + CODE * 9, CODE * 8, "x" * 120 + "\n```\n")
"""A fence that is longer than the bubble: the first is full when all that is in it was shown."""


async def test_the_row_of_a_stream_that_nobody_could_close_names_no_fence_that_was_closed(
    transactional_db: None, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """QQ refuses its closing frame for good, and that one alone would have brought what closes the fence."""
    bot = await sync_to_async(make_bot)()
    platform.do(lambda simulator: simulator.faults.add(fault="code", code=50035, frame="closing"))
    platform.do(lambda simulator: setattr(simulator.switches, "stream_pacing", 0.0))
    quick = {"interval": 0.005, "closing_gap": 0.0, "opening_grace": 0.0, "delays": (0.001,)}
    asked = await asyncio.to_thread(platform.say, USER, "讲讲")
    policy = Policy(DIALECTS["stream_messages"], reference=asked, frame_bytes=200, message_bytes=200, **quick)
    machine = StreamMachine(policy)

    async def source() -> AsyncGenerator[Piece, MediaOutcome | None]:
        for end, piece in enumerate(WRITTEN, 1):
            yield Text(piece)
            seen = len("".join(WRITTEN[:end]))
            last = end == len(WRITTEN)
            while not (last or (machine.segments and machine.segments[1].accepted >= seen)):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.002)

    writer = GroupWriter()
    writer.start()
    at = Credentials(DEMO_APP_ID, DEMO_SECRET, platform.url, f"{platform.url}/app/getAppAccessToken")
    client = QQClient(at)
    try:
        recorder = await sync_to_async(_recorder)(writer, bot, asked)
        async with asyncio.timeout(20):
            await Sender(machine, client, recorder, Target(Scene.C2C, USER)).run(source())
    finally:
        await client.close()
        await asyncio.to_thread(writer.stop, 5)
    first, second = [one async for one in Segment.objects.order_by("number")]
    await sync_to_async(connections.close_all)()
    assert (first.status, first.full, first.closes_with) == (SegmentStatus.UNCLOSED, True, "")
    shown = [bubble["text"].rstrip("\n") for bubble in platform.bot_bubbles(USER)]
    assert shown == [(one.opens_with + one.text + one.closes_with).rstrip("\n") for one in (first, second)]


def _recorder(writer: GroupWriter, bot: Bot, asked: str) -> AttemptRecorder:
    session = Session.objects.create(bot=bot, scene="c2c", target_id=USER, last_at=timezone.now())
    InboundMessage.objects.create(bot=bot, session=session, qq_id=asked, received_at=timezone.now())
    delivery = Delivery.objects.create(session=session, status=Status.SENDING, fence=1)
    attempt = Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    return AttemptRecorder(writer, delivery, attempt, Address(bot.pk, USER, "stream_messages"))
