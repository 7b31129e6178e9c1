"""What became of a whole reply, told from its segments; and whether the user is owed a word about it."""

from __future__ import annotations

from collections.abc import Collection

from adapter.codes import meaning
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus
from adapter.verdicts import Outcome, OutcomeStatus

_JUDGEMENTS = (
    (SegmentStatus.FAILED, OutcomeStatus.FAILED, "refused"),
    (SegmentStatus.UNKNOWN, OutcomeStatus.UNKNOWN, "no_proof"),
    (SegmentStatus.UNCLOSED, OutcomeStatus.UNKNOWN, "left_open"),
    (SegmentStatus.IN_REVIEW, OutcomeStatus.IN_REVIEW, "in_review"),
)
"""The gravest first."""


def judge(segments: Collection[Segment], barrier: Barrier, *, shown_before: bool) -> Outcome:
    """What became of the reply that ``barrier`` ended. Delivered only with QQ's id (or its proof) for every segment;
    ``shown_before``: whether the user saw something of segments that are not in ``segments``."""
    replies = [segment for segment in segments if segment.purpose != "notice"]
    if barrier.kind is BarrierKind.CANCEL:
        return Outcome(OutcomeStatus.CANCELLED, barrier.reason)
    if barrier.kind is BarrierKind.FAILURE:
        shown = shown_before or any(segment.shown for segment in replies)
        code = barrier.code or next((segment.code for segment in replies if segment.code), None)
        status = OutcomeStatus.INTERRUPTED if shown else OutcomeStatus.FAILED
        return Outcome(status, barrier.reason, code, barrier.detail)
    by_status = {segment.status: segment for segment in replies}
    for found, status, reason in _JUDGEMENTS:
        if found in by_status:
            segment = by_status[found]
            return Outcome(status, reason, segment.code, _beside_the_code(segment), segment.failed_step)
    if not replies:
        return Outcome(OutcomeStatus.FAILED, "empty_reply")
    return Outcome(OutcomeStatus.DELIVERED)


def _beside_the_code(segment: Segment) -> str:
    """Why its media was not sent, as far as the code does not say it: readers are told the code in their language."""
    return "" if segment.code and segment.why == meaning(segment.code, "en") else segment.why


def owes_notice(segments: Collection[Segment], barrier: Barrier, *, shown_before: bool) -> bool:
    """Whether the user would see nothing at all, for a reason that a short notice could get past."""
    if shown_before or any(segment.shown for segment in segments):
        return False
    if barrier.kind is BarrierKind.FAILURE:
        return not barrier.silent and barrier.reason != "shutdown"
    if barrier.kind is BarrierKind.END:
        return any(segment.unfit and segment.kind is not SegmentKind.MEDIA for segment in segments)
    return False
