"""The passive ledger's rules, and a reply whose message takes fewer answers than it has bubbles."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sender_house import Book, House, at_once

from adapter.answers import Accepted, Refused, Unknown
from adapter.frames import Frame, FrameKind, Pair
from adapter.passive import ANSWERS, Denied, Later, Use, ends_answering, may_use, use_of
from adapter.pieces import Break, Piece, Text
from adapter.policy import DeadReference
from adapter.targets import Scene
from adapter.verdicts import OutcomeStatus


def test_a_stream_is_one_answer_however_many_frames_it_has() -> None:
    assert use_of(FrameKind.OPENING) is use_of(FrameKind.PLAIN) is Use.TEXT
    assert use_of(FrameKind.MEDIA) is Use.MEDIA
    rest = set(FrameKind) - {FrameKind.OPENING, FrameKind.PLAIN, FrameKind.MEDIA}
    assert {use_of(kind) for kind in rest} == {None}


@pytest.mark.parametrize(("use", "most_used"), [(Use.TEXT, 3), (Use.MEDIA, 2), (Use.TYPING, 1)])
def test_the_last_answer_is_for_words(use: Use, most_used: int) -> None:
    most = ANSWERS[Scene.C2C]
    assert [used for used in range(6) if may_use(use, used, most)] == list(range(most_used + 1))


def test_where_nobody_knows_a_number_nothing_is_counted() -> None:
    assert all(may_use(use, 1_000, ANSWERS.get(Scene.GUILD)) for use in Use)


@pytest.mark.parametrize("code", [40034128, 22009, 40034005, 304103, 304027, 40034024])
def test_a_refused_message_is_over_for_everybody(code: int) -> None:
    assert ends_answering(Refused(code, True), FrameKind.PLAIN) == code
    # Of media QQ refuses what it takes with text.
    assert ends_answering(Refused(code, True), FrameKind.MEDIA) is None


def test_other_answers_say_nothing_of_the_message() -> None:
    for answer in (Accepted("1"), Unknown("timeout"), Refused(40034006, True), Refused(None, False)):
        assert ends_answering(answer, FrameKind.PLAIN) is None


@dataclass
class Counted(Book):
    """A recorder whose ledger grants ``most`` answers, and which lets what answers nothing wait as it is told."""

    most: int = 4
    waits: list[float] = field(default_factory=list)
    granted: int = 0

    async def intend(self, frame: Frame, segment, build):
        if frame.pair is Pair.NEW and use_of(frame.kind):
            if self.granted >= self.most:
                return Denied("none_left")
            self.granted += 1
        if frame.reference is None and self.waits:
            return Later(self.waits.pop(0))
        return await super().intend(frame, segment, build)


SIX: list[Piece] = [piece for number in range(6) for piece in (Text(f"Abschnitt {number} ist da."), Break())]


@pytest.mark.parametrize("road", ["stream_messages", "messages.stream"])
async def test_of_six_bubbles_four_answer_and_two_go_proactively(road: str) -> None:
    house = House(book=Counted(), road=road)
    outcome = await house.run(at_once(*SIX))
    assert outcome.status is OutcomeStatus.DELIVERED
    assert [text.rstrip("\n") for text in house.qq.screen] == [f"Abschnitt {number} ist da." for number in range(6)]
    firsts = [frame for frame in house.book.frames if use_of(frame.kind)]
    assert [frame.reference for frame in firsts] == ["inbound-1"] * 4 + [None] * 2
    said = [house.machine.segments[frame.segment].unanswered for frame in firsts]
    assert said == [""] * 4 + ["none_left"] * 2


async def test_where_nothing_proactive_is_wanted_the_reply_ends_and_says_so() -> None:
    house = House(book=Counted(), on_dead_reference=DeadReference.FAIL)
    outcome = await house.run(at_once(*SIX))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.INTERRUPTED, "passive_used_up")
    assert len(house.qq.screen) == 4
    assert not house.qq.left_open


async def test_a_message_all_used_up_fails_a_reply_that_has_shown_nothing() -> None:
    house = House(book=Counted(most=0), on_dead_reference=DeadReference.FAIL, notice="sorry")
    outcome = await house.run(at_once(Text("Guten Morgen zusammen")))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.FAILED, "passive_used_up")
    assert house.qq.screen == []


async def test_what_answers_nothing_waits_for_its_turn() -> None:
    house = House(book=Counted(most=0, waits=[0.03, 0.02]))
    outcome = await house.run(at_once(Text("Guten Morgen zusammen")))
    assert outcome.status is OutcomeStatus.DELIVERED
    assert house.qq.screen == ["Guten Morgen zusammen"]
    assert house.book.frames[0].reference is None


async def test_a_turn_that_comes_too_late_ends_the_reply() -> None:
    house = House(book=Counted(most=1, waits=[5_000.0]))
    outcome = await house.run(at_once(*SIX))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.INTERRUPTED, "proactive_full")
    assert len(house.qq.screen) == 1
