"""The exact repeat of a message whose outcome QQ never told, under its own (msg_id, msg_seq)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils import timezone

from adapter.restoring import restore
from adapter.segment import SegmentStatus
from adapter.stream import Restored
from adapter.verdicts import Verdict
from qqconsole.deliveries.interrupted import frame_of, live_segment
from qqconsole.deliveries.missing import read_missing
from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.unproven import unproven_message


@dataclass(frozen=True, slots=True)
class Repeat:
    restored: Restored
    """The frame in flight, as segment 1 of the new attempt."""
    msg_seq: int


def read_repeat(delivery: Delivery) -> Repeat | None:
    """Return the one unproven message, to be answered with ``Unknown`` and then repeated; None where there is none that
    can be repeated (any more)."""
    found = unproven_message(delivery, read_missing(delivery), timezone.now())
    if found is None:
        return None
    segment = live_segment(found.segment)
    segment.number, segment.status = 1, SegmentStatus.OPEN
    frame = replace(frame_of(found.chunk, found.segment), segment=1)
    return Repeat(restore(segment, [(frame, Verdict.UNKNOWN)]), found.msg_seq)
