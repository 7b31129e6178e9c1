"""Answers about the message replied to, the index, the prefix and the pair: what each one leads to."""

from __future__ import annotations

import pytest
from scripted import (
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
from adapter.policy import DeadReference

LINE = "一二三四五六七八九十甲乙"
BOTH = pytest.mark.parametrize("road", DIALECTS)
DEAD = [40034005, 304103, 40034024, 40034128]
OLDER = "messages.stream"


# ---- the message replied to ---------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("code", DEAD)
def test_a_dead_msg_id_goes_proactively(road: str, code: int) -> None:
    made = travel(LINE, 2, "more", 2, "<end>", road=road, faults=(refused(code),))
    assert kinds(made) == ["opening", "plain"]
    assert reasons(made) == ["", "proactive"]
    assert made.kept[1].frame.reference is None
    assert made.kept[1].seq is None
    assert screen(made) == [LINE + "more"]
    assert outcome(made) == ("delivered", "")


@pytest.mark.parametrize("code", DEAD)
def test_a_dead_msg_id_fails_where_the_bots_owner_wants_it_so(code: int) -> None:
    made = travel(LINE, 2, "more", 2, "<end>", faults=(refused(code),), on_dead_reference=DeadReference.FAIL)
    assert kinds(made) == ["opening"]
    assert outcome(made) == ("failed", "refused")
    assert made.outcome is not None
    assert made.outcome.code == code


@BOTH
def test_a_msg_id_that_dies_in_the_middle_is_tried_once_more_for_the_closing_frame(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, refused(40034128)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert [kept.frame.reference for kept in made.kept] == ["inbound-1"] * 3 + [None]
    assert outcome(made) == ("delivered", "")
    dead = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, *[refused(40034128)] * 3))
    assert statuses(dead) == ["unclosed", "delivered"]
    assert outcome(dead) == ("unknown", "left_open")


# ---- index, prefix, pair ------------------------------------------------------------------------------------------


@BOTH
def test_40006_takes_a_higher_index(road: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, faults=(FINE, refused(40006)))
    first, second = (kept.frame for kept in made.kept if kept.frame.kind == "middle")
    assert (second.index or 0) > (first.index or 0)
    assert second.wire_text == first.wire_text
    assert outcome(made) == ("delivered", "")


@BOTH
def test_40006_on_an_opening_frame_takes_the_other_first_index(road: str) -> None:
    made = travel(LINE, 3, "<end>", road=road, faults=(refused(40006),))
    assert [kept.frame.index for kept in made.kept] == [0, 1, 2]


def test_an_older_qq_that_counts_by_ones_is_met_after_a_refused_frame() -> None:
    faults = (FINE, throttled(), refused(40006))
    made = travel(LINE, 3, "more", 9, "<end>", road=OLDER, faults=faults)
    assert [kept.frame.index for kept in made.kept] == [0, 1, 2, 1, 2]
    assert outcome(made) == ("delivered", "")


def test_40007_closes_what_is_shown_and_the_rest_is_a_plain_message() -> None:
    # Strict QQ has finished the stream by itself when it says so: the closing frame is refused as well.
    made = travel(LINE, 3, "more", 3, "<end>", faults=(FINE, refused(40007)))
    assert kinds(made) == ["opening", "middle", "closing", "plain"]
    assert statuses(made) == ["ended_by_qq", "delivered"]
    assert screen(made) == [LINE, "more"]
    assert outcome(made) == ("delivered", "")


def test_40007_on_the_repeat_of_a_closing_frame_proves_nothing() -> None:
    made = travel(LINE, 0.2, "tail", "<end>", latency=0.5, faults=(FINE, LOST_ANSWER))
    assert kinds(made) == ["opening", "closing", "closing"]
    assert screen(made) == [LINE + "tail"]
    assert outcome(made) == ("unknown", "no_proof")


def test_a_closing_frame_without_new_text_needs_no_more_proof_than_the_text_has() -> None:
    made = travel(LINE, 3, "<end>", faults=(FINE, LOST_ANSWER))
    assert statuses(made) == ["ended_by_qq"]
    assert outcome(made) == ("delivered", "")


@BOTH
def test_an_unknown_opening_repeats_its_own_pair_and_goes_on_when_taken(road: str) -> None:
    made = travel(LINE, 1, "more", 9, "<end>", road=road, faults=(LOST_REQUEST,))
    assert sent(made)[:2] == [LINE, LINE]
    assert made.kept[0].seq == made.kept[1].seq
    assert "".join(screen(made)).rstrip("\n") == LINE + "more"
    assert outcome(made) == ("delivered", "")


@BOTH
def test_40054005_on_the_repeat_proves_the_opening_but_tells_no_id(road: str) -> None:
    made = travel(LINE, 1, "more", 9, "<end>", road=road, faults=(LOST_ANSWER,))
    assert kinds(made) == ["opening", "opening", "plain"]
    assert made.kept[1].verdict == "duplicate"
    assert screen(made) == [LINE, "more"]
    assert statuses(made) == ["unclosed", "delivered"]
    assert outcome(made) == ("unknown", "left_open")


@BOTH
def test_an_opening_that_stays_unknown_is_not_sent_as_a_message(road: str) -> None:
    made = travel(LINE, 1, "more", 90, "<end>", road=road, faults=(LOST_REQUEST,) * 8)
    assert kinds(made) == ["opening"] * 8 + ["plain"]
    assert len({kept.seq for kept in made.kept[:8]}) == 1
    assert screen(made) == ["more"]
    assert outcome(made) == ("unknown", "no_proof")


@BOTH
def test_a_repeat_refused_for_good_says_nothing_of_the_time_before(road: str) -> None:
    made = travel(LINE, 1, "more", 90, "<end>", road=road, faults=(LOST_ANSWER, refused(11253)))
    assert LINE not in sent(made)[2:]
    assert "".join(screen(made)) == LINE + "more"


@BOTH
def test_a_repeat_refused_for_its_words_was_not_taken_before_either(road: str) -> None:
    made = travel(LINE, 1, "<end>", road=road, faults=(LOST_REQUEST, refused(40034012)))
    assert [kept.frame.markdown for kept in made.kept][:3] == [True, True, False]
    assert [text.rstrip("\n") for text in screen(made)] == [LINE]
    assert outcome(made) == ("delivered", "")


def test_40054005_after_a_refusal_proves_nothing() -> None:
    made = travel("hello", faults=(refused(40054005),))
    assert [kept.verdict for kept in made.kept] == ["refused", "accepted"]
    assert made.kept[0].seq != made.kept[1].seq
    assert screen(made) == ["hello"]


def test_a_plain_message_of_unknown_outcome_repeats_its_pair_and_without_one_is_not_repeated() -> None:
    made = travel("hello", faults=(LOST_ANSWER,))
    assert [kept.verdict for kept in made.kept] == ["unknown", "duplicate"]
    assert outcome(made) == ("delivered", "")
    guild = travel("hello", road="guild", faults=(LOST_ANSWER,))
    assert kinds(guild) == ["plain"]
    assert outcome(guild) == ("unknown", "no_proof")
