"""What the gateway's endings lead to: the sheet's 2.4 and 2.5 as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import intents
from adapter.close_codes import CLOSE_CODES, close_meaning, closing
from adapter.handshake import IDENTIFY, RESUME, EndedBy, Ending, Handshake, Phase, ResumePoint, Timing

SESSION = ResumePoint("s-1", 41)
LONG = 1_000.0


def shake(resume: ResumePoint | None = None, ladder: list[int] | None = None) -> Handshake:
    return Handshake(ladder or [7, 3, 1], resume, Timing())


def established(*, resumed: bool = False) -> Handshake:
    one = shake(SESSION if resumed else None)
    one.connecting()
    one.greeting("QQBot t")
    if resumed:
        one.resumed()
    else:
        one.ready("s-1", 1)
    return one


def closed(code: int | None, lived: float = 0.0) -> Ending:
    return Ending(EndedBy.CLOSE, code, lived=lived)


def fail(one: Handshake, code: int | None = 1006) -> float:
    one.connecting()
    one.greeting("QQBot t")
    return one.ended(closed(code)).wait


def test_hello_is_answered_with_identify_or_resume() -> None:
    fresh = shake().greeting("QQBot t")
    assert fresh["op"] == IDENTIFY
    assert fresh["d"] == {"token": "QQBot t", "intents": 7, "shard": [0, 1], "properties": {}}
    known = shake(SESSION).greeting("QQBot t")
    assert known == {"op": RESUME, "d": {"token": "QQBot t", "session_id": "s-1", "seq": 41}}


def test_the_heartbeat_carries_the_last_number() -> None:
    one = shake()
    assert one.heartbeat() == {"op": 1, "d": None}
    one.ready("s", 1)
    one.received(9)
    one.received(4)
    assert one.heartbeat() == {"op": 1, "d": 9}


@pytest.mark.parametrize("code", [None, 1000, 1005, 1006, 4000, 4005, 4008, 4009, 3999])
def test_these_keep_the_session(code: int | None) -> None:
    one = established()
    step = one.ended(closed(code, LONG))
    assert one.resume == ResumePoint("s-1", 1)
    assert step.phase is Phase.WAITING


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4006, 4007, 4900, 4902, 4903, 4913, 4013, 4014])
def test_these_identify_afresh(code: int) -> None:
    one = established()
    step = one.ended(closed(code, LONG))
    assert one.resume is None
    assert step.phase is Phase.WAITING
    assert step.code == code
    assert not step.drop_token


def test_an_aged_token_costs_no_message() -> None:
    """The session is resumed with a fresh token, even after a 4009; a fresh one refused as well ends it."""
    one = established()
    one.ended(closed(4009, LONG))
    one.connecting()
    one.greeting("QQBot aged")
    step = one.ended(closed(4004))
    assert step.drop_token
    assert one.resume == ResumePoint("s-1", 1)
    one.connecting()
    one.greeting("QQBot fresh")
    assert one.ended(closed(4004)).drop_token
    assert one.resume is None


@pytest.mark.parametrize("ending", [closed(1006, 0.5), Ending(EndedBy.ASKED, lived=0.5)])
def test_a_resumed_session_survives_what_is_no_word_against_it(ending: Ending) -> None:
    """Soon after a 4009 it was resumed; then the socket breaks, or the gateway wishes to be connected to anew."""
    one = established()
    one.ended(closed(4009, LONG))
    for _ in range(2):
        one.connecting()
        one.greeting("QQBot t")
        one.resumed()
        one.ended(ending)
        assert one.resume == ResumePoint("s-1", 1)
    one.connecting()
    one.greeting("QQBot t")
    one.resumed()
    one.ended(ending)
    assert one.resume is None


@pytest.mark.parametrize("code", [4914, 4915])
def test_these_wait_for_a_person(code: int) -> None:
    step = established().ended(closed(code))
    assert (step.phase, step.wait, step.over) == (Phase.REFUSED, 60.0, False)


@pytest.mark.parametrize("code", [4010, 4011, 4012])
def test_these_are_final(code: int) -> None:
    step = established().ended(closed(code))
    assert (step.phase, step.over) == (Phase.REFUSED, True)


def test_too_fast_waits_a_minute() -> None:
    assert established().ended(closed(4008, LONG)).wait == 60.0


def test_fewer_intents_are_tried_before_a_person_is_asked() -> None:
    one = shake()
    seen = []
    for _ in range(3):
        one.connecting()
        one.greeting("QQBot t")
        seen.append(one.intents)
        step = one.ended(closed(4014))
    assert seen == [7, 3, 1]
    assert (step.phase, step.wait, step.reason, step.over) == (Phase.REFUSED, 60.0, "intents", False)
    assert one.intents == 7


def test_the_ladder_of_intents() -> None:
    assert intents.DEFAULT == 1 << 25 | 1 << 30 | 1 << 12 | 1 << 26 | 1 << 27
    assert intents.fewer(intents.DEFAULT) == [
        intents.DEFAULT,
        1 << 25 | 1 << 30 | 1 << 12,
        1 << 25,
        1 << 30 | 1 << 12,
        1 << 30,
    ]
    assert intents.fewer(1 << 25) == [1 << 25]
    assert intents.fewer(1) == [1]


def test_the_back_off_grows_and_starts_over_only_when_established() -> None:
    one = shake()
    assert [fail(one) for _ in range(8)] == [1, 2, 5, 10, 30, 60, 60, 60]
    one.connecting()
    one.greeting("QQBot t")
    one.ready("s", 1)
    assert one.ended(closed(1006, LONG)).wait == 1


def test_failing_to_connect_backs_off_too() -> None:
    one = shake(SESSION)
    assert [one.unreachable("unreachable", "").wait for _ in range(3)] == [1, 2, 5]
    assert one.unreachable("x", "", after=300).wait == 300
    assert one.resume == SESSION
    assert one.kept_out("token_refused", "", code=100016).wait == 60


def test_two_failed_resumes_identify() -> None:
    one = shake(SESSION)
    fail(one)
    assert one.resume == SESSION
    fail(one)
    assert one.resume is None


def test_a_socket_that_never_greeted_is_no_failed_resume() -> None:
    one = shake(SESSION)
    for _ in range(5):
        one.connecting()
        one.ended(closed(1006))
    assert one.resume == SESSION


def test_4009_is_resumed_once() -> None:
    one = established()
    one.ended(closed(4009, LONG))
    assert one.resume is not None
    fail(one, 4009)
    assert one.resume is None


def test_4009_every_half_hour_is_resumed_for_ever() -> None:
    one = established()
    for _ in range(20):
        assert one.ended(closed(4009, 1_800.0)).wait == 1
        assert one.resume is not None
        one.connecting()
        one.greeting("QQBot t")
        one.resumed()


def test_resumed_and_closed_at_once_leads_to_identify() -> None:
    one = established(resumed=True)
    one.ended(closed(4009, 0.1))
    assert one.resume is None


@pytest.mark.parametrize(("code", "patience"), [(1006, 3), (None, 3), (1000, 10), (4009, 10)])
def test_short_lives_in_a_row_wait_a_minute(code: int | None, patience: int) -> None:
    one, waits = shake(), []
    for _ in range(patience + 1):
        one.connecting()
        one.greeting("QQBot t")
        one.ready("s", 1)
        waits.append(one.ended(closed(code, 1.0)).wait)
    assert waits == [1] * (patience - 1) + [60, 60]


def test_a_word_between_two_breaks_starts_the_count_anew() -> None:
    one, waits = shake(), []
    for code in (1006, 1006, 4009, 1006, 1006):
        one.connecting()
        one.greeting("QQBot t")
        one.ready("s", 1)
        waits.append(one.ended(closed(code, 1.0)).wait)
    assert waits == [1] * 5


def test_op_7_reconnects_at_once_and_op_9_by_its_word() -> None:
    one = established()
    step = one.ended(Ending(EndedBy.ASKED, lived=LONG))
    assert (step.wait, one.resume is not None) == (0.0, True)
    one = established()
    one.ended(Ending(EndedBy.INVALID, resumable=True, lived=LONG))
    assert one.resume is not None
    one = established()
    one.ended(Ending(EndedBy.INVALID, resumable=False, lived=LONG))
    assert one.resume is None


def test_silence_resumes() -> None:
    one = established()
    assert one.ended(Ending(EndedBy.SILENCE, lived=LONG)).reason == "silent"
    assert one.resume is not None


def test_every_close_code_has_words() -> None:
    for code in (*CLOSE_CODES, 4905, 1006, None):
        assert close_meaning(code, "en").isascii()
        assert any("\u4e00" <= char <= "\u9fff" for char in close_meaning(code, "zh-hans"))
        assert closing(code).reason


@given(
    st.lists(
        st.tuples(
            st.sampled_from(EndedBy),
            st.none() | st.sampled_from([*CLOSE_CODES, 1000, 1006, 4902]),
            st.booleans(),
            st.sampled_from([0.0, 1.0, LONG]),
            st.sampled_from(["nothing", "ready", "resumed"]),
        ),
        max_size=30,
    )
)
def test_no_order_of_endings_gets_it_stuck(endings: list[tuple[EndedBy, int | None, bool, float, str]]) -> None:
    one = shake(SESSION)
    for by, code, resumable, lived, greeted in endings:
        one.connecting()
        wants = one.greeting("QQBot t")["op"]
        assert (wants == RESUME) is (one.resume is not None)
        if greeted == "ready":
            one.ready("s-2", 1)
        elif greeted == "resumed" and wants == RESUME:
            one.resumed()
        step = one.ended(Ending(by, code, resumable, lived))
        assert 0 <= step.wait <= 60
        assert step.over is (by is EndedBy.CLOSE and code in (4010, 4011, 4012))
