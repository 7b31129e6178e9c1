"""The one message that QQ never confirmed and that may be repeated safely: under its own (msg_id, msg_seq).

QQ takes such a repeat, or refuses it as a duplicate, which proves that the first one arrived (house plan 6.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapter.pieces import Text
from adapter.targets import Scene
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.missing import Missing
from qqconsole.deliveries.models import Chunk, ChunkKind, ChunkStatus, Delivery, Segment, SegmentKind, SegmentStatus
from qqconsole.deliveries.windows import open_until

MESSAGES = (ChunkKind.PLAIN, ChunkKind.MEDIA)
"""Chunks that are a message by themselves; a frame of a stream means nothing outside it."""


@dataclass(frozen=True, slots=True)
class Unproven:
    segment: Segment
    chunk: Chunk
    msg_id: str
    msg_seq: int
    until: datetime
    """When QQ's window for the message it answers ends."""


def unproven_message(delivery: Delivery, left: Missing, now: datetime) -> Unproven | None:
    """Return it where it is all that is missing, had a pair, and its window is open still; None: no repeat is safe, or
    it would not make the delivery whole. Load ``session`` (three queries)."""
    if len(left.pieces) != 1 or left.gone or not left.doubtful:
        return None
    segment = (
        Segment.objects.filter(attempt__delivery=delivery)
        .exclude(purpose="notice")
        .exclude(status__in=(SegmentStatus.CLOSED, SegmentStatus.DELIVERED, SegmentStatus.IN_REVIEW))
        .order_by("-attempt__number", "-number")
        .first()
    )
    if segment is None or segment.status != SegmentStatus.UNKNOWN or segment.kind == SegmentKind.STREAM:
        return None
    [piece] = left.pieces
    if isinstance(piece, Text) and piece.text != segment.text:
        return None
    chunk = segment.chunks.filter(kind__in=MESSAGES, status=ChunkStatus.UNKNOWN).order_by("-number").first()
    if chunk is None or chunk.msg_seq is None:
        return None
    msg_id = str((chunk.request.get("body") or {}).get("msg_id") or "")
    session = delivery.session
    inbound = InboundMessage.objects.filter(bot_id=session.bot_id, session=session, qq_id=msg_id).first()
    if inbound is None:
        return None
    until = open_until(inbound, Scene(session.scene))
    return Unproven(segment, chunk, msg_id, chunk.msg_seq, until) if now < until else None
