"""One media item on its way: what each answer leads to at each step, and what holds whatever is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import lint
from adapter.answers import Accepted, Answer, Exchange, InReview, Refused, Throttled, Unknown
from adapter.codes import Reaction, react
from adapter.content import BytesContent
from adapter.frames import UPLOAD_KINDS, Frame, FrameKind, Pair
from adapter.moves import Done, Send, Wait
from adapter.pieces import MediaItem, MediaKind
from adapter.policy import Policy
from adapter.stream import StreamMachine
from adapter.verdicts import Outcome
from adapter.ways import Way

ADDRESS = MediaItem(MediaKind.IMAGE, url="https://example.org/a.png")
VOICE = MediaItem(MediaKind.VOICE, url="https://example.org/a.silk")
SMALL = MediaItem(MediaKind.IMAGE, content=BytesContent(b"x" * 10))
LARGE = MediaItem(MediaKind.VIDEO, content=BytesContent(b"x" * 40), name="a.mp4")
PREPARED = {
    "upload_id": "u",
    "block_size": "20",
    "parts": [{"index": n, "presigned_url": f"https://cos.example/{n}?s=1"} for n in (1, 2)],
    "upload_config": {"retry_timeout": 30, "retry_delay": 1},
}
FITTING: dict[FrameKind, dict[str, Any]] = {
    FrameKind.FETCH: {},
    FrameKind.PREPARE: PREPARED,
    FrameKind.PART: {"md5": "0" * 32},
    FrameKind.FINISH: {},
    FrameKind.UPLOAD: {"file_info": "F", "ttl": 300},
    FrameKind.MEDIA: {},
}
CODES = {
    Reaction.RETRY: 850027,
    Reaction.DUPLICATE: 40054005,
    Reaction.NEWLINE: 40034017,
    Reaction.MARKDOWN: 40034012,
    Reaction.REFERENCE: 40034005,
    Reaction.INDEX: 40006,
    Reaction.PREFIX: 40007,
    Reaction.STREAM_OVER: 40034018,
    Reaction.LENGTH: 40054007,
    Reaction.FULL: 40054015,
    Reaction.ADDRESS: 304003,
    Reaction.MODERATED: 40034006,
    Reaction.TARGET: 40054013,
    Reaction.FILE_INFO: 304080,
    Reaction.CAPACITY: 40093002,
    Reaction.PERMANENT: 850019,
}


def answer_of(reaction: Reaction, frame: Frame) -> Answer:
    match reaction:
        case Reaction.ACCEPT:
            return Accepted("id", FITTING[frame.kind])
        case Reaction.REVIEW:
            return InReview("audit")
        case Reaction.THROTTLE:
            return Throttled(None, 40034100, Exchange(http_status=400))
        case Reaction.UNKNOWN:
            return Unknown("reset")
    code = CODES[reaction]
    return Refused(code, reaction is not Reaction.RETRY, Exchange(http_status=400, code=code))


class Journey:
    """The machine with one item, and what was sent of it."""

    def __init__(self, item: MediaItem, **policy: Any) -> None:
        self.machine = StreamMachine(Policy(None, direct_limit=20, **policy))
        self.machine.media(item)
        self.machine.end()
        self.now = 0.0
        self.sent: list[Frame] = []

    def go_on(self) -> Frame | Outcome:
        """The next frame, or the end."""
        while True:
            move = self.machine.next(self.now)
            if isinstance(move, Wait):
                assert move.until > self.now
                self.now = move.until
            elif isinstance(move, Send):
                lint.check(move.frame, self.machine.segments[1], None)
                self.sent.append(move.frame)
                return move.frame
            else:
                assert isinstance(move, Done)
                return move.outcome

    def answer(self, frame: Frame, answer: Answer) -> None:
        if frame.kind is FrameKind.FETCH and isinstance(answer, Accepted) and frame.media is not None:
            self.machine.fetched(replace(frame.media, url=None, content=SMALL.content))
        self.now += 0.1
        self.machine.answer(answer, self.now)

    def reach(self, step: str) -> Frame:
        while step_of(frame := self.go_on()) != step:
            assert isinstance(frame, Frame)
            self.answer(frame, answer_of(Reaction.ACCEPT, frame))
        assert isinstance(frame, Frame)
        return frame


def step_of(move: Frame | Outcome) -> str:
    if isinstance(move, Outcome):
        return move.status.value
    way = {Way.PARTS: "merge", Way.DATA: "inline", Way.URL: "address"}
    return way[move.way] if move.kind is FrameKind.UPLOAD and move.way else move.kind.value


ITEMS = {"address": ADDRESS, "fetch": VOICE, "inline": SMALL, "prepare": LARGE, "part": LARGE, "finish": LARGE}
R = Reaction
AGAIN = {R.RETRY, R.THROTTLE, R.UNKNOWN}
NEXT: dict[str, dict[str, set[Reaction]]] = {
    "address": {
        "media": {R.ACCEPT},
        "address": {R.THROTTLE, R.UNKNOWN},
        "fetch": {R.RETRY, R.PERMANENT, R.ADDRESS},
    },
    "fetch": {"inline": {R.ACCEPT}, "fetch": AGAIN},
    "inline": {
        "media": {R.ACCEPT},
        "inline": {R.THROTTLE, R.UNKNOWN},
        "prepare": {R.RETRY, R.PERMANENT, R.ADDRESS},
    },
    "prepare": {"part": {R.ACCEPT}, "prepare": AGAIN},
    "part": {"finish": {R.ACCEPT}, "part": AGAIN, "prepare": set(R) - AGAIN - {R.ACCEPT}},
    "finish": {"part": {R.ACCEPT, R.RETRY}, "finish": {R.THROTTLE, R.UNKNOWN}, "prepare": {R.PERMANENT}},
    "merge": {"media": {R.ACCEPT}, "merge": AGAIN},
    "media": {
        "delivered": {R.ACCEPT},
        "in_review": {R.REVIEW},
        "media": {R.RETRY, R.THROTTLE},
        "unknown": {R.UNKNOWN},
        "inline": {R.FILE_INFO},
    },
}
"""Where each answer leads from each step; what is not named ends in a failure that names the step."""


@pytest.mark.parametrize("reaction", Reaction)
@pytest.mark.parametrize("step", NEXT)
def test_every_answer_at_every_step_leads_where_it_should(step: str, reaction: Reaction) -> None:
    journey = Journey(ITEMS.get(step, LARGE if step == "merge" else SMALL))
    frame = journey.reach(step)
    answer = answer_of(reaction, frame)
    assert react(answer) is reaction
    journey.answer(frame, answer)
    after = journey.go_on()
    expected = next((to for to, reactions in NEXT[step].items() if reaction in reactions), "failed")
    assert step_of(after) == expected
    if isinstance(after, Outcome) and expected == "failed":
        assert after.step == {"address": "upload", "inline": "upload", "merge": "upload", "media": "send"}.get(
            step, step
        )
        assert after.code == CODES.get(reaction)
        # The code says it, in the reader's language; the model, which reads no codes, is told in words.
        assert bool(after.detail) == (after.code is None)
        assert journey.machine.last_media is not None
        assert journey.machine.last_media.why


def test_a_part_is_tried_as_long_as_qq_allows_and_the_upload_begins_anew_twice() -> None:
    journey = Journey(LARGE)
    while isinstance(frame := journey.go_on(), Frame):
        lost = frame.kind is FrameKind.PART
        journey.answer(frame, Unknown("timeout") if lost else answer_of(R.ACCEPT, frame))
    assert (frame.status, frame.step) == ("failed", "part")
    tries = [step_of(sent) for sent in journey.sent]
    assert tries == ["prepare", *["part"] * 5] * 3  # at 0, 1, 3, 7 and 15 s; 31 s are over the 30


def test_a_part_that_only_we_refuse_does_not_begin_anew() -> None:
    journey = Journey(LARGE)
    frame = journey.reach("part")
    journey.answer(frame, Refused(None, True, Exchange(message="the file was changed")))
    end = journey.go_on()
    assert isinstance(end, Outcome)
    assert (end.status, end.step, end.detail) == ("failed", "part", "the file was changed")


def test_a_merge_that_may_have_been_made_and_is_then_refused_begins_anew_and_a_refused_one_does_not() -> None:
    journey = Journey(LARGE)
    journey.answer(journey.reach("merge"), Unknown("reset"))
    frame = journey.go_on()
    assert isinstance(frame, Frame)
    journey.answer(frame, answer_of(R.PERMANENT, frame))
    assert step_of(journey.go_on()) == "prepare"


def test_a_proxy_that_finds_the_request_too_large_says_nothing_of_the_file() -> None:
    journey = Journey(SMALL)
    journey.answer(journey.reach("inline"), Refused(None, True, Exchange(http_status=413)))
    assert step_of(journey.go_on()) == "prepare"


def test_no_connection_is_no_reason_to_take_another_way() -> None:
    journey = Journey(ADDRESS)
    journey.answer(journey.reach("address"), Refused(None, False, Exchange(message="no connection")))
    assert step_of(journey.go_on()) == "address"


def test_what_qq_has_already_is_sent_at_once_and_uploaded_when_it_is_not_taken() -> None:
    journey = Journey(replace(SMALL, file_info="OLD"))
    frame = journey.reach("media")
    assert (len(journey.sent), frame.file_info) == (1, "OLD")
    journey.answer(frame, answer_of(R.FILE_INFO, frame))
    frame = journey.reach("media")
    assert frame.file_info == "F"
    journey.answer(frame, answer_of(R.FILE_INFO, frame))
    assert step_of(journey.go_on()) == "failed"


def test_an_instant_upload_needs_no_parts() -> None:
    journey = Journey(LARGE)
    frame = journey.reach("prepare")
    journey.answer(frame, Accepted("", {"file_info": "F"}))
    assert step_of(journey.go_on()) == "media"


def test_a_prepare_that_cannot_be_gone_by_is_a_failure_in_words() -> None:
    journey = Journey(LARGE)
    journey.answer(journey.reach("prepare"), Accepted("", {"upload_id": "u"}))
    end = journey.go_on()
    assert isinstance(end, Outcome)
    assert (end.status, end.step, end.detail) == ("failed", "prepare", "QQ prepared the upload without parts")


def test_an_answer_that_tells_nothing_is_not_called_a_refusal() -> None:
    journey = Journey(LARGE)
    step: Any = journey.reach("prepare")
    while not isinstance(step, Outcome):
        journey.answer(step, Unknown("unreadable", Exchange(http_status=200)))
        step = journey.go_on()
    assert (step.status, step.step, step.detail) == (
        "failed",
        "prepare",
        "QQ answered HTTP 200 without saying more",
    )


def test_a_merge_that_may_have_been_made_is_followed_by_a_fresh_prepare() -> None:
    journey = Journey(LARGE)
    frame = journey.reach("merge")
    step: Any = frame
    while step_of(step) == "merge":
        journey.answer(step, Unknown("5xx", Exchange(http_status=500)))
        step = journey.go_on()
    assert step_of(step) == "prepare"
    again = journey.sent.index(step)
    journey.answer(step, Accepted("", PREPARED | {"upload_id": "v"}))
    step = journey.reach("merge")
    assert step.upload_id == "v"
    assert [step_of(each) for each in journey.sent[:again]].count("prepare") == 1
    while step_of(step) != "failed":
        reaction = Reaction.UNKNOWN if step_of(step) == "merge" else Reaction.ACCEPT
        journey.answer(step, answer_of(reaction, step))
        step = journey.go_on()
    assert [step_of(each) for each in journey.sent].count("prepare") == 2


AFTER_THE_PAIR = {R.NEWLINE, R.MARKDOWN, R.ADDRESS, R.LENGTH, R.MODERATED}
"""QQ looks at the pair before it looks at these: a repeat refused for one proves that the first did not arrive."""
ODD = st.sampled_from([{}, {"upload_id": "u"}, {"upload_id": "u", "parts": [{"index": 1}]}, {"file_info": "F"}])
ANSWERS = st.lists(st.tuples(st.sampled_from([*[R.ACCEPT] * 12, *R]), ODD | st.none()), max_size=60)


@given(st.sampled_from([ADDRESS, VOICE, SMALL, LARGE, replace(LARGE, file_info="OLD")]), ANSWERS, st.booleans())
def test_whatever_is_answered(item: MediaItem, answers: list[tuple[Reaction, Any]], passive: bool) -> None:
    journey = Journey(item, reference="inbound-1", media_passive=passive)
    infos, taken, lost, reaction = {item.file_info}, False, False, R.ACCEPT
    pending = iter(answers)
    while isinstance(frame := journey.go_on(), Frame):
        assert len(journey.sent) < 600
        assert not taken, "sent although QQ has it"
        reaction, odd = next(pending, (R.ACCEPT, None))
        answer = answer_of(reaction, frame)
        if reaction is R.ACCEPT and odd is not None and frame.kind is FrameKind.PREPARE:
            answer = Accepted("", odd)
        if frame.kind is FrameKind.MEDIA:
            assert frame.file_info in infos - {""}
            assert passive or frame.reference is None
            assert not lost or frame.pair is Pair.REPEAT, "a second copy may be seen"
            taken = isinstance(answer, Accepted | InReview)
            lost = lost or isinstance(answer, Unknown)
        else:
            assert frame.kind in UPLOAD_KINDS
            assert (frame.reference, frame.pair) == (None, Pair.NONE)
            infos.add(answer.data.get("file_info", "") if isinstance(answer, Accepted) else "")
        journey.answer(frame, answer)
    assert frame.status in ("delivered", "in_review", "failed", "unknown")
    assert frame.status in ("delivered", "in_review") or not taken
    assert lost or frame.status != "unknown"
    assert frame.status != "failed" or not lost or reaction in AFTER_THE_PAIR
