"""A closing frame refused for good, and the interval counted from when a request really left."""

from __future__ import annotations

import pytest

from adapter.answers import Accepted, Exchange, Refused
from adapter.dialects import DIALECTS
from adapter.frames import Frame, FrameKind
from adapter.moves import Done, Send, Wait
from adapter.policy import Policy
from adapter.segment import SegmentStatus
from adapter.stream import StreamMachine
from adapter.verdicts import Outcome, OutcomeStatus

TEXT = "long enough to open a stream"


def machine(dialect: str) -> StreamMachine:
    return StreamMachine(Policy(dialect=DIALECTS[dialect], reference="m", delays=(1.0,)))


def sent(one: StreamMachine, now: float) -> tuple[Frame, float]:
    """The next frame, and when it was let go."""
    move = one.next(now)
    if isinstance(move, Wait):
        now = move.until
        move = one.next(now)
    assert isinstance(move, Send)
    return move.frame, now


def opened(dialect: str) -> tuple[StreamMachine, float]:
    one = machine(dialect)
    one.text(TEXT)
    _, now = sent(one, 0.0)
    one.answer(Accepted("id"), now)
    return one, now


def closed(one: StreamMachine, now: float, *codes: int) -> tuple[list[Frame], Outcome]:
    """End it; its closing frames are refused with ``codes`` in turn, what comes after is taken."""
    one.end()
    frames: list[Frame] = []
    while not isinstance(move := one.next(now), Done):
        if isinstance(move, Wait):
            now = move.until
            continue
        assert isinstance(move, Send)
        frames.append(move.frame)
        refused = len(frames) <= len(codes)
        one.answer(Refused(codes[len(frames) - 1], permanent=True) if refused else Accepted("id"), now)
    return frames, move.outcome


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
@pytest.mark.parametrize("code", [11253, 40054018, 40034005, 40034128, 40034017, 40054010])
def test_a_bare_closing_frame_refused_once_goes_again(dialect: str, code: int) -> None:
    one, now = opened(dialect)
    frames, outcome = closed(one, now, code)
    assert [frame.kind for frame in frames] == [FrameKind.CLOSING, FrameKind.CLOSING]
    assert (frames[1].stream_id, frames[1].text) == ("id", "")
    assert outcome.status is OutcomeStatus.DELIVERED
    assert one.segments[1].status is SegmentStatus.CLOSED


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
def test_refused_again_it_is_left_and_marked(dialect: str) -> None:
    one, now = opened(dialect)
    frames, outcome = closed(one, now, 11253, 11253)
    assert len(frames) == 2
    assert (outcome.status, outcome.reason) == (OutcomeStatus.UNKNOWN, "left_open")
    assert one.segments[1].status is SegmentStatus.UNCLOSED


@pytest.mark.parametrize("dialect", ["stream_messages", "messages.stream"])
def test_a_dead_msg_id_at_the_closing_frame_closes_what_is_shown(dialect: str) -> None:
    one, now = opened(dialect)
    one.text(" and a tail")
    frames, outcome = closed(one, now, 40034128)
    assert [frame.kind for frame in frames] == [FrameKind.CLOSING, FrameKind.CLOSING, FrameKind.PLAIN]
    assert [frame.reference for frame in frames] == ["m", "m", None]
    assert frames[2].text == " and a tail"
    assert outcome.status is OutcomeStatus.DELIVERED


def test_the_interval_counts_from_when_the_request_left() -> None:
    one = machine("stream_messages")
    one.text(TEXT)
    sent(one, 0.0)
    # Let go at 0, but the pace held it until 2.0.
    one.answer(Accepted("id", exchange=Exchange(elapsed=0.25)), 2.25)
    one.text(" and more of it")
    assert one.next(2.3) == Wait(2.55)
    _, now = sent(one, 2.3)
    one.answer(Accepted("id", exchange=Exchange(elapsed=0.25)), now + 0.25)
    one.text(" and still more")
    assert one.next(now + 0.3) == Wait(now + 0.55)
