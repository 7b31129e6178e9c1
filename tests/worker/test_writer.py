"""The group writer: one transaction for all that waits, the guilty one found, everybody else served in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.utils import timezone

from adapter.frames import Frame, FrameKind, Pair
from adapter.passive import Denied
from adapter.request import Endpoint, Request
from adapter.segment import Segment as LiveSegment
from adapter.sender import Intent
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, PlatformEvent, Session
from qqconsole.deliveries.ledger import Address
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, PassivePair, Segment, Status
from qqconsole.deliveries.recorder import AttemptRecorder
from qqconsole.engine.batch import Batch
from qqconsole.engine.writer import FenceLost, GroupWriter, Job

MSG_ID = "ROBOT1.0_inbound"


@pytest.fixture
def writer(transactional_db: None) -> Iterator[GroupWriter]:
    running = GroupWriter()
    running.start()
    yield running
    running.stop(5)


@pytest_asyncio.fixture(autouse=True)
async def _no_connection_is_left(transactional_db: None) -> AsyncIterator[None]:
    """All that a story here asks the database itself goes through one thread, whose connection would outlive it."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    return Bot.objects.create(name="bot", app_id="1", secret="s")


async def in_one_batch(writer: GroupWriter, submit: Callable[[], list[Awaitable[Any]]]) -> list[Any]:
    """Hold the writer until ``submit`` has queued all it has; results and errors in their order."""
    gate = threading.Event()
    held = writer.submit(Job(lambda batch: gate.wait(5)))
    waiting = submit()
    gate.set()
    await held
    return await asyncio.gather(*waiting, return_exceptions=True)


def _event(bot: Bot, name: str) -> PlatformEvent:
    return PlatformEvent(bot=bot, type=name, event_id=name, received_at=timezone.now())


def _keep(bot: Bot, name: str) -> Job[str]:
    def run(batch: Batch) -> str:
        batch.create(_event(bot, name))
        return name

    return Job(run)


async def test_what_waits_becomes_one_transaction_in_order(writer: GroupWriter, bot: Bot) -> None:
    names = [f"event {number}" for number in range(200)]
    results = await in_one_batch(writer, lambda: [writer.submit(_keep(bot, name)) for name in names])
    assert results == names
    assert [event.type async for event in PlatformEvent.objects.order_by("pk")] == names
    assert writer.commits <= 2


@pytest.mark.parametrize("how", ["raises", "breaks a constraint"])
async def test_only_the_guilty_one_fails(how: str, writer: GroupWriter, bot: Bot) -> None:
    await sync_to_async(_event(bot, "taken").save)()

    def guilty(batch: Batch) -> str:
        if how == "raises":
            raise ValueError("poison")
        batch.create(_event(bot, "taken"))
        return "never told"

    jobs = [_keep(bot, f"event {number}") for number in range(50)]
    jobs.insert(17, Job(guilty))
    results = await in_one_batch(writer, lambda: [writer.submit(job) for job in jobs])
    failed = [result for result in results if isinstance(result, Exception)]
    assert [type(error) for error in failed] == [ValueError if how == "raises" else IntegrityError]
    assert results.index(failed[0]) == 17
    names = [event.type async for event in PlatformEvent.objects.order_by("pk")]
    assert names == ["taken", *(f"event {number}" for number in range(50))]


async def test_a_database_that_is_busy_for_a_moment_is_asked_again(writer: GroupWriter, bot: Bot) -> None:
    tries = []

    def busy(batch: Batch) -> int:
        tries.append(batch)
        if len(tries) < 3:
            raise OperationalError("database is locked")
        batch.create(_event(bot, "at last"))
        return len(tries)

    results = await in_one_batch(writer, lambda: [writer.submit(_keep(bot, "beside")), writer.submit(Job(busy))])
    assert results == ["beside", 3]
    assert await PlatformEvent.objects.acount() == 2


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    writer: GroupWriter, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks behind the commit: the rows are there, and the job must not run again."""
    atomic, broken = transaction.atomic, []

    @contextmanager
    def breaking() -> Iterator[None]:
        with atomic():
            yield
        if not broken:
            broken.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("qqconsole.engine.writer.transaction.atomic", breaking)
    assert await writer.submit(_keep(bot, "once")) == "once"
    monkeypatch.undo()
    assert broken
    assert await PlatformEvent.objects.acount() == 1


async def test_a_database_that_restarts_is_waited_for(
    writer: GroupWriter, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a busy one would be asked again: nobody who waits is told of it."""
    monkeypatch.setattr("qqconsole.engine.writer.LOOK_AGAIN", 0.01)
    away = iter([True] * 20)
    connect = DatabaseWrapper.cursor

    def cursor(self: DatabaseWrapper) -> Any:
        if next(away, False):
            raise OperationalError("the database system is starting up")
        return connect(self)

    monkeypatch.setattr(DatabaseWrapper, "cursor", cursor)
    assert await writer.submit(_keep(bot, "at last")) == "at last"
    monkeypatch.undo()
    assert await PlatformEvent.objects.acount() == 1


async def test_live_events_that_cannot_be_made_cost_no_row_and_no_waiter(writer: GroupWriter, bot: Bot) -> None:
    def run(batch: Batch) -> str:
        batch.create(_event(bot, "kept"))
        batch.publish(lambda: {}["missing"])
        return "written"

    assert await writer.submit(Job(run)) == "written"
    assert await writer.submit(_keep(bot, "and the next")) == "and the next"
    assert writer.alive


def _recorder(writer: GroupWriter, bot: Bot, target: str) -> AttemptRecorder:
    session = Session.objects.create(bot=bot, scene="c2c", target_id=target, last_at=timezone.now())
    delivery = Delivery.objects.create(session=session, status=Status.SENDING, fence=1)
    attempt = Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now())
    message = {"session": session, "received_at": timezone.now()}
    InboundMessage.objects.get_or_create(bot=bot, qq_id=MSG_ID, defaults=message)
    return AttemptRecorder(writer, delivery, attempt, Address(bot.pk, target, "stream_messages", most=4))


def _opening() -> tuple[Frame, LiveSegment]:
    kind, text = FrameKind.OPENING, "Guten Morgen zusammen"
    frame = Frame(kind, 1, 0, len(text), text, text, True, MSG_ID, Pair.NEW, index=0)
    return frame, LiveSegment(1, markdown=True, text=text)


def _build(msg_seq: int | None) -> Request:
    return Request("POST", "/v2/users/x/stream_messages", {"msg_seq": msg_seq, "content_raw": "…"}, Endpoint.STREAM)


async def test_answers_to_one_message_take_its_pairs_in_turn_until_none_is_left(writer: GroupWriter, bot: Bot) -> None:
    """Six recorders in one batch: each that is granted an answer has its rows, and the others none."""
    several = [await sync_to_async(_recorder)(writer, bot, f"{number:032}") for number in range(6)]
    intents = await in_one_batch(
        writer,
        lambda: [asyncio.ensure_future(one.intend(*_opening(), _build)) for one in several],
    )
    assert [intent.request.body["msg_seq"] for intent in intents[:4]] == [1, 2, 3, 4]
    assert intents[4:] == [Denied("none_left", 4)] * 2
    for segment in [one async for one in Segment.objects.select_related("attempt__delivery").order_by("pk")]:
        chunk = await Chunk.objects.aget(segment=segment)
        pair = await PassivePair.objects.aget(segment=segment)
        assert chunk.msg_seq == pair.msg_seq == segment.decision["used"]
        assert segment.attempt.delivery.seq == segment.seq == chunk.seq == 1
    assert await Segment.objects.acount() == 4
    message = await InboundMessage.objects.aget()
    assert (message.answers_used, message.next_msg_seq) == (4, 5)


async def test_a_second_try_of_one_bubble_is_no_second_answer(writer: GroupWriter, bot: Bot) -> None:
    recorder = await sync_to_async(_recorder)(writer, bot, "A" * 32)
    frame, segment = _opening()
    first = await recorder.intend(frame, segment, _build)
    again = await recorder.intend(frame, segment, _build)
    assert isinstance(first, Intent)
    assert isinstance(again, Intent)
    assert (first.request.body["msg_seq"], again.request.body["msg_seq"]) == (1, 2)
    assert (await InboundMessage.objects.aget()).answers_used == 1


async def test_an_older_fence_writes_nothing(writer: GroupWriter, bot: Bot) -> None:
    late = await sync_to_async(_recorder)(writer, bot, "A" * 32)
    well = await sync_to_async(_recorder)(writer, bot, "B" * 32)
    await Delivery.objects.filter(session__target_id="A" * 32).aupdate(fence=2)
    results = await in_one_batch(
        writer,
        lambda: [asyncio.ensure_future(one.intend(*_opening(), _build)) for one in (late, well)],
    )
    assert isinstance(results[0], FenceLost)
    assert results[1].request.body["msg_seq"] == 1
    segment = await Segment.objects.select_related("attempt__delivery__session").aget()
    assert segment.attempt.delivery.session.target_id == "B" * 32
