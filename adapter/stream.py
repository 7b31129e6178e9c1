"""StreamMachine: one reply on its way to one target, as a pure state machine. No I/O, no clock, one frame in flight.

Inputs: ``text``, ``break_``, ``media``, ``end``, ``fail``, ``cancel``, the clock (``next(now)``) and QQ's answers
(``answer``). Output of ``next``: the frame that may be sent now, or when to ask again, or what is waited for.

    GATHERING --enough visible text--> (opening) --accepted--> STREAMING --text whole--> (closing) --> DONE
        |                                  |                       |
        |--text whole--> (plain) --> DONE  `--refused--> HOLDING   `--can take no more--> (closing) --> DONE,
                                               |                                      the rest: a new HOLDING
                                               `--text whole--> (plain) --> DONE

What an answer leads to is not decided here but in the table of ``adapter.steps``; how each step is taken is in
``adapter.outcomes``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from adapter.boundaries import is_blank, visible_length
from adapter.frames import Frame, FrameKind, Pair
from adapter.outcomes import Outcomes
from adapter.pieces import MediaItem
from adapter.policy import Policy
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus, Stage
from adapter.verdicts import Outcome, OutcomeStatus


@dataclass(frozen=True, slots=True)
class Send:
    frame: Frame


@dataclass(frozen=True, slots=True)
class Wait:
    until: float
    """Machine time, seconds; new input may come before."""


@dataclass(frozen=True, slots=True)
class NeedAnswer:
    """A frame is in flight."""


@dataclass(frozen=True, slots=True)
class NeedInput:
    """Nothing to send until the source says more."""


@dataclass(frozen=True, slots=True)
class Done:
    outcome: Outcome


_JUDGEMENTS = (
    (SegmentStatus.FAILED, OutcomeStatus.FAILED, "refused"),
    (SegmentStatus.UNKNOWN, OutcomeStatus.UNKNOWN, "no_proof"),
    (SegmentStatus.UNCLOSED, OutcomeStatus.UNKNOWN, "left_open"),
    (SegmentStatus.IN_REVIEW, OutcomeStatus.IN_REVIEW, "in_review"),
)

Move = Send | Wait | NeedAnswer | NeedInput | Done


@dataclass(frozen=True, slots=True)
class Restored:
    """An interrupted reply as its rows tell it: the last segment, and the frame that was in flight, if any."""

    segment: Segment
    in_flight: Frame | None = None


class StreamMachine(Outcomes):
    def __init__(
        self,
        policy: Policy,
        *,
        jitter: Callable[[], float] = lambda: 1.0,
        markdown: bool | None = None,
        restored: Restored | None = None,
        earlier_segments: int = 0,
        shown_before: bool = False,
    ) -> None:
        """``jitter`` gives the factor of each wait; ``markdown`` overrides the policy's (a target known to refuse it);
        ``earlier_segments``: how many of this attempt are in the record already, ``shown_before``: whether the user
        saw anything of them."""
        self.policy = policy
        self.segments: dict[int, Segment] = {}
        self.markdown_refused = False
        """Whether native markdown was refused on the way: worth remembering for the target."""
        self._jitter = jitter
        self._markdown = policy.markdown if markdown is None else markdown
        self._reference = policy.reference
        self._whole = policy.dialect is None
        self._coming: deque[str | Barrier] = deque()
        self._ended = False
        self._cancelled = False
        self._in_flight: Frame | None = None
        self._doubt: Frame | None = None
        self._newline = False
        self._why = ""
        self._tries = 0
        self._not_before = 0.0
        self._last_sent = float("-inf")
        self._last_answer = float("-inf")
        self._outcome: Outcome | None = None
        self._last_number = earlier_segments
        self._shown_before = shown_before
        self._segment = self._new_segment()
        if restored is not None:
            self._segment = restored.segment
            self.segments[restored.segment.number] = restored.segment
            self._last_number = restored.segment.number
            self._in_flight = restored.in_flight

    # ---- inputs -----------------------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        if text and not self._ended:
            self._coming.append(text)

    def break_(self) -> None:
        """A tool call starts: what is open is closed first. Scenes that send once do not notice it."""
        if not self._ended:
            self._coming.append(Barrier(BarrierKind.BREAK))

    def media(self, item: MediaItem) -> None:
        if not self._ended:
            self._coming.append(Barrier(BarrierKind.MEDIA, item=item))

    def end(self) -> None:
        self._end(Barrier(BarrierKind.END))

    def fail(self, reason: str, detail: str = "") -> None:
        """The source cannot go on, or the house is closing: what was generated is sent, what is open is closed."""
        self._end(Barrier(BarrierKind.FAILURE, reason=reason, detail=detail))

    def cancel(self, reason: str = "cancelled") -> None:
        """No more text; what is open is closed with what is shown. Also after ``end``, as long as something is unsent."""
        self._ended = self._cancelled = True
        self._coming.clear()
        self._coming.append(Barrier(BarrierKind.CANCEL, reason=reason))

    def _end(self, barrier: Barrier) -> None:
        if not self._ended:
            self._ended = True
            self._coming.append(barrier)

    # ---- what may be sent -------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether everything before the last break or media item has reached QQ and nothing is open."""
        if self._outcome is not None:
            return True
        current = self._segment
        if self._in_flight is not None or self._coming or current.barrier is not None:
            return False
        if current.kind is SegmentKind.MEDIA or self._doubt is not None:
            return False
        return self._whole or (current.stage is Stage.GATHERING and not current.text)

    def next(self, now: float) -> Move:
        """What may be done at ``now`` (machine time, seconds, never going back)."""
        if self._in_flight is not None:
            return NeedAnswer()
        while self._outcome is None:
            self._absorb()
            move = self._move(now)
            if move is not None:
                return move
        return Done(self._outcome)

    def _absorb(self) -> None:
        """Move what came in into the current segment, up to the barrier that ends it."""
        segment = self._segment
        if segment.kind is SegmentKind.MEDIA:
            return
        if self._cancelled:
            self._drop_unsent(segment)
        while self._coming and segment.barrier is None:
            item = self._coming.popleft()
            if isinstance(item, str):
                segment.text += item
            elif not (self._whole and item.kind is BarrierKind.BREAK):
                segment.barrier = item

    def _drop_unsent(self, segment: Segment) -> None:
        keep = max(segment.accepted, segment.tried)
        segment.text = segment.text[:keep]
        if segment.barrier is not None and segment.barrier.kind is not BarrierKind.CANCEL:
            segment.barrier = None

    def _move(self, now: float) -> Move | None:
        """The current segment's next move; None: it ended without one, look again."""
        if now < self._not_before:
            return Wait(self._not_before)
        segment = self._segment
        if self._doubt is not None:
            return self._send(replace(self._doubt, pair=self._repeat_pair(self._doubt), why="repeat"), now)
        if segment.kind is SegmentKind.MEDIA:
            if self._cancelled and segment.number not in self.segments:
                self._advance(segment)
                return None
            return self._send(self._media_frame(segment), now)
        if segment.stage is Stage.STREAMING:
            return self._stream_on(segment, now)
        if segment.barrier is not None:
            if is_blank(segment.text):
                self._advance(segment)
                return None
            return self._send(self._frame(segment, FrameKind.PLAIN, len(segment.text)), now)
        if segment.stage is Stage.GATHERING and self._may_open(segment, now):
            due = max(self._last_answer + self.policy.closing_gap, self._last_sent + self.policy.interval)
            if now < due:
                return Wait(due)
            return self._send(self._frame(segment, FrameKind.OPENING, len(segment.text)), now)
        return NeedInput()

    def _may_open(self, segment: Segment, now: float) -> bool:
        if self._whole or self._live_reference(now) is None:
            return False
        return visible_length(segment.text, self.policy.open_after) >= self.policy.open_after

    def _stream_on(self, segment: Segment, now: float) -> Move:
        gap = self._last_answer + self.policy.closing_gap
        if segment.barrier is not None:
            if now < gap:
                return Wait(gap)
            return self._send(self._frame(segment, FrameKind.CLOSING, len(segment.text)), now)
        if is_blank(segment.unsent):
            return NeedInput()
        due = max(gap, self._last_sent + self.policy.interval)
        if now < due:
            return Wait(due)
        return self._send(self._frame(segment, FrameKind.MIDDLE, len(segment.text)), now)

    # ---- composing --------------------------------------------------------------------------------------------

    def _live_reference(self, now: float) -> str | None:
        """The msg_id as long as QQ's window is open: an expired one is never attached."""
        until = self.policy.reference_until
        if self._reference is not None and until is not None and now >= until:
            self._reference = None
            self._why = "proactive"
        return self._reference

    def _frame(self, segment: Segment, kind: FrameKind, end: int) -> Frame:
        dialect = self.policy.dialect
        in_stream = kind is not FrameKind.PLAIN
        start = segment.accepted
        wire = (
            segment.text[:end] if in_stream and dialect is not None and dialect.cumulative else segment.text[start:end]
        )
        closing_newline = kind is FrameKind.CLOSING and dialect is not None and dialect.closing_newline
        if (closing_newline or self._newline) and not wire.endswith("\n"):
            wire += "\n"
        index = None
        if in_stream:
            index = 0 if kind is FrameKind.OPENING else segment.next_index
            segment.next_index = index + 1
        why = self._why or (segment.purpose if segment.purpose != "reply" else "")
        return Frame(
            kind=kind,
            segment=segment.number,
            start=start,
            end=end,
            text=segment.text[start:end],
            wire_text=wire,
            markdown=self._markdown and segment.purpose != "notice",
            reference=self._reference,
            pair=self._pair(kind),
            index=index,
            stream_id=segment.message_id if in_stream else "",
            why=why,
        )

    def _pair(self, kind: FrameKind) -> Pair:
        dialect = self.policy.dialect
        if self._reference is None or not self.policy.pairs:
            return Pair.NONE
        if kind in (FrameKind.MIDDLE, FrameKind.CLOSING) and dialect is not None and not dialect.fresh_pair:
            return Pair.SEGMENT
        return Pair.NEW

    @staticmethod
    def _repeat_pair(frame: Frame) -> Pair:
        return Pair.NONE if frame.pair is Pair.NONE else Pair.REPEAT

    def _media_frame(self, segment: Segment) -> Frame:
        upload = self.policy.uploads and not segment.file_info
        return Frame(
            kind=FrameKind.UPLOAD if upload else FrameKind.MEDIA,
            segment=segment.number,
            start=0,
            end=0,
            text="",
            wire_text="",
            markdown=False,
            reference=None if upload else self._reference,
            pair=Pair.NONE if upload else self._pair(FrameKind.MEDIA),
            why=self._why,
            media=segment.media,
            file_info=segment.file_info,
        )

    def _send(self, frame: Frame, now: float) -> Send | Wait:
        segment = self._segment
        if frame.kind in (FrameKind.PLAIN, FrameKind.MEDIA) and frame.reference and self._doubt is None:
            if self._live_reference(now) is None:
                frame = replace(frame, reference=None, pair=Pair.NONE, why="proactive")
        if segment.number not in self.segments:
            self.segments[segment.number] = segment
            self._last_number = segment.number
        if frame.kind in (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING):
            segment.kind = SegmentKind.STREAM
        elif frame.kind is FrameKind.PLAIN:
            segment.kind = SegmentKind.PLAIN
        self._tried_before = segment.tried
        segment.tried = max(segment.tried, frame.end)
        self._in_flight = frame
        self._last_sent = now
        self._tries += 1
        self._why = ""
        self._newline = False
        return Send(frame)

    # ---- from one segment to the next --------------------------------------------------------------------------

    def _new_segment(self, *, stage: Stage = Stage.GATHERING, purpose: str = "reply") -> Segment:
        return Segment(self._last_number + 1, markdown=self._markdown, stage=stage, purpose=purpose)

    def _advance(self, segment: Segment) -> None:
        """The current segment is done: what its barrier asks for comes next."""
        segment.stage = Stage.DONE
        self._tries = 0
        self._doubt = None
        barrier = segment.barrier
        if barrier is None or barrier.kind is BarrierKind.BREAK:
            self._segment = self._new_segment()
        elif barrier.kind is BarrierKind.CUT:
            self._segment = self._new_segment(stage=Stage.HOLDING, purpose="rest")
        elif barrier.kind is BarrierKind.MEDIA:
            self._segment = self._new_segment()
            self._segment.kind = SegmentKind.MEDIA
            self._segment.media = barrier.item
        else:
            self._conclude(barrier)

    def _conclude(self, barrier: Barrier) -> None:
        if barrier.kind is BarrierKind.FAILURE and self._owes_notice(barrier):
            self._segment = self._new_segment(stage=Stage.HOLDING, purpose="notice")
            self._segment.text = self.policy.notice
            self._segment.barrier = barrier
            return
        self._outcome = self._judge(barrier)

    def _owes_notice(self, barrier: Barrier) -> bool:
        told = any(segment.purpose == "notice" for segment in self.segments.values())
        shown = self._shown_before or any(segment.shown for segment in self.segments.values())
        return bool(self.policy.notice) and not told and not shown and barrier.reason != "shutdown"

    def _judge(self, barrier: Barrier) -> Outcome:
        """What became of the whole reply. Delivered only with QQ's id (or its proof) for every segment."""
        replies = [segment for segment in self.segments.values() if segment.purpose != "notice"]
        by_status = {segment.status: segment for segment in replies}
        if barrier.kind is BarrierKind.CANCEL:
            return Outcome(OutcomeStatus.CANCELLED, barrier.reason)
        if barrier.kind is BarrierKind.FAILURE:
            shown = self._shown_before or any(segment.shown for segment in replies)
            code = next((segment.code for segment in replies if segment.code), None)
            status = OutcomeStatus.INTERRUPTED if shown else OutcomeStatus.FAILED
            return Outcome(status, barrier.reason, code, barrier.detail)
        for found, status, reason in _JUDGEMENTS:
            if found in by_status:
                return Outcome(status, reason, by_status[found].code)
        if not replies:
            return Outcome(OutcomeStatus.FAILED, "empty_reply")
        return Outcome(OutcomeStatus.DELIVERED)
