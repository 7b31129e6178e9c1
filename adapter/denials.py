"""What the machine does with a frame that the ledgers hold back before it is recorded. Mixed into ``StreamMachine``.

Passive answers are counted in the database, over all workers, in the transaction of each intent: so it is only then
that a reply learns that its message takes no more (``adapter.passive``).
"""

from __future__ import annotations

from adapter.frames import Frame, FrameKind
from adapter.media_outcomes import MediaOutcomes
from adapter.policy import DeadReference
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus


class Denials(MediaOutcomes):
    def denied(self, why: str) -> None:
        """No answer is left for the frame in flight, for the reason ``why``: it goes proactively, or nothing more
        goes, as the bot's owner chose. Raises RuntimeError when no frame is in flight."""
        segment, frame = self._take_back()
        if frame.kind is FrameKind.MEDIA and self.policy.uploads:
            # What is left, the last one, is for the text behind it.
            segment.proactive, segment.unanswered = True, why
            self._why = "proactive"
            return
        self._reference, self._unanswered = None, why
        segment.kind = SegmentKind.PLAIN if segment.kind is SegmentKind.STREAM else segment.kind
        if self.policy.on_dead_reference is DeadReference.FAIL:
            segment.unanswered = why
            self._stop(segment, Barrier(BarrierKind.FAILURE, reason="passive_used_up", silent=True))
            return
        if frame.kind is FrameKind.OPENING:
            # A stream answers a message: what would have been one waits until its text is whole.
            self._hold(segment, whole=False)
        self._why = "proactive"

    def later(self, seconds: float, now: float) -> None:
        """QQ's limit of what answers nothing is reached for ``seconds``. Waits, where that is worth it; else nothing
        more is sent (of media: not this). Raises RuntimeError when no frame is in flight."""
        segment, frame = self._take_back()
        if seconds <= self.policy.longest_wait:
            self._why = frame.why
            self._not_before = now + seconds
        elif frame.kind is FrameKind.MEDIA:
            self._finish(segment, SegmentStatus.FAILED, "QQ's limit of messages that answer nothing is reached")
        else:
            self._stop(segment, Barrier(BarrierKind.FAILURE, reason="proactive_full", silent=True))

    def _take_back(self) -> tuple[Segment, Frame]:
        frame = self._in_flight
        if frame is None:
            raise RuntimeError("nothing is in flight")
        self._in_flight = None
        self._tries -= 1
        segment = self._segment
        segment.tried = self._tried_before
        return segment, frame
