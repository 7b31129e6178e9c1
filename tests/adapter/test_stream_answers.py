"""What happens next is decided by QQ's code: one story for every line of that list, each step a chunk of its own."""

from __future__ import annotations

import pytest
from scripted import (
    IN_REVIEW,
    LOST_ANSWER,
    LOST_REQUEST,
    kinds,
    outcome,
    reasons,
    refused,
    screen,
    sent,
    statuses,
    throttled,
    travel,
)
from strict_qq import FINE

from adapter.dialects import DIALECTS

LINE = "一二三四五六七八九十甲乙"
BOTH = pytest.mark.parametrize("road", DIALECTS)
MARKDOWN = [40034008, 40034009, 40034010, 40034011, 40034012, 40034090, 50055, 50056, 50057, 304041]
OLDER = "messages.stream"


# ---- newline ----------------------------------------------------------------------------------------------------


def test_newline_refused_the_same_text_with_the_newline_once() -> None:
    made = travel(LINE, 2, "more", 3, "<end>", road=OLDER, faults=(FINE, refused(40034017)))
    assert sent(made) == [LINE, "more", "more\n", "\n"]
    assert reasons(made) == ["", "", "newline", ""]
    assert outcome(made) == ("delivered", "")


def test_what_came_meanwhile_follows_the_refused_text_instead_of_joining_it() -> None:
    made = travel(LINE, 2, "more", 1.1, " and yet more", 3, "<end>", road=OLDER, faults=(FINE, refused(40034017)))
    assert sent(made)[:3] == [LINE, "more", "more\n"]
    assert "".join(sent(made)[3:]) == " and yet more\n"
    assert outcome(made) == ("delivered", "")


def test_newline_refused_again_closes_what_is_shown_and_sends_the_rest_plain() -> None:
    made = travel(LINE, 2, "more", 3, "<end>", road=OLDER, faults=(FINE, refused(40034017), refused(40034017)))
    assert sent(made) == [LINE, "more", "more\n", "\n", "more"]
    assert screen(made) == [LINE + "\n", "more"]


def test_a_cumulative_stream_gets_no_newline_in_its_middle() -> None:
    made = travel(LINE, 2, "more", 3, "<end>", faults=(FINE, refused(40034017)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert screen(made) == [LINE, "more"]
    closing = travel(LINE, 3, "<end>", faults=(FINE, refused(40034017)))
    assert sent(closing) == [LINE, LINE, LINE + "\n"]


# ---- markdown ---------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("code", MARKDOWN)
def test_markdown_refused_opens_with_plain_content_and_remembers(road: str, code: int) -> None:
    made = travel(LINE, 3, "<end>", road=road, faults=(refused(code),))
    assert [kept.frame.markdown for kept in made.kept] == [True, False, False]
    assert reasons(made)[1] == "plain"
    assert made.machine.markdown_refused
    assert outcome(made) == ("delivered", "")


def test_markdown_refused_in_a_plain_message() -> None:
    made = travel("hello", faults=(refused(40034012),))
    assert [kept.frame.markdown for kept in made.kept] == [True, False]
    assert made.kept[0].seq != made.kept[1].seq
    assert screen(made) == ["hello"]


@BOTH
def test_markdown_refused_in_a_stream_that_shows_text_closes_it_and_sends_the_rest_plain(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, refused(40034012)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert [kept.frame.markdown for kept in made.kept] == [True, True, True, False]
    assert [text.rstrip("\n") for text in screen(made)] == [LINE, "more"]
    assert made.machine.markdown_refused
    assert outcome(made) == ("delivered", "")


def test_a_closing_frame_refused_for_its_markdown_is_tried_as_text() -> None:
    made = travel(LINE, 3, "<end>", faults=(FINE, refused(40034012)))
    assert [kept.frame.markdown for kept in made.kept] == [True, True, False]
    assert statuses(made) == ["closed"]


# ---- wait and try again -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("fault", [throttled(), throttled(50002), throttled(40034021), refused(50001)])
def test_too_fast_waits_and_takes_a_new_index(road: str, fault: object) -> None:
    made = travel(LINE, 3, "more", 6, "<end>", road=road, faults=(FINE, fault, fault))  # type: ignore[arg-type]
    middles = [kept for kept in made.kept if kept.frame.kind == "middle"]
    assert [kept.frame.index for kept in middles] == [1, 2, 3]
    assert middles[1].sent_at - (middles[0].answered_at or 0) == pytest.approx(1.0)
    assert middles[2].sent_at - (middles[1].answered_at or 0) == pytest.approx(2.0)
    assert len({kept.seq for kept in middles}) == (1 if road == "stream_messages" else 3)
    assert outcome(made) == ("delivered", "")


def test_qqs_own_wait_is_kept() -> None:
    made = travel("hello", faults=(throttled(0, 7.5),))
    assert made.kept[1].sent_at == pytest.approx((made.kept[0].answered_at or 0) + 7.5)


@BOTH
def test_asked_for_an_hour_no_stream_stands_open_for_it(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, throttled(0, 3_600.0)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert [bubble.rstrip("\n") for bubble in screen(made)] == [LINE, "more"]


def test_asked_for_an_hour_a_message_is_given_up() -> None:
    made = travel("hello", faults=(throttled(0, 3_600.0),))
    assert kinds(made) == ["plain"]
    assert outcome(made) == ("failed", "refused")


def test_asked_for_an_hour_a_repeat_that_may_be_a_second_copy_stays_unknown() -> None:
    made = travel("hello", faults=(LOST_ANSWER, throttled(0, 3_600.0)))
    assert kinds(made) == ["plain", "plain"]
    assert outcome(made) == ("unknown", "no_proof")


def test_asked_for_an_hour_a_closing_frame_comes_again_after_a_minute() -> None:
    made = travel(LINE, 3, "<end>", faults=(FINE, throttled(0, 3_600.0)))
    assert kinds(made) == ["opening", "closing", "closing"]
    assert made.kept[2].sent_at == pytest.approx((made.kept[1].answered_at or 0) + 60.0)
    assert outcome(made) == ("delivered", "")


def test_an_unknown_middle_frame_is_healed_by_the_next_cumulative_one() -> None:
    made = travel(LINE, 3, "more", 9, "<end>", faults=(FINE, LOST_ANSWER))
    assert sent(made) == [LINE, LINE + "more", LINE + "more", LINE + "more"]
    assert [kept.frame.index for kept in made.kept] == [0, 1, 2, 3]
    assert outcome(made) == ("delivered", "")


@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST])
def test_an_unknown_delta_is_repeated_under_its_own_pair(fault: object) -> None:
    made = travel(LINE, 3, "more", 1, "still", 9, "<end>", road=OLDER, faults=(FINE, fault))  # type: ignore[arg-type]
    assert sent(made)[1:3] == ["more", "more"]
    assert made.kept[1].seq == made.kept[2].seq
    assert made.kept[2].frame.index == made.kept[1].frame.index
    assert made.kept[2].verdict == ("duplicate" if fault is LOST_ANSWER else "accepted")
    assert screen(made) == [LINE + "morestill\n"]
    assert outcome(made) == ("delivered", "")


def test_a_delta_that_stays_unknown_is_never_sent_under_another_pair() -> None:
    made = travel(LINE, 3, "more", 60, "<end>", road=OLDER, patience=0.5, faults=(FINE, *[LOST_REQUEST] * 8))
    assert {kept.seq for kept in made.kept if "more" in kept.frame.wire_text} == {made.kept[1].seq}
    assert kinds(made)[-1] == "closing"
    assert sent(made)[-1] == "\n"
    assert outcome(made) == ("unknown", "no_proof")


# ---- addresses, moderation, targets, the rest ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [40054010, 304003])
def test_addresses_are_neutralised_once(code: int) -> None:
    made = travel("see https://a.example/x.sh, 3.14", road="group", faults=(refused(code),))
    assert screen(made) == ["see https：//a。example/x。sh, 3.14"]
    assert reasons(made) == ["", "neutralised"]
    assert outcome(travel("a.sh", road="group", faults=(refused(code),) * 2))[0] == "failed"


@BOTH
@pytest.mark.parametrize("code", [11253, 99_999, 40034016])
def test_an_opening_refused_for_good_becomes_one_message_with_the_whole_text(road: str, code: int) -> None:
    made = travel(LINE, 1, "<break>", 1, "more", 1, "<end>", road=road, faults=(refused(code),))
    assert kinds(made) == ["opening", "plain"]
    assert screen(made) == [LINE + "more"]
    assert made.kept[0].seq != made.kept[1].seq


@BOTH
@pytest.mark.parametrize("code", [11253, 40054018])
def test_after_a_first_acceptance_the_whole_text_never_goes_again(road: str, code: int) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, refused(code)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert sent(made)[-1] == "more"


@BOTH
def test_tries_that_run_out_before_the_opening_end_in_one_message(road: str) -> None:
    made = travel(LINE, 90, "<end>", road=road, faults=(throttled(40034021),) * 8)
    assert kinds(made) == ["opening"] * 8 + ["plain"]
    assert screen(made) == [LINE]


@BOTH
def test_moderated_text_is_closed_and_goes_no_further(road: str) -> None:
    made = travel(LINE, 3, "bad", 3, "worse", 1, "<end>", road=road, faults=(FINE, refused(40034006)))
    assert kinds(made) == ["opening", "middle", "closing"]
    assert "".join(screen(made)).rstrip("\n") == LINE
    assert outcome(made) == ("interrupted", "moderated")
    assert made.outcome is not None
    assert made.outcome.code == 40034006


@BOTH
def test_a_user_who_takes_nothing_more_gets_a_closing_frame_and_nothing_else(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, notice=True, faults=(FINE, refused(40054013)))
    assert kinds(made) == ["opening", "middle", "closing"]
    assert outcome(made) == ("interrupted", "refused")
    silent = travel("hello", notice=True, faults=(refused(40054013),))
    assert kinds(silent) == ["plain"]
    assert outcome(silent) == ("failed", "refused")


def test_a_stream_that_qq_ended_is_not_closed_again() -> None:
    made = travel(LINE, 3, "more", 3, "<end>", faults=(FINE, refused(40034022)))
    assert kinds(made) == ["opening", "middle", "plain"]
    assert statuses(made) == ["ended_by_qq", "delivered"]
    older = travel(LINE, 3, "more", 3, "<end>", road=OLDER, faults=(FINE, refused(40034020)))
    assert statuses(older) == ["unclosed", "delivered"]
    assert outcome(older) == ("unknown", "left_open")


# ---- in review ----------------------------------------------------------------------------------------------------


@BOTH
def test_a_frame_in_review_does_not_end_the_stream(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, IN_REVIEW))
    assert kinds(made) == ["opening", "middle", "closing"]
    assert statuses(made) == ["in_review"]
    assert outcome(made) == ("in_review", "in_review")


@BOTH
def test_an_opening_in_review_tells_no_id_and_the_rest_goes_plain(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(IN_REVIEW,))
    assert kinds(made) == ["opening", "plain"]
    assert outcome(made) == ("in_review", "in_review")


# ---- media --------------------------------------------------------------------------------------------------------


def test_an_upload_is_done_again_and_a_refused_one_lets_the_text_go_on() -> None:
    again = travel("<media>", 9, "hello", faults=(LOST_REQUEST,))
    assert kinds(again) == ["upload", "upload", "media", "plain"]
    refused_one = travel("<media>", 1, "hello", faults=(refused(850031),))
    assert kinds(refused_one) == ["upload", "plain"]
    assert refused_one.machine.last_media is not None
    assert not refused_one.machine.last_media.sent
    assert outcome(refused_one) == ("failed", "refused")


def test_media_carries_no_msg_id_unless_the_bot_prefers_it() -> None:
    made = travel("<media>", 1, "hello")
    assert [kept.frame.reference for kept in made.kept] == [None, None, "inbound-1"]


@pytest.mark.parametrize("code", [40034024, 40034005, 40034128])
def test_media_refused_for_its_msg_id_goes_once_without_and_the_text_keeps_it(code: int) -> None:
    made = travel("<media>", 1, "hello", faults=(FINE, refused(code)), media_passive=True)
    assert kinds(made) == ["upload", "media", "media", "plain"]
    assert [kept.frame.reference for kept in made.kept] == [None, "inbound-1", None, "inbound-1"]
    assert reasons(made)[2] == "proactive"
    assert outcome(made) == ("delivered", "")
