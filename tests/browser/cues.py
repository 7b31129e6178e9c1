"""Cues for the stage: each writes the rows that the engine would write, and publishes what it would publish."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as SignIn
from django.utils import timezone

from qqconsole.accounts.models import User
from qqconsole.bots.models import Bot, BotConnection, BotGate
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Segment, SegmentStatus, Status, Tail
from qqconsole.live import documents
from qqconsole.live.publish import publish
from tests.console import rows


def sign_in(role: str = "operator") -> str:
    """The session cookie of somebody with this role."""
    user, _ = User.objects.get_or_create(username=role, defaults={"role": role})
    if not user.has_usable_password() or not user.password:
        user.set_password("right horse battery")
        user.save()
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def sign_everybody_out() -> None:
    SignIn.objects.all().delete()


def bot(name: str = "小助手", **fields: Any) -> int:
    found = Bot.objects.filter(name=name).first() or rows.make_bot(name)
    BotConnection.objects.update_or_create(
        bot=found,
        defaults={
            "state": "connected",
            "reason": "ready",
            "since": timezone.now(),
            "seen_at": timezone.now(),
            **fields,
        },
    )
    publish([documents.bot_event(found.connection)])
    return found.pk


def gate(bot: str, state: str = "well", next_try: int = 0, **fields: Any) -> None:
    """Whether the bot of this name may send; ``next_try`` in seconds from now."""
    now = timezone.now()
    paused = {"paused_at": now, "probe_at": now + timedelta(seconds=next_try)} if state == "paused" else {}
    _tell_gate(bot, {"state": state, "reason": "", "code": None, **paused, **fields})


def lose(bot: str) -> None:
    """QQ closes the gateway session of the bot of this name with 4009."""
    _tell_gate(bot, {"lost_at": timezone.now(), "live_at": None})


def come_back(bot: str) -> None:
    """READY."""
    _tell_gate(bot, {"live_at": timezone.now()})


def settle_for(bot: str, ms: int) -> None:
    Bot.objects.filter(name=bot).update(settle_ms=ms)


def _tell_gate(bot: str, values: dict[str, Any]) -> None:
    owner = Bot.objects.get(name=bot)
    row, _ = BotGate.objects.update_or_create(bot=owner, defaults=values)
    publish([documents.gate_event(row)])


def session(bot: int, **fields: Any) -> int:
    return rows.make_session(Bot.objects.get(pk=bot), **fields).pk


def message(session: int, content: str, **fields: Any) -> int:
    row = rows.make_message(Session.objects.get(pk=session), content, **fields)
    row.session.last_at = row.received_at
    row.session.save()
    publish([documents.inbound_event(row)])
    return row.pk


def queue(session: int, inbound: int | None = None, **fields: Any) -> int:
    """A delivery that waits for its turn."""
    row = rows.make_delivery(Session.objects.get(pk=session), status=Status.QUEUED, started_at=None, **fields)
    row.inbound_id = inbound
    row.save()
    _tell(row)
    return row.pk


def open_segment(delivery: int, **fields: Any) -> int:
    row = Delivery.objects.get(pk=delivery)
    row.status, row.started_at = Status.SENDING, row.started_at or timezone.now()
    row.save()
    attempt = row.attempts.last() or rows.make_attempt(row)
    return rows.make_segment(attempt, attempt.segments.count() + 1, **fields).pk


def send(segment: int, text: str, kind: str = "middle", answer: bool = True, **fields: Any) -> int:
    """A chunk leaves; unless ``answer`` is false, QQ takes it (or says what ``fields`` say)."""
    row = _segment(segment)
    row.attempt.delivery.generated_text += text
    intent = {"status": ChunkStatus.SENDING, "http_status": None, "answered_at": None, "elapsed_ms": None}
    chunk = rows.add_chunk(row, text, kind, **{**intent, "trace_id": "", "answer": ""})
    _tell(row.attempt.delivery, row, chunk)
    if answer:
        answered(chunk.pk, **fields)
    return chunk.pk


def answered(chunk: int, **fields: Any) -> None:
    row = Chunk.objects.get(pk=chunk)
    segment = _segment(row.segment_id)
    delivery = segment.attempt.delivery
    delivery.seq += 1
    values: dict[str, Any] = {
        "status": ChunkStatus.ACCEPTED,
        "http_status": 200,
        "answered_at": timezone.now(),
        "elapsed_ms": 38.4,
        "trace_id": f"4bf92f3577b34da6a3ce929d0e0e{row.pk:04x}",
        "answer": '{"id":"ROBOT1.0_abc","timestamp":"2026-11-22T12:00:00+08:00"}',
    }
    for name, value in {**values, **fields, "seq": delivery.seq}.items():
        setattr(row, name, value)
    row.save()
    if row.status == ChunkStatus.ACCEPTED:
        segment.accepted_length = row.start + len(row.text)
        if row.kind in ("closing", "plain", "media"):
            segment.status = SegmentStatus.CLOSED if row.kind == "closing" else SegmentStatus.DELIVERED
            segment.closed_at = timezone.now()
    segment.seq = delivery.seq
    segment.save()
    _tell(delivery, segment, row)


def write(delivery: int, start: int, text: str, whole: bool = False) -> None:
    """The model goes on, and no frame takes it along: a row, and no event."""
    values = {"start": start, "text": text, "reasoning_start": 0, "reasoning": "", "whole": whole}
    Tail.objects.update_or_create(delivery_id=delivery, defaults=values)


def write_whole(delivery: int, more: str) -> None:
    """The model has ended with ``more`` than was sent."""
    row = Delivery.objects.get(pk=delivery)
    row.generated_text += more
    row.seq += 1
    _tell(row)


def change_segment(segment: int, **fields: Any) -> None:
    Segment.objects.filter(pk=segment).update(**fields)


def end_segment(segment: int, status: str) -> None:
    row = _segment(segment)
    delivery = row.attempt.delivery
    delivery.seq += 1
    row.status, row.seq, row.closed_at = status, delivery.seq, timezone.now()
    row.save()
    _tell(delivery, row)


def finish(delivery: int, status: str = "delivered", **fields: Any) -> None:
    row = Delivery.objects.get(pk=delivery)
    row.seq += 1
    row.status, row.finished_at = status, timezone.now()
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    _tell(row)


def stream_silently(segment: int, text: str) -> None:
    """A chunk whose events are lost on the way to the page."""
    row = _segment(segment)
    row.attempt.delivery.generated_text += text
    rows.add_chunk(row, text)


def storm(bot: int, streams: int, frames: int) -> dict[str, str]:
    """Many answers at once, as fast as they can be written; returns the last words of each session's."""
    owner = Bot.objects.get(pk=bot)
    sessions = [rows.make_session(owner) for _ in range(streams)]
    segments = []
    for made in sessions:
        publish([documents.inbound_event(rows.make_message(made, "go"))])
        segments.append(rows.make_segment(rows.make_attempt(rows.make_delivery(made, seq=0))))
    for number in range(frames):
        chunks = [
            _frame(segment, number, f"第{number}句 of {segment.attempt.delivery.session_id}。") for segment in segments
        ]
        Chunk.objects.bulk_create(chunks)
        _write_all(segments)
        publish([_event(segment, chunk) for segment, chunk in zip(segments, chunks, strict=True)])
    for segment in segments:
        segment.attempt.delivery.status = Status.DELIVERED
        segment.attempt.delivery.seq += 1
    _write_all(segments)
    publish([documents.delivery_event(segment.attempt.delivery, bot) for segment in segments])
    return {str(made.pk): f"第{frames - 1}句 of {made.pk}。" for made in sessions}


def _frame(segment: Segment, number: int, text: str) -> Chunk:
    delivery = segment.attempt.delivery
    delivery.seq += 1
    start, segment.text, segment.seq = len(segment.text), segment.text + text, delivery.seq
    segment.accepted_length, delivery.generated_text = len(segment.text), segment.text
    values: dict[str, Any] = {"kind": "middle", "status": ChunkStatus.ACCEPTED, "sent_at": timezone.now()}
    return Chunk(segment=segment, number=number + 1, start=start, text=text, seq=delivery.seq, **values)


def _write_all(segments: list[Segment]) -> None:
    Segment.objects.bulk_update(segments, ["text", "seq", "accepted_length"])
    Delivery.objects.bulk_update(
        [segment.attempt.delivery for segment in segments], ["seq", "generated_text", "status"]
    )


def _event(segment: Segment, chunk: Chunk) -> dict[str, Any]:
    delivery = segment.attempt.delivery
    return documents.delivery_event(delivery, delivery.session.bot_id, [segment], [(segment, chunk)])


def status_of(delivery: int) -> dict[str, Any]:
    row = Delivery.objects.get(pk=delivery)
    return {"status": row.status, "cancel_requested": row.cancel_requested_at is not None}


def _segment(pk: int) -> Segment:
    return Segment.objects.select_related("attempt__delivery__session").get(pk=pk)


def _tell(delivery: Delivery, segment: Segment | None = None, chunk: Chunk | None = None) -> None:
    delivery.save()
    pairs = [(segment, chunk)] if segment and chunk else []
    publish(
        [documents.delivery_event(delivery, delivery.session.bot_id, [segment] if segment else [], pairs)],
    )


CUES = {
    cue.__name__: cue
    for cue in (
        sign_in,
        sign_everybody_out,
        gate,
        lose,
        come_back,
        settle_for,
        write,
        write_whole,
        change_segment,
        bot,
        session,
        message,
        queue,
        open_segment,
        send,
        answered,
        end_segment,
        finish,
        stream_silently,
        storm,
        status_of,
    )
}
