"""An interrupted segment from its record: what was open is closed, what was in doubt is settled first."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import LOST_ANSWER, LOST_REQUEST, kinds, outcome, refused, screen, statuses, throttled, travel
from strict_qq import FINE

from adapter.answers import Unknown
from adapter.content import BytesContent
from adapter.dialects import DIALECTS
from adapter.frames import UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.moves import Send
from adapter.parts import Part
from adapter.pieces import MediaItem, MediaKind
from adapter.policy import Policy
from adapter.restoring import in_doubt, restore
from adapter.segment import BarrierKind, Segment, SegmentKind, Stage
from adapter.stream import Restored, StreamMachine
from adapter.verdicts import Verdict
from adapter.ways import Way

LINE = "一二三四五六七八九十甲乙"
BOTH = pytest.mark.parametrize("road", DIALECTS)
OLDER = "messages.stream"


def frame(kind: FrameKind = FrameKind.MIDDLE, text: str = "ab", *, why: str = "", **more: Any) -> Frame:
    about: dict[str, Any] = {"start": 0, "end": len(text), "wire_text": text, "markdown": True, "reference": "m"}
    return Frame(kind=kind, segment=1, text=text, why=why, **{**about, "pair": Pair.NEW, **more})


def row(text: str = "ab", **more: Any) -> Segment:
    about: dict[str, Any] = {"markdown": False, "kind": SegmentKind.STREAM, "message_id": "s", "text": text}
    return Segment(1, **{**about, **more})


# ---- reading the record -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [None, Verdict.UNKNOWN])
def test_a_last_frame_without_a_telling_answer_is_in_doubt(verdict: Verdict | None) -> None:
    assert in_doubt("ab", [(frame(), Verdict.ACCEPTED), (frame(), verdict)]) == 1


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.IN_REVIEW])
def test_a_taken_frame_is_not(verdict: Verdict) -> None:
    assert in_doubt("ab", [(frame(), Verdict.UNKNOWN), (frame(why="repeat"), verdict)]) is None
    assert in_doubt("", []) is None


def test_a_closing_frame_that_may_have_arrived_may_have_brought_the_end() -> None:
    tried = [(frame(FrameKind.CLOSING), Verdict.UNKNOWN), (frame(FrameKind.CLOSING), Verdict.THROTTLED)]
    assert restore(row(), tried).segment.end_brought
    assert not restore(row(), tried[1:]).segment.end_brought


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.REFUSED])
def test_a_repeat_that_was_not_taken_leaves_the_doubt_unless_its_text_was_cut_off(verdict: Verdict) -> None:
    frames = [(frame(), Verdict.UNKNOWN), (frame(why="repeat"), verdict)]
    assert in_doubt("ab", frames) == 1
    assert in_doubt("a", frames) is None
    assert in_doubt("ab", [(frame(), verdict)]) is None


def test_the_rest_is_read_off_the_frames() -> None:
    frames = [
        (frame(FrameKind.OPENING, "ab", index=0), Verdict.ACCEPTED),
        (frame(FrameKind.MIDDLE, "cd", start=2, end=4, index=1), Verdict.UNKNOWN),
        (frame(FrameKind.MIDDLE, "cde", start=2, end=5, index=2), Verdict.THROTTLED),
    ]
    segment = restore(row("abcde", accepted=2), frames).segment
    assert segment.stage is Stage.STREAMING
    assert (segment.accepted, segment.tried) == (2, 4)
    assert (segment.next_index, segment.accepted_index) == (3, 0)
    assert (segment.reference, segment.markdown) == ("m", True)
    assert segment.barrier is None


def test_a_closing_frame_or_a_message_says_that_the_text_was_whole() -> None:
    for kind in (FrameKind.CLOSING, FrameKind.PLAIN):
        barrier = restore(row(), [(frame(kind), None)]).segment.barrier
        assert barrier is not None
        assert barrier.kind is BarrierKind.BREAK


def test_bytes_are_not_kept_so_an_upload_of_them_is_not_done_again() -> None:
    item = MediaItem(MediaKind.IMAGE, data=None, name="a.png")
    segment = Segment(1, markdown=False, kind=SegmentKind.MEDIA, media=item)
    machine = StreamMachine(Policy(None, reference="m"), restored=Restored(segment))
    machine.fail("interrupted")
    machine.next(0.0)
    assert machine.last_media is not None
    assert (machine.last_media.sent, machine.last_media.why) == (False, "its bytes are gone")
    assert machine.ended_unanswered == [segment]


def media(*frames: tuple[Frame, Verdict | None], item: MediaItem) -> StreamMachine:
    """The machine after a crash, its rows read; the frame in doubt has its unknown answer."""
    segment = Segment(1, markdown=False, kind=SegmentKind.MEDIA, media=item)
    restored = restore(segment, frames)
    machine = StreamMachine(Policy(None, reference="m", direct_limit=4), restored=restored)
    if restored.in_flight is not None:
        machine.answer(Unknown("crash"), 0.0)
    machine.fail("interrupted")
    return machine


def next_kind(machine: StreamMachine) -> str:
    move = machine.next(100.0)
    return move.frame.kind.value if isinstance(move, Send) else type(move).__name__


FILM = MediaItem(MediaKind.VIDEO, content=BytesContent(b"123456789"), name="a.mp4")
PLAIN = {"reference": None, "pair": Pair.NONE, "media": FILM}


@pytest.mark.parametrize("kind", UPLOAD_KINDS)
@pytest.mark.parametrize("verdict", [None, Verdict.UNKNOWN, Verdict.ACCEPTED, Verdict.REFUSED])
def test_an_upload_that_was_cut_off_begins_anew_with_the_content_given_back(
    kind: FrameKind, verdict: Verdict | None
) -> None:
    part = Part(1, 0, 9, "https://cos.example/1", "0" * 32)
    cut = (frame(kind, "", upload_id="u", part=part, way=Way.PARTS, **PLAIN), verdict)
    assert next_kind(media(cut, item=FILM)) == "prepare"


def test_a_file_info_that_is_known_is_sent() -> None:
    refused_once = (frame(FrameKind.MEDIA, "", file_info="F", **PLAIN), Verdict.THROTTLED)
    assert next_kind(media(refused_once, item=FILM)) == "media"
    assert next_kind(media(item=MediaItem(MediaKind.VIDEO, file_info="F"))) == "media"


@pytest.mark.parametrize("verdict", [None, Verdict.UNKNOWN])
def test_a_message_with_media_in_flight_is_repeated_only_under_its_pair(verdict: Verdict | None) -> None:
    proactive = media((frame(FrameKind.MEDIA, "", file_info="F", **PLAIN), verdict), item=FILM)
    assert next_kind(proactive) == "Done"
    assert proactive.segments[1].status == "unknown"
    passive = media((frame(FrameKind.MEDIA, "", file_info="F", media=FILM), verdict), item=FILM)
    move = passive.next(100.0)
    assert isinstance(move, Send)
    assert (move.frame.kind, move.frame.pair, move.frame.reference) == ("media", "repeat", "m")


def test_media_that_was_refused_for_its_msg_id_is_not_tried_with_it_again() -> None:
    machine = media((frame(FrameKind.MEDIA, "", file_info="F", media=FILM), Verdict.REFUSED), item=FILM)
    move = machine.next(100.0)
    assert isinstance(move, Send)
    assert move.frame.reference is None


# ---- going on ---------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("moment", ["before", "after", "settled"])
def test_an_open_stream_is_closed(road: str, moment: str) -> None:
    made = travel(LINE, 3, "more", 3, "<end>", road=road, cut_at=(2, moment))
    assert kinds(made)[-1] == "closing"
    assert screen(made)[0].rstrip("\n") == LINE + "more"
    assert outcome(made) == ("interrupted", "interrupted")


@BOTH
@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST])
def test_an_opening_whose_answer_did_not_tell_is_repeated_and_not_sent_as_a_message(road: str, fault: Any) -> None:
    made = travel(LINE, 9, "<end>", road=road, faults=(fault,), cut_at=(1, "settled"))
    assert kinds(made)[:2] == ["opening", "opening"]
    assert made.kept[0].seq == made.kept[1].seq
    assert [text.rstrip("\n") for text in screen(made)] == [LINE]
    assert outcome(made) == ("interrupted", "interrupted")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_closing_frame_in_flight_goes_again_under_its_pair(moment: str) -> None:
    made = travel(LINE, 3, "<end>", road=OLDER, cut_at=(2, moment))
    assert kinds(made) == ["opening", "closing", "closing"]
    assert made.kept[1].seq == made.kept[2].seq
    assert statuses(made) == ["closed"]
    assert screen(made) == [LINE + "\n"]


def test_a_delta_in_doubt_is_settled_before_the_closing_frame() -> None:
    faults = (FINE, LOST_ANSWER, throttled(), refused(50001))
    for cut in (2, 3, 4):
        made = travel(LINE, 3, "more", 60, "<end>", road=OLDER, faults=faults, cut_at=(cut, "settled"))
        assert screen(made) == [LINE + "more\n"]
        assert statuses(made) == ["closed"]


@pytest.mark.parametrize("moment", ["before", "after", "settled"])
def test_a_message_in_flight_is_settled_and_what_was_not_sent_follows(moment: str) -> None:
    made = travel("hello", "<break>", "there", cut_at=(1, moment))
    assert screen(made) == ["hello", "there"]
    assert len(made.kept) == len({(kept.seq, kept.frame.wire_text) for kept in made.kept}) + (moment != "settled")


def test_nothing_is_told_to_a_user_who_saw_something_before() -> None:
    made = travel(
        "hello", "<break>", 1, LINE, 3, "<end>", notice=True, faults=(FINE, refused(50001)), cut_at=(2, "settled")
    )
    assert screen(made)[0] == "hello"
    assert outcome(made) == ("interrupted", "interrupted")
    assert all(segment.purpose != "notice" for segment in made.machine.segments.values())
