"""Rows for tests: a bot, a conversation, a delivery with its bubbles and requests, as the engine would leave them."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from qqconsole.bots.models import Bot, BotConnection, ConnectionState
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Attempt, Chunk, ChunkStatus, Delivery, Segment, SegmentStatus, Status
from qqconsole.media.models import MediaFile

# Not from one: another process may have filled the same database before.
_numbers = count(time.time_ns() // 1_000_000 % 10**9)


def make_bot(name: str = "", **fields: Any) -> Bot:
    number = next(_numbers)
    values: dict[str, Any] = {"app_id": f"10{number}", "secret": "a-secret-of-the-bot", "source_url": "http://model"}
    return Bot.objects.create(name=name or f"bot {number}", **{**values, **fields})


def connect(bot: Bot, state: str = ConnectionState.CONNECTED, **fields: Any) -> BotConnection:
    now = timezone.now()
    return BotConnection.objects.create(bot=bot, state=state, **{"since": now, "seen_at": now, **fields})


def make_session(bot: Bot | None = None, **fields: Any) -> Session:
    values: dict[str, Any] = {"scene": "c2c", "target_id": f"USER{next(_numbers):08}", "last_at": timezone.now()}
    return Session.objects.create(bot=bot or make_bot(), **{**values, **fields})


def make_message(session: Session, content: str = "你好", **fields: Any) -> InboundMessage:
    values: dict[str, Any] = {
        "qq_id": f"ROBOT1.0_{next(_numbers)}",
        "event_type": "C2C_MESSAGE_CREATE",
        "author_id": session.target_id,
        "received_at": timezone.now(),
    }
    return InboundMessage.objects.create(bot=session.bot, session=session, content=content, **{**values, **fields})


def make_delivery(session: Session, inbound: InboundMessage | None = None, **fields: Any) -> Delivery:
    values: dict[str, Any] = {"status": Status.SENDING, "started_at": timezone.now(), "seq": 1}
    return Delivery.objects.create(session=session, inbound=inbound, **{**values, **fields})


def make_file(name: str = "picture.png", **fields: Any) -> MediaFile:
    """A row of the library; its content lies nowhere."""
    digest = f"{next(_numbers):064x}"
    values: dict[str, Any] = {"kind": "image", "mime": "image/png", "size": 70_000, "last_used_at": timezone.now()}
    hashes = {"md5": digest[:32], "sha1": digest[:40], "md5_10m": digest[:32], "file": f"content/{digest}"}
    return MediaFile.objects.create(name=name, sha256=digest, **{**hashes, **values, **fields})


def make_attempt(delivery: Delivery, number: int = 1, **fields: Any) -> Attempt:
    return Attempt.objects.create(delivery=delivery, number=number, **{"started_at": timezone.now(), **fields})


def make_segment(attempt: Attempt, number: int = 1, **fields: Any) -> Segment:
    values: dict[str, Any] = {"kind": "stream", "dialect": "stream_messages", "opened_at": timezone.now()}
    return Segment.objects.create(attempt=attempt, number=number, **{**values, **fields})


def add_chunk(segment: Segment, text: str, kind: str = "middle", **fields: Any) -> Chunk:
    """The next request of the segment: accepted unless said otherwise; segment and delivery grow with it."""
    delivery = segment.attempt.delivery
    delivery.seq += 1
    start = fields.pop("start", len(segment.text))
    segment.text = segment.text[:start] + text
    values: dict[str, Any] = {
        "number": segment.chunks.count() + 1,
        "kind": kind,
        "status": ChunkStatus.ACCEPTED,
        "state": {"opening": 1, "middle": 1, "closing": 10}.get(kind),
        "msg_seq": 1,
        "start": start,
        "text": text,
        "http_status": 200,
        "trace_id": f"trace-{next(_numbers)}",
        "sent_at": timezone.now(),
        "answered_at": timezone.now() + timedelta(milliseconds=41),
        "elapsed_ms": 41.0,
        "request": {"method": "POST", "path": f"/v2/users/{delivery.session.target_id}/stream_messages", "body": {}},
        "answer": '{"id": "1"}',
        "seq": delivery.seq,
    }
    chunk = Chunk.objects.create(segment=segment, **{**values, **fields})
    segment.seq = delivery.seq
    if chunk.status in (ChunkStatus.ACCEPTED, ChunkStatus.DUPLICATE):
        segment.accepted_length = len(segment.text)
    if kind == "closing" and chunk.status == ChunkStatus.ACCEPTED:
        segment.status = SegmentStatus.CLOSED
        segment.closed_at = timezone.now()
    segment.save()
    delivery.save()
    return chunk


def make_stream(session: Session, pieces: list[str], *, closed: bool = False, **fields: Any) -> Delivery:
    """A reply in one streamed bubble, one request a piece; ``closed``: delivered."""
    message = make_message(session, fields.pop("question", "你好"))
    delivery = make_delivery(session, message, generated_text="".join(pieces), **fields)
    segment = make_segment(make_attempt(delivery), stream_id="STREAM-1")
    for number, piece in enumerate(pieces):
        last = closed and number == len(pieces) - 1
        add_chunk(segment, piece, "closing" if last else "middle" if number else "opening", index=number)
    if closed:
        delivery.seq += 1
        delivery.status = Status.DELIVERED
        delivery.finished_at = timezone.now()
        delivery.save()
    return delivery
