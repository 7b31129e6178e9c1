"""What the user sees, folded from the record: by example, and always what strict QQ's own screen shows."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, given, settings
from journey_checks import record_of
from journey_strategies import journeys
from journeys import Journey, Travel
from scripted import IN_REVIEW, LOST_ANSWER, LOST_REQUEST, refused, travel
from strict_qq import FINE, TIMEOUT

from adapter.frames import FrameKind
from adapter.screen import Bubble, BubbleState, Recorded, fold
from adapter.segment import SegmentStatus
from adapter.verdicts import Verdict

LINE = "一二三四五六七八九十甲乙"
OLDER = "messages.stream"
LATER = 10_000.0


def frame(kind: FrameKind, content: str, sent: float, verdict: Verdict | None, *, road: str = OLDER) -> Recorded:
    answered = None if verdict is None else sent + 0.1
    return Recorded(1, road, kind, content, sent, answered, verdict, pair=int(sent * 10))


def test_a_stream_grows_in_place_and_is_certain_once_answered() -> None:
    record = record_of(travel(LINE, 2, "more", 2, "<end>"))
    assert fold(record, -1.0, TIMEOUT) == []
    at_first = fold(record, 0.01, TIMEOUT)[0]
    assert (at_first.text, at_first.state) == ("", BubbleState.MAYBE)
    assert [passage.text for passage in at_first.passages] == [LINE]
    opened = fold(record, 1.0, TIMEOUT)[0]
    assert (opened.text, opened.state, opened.certain) == (LINE, BubbleState.STREAMING, True)
    growing = fold(record, 2.01, TIMEOUT)[0]
    assert [(passage.text, passage.certain) for passage in growing.passages] == [(LINE, True), ("more", False)]
    done = fold(record, LATER, TIMEOUT)[0]
    assert (done.text, done.state, done.kind) == (LINE + "more", BubbleState.DONE, "stream")


def test_850_characters_become_five_when_nobody_closes_the_older_stream() -> None:
    record = [
        frame(FrameKind.OPENING, "五个字符呀", 0.0, Verdict.ACCEPTED),
        frame(FrameKind.MIDDLE, "字" * 845, 1.0, Verdict.ACCEPTED),
    ]
    assert len(fold(record, 30.0, TIMEOUT)[0].text) == 850
    rolled = fold(record, 61.1, TIMEOUT)[0]
    assert (rolled.text, rolled.state) == ("五个字符呀", BubbleState.ROLLED_BACK)


def test_the_current_dialect_keeps_its_text() -> None:
    road = "stream_messages"
    record = [
        frame(FrameKind.OPENING, "one", 0.0, Verdict.ACCEPTED, road=road),
        frame(FrameKind.MIDDLE, "one two", 1.0, Verdict.ACCEPTED, road=road),
    ]
    kept = fold(record, LATER, TIMEOUT)[0]
    assert (kept.text, kept.state) == ("one two", BubbleState.FINALISED)


def test_a_closing_frame_without_an_answer_may_have_saved_the_rest() -> None:
    record = [
        frame(FrameKind.OPENING, "one", 0.0, Verdict.ACCEPTED),
        frame(FrameKind.MIDDLE, " two", 1.0, Verdict.ACCEPTED),
        frame(FrameKind.CLOSING, "\n", 2.0, Verdict.UNKNOWN),
    ]
    bubble = fold(record, LATER, TIMEOUT)[0]
    assert [(passage.text, passage.certain) for passage in bubble.passages] == [
        ("one", True),
        (" two", False),
        ("\n", False),
    ]


def test_a_repeat_is_the_same_delta_and_a_refused_frame_is_none() -> None:
    made = travel(LINE, 3, "more", 9, "<end>", road=OLDER, faults=(FINE, LOST_ANSWER))
    assert [bubble.text for bubble in fold(record_of(made), LATER, TIMEOUT)] == [LINE + "more\n"]
    made = travel(LINE, 3, "more", 9, "<end>", road=OLDER, faults=(FINE, refused(50001)))
    assert [bubble.text for bubble in fold(record_of(made), LATER, TIMEOUT)] == [LINE + "more\n"]


def test_an_unknown_message_is_a_maybe() -> None:
    for fault in (LOST_ANSWER, LOST_REQUEST):
        bubble = fold(record_of(travel("hello", road="guild", faults=(fault,))), LATER, TIMEOUT)[0]
        assert (bubble.text, bubble.state, bubble.passages[0].text) == ("", BubbleState.MAYBE, "hello")
        assert not bubble.certain


def test_media_stands_between_its_texts_and_an_upload_is_no_bubble() -> None:
    made = travel("look", "<media>", "nice", 1, "<end>")
    bubbles = fold(record_of(made), LATER, TIMEOUT)
    assert [(bubble.kind, bubble.text) for bubble in bubbles] == [("plain", "look"), ("media", "丁"), ("plain", "nice")]
    assert [(bubble.kind, bubble.text) for bubble in fold(record_of(made), 0.06, TIMEOUT)] == [("plain", "look")]


def test_a_stream_that_was_refused_and_went_as_a_message_is_one_bubble() -> None:
    made = travel(LINE, 1, "<end>", faults=(refused(11253),))
    assert [(bubble.kind, bubble.text) for bubble in fold(record_of(made), LATER, TIMEOUT)] == [("plain", LINE)]


def test_in_review_counts_as_taken() -> None:
    assert fold(record_of(travel("hello", faults=(IN_REVIEW,))), LATER, TIMEOUT)[0].text == "hello"


def _may_be(bubble: Bubble, text: str) -> bool:
    """Whether ``text`` is what ``bubble`` tells: all that is certain in its place, of the rest any."""
    made = {""}
    for passage in bubble.passages:
        made = {start + passage.text for start in made} | (set() if passage.certain else made)
    return text in made


@settings(max_examples=500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(journeys())
def test_the_fold_is_strict_qqs_own_screen(journey: Journey) -> None:
    # QQ ends a stream by itself only when it is not closed: what the refusals say of that is not in the record.
    faults = tuple(fault for fault in journey.faults if fault.code not in {40007, 40034018, 40034020, 40034022})
    acts = tuple(dataclasses.replace(act, after=min(act.after, 5.0)) for act in journey.acts)
    made = Travel(dataclasses.replace(journey, faults=faults, acts=acts)).go()
    made.qq.tick(LATER)
    told = fold(record_of(made), LATER, TIMEOUT)
    shown = [bubble.text for bubble in made.qq.bubbles]
    if all(bubble.certain for bubble in told):
        assert [bubble.text for bubble in told] == shown
    # Each bubble of QQ's is one that was told, in order; one that was told and is not there was a maybe.
    for bubble in told:
        if shown and _may_be(bubble, shown[0]):
            shown.pop(0)
        else:
            assert bubble.state is BubbleState.MAYBE
    assert shown == []
    statuses = {segment.number: segment.status for segment in made.machine.segments.values()}
    for bubble in told:
        closed = statuses[bubble.segment] in (SegmentStatus.CLOSED, SegmentStatus.DELIVERED)
        assert not closed or bubble.state is BubbleState.DONE
