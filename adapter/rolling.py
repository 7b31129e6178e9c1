"""Text that is too long for one bubble or one frame: where a segment ends because it is full, and how far a frame goes.

Mixed into ``StreamMachine`` only. Where the text is cut is decided in ``adapter.cutting``.
"""

from __future__ import annotations

from adapter.answers import Answer
from adapter.boundaries import cluster_start, fits, reach, weight
from adapter.composing import sent_so_far
from adapter.cutting import closing, cut_at, moving_block, reopening, showable
from adapter.forms import Forms
from adapter.frames import STREAM_KINDS, Frame, FrameKind
from adapter.segment import Barrier, BarrierKind, Segment, Stage


class Rolling(Forms):
    _frame_bytes: int
    """Most bytes of text in a frame of this reply: the policy's, or less once QQ found a frame too long."""
    _message_bytes: int

    def _fit(self, segment: Segment) -> None:
        """End the segment where it is full, if it is; what is behind goes on in the next."""
        budget = self._budget(segment)
        if budget is None or fits(segment.text, budget // 2 - 4 * len(segment.opens_with + segment.closes_with)):
            return
        text, head, floor = segment.text, segment.opens_with, max(segment.accepted, segment.tried)
        budget -= weight(segment.closes_with)
        if head and not floor and weight(head) * 2 > budget:
            # QQ took less and less since it was chosen: the room is for the text, or there would be no end.
            head = segment.opens_with = ""
        if not fits(head + text, budget):
            if floor < len(text):
                at = cut_at(text, budget, head=head, floor=floor, whole=segment.barrier is not None)
                self._roll(segment, at, budget)
                if segment.stage is Stage.GATHERING:
                    # Whole before it was opened, it goes as a message, which may hold less.
                    self._fit(segment)
        elif segment.barrier is None and self._cumulative and segment.stage is not Stage.HOLDING:
            moving = moving_block(text, budget, head=head, floor=floor)
            if moving is not None:
                self._roll(segment, moving, budget)

    def _budget(self, segment: Segment) -> int | None:
        """Bytes that the segment's bubble may hold, but for a newline that QQ may want; None: any number."""
        gathering = segment.stage is Stage.GATHERING and segment.barrier is None
        if segment.stage is Stage.STREAMING or (gathering and not self._whole and self._reference is not None):
            return self._frame_bytes - 1 if self._cumulative else None
        return self._message_bytes - 1

    def _roll(self, segment: Segment, at: int, budget: int) -> None:
        """The segment's text ends at ``at``, because it is full."""
        rest = segment.text[at:]
        segment.text = segment.text[:at]
        self._put_back(segment, rest)
        segment.closes_with = closing(segment.text, segment.opens_with, budget) if segment.markdown else ""
        segment.full = True
        segment.barrier = Barrier(BarrierKind.ROLL)

    def _opening_again(self, segment: Segment) -> str:
        """What the segment behind ``segment``, which was cut, opens with."""
        if not (self._markdown and segment.markdown):
            return ""
        budget = self._frame_bytes if self._cumulative else self._message_bytes
        return reopening(segment.text, segment.opens_with, budget - 1)

    def _end_of(self, segment: Segment, kind: FrameKind) -> int:
        """How far into the segment's text the next frame of a stream goes."""
        text, floor = segment.text, max(segment.accepted, segment.tried)
        if kind not in STREAM_KINDS:
            return len(text)
        if self._cumulative:
            if segment.barrier is not None:
                return len(text)
            return max(floor, showable(text, self._frame_bytes - 1, head=segment.opens_with, floor=floor))
        start = sent_so_far(segment, self.policy.dialect)
        around = segment.closes_with + (segment.opens_with if kind is FrameKind.OPENING else "")
        end = reach(text, max(4, self._frame_bytes - 1 - weight(around)), start)
        return max(cluster_start(text, end), start) if cluster_start(text, end) > start else end

    # ---- QQ found it too long ---------------------------------------------------------------------------------

    def _on_smaller(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        in_stream = frame.kind in STREAM_KINDS
        known = self._frame_bytes if in_stream else self._message_bytes
        smaller = min(known, weight(frame.wire_text)) // 2
        bare = frame.kind is FrameKind.CLOSING and frame.end <= max(segment.accepted, segment.tried)
        if bare and segment.closes_with:
            # What is shown is there to stay: an open fence looks odd, an open stream is worse.
            segment.closes_with = ""
        elif bare or smaller < self.policy.smallest_bytes:
            self._on_too_long(segment, frame, answer, now)
            return
        elif in_stream:
            self._frame_bytes = smaller
        else:
            self._message_bytes = smaller
        self._tries = 0
        self._newline = None
        self._why = "smaller"
        self._wait(now, 0.0)

    def _on_too_long(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        """It is short already."""
        if frame.kind is FrameKind.OPENING:
            self._hold(segment, whole=False)
        elif frame.kind in STREAM_KINDS:
            self._on_cut(segment, frame, answer, now)
        else:
            self._on_fail(segment, frame, answer, now)

    def _on_roll_over(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        shown = max(segment.accepted, segment.tried)
        if frame.kind is FrameKind.CLOSING and frame.end <= shown:
            self._on_cut(segment, frame, answer, now)
            return
        self._doubt = None
        segment.doubtful = segment.doubtful or (shown > segment.accepted and not self._cumulative)
        self._roll(segment, shown, self._frame_bytes - 1)
        self._tries = 0
        self._newline = None
        self._wait(now, self.policy.closing_gap)
