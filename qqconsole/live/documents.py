"""Rows as JSON documents: one maker for the API, the snapshot, the replay and the live events.

Everything here is pure: it reads rows that are already in memory and asks the database nothing, as long as
the caller loaded what it names. Times are ISO 8601 with their zone; lengths and offsets are characters
(code points).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from adapter import codes
from qqconsole.bots.models import Bot, BotConnection, BotGate
from qqconsole.bots.standing import held_until
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Kind, Segment, TypingHint
from qqconsole.deliveries.tails import written
from qqconsole.media.models import MediaFile

Document = dict[str, Any]


def delivery_event(
    delivery: Delivery,
    bot_id: int,
    segments: Iterable[Segment] = (),
    chunks: Iterable[tuple[Segment, Chunk]] = (),
    attempts: Iterable[Attempt] = (),
) -> Document:
    """Return one live event: the head of the delivery and the rows that changed with its ``seq``.

    Rows are idempotent upserts keyed by ``id``, attempts by ``number``. Every ``seq`` is published once and in
    order; where several were committed together, put the last one published before into ``event["since"]``.
    """
    return {
        "type": "delivery",
        "delivery": delivery.pk,
        **_head(delivery, bot_id),
        "cancel_requested_at": _time(delivery.cancel_requested_at),
        "segments": [segment_row(segment, segment.attempt) for segment in segments],
        "chunks": [chunk_row(segment, chunk) for segment, chunk in chunks],
        "attempts": [attempt_row(attempt) for attempt in attempts],
    }


def attempt_row(attempt: Attempt) -> Document:
    """Return an attempt without its segments: who asked for it, why, and how it stands."""
    return {
        "number": attempt.number,
        "mode": attempt.mode,
        "status": attempt.status,
        "reason": attempt.reason,
        "code": attempt.code,
        "requested_name": attempt.requested_name,
        "why": attempt.why,
        "bulk": attempt.bulk_id,
        "asked_at": _time(attempt.asked_at),
        "started_at": _time(attempt.started_at),
        "finished_at": _time(attempt.finished_at),
    }


def segment_row(segment: Segment, attempt: Attempt) -> Document:
    """Return a segment without its text: its chunks carry that."""
    return {
        "id": segment.pk,
        "attempt": attempt.number,
        "number": segment.number,
        "kind": segment.kind,
        "purpose": segment.purpose,
        "status": segment.status,
        "dialect": segment.dialect,
        "stream_id": segment.stream_id,
        "text_length": len(segment.text),
        "accepted_length": segment.accepted_length,
        "opens_with": segment.opens_with,
        "closes_with": segment.closes_with,
        "full": segment.full,
        "suspect": segment.suspect,
        "media": segment.media,
        "decision": segment.decision,
        "opened_at": _time(segment.opened_at),
        "closed_at": _time(segment.closed_at),
        "seq": segment.seq,
    }


def chunk_row(segment: Segment, chunk: Chunk) -> Document:
    """Return a chunk without its raw request and answer: those are fetched when somebody looks at them."""
    return {
        "id": chunk.pk,
        "segment": segment.pk,
        "number": chunk.number,
        "kind": chunk.kind,
        "status": chunk.status,
        "state": chunk.state,
        "index": chunk.index,
        "msg_seq": chunk.msg_seq,
        "start": chunk.start,
        "text": chunk.text,
        "why": chunk.why,
        "http_status": chunk.http_status,
        "code": chunk.code,
        "message": chunk.message,
        "trace_id": chunk.trace_id,
        "sent_at": _time(chunk.sent_at),
        "answered_at": _time(chunk.answered_at),
        "elapsed_ms": chunk.elapsed_ms,
        "suspect": chunk.suspect,
        "seq": chunk.seq,
    }


def inbound_event(inbound: InboundMessage) -> Document:
    """Return the live event of a message that came in; it carries its session, which may be new to a page."""
    return {
        "type": "inbound",
        "session": inbound.session_id,
        "bot": inbound.bot_id,
        "conversation": session_document(inbound.session),
        "message": message_document(inbound),
    }


def message_document(inbound: InboundMessage) -> Document:
    return {
        "id": inbound.pk,
        "qq_id": inbound.qq_id,
        "author_id": inbound.author_id,
        "author_name": inbound.author_name,
        "content": inbound.content,
        "attachments": inbound.attachments,
        "addressed": inbound.addressed,
        "sent_at": _time(inbound.sent_at),
        "received_at": _time(inbound.received_at),
    }


def session_document(session: Session) -> Document:
    return {
        "id": session.pk,
        "bot": session.bot_id,
        "scene": session.scene,
        "target_id": session.target_id,
        "name": session.name,
        "created_at": _time(session.created_at),
        "last_at": _time(session.last_at),
    }


def bot_event(connection: BotConnection) -> Document:
    """Return the live event of a bot's connection; ``seen_at`` says until when it is to be believed."""
    return {"type": "bot", **connection_document(connection)}


def connection_document(connection: BotConnection) -> Document:
    return {
        "bot": connection.bot_id,
        "state": connection.state,
        "reason": connection.reason,
        "code": connection.code,
        "detail": connection.detail,
        "since": _time(connection.since),
        "seen_at": _time(connection.seen_at),
        "qq_id": connection.qq_id,
        "qq_name": connection.qq_name,
    }


def gate_event(gate: BotGate) -> Document:
    """Return the live event of whether a bot may send; it is laid over what is known of the bot."""
    return {"type": "bot", "bot": gate.bot_id, "sending": gate_document(gate)}


def gate_document(gate: BotGate) -> Document:
    """Return whether the bot may send, why not, and when it is tried next; ``lost_at``: QQ closed its gateway session
    with 4009, and it is not back; ``live_at``: it came back then, and settles for the bot's ``settle_ms``;
    ``held_until``: a bot that holds its answers then sends them, settled or not."""
    return {
        "state": gate.state,
        "since": _time(gate.paused_at),
        "next_try_at": _time(gate.probe_at),
        "reason": gate.reason,
        "code": gate.code,
        "detail": gate.detail,
        "trace_id": gate.trace_id,
        "lost_at": _time(gate.lost_at) if gate.is_lost else None,
        "live_at": _time(gate.live_at),
        "held_until": _time(held_until(gate)),
    }


def gate_of(bot: Bot) -> BotGate:
    """Return the bot's gate; an open one where no row tells of any."""
    return getattr(bot, "gate", None) or BotGate(bot=bot)


def bot_head(bot: Bot) -> Document:
    """Return a bot, its connection and its gate for a snapshot; no secret is in it. Load it with both."""
    return {
        **connection_document(connection_of(bot)),
        "name": bot.name,
        "enabled": bot.enabled,
        "is_demo": bot.is_demo,
        "after_4009": bot.after_4009,
        "settle_ms": bot.settle_ms,
        "sending": gate_document(gate_of(bot)),
    }


def bot_document(bot: Bot) -> Document:
    """Return the bot's settings and connection; neither its secret nor the model's key. Load it with ``connection``
    and ``gate``."""
    return {
        "id": bot.pk,
        "name": bot.name,
        "enabled": bot.enabled,
        "is_demo": bot.is_demo,
        "app_id": bot.app_id,
        "api_base": bot.api_base,
        "dialect": bot.dialect,
        "source": bot.source,
        "source_url": bot.source_url,
        "source_model": bot.source_model,
        "after_4009": bot.after_4009,
        "settle_ms": bot.settle_ms,
        "connection": connection_document(connection_of(bot)),
        "sending": gate_document(gate_of(bot)),
    }


def connection_of(bot: Bot) -> BotConnection:
    """Return the bot's connection; one that was never begun where no row tells of any."""
    return getattr(bot, "connection", None) or BotConnection(bot=bot)


def delivery_document(delivery: Delivery, language: str = "en") -> Document:
    """Return the whole delivery: ``attempts[].segments[].chunks[]`` with QQ's codes in words of ``language``.

    Load it with ``session``, ``item``, ``tail`` and ``attempts__segments__chunks`` (``snapshot.whole``), else each
    level is a query.
    """
    generated, reasoning = written(delivery)
    return {
        **delivery_head(delivery),
        "meaning": _meaning(delivery.code, language),
        "generated_length": len(generated),
        "generated_text": generated,
        "reasoning_text": reasoning,
        "cancel_requested_at": _time(delivery.cancel_requested_at),
        "attempts": [
            _attempt(attempt, language)
            for attempt in sorted(delivery.attempts.all(), key=lambda attempt: attempt.number)
        ],
    }


def delivery_head(delivery: Delivery) -> Document:
    """Return the delivery without its attempts, for lists. Load it with ``session`` and ``item``."""
    return {"id": delivery.pk, **_head(delivery, delivery.session.bot_id)}


def _head(delivery: Delivery, bot_id: int) -> Document:
    return {
        "seq": delivery.seq,
        "session": delivery.session_id,
        "bot": bot_id,
        "inbound": delivery.inbound_id,
        "kind": delivery.kind,
        "status": delivery.status,
        "reason": delivery.reason,
        "code": delivery.code,
        "suspect": delivery.suspect,
        "detail": delivery.detail,
        "failed_step": delivery.failed_step,
        "generated_length": len(delivery.generated_text),
        # What a person or a program asked for is shown before anything of it has left.
        "text": delivery.generated_text if delivery.kind == Kind.MESSAGE else "",
        "item": None if delivery.item is None else item_document(delivery.item),
        "url": delivery.url,
        "file_name": delivery.file_name,
        "media_kind": delivery.media_kind,
        "caption": delivery.caption,
        "requested_name": delivery.requested_name,
        "due_at": _time(delivery.due_at),
        "dismissed_at": _time(delivery.dismissed_at),
        "created_at": _time(delivery.created_at),
        "started_at": _time(delivery.started_at),
        "finished_at": _time(delivery.finished_at),
    }


def item_document(file: MediaFile) -> Document:
    """Return a file of the library as far as whoever looks at a delivery needs it."""
    return {
        "id": file.pk,
        "kind": file.kind,
        "name": file.name,
        "mime": file.mime,
        "size": file.size,
        "sha256": file.sha256,
        "width": file.width,
        "height": file.height,
        "duration_ms": file.duration_ms,
        "thumbnail": bool(file.thumbnail),
    }


def _attempt(attempt: Attempt, language: str) -> Document:
    return {
        **attempt_row(attempt),
        "requested_by": attempt.requested_name or None,
        "meaning": _meaning(attempt.code, language),
        "segments": [
            _segment(segment, attempt, language)
            for segment in sorted(attempt.segments.all(), key=lambda segment: segment.number)
        ],
        "typing_hints": [hint_document(hint) for hint in attempt.typing_hints.all()],
    }


def hint_document(hint: TypingHint) -> Document:
    return {
        "msg_seq": hint.msg_seq,
        "seconds": hint.seconds,
        "status": hint.status,
        "code": hint.code,
        "trace_id": hint.trace_id,
        "sent_at": _time(hint.sent_at),
    }


def _segment(segment: Segment, attempt: Attempt, language: str) -> Document:
    row = segment_row(segment, attempt)
    del row["attempt"]
    return {
        **row,
        "reference": segment.reference,
        "text": segment.text,
        "chunks": [
            {**chunk_row(segment, chunk), "meaning": _meaning(chunk.code, language)}
            for chunk in sorted(segment.chunks.all(), key=lambda chunk: chunk.number)
        ],
    }


def _meaning(code: int | None, language: str) -> str:
    return codes.meaning(code, language) if code else ""


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
