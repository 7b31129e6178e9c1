"""Endings that no recorder writes: back into the queue, handed on to whoever takes over, given up for good.

Each runs in the writer's thread and may run again when a batch is halved or retried.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from qqconsole import tallies
from qqconsole.deliveries import tails
from qqconsole.deliveries.models import Attempt, Chunk, ChunkStatus, Delivery, Segment, SegmentStatus, Status
from qqconsole.engine.batch import Batch
from qqconsole.live.documents import delivery_event

ENGINE_ERROR = "engine_error"
MOST_DETAIL = 500
FREE: dict[str, Any] = {"owner": "", "lease_until": None}


def put_back(batch: Batch, delivery_id: int) -> None:
    """Nothing of it has left: another start of the same attempt loses nothing and repeats nothing."""
    seq = _next_seq(batch, delivery_id)
    if tails.drop(delivery_id):
        # Its source is asked again.
        Delivery.objects.filter(pk=delivery_id).update(generated_text="", reasoning_text="")
    mine = Attempt.objects.filter(delivery_id=delivery_id, status=Status.SENDING)
    mine.update(status=Status.QUEUED, started_at=None)
    Delivery.objects.filter(pk=delivery_id).update(seq=seq, status=Status.QUEUED, **FREE)
    _tell(batch, delivery_id)


def hand_on(batch: Batch, delivery_id: int) -> None:
    """Something of it may be open at QQ: end the lease, so that a take-over closes it by what the rows say."""
    batch.flush()
    Delivery.objects.filter(pk=delivery_id).update(**FREE)


def give_up(batch: Batch, delivery_id: int, detail: str) -> None:
    """An error of ours that a second try would meet again: say so, and call nothing delivered or closed."""
    seq, now = _next_seq(batch, delivery_id), timezone.now()
    _keep_tail(delivery_id)
    chunks = Chunk.objects.filter(segment__attempt__delivery_id=delivery_id)
    segments = Segment.objects.filter(attempt__delivery_id=delivery_id)
    chunks.filter(status=ChunkStatus.SENDING).update(status=ChunkStatus.UNKNOWN, seq=seq)
    segments.filter(status=SegmentStatus.OPEN).update(status=SegmentStatus.UNCLOSED, closed_at=now, seq=seq)
    status = Status.INTERRUPTED if segments.exclude(status=SegmentStatus.FAILED).exists() else Status.FAILED
    attempts = Attempt.objects.filter(delivery_id=delivery_id, status__in=[Status.SENDING, Status.QUEUED])
    attempts.update(status=status, reason=ENGINE_ERROR, finished_at=now)
    why = {"reason": ENGINE_ERROR, "code": None, "detail": detail[:MOST_DETAIL]}
    Delivery.objects.filter(pk=delivery_id).update(seq=seq, status=status, finished_at=now, **why, **FREE)
    batch.after_commit(lambda: tallies.ended(status))
    _tell(batch, delivery_id, segments.filter(seq=seq), chunks.filter(seq=seq))


def _keep_tail(delivery_id: int) -> None:
    delivery = Delivery.objects.get(pk=delivery_id)
    tails.take_in(delivery)
    delivery.save(update_fields=["generated_text", "reasoning_text"])
    tails.drop(delivery_id)


def _next_seq(batch: Batch, delivery_id: int) -> int:
    # What earlier jobs of this transaction still hold back would otherwise be written over us.
    batch.flush()
    return Delivery.objects.values_list("seq", flat=True).get(pk=delivery_id) + 1


def _tell(batch: Batch, delivery_id: int, segments: Any = (), chunks: Any = ()) -> None:
    # Without its bot: a bot's row that cannot be read may be why we are here.
    delivery = Delivery.objects.select_related("session").get(pk=delivery_id)
    if segments:
        segments = list(segments.select_related("attempt"))
        chunks = [(chunk.segment, chunk) for chunk in chunks.select_related("segment")]
    attempts = list(delivery.attempts.order_by("number"))
    event = delivery_event(delivery, delivery.session.bot_id, segments, chunks, attempts)
    batch.publish(lambda: event)
