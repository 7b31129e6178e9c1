"""An interrupted attempt read back from its rows: what QQ may have is in doubt, what the user saw is known."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.frames import FrameKind, Pair
from adapter.segment import Stage
from qqconsole.deliveries.interrupted import read_interrupted
from qqconsole.deliveries.models import Attempt, Chunk, Segment
from tests.console.rows import add_chunk, make_attempt, make_delivery, make_segment, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt() -> Attempt:
    return make_attempt(make_delivery(make_session(), generated_text="hello there, and more"))


def chunk(segment: Segment, text: str, kind: str, **fields: Any) -> Chunk:
    body = {"content_raw": {"$segment_text": len(segment.text) + len(text), "tail": ""}, "content_type": "markdown"}
    request = {"method": "POST", "path": "/v2/users/U/stream_messages", "body": {**body, "msg_id": "m", "msg_seq": 1}}
    made = add_chunk(segment, text, kind, request=request, **fields)
    segment.save()
    return made


@pytest.mark.parametrize("status", ["sending", "unknown"])
def test_an_opening_that_qq_may_have_is_in_doubt(attempt: Attempt, status: str) -> None:
    opening = chunk(make_segment(attempt), "hello there", "opening", status=status, index=0)
    read = read_interrupted(attempt.delivery, attempt.pk)
    assert read.sending == opening
    assert read.restored is not None
    assert read.restored.in_flight is not None
    assert read.restored.in_flight.wire_text == "hello there"
    assert (read.restored.in_flight.kind, read.restored.in_flight.pair) == (FrameKind.OPENING, Pair.NEW)
    assert (read.unsent, read.shown, read.untouched) == (", and more", False, False)


@pytest.mark.parametrize("suspect", [True, False])
def test_one_that_was_sent_while_the_gateway_session_was_lost_stays_suspect_if_it_was_taken(
    attempt: Attempt, suspect: bool
) -> None:
    segment = make_segment(attempt)
    chunk(segment, "hello there", "opening", status="unknown", index=0, suspect=suspect)
    read = read_interrupted(attempt.delivery, attempt.pk)
    assert read.restored is not None
    assert read.restored.segment.suspect_if_taken is suspect


def test_a_refused_opening_is_not(attempt: Attempt) -> None:
    chunk(make_segment(attempt), "hello there", "opening", status="throttled", index=0)
    read = read_interrupted(attempt.delivery, attempt.pk)
    assert read.sending is None
    assert read.restored is not None
    assert (read.restored.in_flight, read.restored.segment.stage) == (None, Stage.HOLDING)


def test_an_open_stream_goes_on_with_a_higher_index(attempt: Attempt) -> None:
    segment = make_segment(attempt, stream_id="s-1", accepted_length=5)
    chunk(segment, "hello", "opening", index=0)
    chunk(segment, " there", "middle", index=1, status="unknown")
    segment.accepted_length = 5
    segment.save()
    read = read_interrupted(attempt.delivery, attempt.pk)
    assert read.restored is not None
    live = read.restored.segment
    assert (live.stage, live.accepted, live.tried, live.next_index) == (Stage.STREAMING, 5, 11, 2)
    assert (live.message_id, live.reference, live.markdown) == ("s-1", "m", True)
    assert read.sending is not None
    assert read.sending.number == 2


@pytest.mark.parametrize(
    ("status", "shown"),
    [("delivered", True), ("unknown", True), ("in_review", True), ("unclosed", True), ("failed", False)],
)
def test_what_came_before_was_shown_unless_it_failed(attempt: Attempt, status: str, shown: bool) -> None:
    make_segment(attempt, 1, kind="media", status=status)
    assert read_interrupted(attempt.delivery, attempt.pk).shown is shown


def test_blanks_between_segments_are_in_none_of_them(attempt: Attempt) -> None:
    attempt.delivery.generated_text = "one \u200b\ntwo and three"
    make_segment(attempt, 1, kind="plain", status="delivered", text="one")
    make_segment(attempt, 2, kind="plain", status="delivered", text="two")
    assert read_interrupted(attempt.delivery, attempt.pk).unsent == " and three"
