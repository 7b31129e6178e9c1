"""Ways to break the machine on purpose: each is a fault somebody could write, and the journeys must catch it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from adapter import composing, passive, stream
from adapter.answers import Unknown
from adapter.codes import Reaction
from adapter.frames import UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.moves import Send
from adapter.outcomes import Outcomes
from adapter.policy import Policy
from adapter.rolling import Rolling
from adapter.segment import Segment, SegmentStatus
from adapter.steps import STEPS, Step
from adapter.stream import StreamMachine
from adapter.verdicts import Outcome, OutcomeStatus

Patch = Callable[[], Any]


def _method(owner: type, name: str, make: Callable[[Any], Any]) -> Patch:
    return lambda: mock.patch.object(owner, name, make(getattr(owner, name)))


_LAST_WORDS = (Reaction.MARKDOWN, Reaction.LENGTH, Reaction.ADDRESS, Reaction.PERMANENT, Reaction.REFERENCE)


def _step(kind: FrameKind, reaction: Reaction, step: Step) -> Patch:
    return _steps(kind, (reaction,), step)


def _steps(kind: FrameKind, reactions: tuple[Reaction, ...], step: Step) -> Patch:
    return lambda: mock.patch.dict(STEPS[kind], dict.fromkeys(reactions, step))


def _name(module: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(module, name, value)


def _hold_after_doubt(_real: Any) -> Any:
    def exhausted(self: Any, segment: Segment, frame: Any, *, doubt: bool) -> None:
        self._doubt = None
        self._hold(segment, whole=False)

    return exhausted


def _take_less(real: Any) -> Any:
    def taken(self: Any, segment: Segment, frame: Any, *rest: Any) -> None:
        shorter = dataclasses.replace(frame, end=max(frame.start, frame.end - 1)) if len(frame.text) > 1 else frame
        real(self, segment, shorter, *rest)

    return taken


def _no_closing_for_nothing(real: Any) -> Any:
    def stream_on(self: Any, segment: Segment, now: float) -> Any:
        if segment.barrier is not None and segment.accepted == len(segment.text):
            self._finish(segment, SegmentStatus.CLOSED)
            return self.next(now)
        return real(self, segment, now)

    return stream_on


def _hasty(real: Any) -> Any:
    def stream_on(self: Any, segment: Segment, now: float) -> Any:
        self._last_answer = float("-inf")
        return real(self, segment, now)

    return stream_on


def _always_fresh(_real: Any) -> Any:
    return lambda frame: dataclasses.replace(frame, pair=Pair.NEW if frame.pair is not Pair.NONE else Pair.NONE)


def _repeat_with_more(real: Any) -> Any:
    def repeat(self: Any, segment: Segment, frame: Any, now: float) -> Any:
        move = real(self, segment, frame, now)
        if isinstance(move, Send) and frame.kind is FrameKind.OPENING and len(segment.text) > frame.end:
            more = dataclasses.replace(move.frame, wire_text=segment.text, text=segment.text, end=len(segment.text))
            self._in_flight = more
            return Send(more)
        return move

    return repeat


def _forget_the_rest(real: Any) -> Any:
    def cut(self: Any, segment: Segment, at: int) -> None:
        segment.text = segment.text[:at]
        real(self, segment, at)

    return cut


def _forget_what_is_behind(real: Any) -> Any:
    def roll(self: Any, segment: Segment, at: int, budget: int) -> None:
        segment.text = segment.text[:at]
        real(self, segment, at, budget)

    return roll


def _unknown_is_accepted(real: Any) -> Any:
    def answer(self: Any, answer: Any, now: float) -> Any:
        in_stream = self._in_flight is not None and self._in_flight.kind not in UPLOAD_KINDS
        return real(self, answer, now) if not (in_stream and isinstance(answer, Unknown)) else _pretend(self, now)

    def _pretend(self: Any, now: float) -> Any:
        frame, self._in_flight = self._in_flight, None
        self._last_answer = now
        self._taken(self._segment, frame, self._segment.message_id, {})
        return None

    return answer


def _drop_leading_blanks(real: Any) -> Any:
    return lambda self, text: real(self, text.lstrip(" "))


def _deaf_to_cancel(real: Any) -> Any:
    def drop(self: Any, segment: Segment) -> None:
        segment.barrier = None

    return drop


def _jump_the_break(_real: Any) -> Any:
    return lambda self: None


def _never_expires(_real: Any) -> Any:
    return lambda self, now: None


def _duplicate_proves(_real: Any) -> Any:
    return lambda self, segment, frame, answer, now: self._taken(segment, frame, segment.message_id, {})


def _index_stands_still(real: Any) -> Any:
    def send(self: Any, frame: Any, now: float) -> Any:
        move = real(self, frame, now)
        self._segment.next_index = 1
        return move

    return send


def _no_record(real: Any) -> Any:
    def finish(self: Any, *rest: Any) -> None:
        real(self, *rest)
        self.ended_unanswered.clear()

    return finish


def _always_passive(segment: Segment, policy: Policy, *, reference: str | None, why: str) -> Frame:
    return composing.media_frame(segment, dataclasses.replace(policy, media_passive=True), reference=reference, why=why)


def _optimist(segments: Any, barrier: Any, *, shown_before: bool) -> Outcome:
    return Outcome(OutcomeStatus.DELIVERED)


MUTATIONS: dict[str, Patch] = {
    "an unknown opening goes again whole": _method(Outcomes, "_exhausted", _hold_after_doubt),
    "an unknown opening is not repeated under its pair": _name(stream, "repeat_of", _always_fresh(None)),
    "an unknown opening is repeated with more text": _method(StreamMachine, "_repeat", _repeat_with_more),
    "an unknown outcome counts as accepted": _method(Outcomes, "answer", _unknown_is_accepted),
    "the last character is sent twice": _method(Outcomes, "_taken", _take_less),
    "an empty tail needs no closing frame": _method(StreamMachine, "_stream_on", _no_closing_for_nothing),
    "QQ's 300 ms are forgotten": _method(StreamMachine, "_stream_on", _hasty),
    "a delta starts where QQ has proof": _name(composing, "sent_so_far", lambda segment, dialect: segment.accepted),
    "the rest of a cut stream is dropped": _method(Outcomes, "_cut", _forget_the_rest),
    "a refused middle frame drops the stream": _steps(FrameKind.MIDDLE, _LAST_WORDS, Step.FAIL),
    "a finished stream is taken for continued": _step(FrameKind.MIDDLE, Reaction.STREAM_OVER, Step.TAKE),
    "40054005 always proves": _method(Outcomes, "_on_settle_duplicate", _duplicate_proves),
    "a middle frame that was throttled is taken": _step(FrameKind.MIDDLE, Reaction.THROTTLE, Step.TAKE),
    "the index stands still": _method(StreamMachine, "_send", _index_stands_still),
    "blanks at the start of a piece are lost": _method(StreamMachine, "text", _drop_leading_blanks),
    "a cancel keeps the unsent text": _method(StreamMachine, "_drop_unsent", _deaf_to_cancel),
    "the answers are not counted": _name(passive, "used_below", lambda use, most: None),
    "media takes the last answer": _name(passive, "SPARED", dict.fromkeys(passive.Use, 0)),
    "an expired msg_id is attached": _method(StreamMachine, "_look_at_window", _never_expires),
    "everything is called delivered": _name(stream, "judge", _optimist),
    "the pair of a stream is not kept": _name(composing, "pair_for", lambda kind, policy, reference: Pair.NEW),
    "an end without an answer is not recorded": _method(Outcomes, "_finish", _no_record),
    "media whose outcome is unknown goes again": _step(FrameKind.MEDIA, Reaction.UNKNOWN, Step.AGAIN),
    "a part that was lost counts as put": _step(FrameKind.PART, Reaction.UNKNOWN, Step.TAKE),
    "media names the message it answers": _name(stream, "media_frame", _always_passive),
    "a full bubble's rest is dropped": _method(Rolling, "_roll", _forget_what_is_behind),
    "a bubble is never full": _method(Rolling, "_fit", lambda real: lambda self, segment: None),
    "a long delta goes whole": _method(Rolling, "_end_of", lambda real: lambda self, segment, kind: len(segment.text)),
    "a cut fence is opened again in its text": _method(
        Rolling, "_opening_again", lambda real: lambda self, segment: "甲"
    ),
    "every notice is owed": _name(stream, "owes_notice", lambda segments, barrier, *, shown_before: True),
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """The machine, broken as ``name`` says, while the block runs."""
    with MUTATIONS[name]():
        yield
