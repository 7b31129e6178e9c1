"""AttemptRecorder: the record of one attempt, written by the engine's writer. The adapter's ``Recorder`` for Django.

Two threads, one rule: the loop's thread keeps plain values, the writer's thread keeps the rows
(``deliveries.attempt_rows``). A job carries the values as they were when it was queued, so a row never shows a moment
that was not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.utils import timezone

from adapter import segment as adapter_segment
from adapter.answers import Answer
from adapter.dialects import wire_state
from adapter.frames import Frame, FrameKind, Pair
from adapter.passive import Denied, Later, ends_answering, use_of
from adapter.request import Request
from adapter.sender import Intent
from adapter.verdicts import Verdict
from qqconsole import tallies
from qqconsole.deliveries import ledger, quotas, tails
from qqconsole.deliveries.attempt_rows import AttemptRows, put, put_head, put_segment, with_ids, with_segment_id
from qqconsole.deliveries.ledger import Address
from qqconsole.deliveries.media_record import media_values
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, PassivePair, Segment, Status
from qqconsole.deliveries.passive import Passive
from qqconsole.deliveries.spoken import Spoken
from qqconsole.deliveries.wire import stored_request
from qqconsole.engine.batch import Batch
from qqconsole.engine.keeper import Keeper
from qqconsole.engine.writer import GroupWriter, Job
from qqconsole.live.documents import attempt_row, chunk_row, segment_row
from qqconsole.logs import about

log = logging.getLogger(__name__)

T = TypeVar("T")
Held = TypeVar("Held", Denied, Later)


@dataclass(frozen=True, slots=True)
class Ticket:
    segment: int
    chunk: int
    msg_seq: int | None = None
    frame: Frame | None = None
    answers: int = 0
    """Answers to the message with this one."""


class AttemptRecorder:
    def __init__(
        self,
        writer: GroupWriter,
        delivery: Delivery,
        attempt: Attempt,
        address: Address,
        *,
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
        self._rows = AttemptRows(delivery, attempt)
        self._delivery_id: int = delivery.pk
        self.trace_id = ""
        """QQ's, of the last answer."""
        self._fence: int = delivery.fence
        self._seq: int = delivery.seq
        self._address = address
        self._passive = passive
        self._generates = generates
        # The claim has noted the first one.
        self._proactive = 1 if passive is not None and passive.reference is None else 0
        self._answers = 0
        self._granted: set[int] = set()
        self._segment_pairs: dict[int, int | None] = {}
        self._last_pair: int | None = None
        self._chunk_numbers: dict[int, int] = {}
        self._opened: dict[int, datetime] = {}
        self._spoken = Spoken(delivery, keeper if generates else None, self._fold, generates=generates)
        self._suspect = {segment.number for segment in segments if segment.suspect}
        self._was_suspect = delivery.suspect
        self._full = {segment.number for segment in segments if segment.full}
        self._in_fence = {segment.number for segment in segments if segment.opens_with}
        for segment in segments:
            self._rows.segments[segment.number] = segment
            self._opened[segment.number] = segment.opened_at
            if segment.decision and segment.decision["passive"]:
                self._granted.add(segment.number)
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
        self._submit(self._job(lambda batch: put(batch, rows.delivery, texts)))

    # ---- intent -----------------------------------------------------------------------------------------------

    async def intend(
        self, frame: Frame, segment: adapter_segment.Segment, build: Callable[[int | None], Request]
    ) -> Intent | Denied | Later:
        """Commit the frame as a Chunk *sending*, unless the ledgers hold it back. Raises FenceLost when the delivery
        is another's by now."""
        number = self._chunk_numbers.get(frame.segment, 0) + 1
        began = time.monotonic()
        intent = await self._submit(self._intend_job(frame, segment, build, number))
        if isinstance(intent, Denied):
            self._answers = intent.used
        if not isinstance(intent, Intent):
            return intent
        assert isinstance(intent.ticket, Ticket)
        tallies.observe("write", time.monotonic() - began)
        self._chunk_numbers[frame.segment] = number
        self._last_pair, self._answers = intent.ticket.msg_seq, intent.ticket.answers
        if use_of(frame.kind) is not None and frame.reference is not None:
            self._granted.add(frame.segment)
        if frame.kind is FrameKind.OPENING:
            self._segment_pairs[frame.segment] = self._last_pair
        return intent

    def _known_msg_seq(self, frame: Frame) -> int | None:
        """Of a frame that takes no new pair."""
        if frame.pair is Pair.SEGMENT:
            return self._segment_pairs.get(frame.segment)
        return self._last_pair if frame.pair is Pair.REPEAT else None

    def _intend_job(
        self, frame: Frame, segment: adapter_segment.Segment, build: Callable[[int | None], Request], number: int
    ) -> Job[Intent | Denied | Later]:
        now = timezone.now()
        self._opened.setdefault(frame.segment, now)
        segment_values = self._segment_values(segment, frame.reference)
        chunk_values: dict[str, Any] = {
            "number": number,
            "kind": frame.kind.value,
            "state": wire_state(frame),
            "index": frame.index,
            "start": frame.start,
            "text": frame.text,
            "why": frame.why,
            "sent_at": now,
        }
        address, use, answers = self._address, use_of(frame.kind), self._answers
        counted = frame.segment in self._granted
        proactive = self._is_counted(frame)
        reference = frame.reference if frame.pair is Pair.NEW else None
        known = self._known_msg_seq(frame)
        request = build(known) if reference is None else None
        whole = frame.kind is FrameKind.OPENING and address.dialect == "stream_messages"
        head = self._head(self._spoken.texts())
        rows, passive = self._rows, self._passive

        def run(batch: Batch) -> Intent | Denied | Later:
            msg_seq, used, pair = known, answers, None
            if reference is not None:
                granted = ledger.grant(address, reference, use, counted=counted)
                if isinstance(granted, Denied):
                    return _held_back(rows, batch, head, granted)
                msg_seq, used = granted.msg_seq, granted.used
                pair = PassivePair(
                    bot_id=address.bot_id,
                    target_id=address.target_id,
                    msg_id=reference,
                    msg_seq=msg_seq,
                    chunk_number=None if whole else number,
                )
            if proactive and (moment := quotas.reserve(rows.delivery, now)) is not None:
                return _held_back(rows, batch, head, Later((moment - now).total_seconds()))
            sent = request or build(msg_seq)
            chunk_values["msg_seq"], chunk_values["request"] = msg_seq, stored_request(sent, frame)
            if use is not None and frame.pair is not Pair.REPEAT:
                how = ledger.decided(rows.delivery, address, passive, frame, segment, used)
                segment_values["decision"] = how.document()
            row = put_segment(rows, batch, frame.segment, {**segment_values, "seq": head["seq"]})
            chunk = Chunk(segment=row, seq=head["seq"], **chunk_values)
            rows.chunks[frame.segment, number] = chunk
            batch.create(chunk)
            if pair is not None:
                pair.segment = row
                batch.create(pair)
            event = put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            event["chunks"] = [chunk_row(row, chunk)]
            batch.publish(lambda: with_ids(event, row, chunk))
            return Intent(sent, Ticket(frame.segment, number, msg_seq, frame, used))

        return self._job(run)

    def _is_counted(self, frame: Frame) -> bool:
        """Whether QQ counts the frame among those that answer nothing, and nobody has noted it yet."""
        if frame.reference is not None or use_of(frame.kind) is None or frame.pair is Pair.REPEAT:
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
        self.trace_id = exchange.trace_id[:128] or self.trace_id
        if verdict is not Verdict.ACCEPTED:
            said = about(self._rows.delivery, chunk=ticket.chunk, code=exchange.code, trace_id=self.trace_id or None)
            log.info("a request was not accepted: %s", verdict.value, extra=said)
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
        rows, address, frame = self._rows, self._address, ticket.frame
        closed = ends_answering(answer, frame.kind) if frame is not None else None
        reference = frame.reference if frame is not None else None

        def run(batch: Batch) -> None:
            if closed is not None and reference is not None:
                ledger.close(address, reference, closed)
            row = put_segment(rows, batch, ticket.segment, {**segment_values, "seq": head["seq"]})
            chunk = rows.chunks[ticket.segment, ticket.chunk]
            put(batch, chunk, {**chunk_values, "seq": head["seq"]})
            # Answered, it is not written again: a long reply need not hold all its chunks in memory.
            batch.after_commit(lambda: _answered(rows, ticket))
            event = put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            event["chunks"] = [chunk_row(row, chunk)]
            batch.publish(lambda: with_ids(event, row, chunk))

        return self._submit(self._job(run, lazy=True))

    def ended(self, segment: adapter_segment.Segment) -> Awaitable[None]:
        """Write the end of a segment that no answer brought about: QQ's window closed on it, or it was cancelled."""
        self._opened.setdefault(segment.number, timezone.now())
        segment_values = self._segment_values(segment, None)
        if segment.unanswered:
            address = self._address
            how = Passive(segment.unanswered, None, address.until, self._answers, address.most)
            segment_values["decision"] = how.document()
        head = self._head({})
        rows = self._rows

        def run(batch: Batch) -> None:
            row = put_segment(rows, batch, segment.number, {**segment_values, "seq": head["seq"]})
            event = put_head(rows, batch, head)
            event["segments"] = [segment_row(row, rows.attempt)]
            batch.publish(lambda: with_segment_id(event, row))

        return self._submit(self._job(run))

    def doubt(self, number: int, chunk_ids: list[int], *, healed: bool) -> None:
        """Mark what QQ may have dropped of the segment with this number, heard of only after it was answered;
        ``healed``: a later frame carried it again."""
        if not healed:
            self._suspect.add(number)
        head, rows = self._head({}), self._rows

        def run(batch: Batch) -> None:
            row = rows.segments[number]
            if not healed:
                put_segment(rows, batch, number, {"suspect": True, "seq": head["seq"]})
            Chunk.objects.filter(pk__in=chunk_ids).update(suspect=True, seq=head["seq"])
            ended = rows.delivery.status != Status.SENDING
            event = put_head(rows, batch, {**head, "suspect": True} if ended and not healed else head)
            event["segments"] = [segment_row(row, rows.attempt)]
            event["chunks"] = [chunk_row(row, chunk) for chunk in Chunk.objects.filter(pk__in=chunk_ids).order_by("pk")]
            batch.publish(lambda: event)

        self._submit(self._job(run))

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
        if segment.opens_with or segment.number in self._in_fence:
            self._in_fence.add(segment.number)
            values["opens_with"] = segment.opens_with
        if segment.full or segment.number in self._full:
            # Seldom: cancelled, a segment that was full is so no longer.
            self._full.add(segment.number)
            values |= {"full": segment.full, "closes_with": segment.closes_with}
        if segment.suspect or segment.number in self._suspect:
            values["suspect"] = segment.suspect
            (self._suspect.add if segment.suspect else self._suspect.discard)(segment.number)
        if reference is not None:
            values["reference"] = reference
        if segment.media is not None:
            values["media"] = media_values(segment, segment.media)
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
            put(batch, rows.attempt, {name: head[name] for name in ("status", "reason", "code", "finished_at")})
            event = put_head(rows, batch, head)
            event["attempts"] = [attempt_row(rows.attempt)]
            batch.publish(lambda: event)
            batch.after_commit(lambda: tallies.ended(rows.delivery.status))

        return self._submit(self._job(run))

    def _job(self, run: Callable[[Batch], T], *, lazy: bool = False) -> Job[T]:
        return Job(run, self._delivery_id, self._fence, lazy)

    def _submit(self, job: Job[T]) -> asyncio.Future[T]:
        written = self._writer.submit(job)
        # Where the fence is lost nobody may come to look at an answer's write any more.
        written.add_done_callback(lambda future: future.cancelled() or future.exception())
        return written


def _held_back(rows: AttemptRows, batch: Batch, head: dict[str, Any], why: Held) -> Held:
    """Nothing is written but the delivery's head: whoever follows it sees no gap."""
    event = put_head(rows, batch, head)
    batch.publish(lambda: event)
    return why


def _answered(rows: AttemptRows, ticket: Ticket) -> None:
    chunk, delivery = rows.chunks.pop((ticket.segment, ticket.chunk), None), rows.delivery
    if chunk is not None and chunk.answered_at is not None:
        is_first = (ticket.segment, ticket.chunk, rows.attempt.number) == (1, 1, 1)
        waited = (chunk.answered_at - delivery.created_at).total_seconds() if is_first else None
        tallies.answered(chunk, waited)
