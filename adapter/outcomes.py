"""How the machine takes each step of ``adapter.steps`` once an answer is there. Mixed into ``StreamMachine`` only.

What is particular to media is in ``adapter.media_outcomes``, to other forms of the same text in ``adapter.forms``, to
text that is too long in ``adapter.rolling``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from adapter.answers import Accepted, Answer, Refused, Throttled, Unknown
from adapter.codes import Reaction, react
from adapter.frames import STREAM_KINDS, UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.policy import DeadReference, Policy
from adapter.segment import Barrier, BarrierKind, Segment, SegmentKind, SegmentStatus, Stage
from adapter.steps import STEPS, Step
from adapter.verdicts import TAKEN, Verdict, verdict_on

_GOES_AGAIN = (Step.AGAIN, Step.DOUBT, Step.HIGHER, Step.SETTLE_DUPLICATE)
_ABOUT_CONTENT = (Reaction.NEWLINE, Reaction.MARKDOWN, Reaction.ADDRESS, Reaction.LENGTH, Reaction.MODERATED)
"""QQ looks at the pair before the words (sheet 8.3): such a refusal of a repeat says that the first was not taken."""
_MAY_BE_TAKEN = (Reaction.ACCEPT, Reaction.REVIEW, Reaction.UNKNOWN)
_ABOUT_STREAM = (Reaction.PREFIX, Reaction.STREAM_OVER)
_BARE_CLOSINGS = 2
"""Tries of a closing frame without text of its own, refused for good: leaving the stream open costs the user more."""


class Outcomes:
    policy: Policy
    segments: dict[int, Segment]
    markdown_refused: bool
    ended_unanswered: list[Segment]
    """Segments that no answer brought to their end, for the record; whoever records them empties it."""
    _answering: bool = False
    _about_bot: bool = False
    _jitter: Callable[[], float]
    _markdown: bool
    _reference: str | None
    _unanswered: str = ""
    _whole: bool
    _coming: deque[str | Barrier]
    _last_word: Barrier | None
    _cancelled: bool
    _dropped: bool
    _in_flight: Frame | None
    _doubt: Frame | None
    _newline: int | None
    _why: str
    _tries: int
    _tried_before: int = 0
    _not_before: float
    _last_answer: float
    _last_sent: float
    _segment: Segment

    def _advance(self, segment: Segment) -> None:
        raise NotImplementedError

    def _uploaded(self, segment: Segment, frame: Frame, data: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _upload_exhausted(self, segment: Segment) -> None:
        raise NotImplementedError

    def _tell(self, segment: Segment, why: str) -> None:
        raise NotImplementedError

    def _tries_of(self, frame: Frame, reaction: Reaction) -> int:
        return self.policy.tries

    @property
    def _cumulative(self) -> bool:
        return self.policy.dialect is not None and self.policy.dialect.cumulative

    @property
    def in_doubt(self) -> bool:
        """Whether a frame goes again under its own pair, since QQ may have it."""
        return self._doubt is not None

    def answer(self, answer: Answer, now: float, *, about_bot: bool = False) -> Verdict:
        """QQ's answer to the frame in flight. ``about_bot``: no frame would have fared better, so it goes again and
        has used up no try. Raises RuntimeError when none is in flight."""
        frame = self._in_flight
        if frame is None:
            raise RuntimeError("an answer without a frame in flight")
        self._in_flight = None
        self._last_answer = now
        self._answering, self._about_bot = True, about_bot
        verdict = self._take_answer(frame, answer, now)
        self._answering = False
        return verdict

    def _take_answer(self, frame: Frame, answer: Answer, now: float) -> Verdict:
        if answer.exchange.elapsed:
            # The record and the pace came before the request left: the interval counts from there.
            self._last_sent = max(self._last_sent, now - answer.exchange.elapsed)
        reaction = react(answer)
        step = STEPS[frame.kind][Reaction.RETRY if self._about_bot and isinstance(answer, Refused) else reaction]
        segment = self._segment
        verdict = verdict_on(answer, reaction, in_doubt=self._doubt is not None)
        if verdict in TAKEN:
            heals = self._cumulative and frame.kind in (FrameKind.MIDDLE, FrameKind.CLOSING)
            earlier = verdict is Verdict.DUPLICATE and segment.suspect_if_taken
            segment.weigh(answer.exchange.suspect or earlier, heals=heals)
        elif isinstance(answer, Unknown) and answer.exchange.suspect:
            segment.suspect_if_taken = True
        if reaction in _MAY_BE_TAKEN and frame.kind in (FrameKind.CLOSING, FrameKind.PLAIN):
            segment.end_brought = True
        self._tries = max(1, self._tries - self._about_bot)
        if isinstance(answer, Refused | Throttled):
            segment.code = answer.code
            if self._doubt is None:
                segment.tried = self._tried_before
        if verdict is Verdict.REFUSED and self._doubt is not None and step is not Step.AGAIN:
            if reaction in _ABOUT_CONTENT:
                self._doubt = None
                segment.tried = frame.start
            elif reaction not in _ABOUT_STREAM or frame.kind not in (FrameKind.MIDDLE, FrameKind.CLOSING):
                # Not taken this time says nothing of the time before.
                self._exhausted(segment, frame, doubt=True)
                return verdict
        used_up = self._tries >= self._tries_of(frame, reaction) or self._too_long(frame, answer)
        if step in _GOES_AGAIN and used_up and verdict is not Verdict.DUPLICATE:
            self._exhausted(segment, frame, doubt=reaction is Reaction.UNKNOWN)
        else:
            getattr(self, f"_on_{step}")(segment, frame, answer, now)
        return verdict

    def _too_long(self, frame: Frame, answer: Answer) -> bool:
        """Whether QQ asks for more patience than this frame is worth; a stream must be closed at any price."""
        after = answer.after if isinstance(answer, Throttled) else None
        return (after or 0.0) > self.policy.longest_wait and frame.kind is not FrameKind.CLOSING

    # ---- QQ has it --------------------------------------------------------------------------------------------

    def _on_take(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        accepted = answer if isinstance(answer, Accepted) else Accepted("")
        self._taken(segment, frame, accepted.id, accepted.data)

    def _on_take_in_review(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        segment.in_review = True
        self._taken(segment, frame, "", {})

    def _taken(self, segment: Segment, frame: Frame, message_id: str, data: Mapping[str, Any]) -> None:
        self._tries = 0
        self._doubt = None
        segment.suspect_if_taken = False
        self._newline = None
        segment.code = None
        if frame.kind in (*STREAM_KINDS, FrameKind.PLAIN):
            if frame.start > segment.accepted and not self._cumulative:
                segment.doubtful = True
            segment.accepted = frame.end
            segment.tried = max(segment.tried, frame.end)
            segment.accepted_index = frame.index
        if frame.kind is FrameKind.OPENING:
            segment.message_id = message_id
            segment.stage = Stage.STREAMING
            if not message_id:
                # QQ has the opening frame but never told the stream's id: nothing can be added, nothing closed.
                self._part(segment, SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.UNCLOSED)
        elif frame.kind is FrameKind.CLOSING:
            status = SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.CLOSED
            self._finish(segment, SegmentStatus.UNKNOWN if segment.doubtful else status)
        elif frame.kind in UPLOAD_KINDS:
            self._uploaded(segment, frame, data)
        elif frame.kind in (FrameKind.PLAIN, FrameKind.MEDIA):
            segment.message_id = message_id
            self._finish(segment, SegmentStatus.IN_REVIEW if segment.in_review else SegmentStatus.DELIVERED)

    def _finish(self, segment: Segment, status: SegmentStatus, why: str = "") -> None:
        segment.status = status
        if status is SegmentStatus.UNCLOSED or not segment.end_brought:
            segment.closes_with = ""
        if not self._answering and segment.number in self.segments:
            self.ended_unanswered.append(segment)
        if segment.kind is SegmentKind.MEDIA:
            self._tell(segment, why)
        self._advance(segment)

    # ---- QQ may have it, or will take it later -----------------------------------------------------------------

    def _on_again(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._why = "again"
        self._wait(now, answer.after if isinstance(answer, Throttled) else None)

    def _on_doubt(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        heals = self._cumulative and frame.kind in (FrameKind.MIDDLE, FrameKind.CLOSING)
        if not heals:
            if frame.pair is Pair.NONE:
                # No pair, no safe repeat: a second copy would be worse than not knowing.
                self._exhausted(segment, frame, doubt=True)
                return
            self._doubt = frame
        self._why = "again"
        self._wait(now, None)

    def _on_settle_duplicate(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if self._doubt is not None:
            self._taken(segment, frame, "", {})
        elif frame.pair is Pair.NONE:
            # There is no other pair to try it under.
            self._on_fail(segment, frame, answer, now)
        else:
            self._why = "again"
            self._wait(now, 0.0)

    def _on_higher(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._why = "index"
        if frame.kind is FrameKind.OPENING:
            segment.first_index = 1 - segment.first_index
        elif segment.accepted_index is not None and not self._cumulative and self._tries % 2 == 0:
            # The older dialect counts by ones (sheet 4.1): it may be the gap that a refused frame left.
            segment.next_index = segment.accepted_index + 1
        else:
            segment.next_index += 2 ** min(self._tries, 10)
        self._wait(now, self.policy.closing_gap)

    def _wait(self, now: float, after: float | None) -> None:
        delays = self.policy.delays
        if after is None:
            after = delays[min(self._tries, len(delays)) - 1] * self._jitter()
        self._not_before = now + min(after, self.policy.longest_wait)

    def _exhausted(self, segment: Segment, frame: Frame, *, doubt: bool) -> None:
        """The tries of one frame are used up."""
        doubt = doubt or self._doubt is not None
        self._doubt = None
        if frame.kind is FrameKind.MIDDLE:
            self._cut(segment, max(segment.accepted, segment.tried))
        elif frame.kind is FrameKind.OPENING and not doubt:
            self._hold(segment, whole=False)
        elif frame.kind in STREAM_KINDS:
            self._part(segment, SegmentStatus.UNKNOWN if doubt else SegmentStatus.UNCLOSED)
        elif frame.kind in UPLOAD_KINDS:
            self._upload_exhausted(segment)
        elif doubt:
            segment.doubtful = True
            self._finish(segment, SegmentStatus.UNKNOWN, "QQ did not say whether it arrived")
        else:
            self._finish(segment, SegmentStatus.FAILED)

    # ---- the same in another form (see also adapter.forms) ---------------------------------------------------------

    def _remember_markdown(self, segment: Segment) -> None:
        self._markdown = False
        self.markdown_refused = True
        if segment.stage is not Stage.STREAMING:
            segment.markdown = False

    def _on_unreferenced(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        if frame.reference is None:
            self._last_resort(segment, frame, now)
        elif self._forsake(segment, frame, answer):
            return
        else:
            self._why = "proactive"
            if frame.kind is FrameKind.OPENING:
                self._hold(segment, whole=True)
            self._wait(now, 0.0)

    def _forsake(self, segment: Segment, frame: Frame, answer: Answer) -> bool:
        """The msg_id is dead: nothing more goes out under it. True: by the bot's setting nothing goes out at all."""
        self._reference, self._unanswered = None, "closed"
        if self.policy.on_dead_reference is not DeadReference.FAIL:
            return False
        code = answer.code if isinstance(answer, Refused) else None
        self._stop(segment, Barrier(BarrierKind.FAILURE, reason="refused", code=code, silent=True), frame)
        return True

    # ---- streams that cannot go on -----------------------------------------------------------------------------

    def _on_hold(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        self._hold(segment, whole=react(answer) is Reaction.PERMANENT)

    def _hold(self, segment: Segment, *, whole: bool) -> None:
        """No stream of it was opened: its text waits until it is whole; ``whole``: until the whole reply is."""
        segment.stage = Stage.HOLDING
        segment.accepted = segment.tried = 0
        segment.reference = None
        self._tries = 0
        self._newline = None
        self._why = self._why or "plain"
        if whole:
            self._whole = True
            if segment.barrier is not None and segment.barrier.kind is BarrierKind.BREAK:
                segment.barrier = None

    def _last_resort(self, segment: Segment, frame: Frame, now: float) -> None:
        """The other form was refused as well."""
        if frame.kind is FrameKind.OPENING:
            self._hold(segment, whole=False)
        elif frame.kind in STREAM_KINDS:
            self._cut_or_part(segment, frame, now, SegmentStatus.UNCLOSED)
        else:
            segment.unfit = True
            self._finish(segment, SegmentStatus.FAILED)

    def _on_cut(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        reaction = react(answer)
        self._doubt = None
        if reaction is Reaction.MARKDOWN:
            self._remember_markdown(segment)
            adds_nothing = frame.kind is FrameKind.CLOSING and frame.end <= segment.accepted
            if self._cumulative and segment.markdown and adds_nothing:
                segment.markdown, segment.turned_plain = False, True
                self._newline = None
                self._why = "plain"
                self._wait(now, 0.0)
                return
        if reaction is Reaction.REFERENCE and self._forsake(segment, frame, answer):
            return
        over = reaction is Reaction.PREFIX and self._cumulative
        self._cut_or_part(segment, frame, now, SegmentStatus.ENDED_BY_QQ if over else SegmentStatus.UNCLOSED)

    def _cut_or_part(self, segment: Segment, frame: Frame, now: float, status: SegmentStatus) -> None:
        """Close what is shown; where that was the closing frame, leave the stream as ``status`` says."""
        shown = max(segment.accepted, segment.tried)
        if frame.kind is not FrameKind.CLOSING or frame.end > shown:
            self._cut(segment, shown)
        elif status is SegmentStatus.UNCLOSED and self._tries < _BARE_CLOSINGS:
            self._why = "again"
            self._wait(now, None)
        else:
            self._part(segment, status)

    def _on_over(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        # In the older dialect an unclosed stream may be rolled back to its first frame (sheet 4.1).
        self._part(segment, SegmentStatus.ENDED_BY_QQ if self._cumulative else SegmentStatus.UNCLOSED)

    def _cut(self, segment: Segment, at: int) -> None:
        """The segment's text ends at ``at``; what is left becomes the beginning of the rest."""
        self._tries = 0
        self._newline = None
        if at > segment.accepted and not self._cumulative:
            # The closing frame of a cumulative stream repeats it; a delta may never be repeated under another pair.
            segment.doubtful = True
        rest = segment.text[at:]
        segment.text = segment.text[:at]
        self._put_back(segment, rest)
        segment.barrier = Barrier(BarrierKind.CUT)

    def _put_back(self, segment: Segment, rest: str) -> None:
        """What was taken from the segment's end is the first to come again, and then what ended its text."""
        if rest:
            segment.closes_with, segment.full = "", False
        if segment.barrier is not None and segment.barrier.kind is not BarrierKind.ROLL:
            self._coming.appendleft(segment.barrier)
        if rest and self._cancelled:
            self._dropped = self._dropped or segment.purpose != "notice"
        elif rest:
            self._coming.appendleft(rest)

    def _part(self, segment: Segment, status: SegmentStatus) -> None:
        """Leave the stream as it is; the rest goes as a plain message."""
        at = max(segment.accepted, segment.tried)
        if at > segment.accepted:
            segment.doubtful = True
        if segment.doubtful and status is SegmentStatus.ENDED_BY_QQ:
            status = SegmentStatus.UNKNOWN
        self._cut(segment, at)
        self._finish(segment, status)

    # ---- no more ----------------------------------------------------------------------------------------------

    def _on_moderated(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        code = answer.code if isinstance(answer, Refused) else None
        self._stop(segment, Barrier(BarrierKind.FAILURE, reason="moderated", code=code), frame)

    def _on_give_up(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        code = answer.code if isinstance(answer, Refused) else None
        self._stop(segment, Barrier(BarrierKind.FAILURE, reason="refused", code=code, silent=True), frame)

    def _stop(self, segment: Segment, barrier: Barrier, frame: Frame | None = None) -> None:
        """No more of this reply: what is shown is closed, the rest is not sent. ``frame``: the one refused last."""
        if segment.purpose == "notice":
            self._finish(segment, SegmentStatus.FAILED)
            return
        self._last_word = barrier
        self._coming.clear()
        shown = max(segment.accepted, segment.tried)
        if shown < len(segment.text):
            # What was to close a fence stood behind words that are not sent.
            segment.text, segment.closes_with, segment.full = segment.text[:shown], "", False
        segment.barrier = barrier
        if segment.stage is not Stage.STREAMING:
            self._finish(segment, SegmentStatus.FAILED)
        elif frame is not None and frame.kind is FrameKind.CLOSING and frame.end <= shown:
            segment.doubtful = shown > segment.accepted
            self._finish(segment, SegmentStatus.UNCLOSED)
        else:
            self._tries = 0
            self._newline = None

    def _on_fail(self, segment: Segment, frame: Frame, answer: Answer, now: float) -> None:
        segment.unfit = react(answer) in _ABOUT_CONTENT
        self._finish(segment, SegmentStatus.FAILED)
