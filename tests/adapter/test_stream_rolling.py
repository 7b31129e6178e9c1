"""Long answers: a full bubble is closed and the text goes on in the next; what QQ finds too long is split."""

from __future__ import annotations

import pytest
from scripted import LOST_ANSWER, kinds, outcome, reasons, refused, screen, sent, statuses, throttled, travel
from strict_qq import FINE, Fault

from adapter.dialects import STREAM_MESSAGES
from adapter.moves import Send
from adapter.policy import Policy
from adapter.stream import StreamMachine

LINE = "一二三四五六七八九十。"
OLDER = "messages.stream"


def test_a_full_bubble_is_closed_and_the_text_streams_on_in_the_next() -> None:
    pieces = [part for _ in range(6) for part in (LINE, 1.2)]
    made = travel(*pieces, "<end>", frame_bytes=70, open_after=5)
    assert screen(made) == [LINE * 2] * 3
    assert kinds(made).count("opening") == kinds(made).count("closing") == 3
    assert len({kept.seq for kept in made.kept}) == 3
    assert outcome(made) == ("delivered", "")


def test_an_answer_that_is_there_at_once_goes_as_several_messages() -> None:
    made = travel(LINE * 6, message_bytes=70)
    assert kinds(made) == ["plain"] * 3
    assert "".join(screen(made)) == LINE * 6
    group = travel(LINE * 6, road="group", message_bytes=70)
    assert screen(group) == screen(made)


def test_a_long_delta_goes_as_several_frames_of_one_stream() -> None:
    made = travel(LINE, 2, LINE * 6, 9, "<end>", road=OLDER, frame_bytes=100)
    assert screen(made) == [LINE * 7 + "\n"]
    assert all(len(text.encode()) <= 100 for text in sent(made))


def test_a_fence_longer_than_a_bubble_is_closed_and_opened_again() -> None:
    code = "甲 = 1\n" * 30
    made = travel(f"```py\n{code}```\n", message_bytes=150)
    assert all(text.startswith("```py\n") and text.rstrip().endswith("```") for text in screen(made))
    texts = [segment.text for segment in made.machine.segments.values()]
    assert "".join(texts) == made.generated
    assert [segment.full for segment in made.machine.segments.values()] == [True] * (len(texts) - 1) + [False]


def test_what_qq_finds_too_long_is_halved_and_that_is_remembered() -> None:
    made = travel(LINE * 4, "<break>", 2, LINE * 4, faults=(refused(40054007),))
    assert kinds(made) == ["plain"] * 5 + ["plain"] * (len(made.kept) - 5)
    assert reasons(made)[:2] == ["", "smaller"]
    assert "".join(screen(made)) == LINE * 8
    assert outcome(made) == ("delivered", "")
    assert sum(kept.verdict == "refused" for kept in made.kept) == 1


def test_a_stream_found_too_long_is_closed_at_what_is_shown_and_goes_on_in_a_new_one() -> None:
    made = travel(LINE, 2, LINE * 2, 2, LINE, 2, "<end>", faults=(FINE, refused(40054018)), open_after=5)
    assert "".join(screen(made)) == LINE * 4
    assert "opening" in kinds(made)[3:]
    assert set(statuses(made)) <= {"closed", "delivered"}
    older = travel(LINE, 2, LINE * 2, 3, "<end>", road=OLDER, faults=(FINE, refused(40054014)), open_after=5)
    assert kinds(older)[:4] == ["opening", "middle", "middle", "middle"]
    assert screen(older) == [LINE * 3 + "\n"]


def test_a_stream_that_takes_no_more_frames_goes_on_in_a_new_one() -> None:
    made = travel(LINE, 2, LINE, 2, LINE, 2, "<end>", road=OLDER, faults=(FINE, refused(40054015)), open_after=5)
    assert kinds(made)[:4] == ["opening", "middle", "closing", "opening"]
    assert "".join(screen(made)).replace("\n", "") == LINE * 3


CODE = "甲 = 1\n"
SEEN_TO_THE_END = ("```py\n" + CODE * 9, 2, CODE * 8, 2, "x" * 120 + "\n```\n", 2, "<end>")
"""The first bubble is full when everything in it was shown: its closing frame brings what closes the fence, alone."""


def test_a_full_stream_that_nobody_could_close_is_not_said_to_have_its_fence_closed() -> None:
    made = travel(*SEEN_TO_THE_END, frame_bytes=200, message_bytes=200, faults=(FINE, FINE, *[refused(50035)] * 2))
    first, second = made.machine.segments.values()
    assert (first.status, first.full, first.closes_with) == ("unclosed", True, "")
    assert second.opens_with == "```py\n"
    assert all(shown.startswith("```py\n") for shown in screen(made))


def test_a_stream_that_qq_ended_keeps_what_closes_its_fence_only_where_that_may_have_arrived() -> None:
    def end(*answers: Fault) -> tuple[str, str]:
        made = travel(*SEEN_TO_THE_END, frame_bytes=200, faults=(FINE, FINE, *answers))
        return made.machine.segments[1].status.value, made.machine.segments[1].closes_with

    assert end() == ("closed", "```")
    assert end(refused(40034018)) == ("ended_by_qq", "")
    assert end(LOST_ANSWER) == ("ended_by_qq", "```")


def test_a_crash_behind_a_stream_that_nobody_could_close_opens_its_fence_again() -> None:
    answers = (FINE, FINE, *[refused(50035)] * 2)
    made = travel(*SEEN_TO_THE_END, frame_bytes=200, message_bytes=200, faults=answers, cut_at=(4, "settled"))
    assert made.earlier[1].closes_with == ""
    assert [segment.opens_with for segment in made.machine.segments.values()] == ["```py\n"]


def test_a_fence_is_not_opened_again_where_qq_takes_hardly_more_than_its_first_line() -> None:
    """Of messages QQ came to take less than of frames; without room for a letter there would be no end."""
    machine = StreamMachine(Policy(STREAM_MESSAGES, message_bytes=6), opens_with="```\n")
    machine.text("甲乙")
    machine.end()
    move = machine.next(0.0)
    assert isinstance(move, Send)
    assert move.frame.wire_text == "甲"


def test_a_reply_that_qq_stops_at_a_full_bubble_closes_no_fence_that_is_not_there() -> None:
    """What was to close it stood behind words that QQ refused."""
    text = "先说一句。\n" + "```py\n" + CODE * 60
    made = travel(text[:6], 2, text[6:], 2, "<end>", frame_bytes=400, open_after=5, faults=(FINE, refused(304025)))
    assert screen(made) == ["先说一句。\n"]


def test_markdown_refused_on_the_closing_frame_and_then_a_newline_asked_for_changes_no_text() -> None:
    made = travel(LINE, 3, "<end>", faults=(FINE, refused(40034012), refused(40034017)))
    assert made.qq.violations == []
    assert screen(made) == [LINE]


@pytest.mark.parametrize("moment", ["before", "after", "settled"])
@pytest.mark.parametrize("request_number", range(1, 8))
def test_a_crash_at_a_roll_over_loses_nothing(request_number: int, moment: str) -> None:
    text = "```py\n" + "甲 = 1\n" * 20 + "```\n"
    made = travel(
        text[:60], 2, text[60:], 2, "<end>", frame_bytes=150, message_bytes=150, cut_at=(request_number, moment)
    )
    segments = {**made.earlier, **made.machine.segments}
    assert "".join(one.text for _, one in sorted(segments.items())) == made.written
    assert all(shown.startswith("```py\n") for shown in screen(made))


def test_a_cancel_near_the_limit_sends_nothing_that_was_held_back() -> None:
    made = travel(LINE * 2, 2, "未完的一句", 0.1, "<cancel>", frame_bytes=100, faults=(FINE, throttled()))
    assert "未" not in "".join(screen(made))
