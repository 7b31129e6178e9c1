"""When a frame may leave: the opening, the interval, QQ's 300 ms, and what is gathered meanwhile."""

from __future__ import annotations

import pytest
from scripted import kinds, outcome, screen, sent, throttled, travel

from adapter.answers import Accepted, Throttled
from adapter.dialects import DIALECTS, MESSAGES_STREAM, STREAM_MESSAGES
from adapter.frames import FrameKind
from adapter.moves import Done, NeedAnswer, NeedInput, Send, Wait
from adapter.policy import DeadReference, Policy
from adapter.stream import StreamMachine

LINE = "一二三四五六七八九十甲乙"


def test_the_dialects_have_the_intervals_of_the_issue() -> None:
    assert (STREAM_MESSAGES.interval, MESSAGES_STREAM.interval) == (0.5, 1.0)
    assert Policy(None).closing_gap == 0.3


def test_twelve_visible_characters_open_a_stream_and_eleven_do_not() -> None:
    assert kinds(travel(LINE, 2, "<end>")) == ["opening", "closing"]
    assert kinds(travel(LINE[:-1], 2, "<end>")) == ["plain"]


def test_white_space_is_not_visible() -> None:
    made = travel("\n \u200b\n" * 9, 2, LINE[:-1], 2, "<end>")
    assert kinds(made) == ["plain"]
    assert kinds(travel("\n" * 40, 2, "<end>")) == []


def test_leading_white_space_goes_with_the_opening_frame() -> None:
    made = travel("\n\n ", 1, LINE, 2, "<end>")
    assert sent(made)[0] == "\n\n " + LINE


def test_an_emoji_newer_than_our_tables_is_visible() -> None:
    assert screen(travel("\U0001fae9")) == ["\U0001fae9"]


def test_a_reply_that_is_there_at_once_is_one_message() -> None:
    machine = StreamMachine(Policy(STREAM_MESSAGES, reference="m"))
    machine.text(LINE * 9)
    machine.end()
    move = machine.next(0.0)
    assert isinstance(move, Send)
    assert move.frame.kind == "plain"


def test_what_comes_within_the_interval_goes_in_one_frame() -> None:
    made = travel(LINE, 0.1, "a", 0.1, "b", 0.1, "c", 0.1, "d", 3, "<end>", latency=0.02)
    assert kinds(made) == ["opening", "middle", "closing"]
    assert sent(made)[1] == LINE + "abcd"
    assert made.kept[1].sent_at == pytest.approx(made.kept[0].sent_at + 0.5)


def test_the_interval_is_the_bots_own() -> None:
    machine = StreamMachine(Policy(STREAM_MESSAGES, reference="m", interval=2.5, open_after=1, opening_grace=0))
    machine.text("a")
    assert isinstance(machine.next(0.0), Send)
    machine.answer(Accepted("s"), 0.1)
    machine.text("b")
    assert machine.next(0.2) == Wait(2.5)
    assert isinstance(machine.next(2.5), Send)


def test_the_closing_frame_waits_only_for_qqs_300_ms() -> None:
    made = travel(LINE, 0.06, "<end>", latency=0.05)
    opening, closing = made.kept
    assert opening.answered_at is not None
    assert closing.sent_at == pytest.approx(opening.answered_at + 0.3)


def test_a_slow_answer_moves_the_next_frame_300_ms_behind_it() -> None:
    made = travel(LINE, 0.1, "more", 6, "<end>", latency=2.0)
    first, second = made.kept[:2]
    assert first.answered_at is not None
    assert second.sent_at == pytest.approx(first.answered_at + 0.3)


def test_one_frame_is_in_flight() -> None:
    machine = StreamMachine(Policy(STREAM_MESSAGES, reference="m", open_after=1, opening_grace=0))
    machine.text("a")
    assert isinstance(machine.next(0.0), Send)
    machine.text("b")
    machine.end()
    assert machine.next(99.0) == NeedAnswer()
    with pytest.raises(RuntimeError):
        StreamMachine(Policy(None)).answer(Accepted("x"), 0.0)


@pytest.mark.parametrize("road", DIALECTS)
def test_white_space_alone_is_no_middle_frame_and_is_not_lost(road: str) -> None:
    made = travel(LINE, 2, "\n\n", 2, "end", 3, "<end>", road=road)
    assert kinds(made) == ["opening", "middle", "closing"]
    assert screen(made)[0].rstrip("\n") == LINE + "\n\nend"


def test_a_throttled_opening_waits_and_takes_the_new_text_along() -> None:
    made = travel(LINE, 0.5, "more", 9, "<end>", faults=(throttled(50002),))
    assert kinds(made)[:2] == ["opening", "opening"]
    assert made.kept[1].sent_at == pytest.approx(1.0, abs=0.1)
    assert sent(made)[1] == LINE + "more"


def test_the_waits_grow_to_four_seconds_and_are_scattered() -> None:
    machine = StreamMachine(Policy(None), jitter=lambda: 1.1)
    machine.text("hello")
    machine.end()
    waits, now = [], 0.0
    for _ in range(5):
        assert isinstance(machine.next(now), Send)
        machine.answer(Throttled(), now)
        move = machine.next(now)
        assert isinstance(move, Wait)
        waits.append(round(move.until - now, 3))
        now = move.until
    assert waits == [1.1, 2.2, 4.4, 4.4, 4.4]


def test_a_stream_is_closed_before_qqs_window_ends_even_if_the_model_is_silent() -> None:
    made = travel(LINE, 30, "late", 1, "<end>", window=10.0)
    assert kinds(made) == ["opening", "closing", "plain"]
    assert made.kept[1].sent_at < 10.0
    assert [kept.frame.reference for kept in made.kept] == ["inbound-1", "inbound-1", None]
    assert outcome(made) == ("delivered", "")


def test_after_the_window_the_reply_goes_proactively_or_not_at_all() -> None:
    assert travel(20, LINE, 1, "<end>", window=10.0).kept[0].frame.reference is None
    made = travel(20, LINE, 1, "<end>", window=10.0, on_dead_reference=DeadReference.FAIL)
    assert made.kept == []
    assert outcome(made) == ("failed", "reference_expired")


def test_nothing_to_do_is_said() -> None:
    machine = StreamMachine(Policy(STREAM_MESSAGES, reference="m"))
    assert machine.next(0.0) == NeedInput()
    machine.end()
    move = machine.next(0.0)
    assert isinstance(move, Done)
    assert move.outcome.reason == "empty_reply"


def test_a_reply_that_comes_in_several_packets_at_once_is_one_plain_message() -> None:
    machine = StreamMachine(Policy(STREAM_MESSAGES, reference="m"))
    machine.text("enough to open a stream")
    assert machine.next(0.0) == Wait(0.005)
    machine.text(" and the end of it")
    machine.end()
    move = machine.next(0.002)
    assert isinstance(move, Send)
    assert move.frame.kind is FrameKind.PLAIN
