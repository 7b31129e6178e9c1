"""Looking back: what QQ accepted after a gateway session was lost, and before this process heard of the loss.

QQ drops before our socket tells of the 4009, and other processes hear of it later still. Everything here runs in the
writer's thread, and may run again: what is marked already is not found a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.db.models import F, Max

from adapter.dialects import DIALECTS
from adapter.frames import FrameKind
from adapter.loss import AfterLoss, Loss
from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, ChunkStatus, Delivery, Segment, Status
from qqconsole.engine.batch import Batch
from qqconsole.live.documents import delivery_event

EARLIER = 1.0
"""Seconds before our own socket told of the loss from which QQ may have dropped what it accepted."""
NEWEST = 50_000
"""Requests, of all bots, among which it looks: several times what a busy house sends until it hears of a loss."""
_SHOWN = (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING, FrameKind.PLAIN, FrameKind.MEDIA)
_CARRY_ALL = (FrameKind.MIDDLE, FrameKind.CLOSING)
_TAKEN = (ChunkStatus.ACCEPTED, ChunkStatus.IN_REVIEW)
_TELLING = (*_TAKEN, ChunkStatus.UNKNOWN, ChunkStatus.DUPLICATE)


@dataclass(slots=True)
class Doubted:
    """What may have been dropped of one segment of a delivery that is still being sent."""

    delivery_id: int
    attempt_id: int
    segment: int
    """Its number."""
    chunks: list[int] = field(default_factory=list)
    """Keys, in the order they were sent."""
    healed: bool = False
    """A later frame that QQ showed carried the text again."""
    for_good: bool = False
    """No later frame can carry it again."""
    unproven: bool = False
    """QQ may not have taken it at all: it is doubted once it is proven that QQ did."""


def look_back(batch: Batch, bot_id: int, loss: Loss) -> list[Doubted]:
    """Mark what ended meanwhile; return what is still being sent, to be marked by whoever sends it."""
    # What this very transaction was told before has to be found too.
    batch.flush()
    bot = Bot.objects.filter(pk=bot_id).first()
    if bot is None or bot.after_4009 == AfterLoss.IGNORE:
        return []
    over_at = loss.over_at(bot.settle_ms / 1000)
    since = datetime.fromtimestamp(loss.lost_at - EARLIER, UTC)
    newest = Chunk.objects.aggregate(newest=Max("pk"))["newest"] or 0
    recent = Chunk.objects.filter(
        pk__gt=newest - NEWEST,
        segment__attempt__delivery__session__bot=bot_id,
        status__in=_TELLING,
        kind__in=_SHOWN,
        answered_at__gte=since,
    )
    believed: defaultdict[int, int] = defaultdict(int)
    doubted: defaultdict[int, list[Chunk]] = defaultdict(list)
    unproven: defaultdict[int, list[Chunk]] = defaultdict(list)
    for chunk in recent.select_related("segment__attempt").order_by("pk"):
        heals, meanwhile = chunk.kind in _CARRY_ALL and _cumulative(chunk.segment), chunk.sent_at.timestamp() < over_at
        if chunk.status == ChunkStatus.DUPLICATE:
            # Which of them QQ took, it does not tell.
            doubted[chunk.segment_id] += [one for one in unproven[chunk.segment_id] if _same_pair(one, chunk)]
            unproven[chunk.segment_id] = [one for one in unproven[chunk.segment_id] if not _same_pair(one, chunk)]
        elif chunk.status == ChunkStatus.UNKNOWN:
            if meanwhile and not heals and not chunk.suspect:
                unproven[chunk.segment_id].append(chunk)
        elif meanwhile:
            if not chunk.suspect:
                doubted[chunk.segment_id].append(chunk)
        elif heals:
            believed[chunk.segment_id] = chunk.number
    found = [_doubted(chunks, believed[segment_id]) for segment_id, chunks in doubted.items() if chunks]
    maybe = [replace(_doubted(chunks, 0), unproven=True) for chunks in unproven.values() if chunks]
    sending = {
        *Delivery.objects.filter(
            pk__in={one.delivery_id for one in (*found, *maybe)}, status=Status.SENDING
        ).values_list("pk", flat=True)
    }
    left, ended = [one for one in (*found, *maybe) if one.delivery_id in sending], defaultdict(list)
    for one in found:
        if one.delivery_id not in sending:
            ended[one.delivery_id].append(one)
    for delivery_id in sorted(ended):
        _mark(batch, bot_id, delivery_id, ended[delivery_id])
    return left


def _doubted(chunks: list[Chunk], believed: int) -> Doubted:
    segment = chunks[0].segment
    heal = {chunk.pk: chunk.kind in _CARRY_ALL and _cumulative(segment) for chunk in chunks}
    return Doubted(
        segment.attempt.delivery_id,
        segment.attempt_id,
        segment.number,
        [chunk.pk for chunk in chunks],
        healed=all(heal[chunk.pk] and chunk.number < believed for chunk in chunks),
        for_good=not all(heal.values()),
    )


def _same_pair(one: Chunk, other: Chunk) -> bool:
    return (one.msg_seq, one.index) == (other.msg_seq, other.index)


def _cumulative(segment: Segment) -> bool:
    return segment.dialect in DIALECTS and DIALECTS[segment.dialect].cumulative


def _mark(batch: Batch, bot_id: int, delivery_id: int, doubted: Iterable[Doubted]) -> None:
    Delivery.objects.filter(pk=delivery_id).update(seq=F("seq") + 1)
    delivery = Delivery.objects.select_related("session", "item").get(pk=delivery_id)
    keys = [key for one in doubted for key in one.chunks]
    Chunk.objects.filter(pk__in=keys).update(suspect=True, seq=delivery.seq)
    chunks = list(Chunk.objects.filter(pk__in=keys).select_related("segment__attempt").order_by("pk"))
    numbers = {(one.attempt_id, one.segment) for one in doubted if not one.healed}
    segments = {chunk.segment_id: chunk.segment for chunk in chunks}
    segments = {pk: one for pk, one in segments.items() if (one.attempt_id, one.number) in numbers}
    Segment.objects.filter(pk__in=segments).update(suspect=True, seq=delivery.seq)
    for segment in segments.values():
        segment.suspect, segment.seq = True, delivery.seq
    if segments:
        Delivery.objects.filter(pk=delivery_id).update(suspect=True)
        delivery.suspect = True
    pairs = [(chunk.segment, chunk) for chunk in chunks]
    batch.publish(lambda: delivery_event(delivery, bot_id, list(segments.values()), pairs))
