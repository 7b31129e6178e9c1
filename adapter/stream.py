"""StreamMachine: one reply on its way to one target, as a pure state machine. No I/O, no clock, one frame in flight.

Inputs: ``text``, ``break_``, ``media``, ``end``, ``fail``, ``cancel``, the clock (``next(now)``) and QQ's answers
(``answer``). Output of ``next``: the frame that may be sent now, or when to ask again, or what is waited for.

    GATHERING --enough visible text--> (opening) --accepted--> STREAMING --text whole--> (closing) --> DONE
        |                                  |                       |
        |--text whole--> (plain) --> DONE  `--refused--> HOLDING   `--can take no more--> (closing) --> DONE,
                                               |                                      the rest: a new HOLDING
                                               `--text whole--> (plain) --> DONE

What an answer leads to is not decided here but in the table of ``adapter.steps``; how each step is taken is in
``adapter.outcomes`` and ``adapter.media_outcomes``, what a frame holds in ``adapter.composing``, what became of the
reply in ``adapter.judging``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from adapter.boundaries import is_blank, visible_length
from adapter.composing import has_newline_added, media_frame, repeat_of, sent_so_far, text_frame
from adapter.denials import Denials
from adapter.dialects import STREAM_MESSAGES
from adapter.frames import STREAM_KINDS, Frame, FrameKind
from adapter.judging import judge, owes_notice
from adapter.moves import Done, Move, NeedAnswer, NeedInput, NeedTurn, Send, Wait
from adapter.pieces import MediaItem
from adapter.policy import DeadReference, Policy
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus, Stage
from adapter.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Restored:
    """An interrupted reply as its rows tell it: the last segment, and the frame whose outcome nobody knows, if any
    (``adapter.restoring.in_doubt`` finds it). Then ``answer(Unknown(...))`` for that frame, and ``fail``."""

    segment: Segment
    in_flight: Frame | None = None


class StreamMachine(Denials):
    def __init__(
        self,
        policy: Policy,
        *,
        jitter: Callable[[], float] = lambda: 1.0,
        markdown: bool | None = None,
        restored: Restored | None = None,
        earlier_segments: int = 0,
        shown_before: bool = False,
        opens_with: str = "",
    ) -> None:
        """``jitter`` gives the factor of each wait; ``markdown`` overrides the policy's (a target known to refuse it);
        ``earlier_segments``: how many of this attempt are in the record already, ``shown_before``: whether the user
        saw anything of them, ``opens_with``: the fence in which the last of them was full."""
        self.policy = policy
        self.held = False
        """Nothing may leave now; what comes in goes with the next frame."""
        self.turn = True
        """Whether a middle frame may be composed now; where the rate is short, streams take turns."""
        self.segments: dict[int, Segment] = {}
        self.ended_unanswered: list[Segment] = []
        self.markdown_refused = False
        """Whether native markdown was refused on the way: worth remembering for the target."""
        self._message_bytes = policy.message_bytes
        self._frame_bytes = policy.frame_bytes or (policy.dialect or STREAM_MESSAGES).frame_bytes
        self._jitter = jitter
        self._markdown = policy.markdown if markdown is None else markdown
        self._reference = policy.reference
        self._expired = self._told = False
        self._whole = policy.dialect is None
        self._coming: deque[str | Barrier] = deque()
        self._last_word: Barrier | None = None
        self._cancelled = self._dropped = False
        self._in_flight: Frame | None = None
        self._doubt: Frame | None = None
        self._newline: int | None = None
        """QQ wants a newline behind the text up to here, and the very same text with it."""
        self._why, self._tries = "", 0
        self._not_before = 0.0
        self._last_sent = self._last_answer = float("-inf")
        self._outcome: Outcome | None = None
        self._last_number = earlier_segments
        self._shown_before = shown_before
        self._segment = self._new_segment(opens_with=opens_with)
        if restored is not None:
            self._restore(restored)

    def _restore(self, restored: Restored) -> None:
        segment, frame = restored.segment, restored.in_flight
        self._segment = segment
        self.segments[segment.number] = segment
        self._last_number = segment.number
        self._in_flight = frame
        segment.reference = segment.reference or self.policy.reference
        if segment.kind is SegmentKind.MEDIA:
            self._begin_media(segment, segment.media)
        if segment.purpose == "notice":
            self._told = True
            segment.barrier = Barrier(BarrierKind.FAILURE, reason="interrupted")
        known = segment.tried if frame is None else frame.start
        if frame is not None:
            self._tries = 1
            self._tried_before = frame.start
            self._newline = frame.end if self._cumulative and has_newline_added(frame, segment) else None
            segment.tried = max(segment.tried, frame.end)
        if not self._cumulative and segment.stage is Stage.STREAMING and known > segment.accepted:
            # A delta before this one may be missing, and no later one can heal that.
            segment.doubtful = True

    # ---- inputs -----------------------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        if text and self._last_word is None:
            self._coming.append(text)

    def break_(self) -> None:
        """A tool call starts: what is open is closed first. Scenes that send once do not notice it."""
        if self._last_word is None:
            self._coming.append(Barrier(BarrierKind.BREAK))

    def media(self, item: MediaItem) -> None:
        if self._last_word is None:
            self._coming.append(Barrier(BarrierKind.MEDIA, item=item))

    def end(self) -> None:
        self._say_last(Barrier(BarrierKind.END))

    def fail(self, reason: str, detail: str = "") -> None:
        """The source cannot go on, or the house is closing: what was generated is sent, what is open is closed."""
        self._say_last(Barrier(BarrierKind.FAILURE, reason=reason, detail=detail))

    def cancel(self, reason: str = "cancelled") -> None:
        """No more text; what is open is closed with what is shown. Also after ``end``, as long as something is unsent:
        a reply that loses nothing by it ends as if it had not been cancelled."""
        if self._cancelled or self._outcome is not None:
            return
        self._cancelled = True
        self._dropped = self._last_word is None or any(item is not self._last_word for item in self._coming)
        self._coming.clear()
        self._coming.append(Barrier(BarrierKind.CANCEL, reason=reason))
        self._last_word = self._last_word or Barrier(BarrierKind.END)

    def _say_last(self, barrier: Barrier) -> None:
        if self._last_word is None:
            self._last_word = barrier
            self._coming.append(barrier)

    # ---- what may be sent -------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether it takes no more input: the source ended or failed, or the reply was cancelled or stopped."""
        return self._last_word is not None

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
        self._fit(segment)

    def _drop_unsent(self, segment: Segment) -> None:
        keep = max(segment.accepted, segment.tried)
        if keep < len(segment.text):
            segment.text = segment.text[:keep]
            segment.closes_with, segment.full = "", False
            self._dropped = self._dropped or segment.purpose != "notice"
        # Where nothing is coming any more, the cancel was overtaken: QQ stopped the reply, and that barrier stays.
        if self._coming and segment.barrier is not None and segment.barrier.kind is not BarrierKind.CANCEL:
            self._dropped = self._dropped or segment.barrier.kind is BarrierKind.MEDIA
            segment.barrier, segment.full = None, False

    def _move(self, now: float) -> Move | None:
        """The current segment's next move; None: it ended without one, look again."""
        segment = self._segment
        self._look_at_window(now)
        if self._doubt is None and self._end_unsent(segment):
            return None
        if self.held:
            return NeedInput()
        if now < self._not_before:
            return Wait(self._not_before)
        if self._doubt is not None:
            return self._repeat(segment, self._doubt, now)
        if segment.kind is SegmentKind.MEDIA:
            return self._send(media_frame(segment, self.policy, reference=self._reference, why=self._why), now)
        if segment.stage is Stage.STREAMING:
            return self._stream_on(segment, now)
        if segment.barrier is not None:
            return self._send(self._text_frame(segment, FrameKind.PLAIN), now)
        if segment.stage is Stage.GATHERING and self._may_open(segment, now):
            if segment.may_open_at is None:
                segment.may_open_at = now + self.policy.opening_grace
            due = max(self._last_answer + self.policy.closing_gap, self._last_sent + self.policy.interval)
            due = max(due, segment.may_open_at)
            if now < due:
                return Wait(due)
            return self._send(self._text_frame(segment, FrameKind.OPENING), now)
        return NeedInput()

    def _may_open(self, segment: Segment, now: float) -> bool:
        until = self._close_by(self._reference)
        if self._whole or self._reference is None or (until is not None and now >= until):
            return False
        enough = max(1, self.policy.open_after)
        return visible_length(segment.text[: self._end_of(segment, FrameKind.OPENING)], enough) >= enough

    def _stream_on(self, segment: Segment, now: float) -> Move:
        gap = self._last_answer + self.policy.closing_gap
        until = self._close_by(segment.reference)
        if segment.barrier is None and until is not None and now >= until:
            self._cut(segment, max(segment.accepted, segment.tried))
        # The very text that was refused goes first; what came meanwhile, and the close, come after it.
        owed = self._newline is not None and self._newline < len(segment.text)
        end = self._end_of(segment, FrameKind.CLOSING)
        if segment.barrier is not None and not owed and end == len(segment.text):
            if now < gap:
                return Wait(gap)
            return self._send(self._text_frame(segment, FrameKind.CLOSING), now)
        if segment.barrier is None and is_blank(segment.text[sent_so_far(segment, self.policy.dialect) : end]):
            # What is held back near the limit is looked at again in a frame's time, not with every word.
            again = now + max(self.policy.interval, self.policy.closing_gap)
            if end < len(segment.text):
                return Wait(again if until is None else min(again, until))
            return NeedInput(until)
        due = max(gap, self._last_sent + self.policy.interval)
        if now < due:
            return Wait(due)
        if not self.turn and segment.barrier is None:
            return NeedTurn(until)
        return self._send(self._text_frame(segment, FrameKind.MIDDLE), now)

    def _end_unsent(self, segment: Segment) -> bool:
        """End the segment if nothing more of it is to be sent; that waits for nothing. False: it goes on."""
        if segment.kind is SegmentKind.MEDIA:
            why = "it was cancelled" if self._cancelled else "its bytes are gone" if self._is_gone(segment) else ""
            if why:
                self._dropped = self._dropped or self._cancelled
                self.segments[segment.number] = segment
                self._last_number = segment.number
                self._finish(segment, SegmentStatus.FAILED, why)
                return True
        elif segment.stage is Stage.STREAMING or segment.barrier is None:
            return False
        elif is_blank(segment.text):
            if segment.number in self.segments:
                # What of it was tried was refused, and then the reply was cancelled.
                self._finish(segment, SegmentStatus.FAILED)
            else:
                self._advance(segment)
            return True
        if self._forsaken and not (segment.kind is SegmentKind.MEDIA and self.policy.uploads):
            self._stop(segment, Barrier(BarrierKind.FAILURE, reason="reference_expired", silent=True))
            return True
        return False

    def _repeat(self, segment: Segment, frame: Frame, now: float) -> Move | None:
        if frame.reference is not None and self._expired:
            self._exhausted(segment, frame, doubt=True)
            return None
        gap = self._last_answer + self.policy.closing_gap
        if frame.kind in STREAM_KINDS and now < gap:
            return Wait(gap)
        return self._send(repeat_of(frame), now)

    # ---- QQ's window for the msg_id -----------------------------------------------------------------------------

    def _look_at_window(self, now: float) -> None:
        """An expired msg_id is never attached (house plan 6.6), but to the stream that was opened with it."""
        until = self.policy.reference_until
        if not self._expired and self.policy.reference is not None and until is not None and now >= until:
            self._expired = True
            if self._reference is not None:
                self._reference, self._unanswered = None, "window_over"
                self._why = "proactive"

    @property
    def _forsaken(self) -> bool:
        """The window is over, and the bot's owner wants nothing proactive."""
        return self._expired and self.policy.on_dead_reference is DeadReference.FAIL

    def _close_by(self, reference: str | None) -> float | None:
        """When a stream under ``reference`` is closed so that its last frame still falls into QQ's window."""
        until = self.policy.reference_until
        if until is None or reference is None:
            return None
        return until - self.policy.interval - self.policy.closing_gap

    # ---- sending ------------------------------------------------------------------------------------------------

    def _text_frame(self, segment: Segment, kind: FrameKind) -> Frame:
        end = self._end_of(segment, kind)
        if self._newline is not None and kind in STREAM_KINDS and self._newline < end:
            end = self._newline
        later = kind in (FrameKind.MIDDLE, FrameKind.CLOSING)
        reference = segment.reference if later else self._reference
        newline = self._newline is not None
        return text_frame(segment, kind, self.policy, end=end, reference=reference, newline=newline, why=self._why)

    def _send(self, frame: Frame, now: float) -> Send:
        segment = self._segment
        if segment.number not in self.segments:
            self.segments[segment.number] = segment
            self._last_number = segment.number
        if frame.kind in STREAM_KINDS:
            segment.kind = SegmentKind.STREAM
        elif frame.kind is FrameKind.PLAIN:
            segment.kind = SegmentKind.PLAIN
        else:
            segment.step = "send" if frame.kind is FrameKind.MEDIA else frame.kind.value
        might = self.policy.media_passive or not self.policy.uploads
        if frame.reference is None and (frame.kind is FrameKind.PLAIN or (frame.kind is FrameKind.MEDIA and might)):
            segment.unanswered = segment.unanswered or self._unanswered
        if frame.kind is FrameKind.OPENING:
            segment.reference = frame.reference
        if frame.index is not None and self._doubt is None:
            segment.next_index = frame.index + 1
        self._tried_before = segment.tried
        segment.tried = max(segment.tried, frame.end)
        self._in_flight = frame
        self._last_sent = now
        self._tries += 1
        self._why = ""
        return Send(frame)

    # ---- from one segment to the next --------------------------------------------------------------------------

    def _new_segment(self, stage: Stage = Stage.GATHERING, purpose: str = "reply", opens_with: str = "") -> Segment:
        markdown, number = self._markdown and purpose != "notice", self._last_number + 1
        return Segment(number, markdown=markdown, stage=stage, purpose=purpose, opens_with=opens_with)

    def _advance(self, segment: Segment) -> None:
        """The current segment is done: what its barrier asks for comes next."""
        was, segment.stage = segment.stage, Stage.DONE
        self._tries = 0
        self._doubt = None
        self._newline = None
        barrier = segment.barrier
        if barrier is None or barrier.kind is BarrierKind.BREAK:
            self._segment = self._new_segment()
        elif barrier.kind is BarrierKind.CUT:
            again = self._opening_again(segment)
            self._segment = self._new_segment(stage=Stage.HOLDING, purpose="rest", opens_with=again)
        elif barrier.kind is BarrierKind.ROLL:
            stage, again = was if was is Stage.HOLDING else Stage.GATHERING, self._opening_again(segment)
            self._segment = self._new_segment(stage=stage, purpose=segment.purpose, opens_with=again)
        elif barrier.kind is BarrierKind.MEDIA:
            self._segment = self._new_segment()
            self._begin_media(self._segment, barrier.item)
        else:
            self._conclude(barrier)

    def _conclude(self, barrier: Barrier) -> None:
        if barrier.kind is BarrierKind.CANCEL and not self._dropped and self._last_word is not None:
            barrier = self._last_word
        segments, shown_before = self.segments.values(), self._shown_before
        may_tell = bool(self.policy.notice) and not self._told and not self._cancelled
        if may_tell and owes_notice(segments, barrier, shown_before=shown_before):
            self._told = True
            self._segment = self._new_segment(stage=Stage.HOLDING, purpose="notice")
            self._segment.text = self.policy.notice
            self._segment.barrier = barrier
            return
        self._outcome = judge(segments, barrier, shown_before=shown_before)
