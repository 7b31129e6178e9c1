"""An interrupted segment, from what was recorded of it back into the machine's words. Pure.

A process that ends leaves rows: the segment as it last was, and its frames in order, each with the verdict on its
answer, or none where no answer was written down.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapter.cutting import reopening
from adapter.frames import Frame, FrameKind, Pair
from adapter.policy import Policy
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, Stage
from adapter.stream import Restored
from adapter.verdicts import TAKEN, Verdict

_OPEN_OUTCOME = (None, Verdict.UNKNOWN)

RecordedFrame = tuple[Frame, Verdict | None]


def in_doubt(text: str, frames: Sequence[RecordedFrame]) -> int | None:
    """Which of a segment's frames, by its place in the record, QQ may have without our knowing; None: none.

    That is the last one when nobody wrote down its answer, when the answer did not tell, or when it repeats such a
    frame and was not taken either (unless the segment's ``text`` was cut short for it: then it is settled). It is
    repeated under its own pair before anything else is sent.
    """
    if not frames:
        return None
    frame, verdict = frames[-1]
    held = frame.text == text[frame.start : frame.end]
    repeats = frame.why == "repeat" and verdict not in TAKEN and held
    return len(frames) - 1 if repeats or verdict in _OPEN_OUTCOME else None


def opens_behind(last: Segment | None, policy: Policy) -> str:
    """What the segment behind the ``last`` one opens with, where nothing was open when the process ended: the fence in
    which that was full, closed there or not. ``last`` holds what its row tells, and whether it left as markdown."""
    if last is None or not last.full or not last.markdown:
        return ""
    limit = policy.message_bytes
    if last.kind is SegmentKind.STREAM and policy.dialect is not None and policy.dialect.cumulative:
        limit = policy.frame_bytes or policy.dialect.frame_bytes
    return reopening(last.text, last.opens_with, limit - 1)


def restore(segment: Segment, frames: Sequence[RecordedFrame]) -> Restored:
    """``segment`` holds what its row tells (number, kind, purpose, text and what opens and closes it, full, accepted,
    message_id, media); the rest is read off its frames. Feed the machine ``Unknown`` for ``in_flight``, where there is
    one, and then ``fail``."""
    place = in_doubt(segment.text, frames)
    streaming = segment.kind is SegmentKind.STREAM and bool(segment.message_id)
    segment.stage = Stage.STREAMING if streaming else Stage.HOLDING
    for frame, verdict in frames:
        segment.markdown = frame.markdown
        segment.file_info = frame.file_info or segment.file_info
        if frame.index is not None:
            segment.next_index = max(segment.next_index, frame.index + 1)
            segment.accepted_index = frame.index if verdict in TAKEN else segment.accepted_index
        if frame.kind is FrameKind.OPENING:
            segment.reference = frame.reference
        if frame.kind in (FrameKind.CLOSING, FrameKind.PLAIN):
            # Its text was whole: what comes after it is another segment's.
            segment.barrier = segment.barrier or Barrier(BarrierKind.ROLL if segment.full else BarrierKind.BREAK)
            segment.end_brought = segment.end_brought or verdict in _OPEN_OUTCOME
        if frame.kind is FrameKind.MEDIA and frame.reference and verdict is Verdict.REFUSED:
            segment.proactive = True
        segment.in_review = segment.in_review or verdict is Verdict.IN_REVIEW
    # A delta that went on in smaller ones was refused for its length: the time before it was not taken either.
    smaller = [number for number, (frame, _) in enumerate(frames) if frame.why == "smaller" and frame.pair is Pair.NEW]
    settled = smaller[-1] if smaller else 0
    known = [
        frame.end
        for number, (frame, verdict) in enumerate(frames)
        if verdict in TAKEN or (verdict in _OPEN_OUTCOME and number >= settled)
    ]
    segment.tried = max([segment.accepted, *known]) if streaming or place is not None else segment.accepted
    return Restored(segment, None if place is None else frames[place][0])
