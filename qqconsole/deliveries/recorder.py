"""AttemptRecorder: the record of one attempt, written by the engine's writer. The adapter's ``Recorder`` for Django.

Two threads, one rule: the loop's thread keeps plain values, the writer's thread keeps the rows (``_Rows``). A job
carries the values as they were when it was queued, so a row never shows a moment that was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import Max
from django.utils import timezone

from adapter import segment as adapter_segment
from adapter.answers import Answer
from adapter.dialects import wire_state
from adapter.frames import Frame, FrameKind, Pair
from adapter.request import Request
from adapter.sender import Intent
from adapter.verdicts import Verdict
from qqconsole.deliveries import tails
from qqconsole.deliveries.media_record import media_values
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, PassivePair, ProactiveSend, Segment, Status
from qqconsole.deliveries.passive import Passive
from qqconsole.deliveries.spoken import Spoken
from qqconsole.deliveries.wire import stored_request
from qqconsole.engine.batch import Batch, Event
from qqconsole.engine.keeper import Keeper
from qqconsole.engine.writer import GroupWriter, Job
from qqconsole.live.documents import attempt_row, chunk_row, delivery_event, segment_row

PAIR_TRIES = 5
_COUNTED = (FrameKind.OPENING, FrameKind.PLAIN, FrameKind.MEDIA)
"""Frames that show something new."""


@dataclass(slots=True)
class _Rows:
    """Touched by the writer's thread only."""

    delivery: Delivery
    attempt: Attempt
    segments: dict[int, Segment] = field(default_factory=dict)
    chunks: dict[tuple[int, int], Chunk] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    segment: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Address:
    """Whose pairs the ledger keeps: the bot's row, QQ's id of the target, and the name of the dialect."""

    bot_id: int
    target_id: str
    dialect: str


def next_msg_seq(bot_id: int, target_id: str, msg_id: str) -> int:
    """The first msg_seq of this inbound message that the ledger has not given to anybody yet (from 1)."""
    pairs = PassivePair.objects.filter(bot_id=bot_id, target_id=target_id, msg_id=msg_id)
    return (pairs.aggregate(highest=Max("msg_seq"))["highest"] or 0) + 1


class AttemptRecorder:
    def __init__(
        self,
        writer: GroupWriter,
        delivery: Delivery,
        attempt: Attempt,
        address: Address,
        *,
        next_msg_seq: int,
        passive: Passive | None = None,
        generates: bool = True,
        keeper: Keeper | None = None,
        segments: tuple[Segment, ...] = (),
        chunks: tuple[tuple[int, Chunk], ...] = (),
    ) -> None:
        """``passive``: how it was decided under which message it goes, kept with each segment. ``generates``: its text
        is written now, rather than in the delivery's row already; ``keeper`` stores it between intents. ``segments``
        and ``chunks`` (with their segment's number) are what an interrupted attempt left."""
        self._writer = writer
        self._rows = _Rows(delivery, attempt)
        self._delivery_id: int = delivery.pk
        self._fence: int = delivery.fence
        self._seq: int = delivery.seq
        self._address = address
        self._next_msg_seq = next_msg_seq
        self._passive = passive
        self._generates = generates
        # The claim has noted the first one.
        self._proactive = 1 if passive is not None and passive.reference is None else 0
        self._segment_pairs: dict[int, int | None] = {}
        self._last_pair: int | None = None
        self._chunk_numbers: dict[int, int] = {}
        self._opened: dict[int, datetime] = {}
        self._spoken = Spoken(delivery, keeper if generates else None, self._fold, generates=generates)
        self._suspect = {segment.number for segment in segments if segment.suspect}
        self._was_suspect = delivery.suspect
        for segment in segments:
            self._rows.segments[segment.number] = segment
            self._opened[segment.number] = segment.opened_at
        for number, chunk in chunks:
            self._rows.chunks[number, chunk.number] = chunk
            self._chunk_numbers[number] = max(self._chunk_numbers.get(number, 0), chunk.number)
            self._last_pair = chunk.msg_seq
            if chunk.kind == FrameKind.OPENING:
                self._segment_pairs[number] = chunk.msg_seq

    def repeats(self, msg_seq: int | None) -> None:
        """The next frame repeats one of an earlier attempt, under this msg_seq."""
        self._last_pair = msg_seq

    # ---- what the source said ---------------------------------------------------------------------------------

    def generated(self, text: str) -> None:
        self._spoken.generated(text)

    def reasoned(self, text: str) -> None:
        self._spoken.reasoned(text)

    def begins(self) -> None:
        """An attempt that sends something again asks the source anew, which its rows would not tell otherwise."""
        self._spoken.keep()

    def whole(self) -> None:
        self._spoken.end()

    def _fold(self, texts: dict[str, str]) -> None:
        """Store what was said without a frame. No event tells of it: viewers see text with the frame that brings it."""
        rows = self._rows
        self._submit(self._job(lambda batch: _set(batch, rows.delivery, texts)))

    # ---- intent -----------------------------------------------------------------------------------------------

    async def intend(
        self, frame: Frame, segment: adapter_segment.Segment, build: Callable[[int | None], Request]
    ) -> Intent:
        """Commit the frame as a Chunk *sending*. Raises FenceLost when the delivery is another's by now."""
        for left in reversed(range(PAIR_TRIES)):
            msg_seq = self._msg_seq(frame)
            request = build(msg_seq)
            number = self._chunk_numbers.get(frame.segment, 0) + 1
            try:
                await self._submit(self._intend_job(frame, segment, request, msg_seq, number))
            except IntegrityError:
                # Somebody else took this pair between our look and our write: look again, take the next.
                if not left or frame.pair is not Pair.NEW or frame.reference is None:
                    raise
                self._seq -= 1
                self._next_msg_seq = await self._first_free(frame.reference)
                continue
            self._chunk_numbers[frame.segment] = number
            self._last_pair = msg_seq
            return Intent(request, Ticket(frame.segment, number))
        raise AssertionError("unreachable")

    async def _first_free(self, reference: str) -> int:
        address = self._address

        def run(batch: Batch) -> int:
            return next_msg_seq(address.bot_id, address.target_id, reference)

        return await self._writer.submit(Job(run, self._delivery_id, self._fence))

    def _msg_seq(self, frame: Frame) -> int | None:
        if frame.pair is Pair.NONE:
            return None
        if frame.pair is Pair.SEGMENT:
            return self._segment_pairs.get(frame.segment)
        if frame.pair is Pair.REPEAT:
            return self._last_pair
        msg_seq = self._next_msg_seq
        self._next_msg_seq += 1
        if frame.kind is FrameKind.OPENING:
            self._segment_pairs[frame.segment] = msg_seq
        return msg_seq

    def _intend_job(
        self, frame: Frame, segment: adapter_segment.Segment, request: Request, msg_seq: int | None, number: int
    ) -> Job[None]:
        now = timezone.now()
        self._opened.setdefault(frame.segment, now)
        segment_values = self._segment_values(segment, frame.reference)
        chunk_values: dict[str, Any] = {
            "number": number,
            "kind": frame.kind.value,
            "state": wire_state(frame),
            "index": frame.index,
            "msg_seq": msg_seq,
            "start": frame.start,
            "text": frame.text,
            "why": frame.why,
            "request": stored_request(request, frame),
            "sent_at": now,
        }
        proactive = self._is_counted(frame)
        pair = None
        if frame.pair is Pair.NEW and frame.reference and msg_seq is not None:
            whole = frame.kind is FrameKind.OPENING and self._address.dialect == "stream_messages"
            pair = {
                "bot_id": self._address.bot_id,
                "target_id": self._address.target_id,
                "msg_id": frame.reference,
                "msg_seq": msg_seq,
                "chunk_number": None if whole else number,
            }
        head = self._head(self._spoken.texts())
        rows = self._rows

        def run(batch: Batch) -> None:
            row = _put_segment(rows, batch, frame.segment, {**segment_values, "seq": head["seq"]})
            chunk = Chunk(segment=row, seq=head["seq"], **chunk_values)
            rows.chunks[frame.segment, number] = chunk
            batch.create(chunk)
            if pair is not None:
                batch.create(PassivePair(segment=row, **pair))
            if proactive:
                session = rows.delivery.session
                batch.create(ProactiveSend(bot_id=session.bot_id, session=session, delivery=rows.delivery, at=now))
            event = _put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            event["chunks"] = [chunk_row(row, chunk)]
            batch.publish(lambda: _with_ids(event, row, chunk))

        return self._job(run)

    def _is_counted(self, frame: Frame) -> bool:
        """Whether QQ counts the frame among those that answer nothing, and nobody has noted it yet."""
        if frame.reference is not None or frame.kind not in _COUNTED:
            return False
        self._proactive -= 1
        return self._proactive < 0

    # ---- outcome ----------------------------------------------------------------------------------------------

    def settle(
        self, intent: Intent, answer: Answer, verdict: Verdict, segment: adapter_segment.Segment
    ) -> Awaitable[None]:
        ticket = intent.ticket
        assert isinstance(ticket, Ticket)
        now = timezone.now()
        exchange = answer.exchange
        segment_values = self._segment_values(segment, None)
        chunk_values: dict[str, Any] = {
            "status": verdict.value,
            "http_status": exchange.http_status,
            "code": exchange.code if exchange.code is not None else exchange.err_code,
            "message": exchange.message,
            "trace_id": exchange.trace_id[:128],
            "answer": exchange.body,
            "answered_at": now,
            "elapsed_ms": round(exchange.elapsed * 1000, 3),
            # The request left when its turn in the pace came, which may be after the intent was written.
            "sent_at": now - timedelta(seconds=exchange.elapsed),
        }
        if exchange.suspect:
            chunk_values["suspect"] = True
        head = self._head({})
        rows = self._rows

        def run(batch: Batch) -> None:
            row = _put_segment(rows, batch, ticket.segment, {**segment_values, "seq": head["seq"]})
            chunk = rows.chunks[ticket.segment, ticket.chunk]
            _set(batch, chunk, {**chunk_values, "seq": head["seq"]})
            # Answered, it is not written again: a long reply need not hold all its chunks in memory.
            batch.after_commit(lambda: _drop(rows, ticket))
            event = _put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            event["chunks"] = [chunk_row(row, chunk)]
            batch.publish(lambda: _with_ids(event, row, chunk))

        return self._submit(self._job(run, lazy=True))

    def ended(self, segment: adapter_segment.Segment) -> Awaitable[None]:
        """Write the end of a segment that no answer brought about: QQ's window closed on it, or it was cancelled."""
        self._opened.setdefault(segment.number, timezone.now())
        segment_values = self._segment_values(segment, None)
        head = self._head({})
        rows = self._rows

        def run(batch: Batch) -> None:
            row = _put_segment(rows, batch, segment.number, {**segment_values, "seq": head["seq"]})
            event = _put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            batch.publish(lambda: _with_segment_id(event, row))

        return self._submit(self._job(run))

    def _segment_values(self, segment: adapter_segment.Segment, reference: str | None) -> dict[str, Any]:
        done = segment.status is not adapter_segment.SegmentStatus.OPEN
        in_stream = segment.kind is adapter_segment.SegmentKind.STREAM
        values: dict[str, Any] = {
            "kind": segment.kind.value,
            "purpose": segment.purpose,
            "status": segment.status.value,
            "dialect": self._address.dialect if in_stream else "",
            "stream_id": segment.message_id,
            "text": segment.text,
            "accepted_length": segment.accepted,
            "opened_at": self._opened[segment.number],
            "closed_at": timezone.now() if done else None,
        }
        if segment.suspect or segment.number in self._suspect:
            values["suspect"] = segment.suspect
            (self._suspect.add if segment.suspect else self._suspect.discard)(segment.number)
        if reference is not None:
            values["reference"] = reference
        if segment.media is not None:
            bot = self._rows.delivery.session.bot
            values["media"] = media_values(segment, segment.media, bot, self._passive)
        return values

    # ---- the delivery's head ----------------------------------------------------------------------------------

    def _head(self, values: dict[str, Any]) -> dict[str, Any]:
        self._seq += 1
        return {**values, "seq": self._seq}

    def finish(self, values: dict[str, Any]) -> Awaitable[None]:
        """Write the end: ``values`` of the Delivery, the attempt's status with it."""
        arrived = values["status"] in (Status.DELIVERED, Status.IN_REVIEW)
        if self._suspect or (self._was_suspect and arrived):
            values = {**values, "suspect": bool(self._suspect)}
        head = self._head({**self._spoken.texts(), **values})
        rows, has_tail = self._rows, self._spoken.has_tail

        def run(batch: Batch) -> None:
            if has_tail:
                tails.drop(rows.delivery.pk)
            _set(batch, rows.attempt, {name: head[name] for name in ("status", "reason", "code", "finished_at")})
            event = _put_head(rows, batch, head)
            event["attempts"] = [attempt_row(rows.attempt)]
            batch.publish(lambda: event)

        return self._submit(self._job(run))

    def _job(self, run: Callable[[Batch], None], *, lazy: bool = False) -> Job[None]:
        return Job(run, self._delivery_id, self._fence, lazy)

    def _submit(self, job: Job[None]) -> asyncio.Future[None]:
        written = self._writer.submit(job)
        # Where the fence is lost nobody may come to look at an answer's write any more.
        written.add_done_callback(lambda future: future.cancelled() or future.exception())
        return written


def _put_segment(rows: _Rows, batch: Batch, number: int, values: dict[str, Any]) -> Segment:
    row = rows.segments.get(number)
    if row is None:
        row = Segment(attempt=rows.attempt, number=number, **values)
        rows.segments[number] = row
        batch.create(row, undo=lambda: _forget(rows, number))
    else:
        _set(batch, row, values)
    return row


def _forget(rows: _Rows, number: int) -> None:
    """The transaction came to nothing: the row is made anew when its job runs again."""
    rows.segments.pop(number, None)


def _drop(rows: _Rows, ticket: Ticket) -> None:
    rows.chunks.pop((ticket.segment, ticket.chunk), None)


def _put_head(rows: _Rows, batch: Batch, head: dict[str, Any]) -> Event:
    _set(batch, rows.delivery, head)
    return delivery_event(rows.delivery, rows.delivery.session.bot_id)


def _set(batch: Batch, row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    batch.update(row, values)


def _with_segment_id(event: Event, segment: Segment) -> Event:
    """A new row has its id only once the batch is flushed."""
    event["segments"][0]["id"] = segment.pk
    return event


def _with_ids(event: Event, segment: Segment, chunk: Chunk) -> Event:
    _with_segment_id(event, segment)
    event["chunks"][0]["id"] = chunk.pk
    event["chunks"][0]["segment"] = segment.pk
    return event
