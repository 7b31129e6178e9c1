"""How a reply ends: by itself, by a failure, by an operator; and what the user is told when there is nothing to see."""

from __future__ import annotations

import pytest
from journeys import NOTICE
from scripted import LOST_REQUEST, kinds, outcome, refused, screen, sent, statuses, throttled, travel
from strict_qq import FINE

from adapter.dialects import DIALECTS
from adapter.moves import Done, Send
from adapter.policy import Policy
from adapter.stream import StreamMachine

LINE = "一二三四五六七八九十甲乙"
BOTH = pytest.mark.parametrize("road", DIALECTS)


@BOTH
def test_a_source_that_fails_in_the_middle_leaves_its_text_and_a_closed_stream(road: str) -> None:
    made = travel(LINE, 3, "half a sen", 0.1, "<fail>", road=road)
    assert kinds(made) == ["opening", "middle", "closing"]
    assert screen(made)[0].rstrip("\n") == LINE + "half a sen"
    assert outcome(made) == ("interrupted", "model_cut")


def test_a_source_that_fails_early_still_sends_what_it_wrote() -> None:
    made = travel("half", 1, "<fail>", notice=True)
    assert screen(made) == ["half"]
    assert outcome(made) == ("interrupted", "model_cut")


@pytest.mark.parametrize("road", [*DIALECTS, "group", "guild"])
def test_a_source_that_fails_before_any_text_owes_a_notice(road: str) -> None:
    made = travel("<fail>", road=road, notice=True)
    assert screen(made) == [NOTICE]
    assert [segment.purpose for segment in made.machine.segments.values()] == ["notice"]
    assert outcome(made) == ("failed", "model_cut")
    assert travel("<fail>", road=road, notice=False).kept == []


def test_a_reply_moderated_away_owes_a_notice() -> None:
    made = travel("bad words", notice=True, faults=(refused(40034006),))
    assert screen(made) == [NOTICE]
    assert outcome(made) == ("failed", "moderated")


def test_a_reply_refused_for_what_it_says_owes_a_notice_and_one_refused_for_the_bot_does_not() -> None:
    assert screen(travel("too long", notice=True, faults=(refused(40054007),))) == [NOTICE]
    assert kinds(travel("hello", notice=True, faults=(refused(11253),))) == ["plain"]


def test_a_notice_that_is_refused_changes_nothing_and_is_not_repeated() -> None:
    for code in (40034006, 40054013, 11253, 40034005):
        made = travel("<fail>", notice=True, faults=(refused(code), refused(code)))
        assert set(kinds(made)) == {"plain"}
        assert len(made.kept) <= 2
        assert outcome(made) == ("failed", "model_cut")


def test_an_empty_reply_and_a_stopped_console_owe_none() -> None:
    assert travel(" ", 1, "<end>", notice=True).kept == []
    machine = StreamMachine(Policy(None, notice="sorry"))
    machine.fail("shutdown")
    move = machine.next(0.0)
    assert isinstance(move, Done)
    assert move.outcome.reason == "shutdown"


@BOTH
def test_a_cancel_closes_with_what_is_shown(road: str) -> None:
    made = travel(LINE, 0.1, "never", 0.05, "<cancel>", road=road)
    assert kinds(made) == ["opening", "closing"]
    assert screen(made)[0].rstrip("\n") == LINE
    assert outcome(made) == ("cancelled", "cancelled")


def test_a_cancel_before_anything_left_sends_nothing() -> None:
    assert travel("hi", 1, "<cancel>", notice=True).kept == []
    assert travel(LINE, 1, "<cancel>", road="group").kept == []


def test_a_cancel_while_a_refused_message_waits_sends_it_no_more() -> None:
    made = travel("hello", "<end>", 0.5, "<cancel>", faults=(throttled(),))
    assert kinds(made) == ["plain"]
    assert statuses(made) == ["failed"]
    assert outcome(made) == ("cancelled", "cancelled")


def test_a_cancel_after_the_last_word_is_out_takes_nothing_back() -> None:
    made = travel(LINE, 2, "<end>", 0.01, "<cancel>")
    assert outcome(made) == ("delivered", "")
    waiting = travel(LINE, 2, "tail", "<end>", 0.01, "<cancel>", latency=0.2, faults=(FINE,))
    assert screen(waiting) == [LINE + "tail"]
    assert outcome(waiting) == ("delivered", "")


def test_a_cancel_that_is_overtaken_by_moderation_ends_the_reply_all_the_same() -> None:
    faults = (FINE, LOST_REQUEST, refused(40034006))
    made = travel(LINE, 2, "more", 1, "<cancel>", road="messages.stream", faults=faults)
    assert kinds(made) == ["opening", "middle", "middle", "closing"]
    assert screen(made) == [LINE + "\n"]
    assert outcome(made) == ("interrupted", "moderated")


def test_a_cancel_keeps_media_that_is_not_out_at_home() -> None:
    made = travel("<media>", 0.01, "<cancel>", latency=0.5)
    assert kinds(made) == ["upload"]
    assert outcome(made) == ("cancelled", "cancelled")


@BOTH
def test_a_closing_frame_that_cannot_be_brought_marks_the_segment_and_the_rest_goes_plain(road: str) -> None:
    made = travel(LINE, 0.1, "tail", "<end>", road=road, latency=0.2, faults=(FINE, *[throttled()] * 8))
    assert kinds(made) == ["opening"] + ["closing"] * 8 + ["plain"]
    assert statuses(made) == ["unclosed", "delivered"]
    assert sent(made)[-1] == "tail"
    assert outcome(made) == ("unknown", "left_open")


def test_input_after_the_end_is_not_taken() -> None:
    machine = StreamMachine(Policy(None))
    machine.text("a")
    machine.end()
    machine.text("b")
    machine.break_()
    machine.fail("late")
    move = machine.next(0.0)
    assert isinstance(move, Send)
    assert move.frame.wire_text == "a"
    assert machine.ended


def test_a_bot_set_to_open_at_nothing_still_needs_something_visible() -> None:
    assert kinds(travel(" ", 1, "x", 1, "<end>", open_after=0)) == ["opening", "closing"]
