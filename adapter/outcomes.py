"""How the machine takes each step of ``adapter.steps`` once an answer is there. Mixed into ``StreamMachine`` only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from adapter.answers import Accepted, Answer, InReview, Throttled, Unknown
from adapter.boundaries import neutralise_addresses
from adapter.codes import Reaction, react
from adapter.frames import Frame, FrameKind, Pair
from adapter.pieces import MediaOutcome
from adapter.policy import DeadReference, Policy
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus, Stage
from adapter.steps import STEPS, Step
from adapter.verdicts import Verdict

_TEXT = (FrameKind.OPENING, FrameKind.MIDDLE, FrameKind.CLOSING, FrameKind.PLAIN)
_GOES_AGAIN = (Step.AGAIN, Step.DOUBT, Step.HIGHER, Step.SETTLE_DUPLICATE)


class Outcomes:
    policy: Policy
    segments: dict[int, Segment]
    markdown_refused: bool
    last_media: MediaOutcome | None = None
    """What became of the last media item, for the source that asked for it."""
    _jitter: Callable[[], float]
    _markdown: bool
    _reference: str | None
    _whole: bool
    _coming: deque[str | Barrier]
    _ended: bool
    _in_flight: Frame | None
    _doubt: Frame | None
    _newline: bool
    _why: str
    _tries: int
    _tried_before: int = 0
    _not_before: float
    _last_answer: float
    _segment: Segment

    def _advance(self, segment: Segment) -> None:
        raise NotImplementedError

    def answer(self, answer: Answer, now: float) -> Verdict:
        """QQ's answer to the frame in flight. Raises RuntimeError when none is."""
        frame = self._in_flight
        if frame is None:
            raise RuntimeError("an answer without a frame in flight")
        self._in_flight = None
        self._last_answer = now
        reaction = react(answer)
        step = STEPS[frame.kind][reaction]
        segment = self._segment
        verdict = self._verdict(answer, reaction)
        if verdict in (Verdict.REFUSED, Verdict.THROTTLED):
            segment.code = answer.code if not isinstance(answer, Accepted | InReview | Unknown) else None
            if self._doubt is None:
                segment.tried = self._tried_before
        if step in _GOES_AGAIN and self._tries >= self.policy.tries and verdict is not Verdict.DUPLICATE:
            self._exhausted(segment, frame, doubt=reaction is Reaction.UNKNOWN)
        else:
            getattr(self, f"_on_{step}")(segment, frame, answer, now)
        return verdict

    def _verdict(self, answer: Answer, reaction: Reaction) -> Verdict:
        if reaction is Reaction.DUPLICATE:
            return Verdict.DUPLICATE if self._doubt is not None else Verdict.REFUSED
        if isinstance(answer, Accepted):
            return Verdict.ACCEPTED
        if isinstance(answer, InReview):
            return Verdict.IN_REVIEW
        if isinstance(answer, Unknown):
            return Verdict.UNKNOWN
        return Verdict.THROTTLED if isinstance(answer, Throttled) else Verdict.REFUSED

    # ---- QQ has it --------------------------------------------------------------------------------------------

    def _on_take(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        data = answer.data if isinstance(answer, Accepted) else {}
        self._taken(
            segment,
            frame,
            answer.id if isinstance(answer, Accepted) else "",
            str(data.get("file_info") or ""),
        )

    def _on_take_in_review(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        segment.in_review = True
        if frame.kind is FrameKind.UPLOAD:
            self._on_fail(segment, frame, answer, now)
        else:
            self._taken(segment, frame, "", "")

    def _taken(self, segment: Segment, frame: Frame, message_id: str, file_info: str) -> None:
        self._tries = 0
        self._doubt = None
        segment.code = None
        if frame.kind in _TEXT:
            segment.accepted = frame.end
            segment.tried = max(segment.tried, frame.end)
        if frame.kind is FrameKind.OPENING:
            segment.message_id = message_id
            segment.stage = Stage.STREAMING
            if not message_id:
                # QQ has the opening frame but never told the stream's id: nothing can be added, nothing closed.
                self._part(segment, SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.UNCLOSED)
        elif frame.kind is FrameKind.CLOSING:
            self._finish(segment, self._closed_status(segment))
        elif frame.kind is FrameKind.PLAIN:
            segment.message_id = message_id
            self._finish(segment, SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.DELIVERED)
        elif frame.kind is FrameKind.UPLOAD:
            segment.file_info = file_info
            if not file_info:
                self._finish(segment, SegmentStatus.FAILED, "QQ gave no file_info for the upload")
        elif frame.kind is FrameKind.MEDIA:
            segment.message_id = message_id
            self._finish(segment, SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.DELIVERED)

    @staticmethod
    def _closed_status(segment: Segment) -> SegmentStatus:
        if segment.doubtful:
            return SegmentStatus.UNKNOWN
        return SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.CLOSED

    def _finish(self, segment: Segment, status: SegmentStatus, why: str = "") -> None:
        segment.status = status
        if segment.kind is SegmentKind.MEDIA:
            sent = status in (SegmentStatus.DELIVERED, SegmentStatus.IN_REVIEW)
            self.last_media = MediaOutcome(sent, "" if sent else why or "QQ refused it", segment.code)
        self._advance(segment)

    # ---- QQ may have it, or will take it later -----------------------------------------------------------------

    def _on_again(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._why = "again"
        after = answer.after if isinstance(answer, Throttled) else None
        self._wait(now, after)

    def _on_doubt(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        dialect = self.policy.dialect
        heals = dialect is not None and dialect.cumulative and frame.kind in (FrameKind.MIDDLE, FrameKind.CLOSING)
        if not heals:
            if frame.pair is Pair.NONE:
                # No pair, no safe repeat: a second copy would be worse than not knowing.
                segment.doubtful = True
                self._finish(segment, SegmentStatus.UNKNOWN, "QQ did not say whether it arrived")
                return
            self._doubt = frame
        self._why = "again"
        self._wait(now, None)

    def _on_settle_duplicate(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if self._doubt is not None:
            self._taken(segment, frame, "", "")
        else:
            self._why = "again"
            self._wait(now, 0.0)

    def _on_higher(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._why = "index"
        segment.next_index += 2 ** min(self._tries, 10)
        self._wait(now, self.policy.closing_gap)

    def _wait(self, now: float, after: float | None) -> None:
        delays = self.policy.delays
        if after is None:
            after = delays[min(self._tries, len(delays)) - 1] * self._jitter()
        self._not_before = now + after

    def _exhausted(self, segment: Segment, frame: Frame, *, doubt: bool) -> None:
        """The tries of one frame are used up."""
        doubt = doubt or self._doubt is not None
        self._doubt = None
        if frame.kind is FrameKind.OPENING and not doubt:
            self._hold(segment, whole=False)
        elif frame.kind is FrameKind.MIDDLE:
            segment.doubtful = segment.doubtful or doubt
            self._cut(segment, segment.tried if doubt else segment.accepted)
        elif frame.kind in (FrameKind.OPENING, FrameKind.CLOSING):
            segment.doubtful = segment.doubtful or doubt
            self._part(segment, SegmentStatus.UNKNOWN if doubt else SegmentStatus.UNCLOSED)
        else:
            segment.doubtful = doubt
            self._finish(segment, SegmentStatus.UNKNOWN if doubt else SegmentStatus.FAILED)

    # ---- the same in another form ------------------------------------------------------------------------------

    def _on_newline(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        dialect = self.policy.dialect
        # In a cumulative stream a newline in the middle could never be taken back by the next frame.
        grows = dialect is not None and dialect.cumulative and frame.kind in (FrameKind.OPENING, FrameKind.MIDDLE)
        if frame.wire_text.endswith("\n") or grows:
            self._last_resort(segment, frame)
            return
        self._newline = True
        self._why = "newline"
        self._wait(now, 0.0)

    def _on_plain_text(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if not frame.markdown:
            self._last_resort(segment, frame)
            return
        self._markdown = segment.markdown = False
        self.markdown_refused = True
        self._doubt = None
        self._why = "plain"
        self._wait(now, 0.0)

    def _on_neutralise(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if segment.neutralised:
            self._on_fail(segment, frame, answer, now)
            return
        segment.neutralised = True
        segment.text = neutralise_addresses(segment.text)
        self._why = "neutralised"
        self._wait(now, 0.0)

    def _on_unreferenced(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if self._doubt is not None:
            self._exhausted(segment, frame, doubt=True)
        elif frame.reference is None:
            self._last_resort(segment, frame)
        elif self.policy.on_dead_reference is DeadReference.FAIL:
            self._on_give_up(segment, frame, answer, now)
        else:
            self._reference = None
            self._why = "proactive"
            if frame.kind is FrameKind.OPENING:
                self._hold(segment, whole=True)
            self._wait(now, 0.0)

    # ---- streams that cannot go on -----------------------------------------------------------------------------

    def _on_hold(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._hold(segment, whole=react(answer) is Reaction.PERMANENT)

    def _hold(self, segment: Segment, *, whole: bool) -> None:
        segment.stage = Stage.HOLDING
        segment.accepted = segment.tried = 0
        self._tries = 0
        self._doubt = None
        self._why = self._why or "plain"
        if whole:
            self._whole = True
            if segment.barrier is not None and segment.barrier.kind is BarrierKind.BREAK:
                segment.barrier = None

    def _last_resort(self, segment: Segment, frame: Frame) -> None:
        """The other form was refused as well."""
        if frame.kind is FrameKind.OPENING:
            self._hold(segment, whole=False)
        elif frame.kind in (FrameKind.MIDDLE, FrameKind.CLOSING):
            self._cut_or_end(segment, frame)
        else:
            self._finish(segment, SegmentStatus.FAILED)

    def _on_cut(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._doubt = None
        if react(answer) is Reaction.MARKDOWN:
            self._markdown = False
            self.markdown_refused = True
        self._cut_or_end(segment, frame, ended=react(answer) is Reaction.PREFIX)

    def _cut_or_end(self, segment: Segment, frame: Frame, *, ended: bool = False) -> None:
        if frame.kind is FrameKind.CLOSING and frame.end <= segment.accepted:
            self._part(segment, SegmentStatus.ENDED_BY_QQ if ended else SegmentStatus.UNCLOSED)
        elif frame.kind is FrameKind.CLOSING or segment.tried <= segment.accepted:
            self._cut(segment, segment.accepted)
        else:
            self._cut(segment, segment.tried)

    def _on_over(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if react(answer) is Reaction.REFERENCE:
            self._reference = None
            if self.policy.on_dead_reference is DeadReference.FAIL:
                self._on_give_up(segment, frame, answer, now)
                return
        older = self.policy.dialect is not None and not self.policy.dialect.cumulative
        # In the older dialect an unclosed stream may be rolled back to its first frame (sheet 4.1).
        self._part(segment, SegmentStatus.UNCLOSED if older else SegmentStatus.ENDED_BY_QQ)

    def _cut(self, segment: Segment, at: int) -> None:
        """The segment's text ends at ``at``; what is left becomes the beginning of the rest."""
        self._tries = 0
        rest = segment.text[at:]
        segment.text = segment.text[:at]
        segment.tried = min(segment.tried, at)
        if segment.barrier is not None:
            self._coming.appendleft(segment.barrier)
        if rest:
            self._coming.appendleft(rest)
        segment.barrier = Barrier(BarrierKind.CUT)

    def _part(self, segment: Segment, status: SegmentStatus) -> None:
        """Leave the stream as it is; the rest goes as a plain message."""
        self._cut(segment, max(segment.accepted, segment.tried))
        self._finish(segment, status)

    # ---- no more ----------------------------------------------------------------------------------------------

    def _on_moderated(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._doubt = None
        self._ended = True
        self._coming.clear()
        segment.text = segment.text[: segment.accepted]
        segment.tried = segment.accepted
        segment.barrier = Barrier(BarrierKind.FAILURE, reason="moderated")
        if segment.stage is Stage.STREAMING and not (frame.kind is FrameKind.CLOSING and not frame.text):
            self._tries = 0
        else:
            unclosed = segment.stage is Stage.STREAMING
            self._finish(segment, SegmentStatus.UNCLOSED if unclosed else SegmentStatus.FAILED)

    def _on_give_up(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._ended = True
        self._coming.clear()
        segment.barrier = Barrier(BarrierKind.END)
        self._finish(segment, SegmentStatus.FAILED)

    def _on_fail(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._finish(segment, SegmentStatus.FAILED)
