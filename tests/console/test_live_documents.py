"""Documents, snapshot and replay: a stale state with the replay laid over it is the fresh state."""

from __future__ import annotations

import copy
import json

import pytest
from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.conversations.timeline import timeline
from qqconsole.deliveries.models import ChunkStatus, Delivery, Segment, SegmentStatus, Status
from qqconsole.live import documents, snapshot
from qqconsole.live.publish import encode
from tests.console.rows import (
    add_chunk,
    connect,
    make_attempt,
    make_bot,
    make_delivery,
    make_file,
    make_message,
    make_segment,
    make_session,
    make_stream,
)

pytestmark = pytest.mark.django_db


def laid_over(state: dict, event: dict) -> dict:
    """What a page does with an event: the head replaced, rows put in by their id."""
    rows = {
        kind: {**{row["id"]: row for row in state[kind]}, **{row["id"]: row for row in event[kind]}}
        for kind in ("segments", "chunks")
    }
    head = {key: value for key, value in event.items() if key != "since"}
    return {**head, **{kind: list(found.values()) for kind, found in rows.items()}}


def fresh(delivery: Delivery) -> dict:
    event = snapshot.replay(delivery.pk, 0)
    assert event is not None
    del event["since"]
    return event


def test_a_stale_state_with_the_replay_is_the_fresh_state():
    delivery = make_stream(make_session(), ["你好，", "世界", "。"])
    states = [fresh(delivery)]
    attempt = delivery.attempts.get()
    segment = attempt.segments.get()
    segment.attempt.delivery = delivery

    sending = add_chunk(segment, "后来", status=ChunkStatus.SENDING, http_status=None, answered_at=None)
    states.append(fresh(delivery))
    delivery.seq += 1
    sending.status, sending.http_status, sending.seq = ChunkStatus.ACCEPTED, 200, delivery.seq
    sending.save()
    segment.accepted_length, segment.seq = len(segment.text), delivery.seq
    segment.save()
    delivery.save()
    states.append(fresh(delivery))
    second = make_segment(attempt, 2)
    second.attempt.delivery = delivery
    add_chunk(second, "再见", "opening")
    states.append(fresh(delivery))
    delivery.seq += 1
    delivery.status, delivery.finished_at = Status.FAILED, timezone.now()
    delivery.save()
    states.append(fresh(delivery))

    assert len({json.dumps(state) for state in states}) == len(states)
    for stale in states:
        event = snapshot.replay(delivery.pk, stale["seq"])
        assert event is not None
        assert laid_over(copy.deepcopy(stale), event) == states[-1]


def test_a_replay_holds_only_what_changed():
    delivery = make_stream(make_session(), list("abcdef"))
    event = snapshot.replay(delivery.pk, delivery.seq - 2)
    assert event is not None
    assert [chunk["text"] for chunk in event["chunks"]] == ["e", "f"]
    assert event["since"] == delivery.seq - 2
    nothing = snapshot.replay(delivery.pk, delivery.seq)
    assert nothing is not None
    assert (nothing["segments"], nothing["chunks"]) == ([], [])


def test_nothing_is_replayed_of_a_delivery_that_is_not_there_or_not_of_the_scope():
    mine, other = make_stream(make_session(), ["a"]), make_stream(make_session(), ["b"])
    assert snapshot.replay(10**9, 0) is None
    found = snapshot.replays({mine.pk: 0, other.pk: 0, 10**9: 0}, mine.session_id)
    assert [event["delivery"] for event in found] == [mine.pk]


def test_an_event_says_which_try_a_segment_belongs_to():
    delivery = make_delivery(make_session())
    first, second = make_attempt(delivery, 1, status=Status.FAILED), make_attempt(delivery, 2)
    segments = [make_segment(first), make_segment(second)]
    event = documents.delivery_event(delivery, delivery.session.bot_id, segments)
    assert [segment["attempt"] for segment in event["segments"]] == [1, 2]


def test_the_whole_delivery_nests_attempts_segments_and_chunks(django_assert_num_queries):
    session = make_session()
    delivery = make_stream(session, ["一", "二"], closed=True, reasoning_text="嗯")
    segment = Segment.objects.get()
    segment.attempt.delivery = delivery
    add_chunk(segment, "", "closing", status=ChunkStatus.REFUSED, http_status=400, code=40054005, message="去重")
    with django_assert_num_queries(5):
        document = documents.delivery_document(snapshot.whole(Delivery.objects).get(pk=delivery.pk), "zh-hans")
    assert document["generated_text"] == "一二"
    assert document["reasoning_text"] == "嗯"
    (attempt,) = document["attempts"]
    (bubble,) = attempt["segments"]
    assert bubble["text"] == "一二"
    assert bubble["accepted_length"] == 2
    chunk = bubble["chunks"][-1]
    for name in ("number", "state", "text", "status", "http_status", "code", "trace_id", "sent_at", "answered_at"):
        assert name in chunk
    assert chunk["code"] == 40054005
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chunk["meaning"])
    json.loads(encode(document))


def test_no_document_holds_a_secret_or_a_raw_request():
    bot = make_bot(secret="hush-hush-secret", source_key="hush-hush-key")
    connect(bot)
    session = make_session(bot)
    make_stream(session, ["a"])
    for found in (snapshot.whole_snapshot(), snapshot.session_snapshot(session)):
        text = encode(found)
        assert "hush-hush" not in text
        assert "stream_messages/" not in text
        assert '"request"' not in text


def test_a_bot_without_a_connection_was_never_connected():
    (document,) = snapshot.bots(Bot.objects.filter(pk=make_bot().pk))
    assert (document["state"], document["seen_at"]) == ("never", None)


def test_the_snapshot_of_a_conversation_costs_the_same_however_long_it_is(django_assert_max_num_queries):
    session = make_session()
    for _ in range(12):
        make_stream(session, ["a", "b"], closed=True)
    with django_assert_max_num_queries(7):
        found = snapshot.session_snapshot(session)
    assert len(found["deliveries"]) == 12
    assert len(found["messages"]) == 12
    assert all(len(event["chunks"]) == 2 for event in found["deliveries"])


def test_the_snapshot_of_everything_costs_the_same_however_much_there_is(django_assert_max_num_queries):
    for _ in range(8):
        make_stream(make_session(), ["一二三", "四五"], closed=True)
    with django_assert_max_num_queries(11):
        found = snapshot.whole_snapshot()
    assert len(found["sessions"]) == 8
    assert all(event["chunks_left_out"] and not event["chunks"] for event in found["deliveries"])
    line = found["sessions"][0]
    assert line["preview"] == {"from": "bot", "text": "一二三四五", "segment": line["preview"]["segment"], "end": 5}
    assert line["delivery"]["status"] == "delivered"


def test_a_question_still_unanswered_is_what_the_list_shows():
    session = make_session()
    make_stream(session, ["answer"], closed=True)
    make_message(session, "and now?")
    (line,) = snapshot.whole_snapshot()["sessions"]
    assert line["preview"]["from"] == "user"
    assert line["preview"]["text"] == "and now?"


def test_a_long_conversation_comes_in_stretches_without_gap_or_repeat():
    session = Session.objects.get(pk=make_session().pk)
    for _ in range(40):
        make_stream(session, ["a"], closed=True)
    seen: list[str] = []
    before = None
    while True:
        part = timeline(session, before)
        seen = [f"{type(item).__name__} {item.pk}" for item in part.items] + seen
        before = part.older
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 80
    assert seen[0].startswith("InboundMessage")


def test_what_is_being_sent_is_in_the_newest_stretch_however_old_it_is():
    session = make_session()
    sending = make_stream(session, ["still at it"])
    for _ in range(40):
        make_message(session)
    assert sending in timeline(session).deliveries
    assert Segment.objects.get(attempt__delivery=sending).status == SegmentStatus.OPEN


def test_what_somebody_asked_for_is_shown_before_anything_of_it_has_left(django_assert_num_queries):
    session = make_session()
    picture = make_file(name="猫.png", kind="image", size=3_000_000, thumbnail="thumbnails/cat.webp")
    make_delivery(session, kind="media", item=picture, caption="看", requested_name="olga", status="queued")
    make_delivery(session, kind="message", generated_text="hello", requested_name="olga", status="queued")
    make_delivery(session, kind="reply", generated_text="of a model")
    with django_assert_num_queries(3):
        media, message, reply = snapshot.events_of(
            list(Delivery.objects.select_related("session", "item").order_by("pk"))
        )
    assert (media["item"]["name"], media["item"]["thumbnail"], media["caption"]) == ("猫.png", True, "看")
    assert (message["text"], message["requested_name"], message["item"]) == ("hello", "olga", None)
    assert reply["text"] == ""


def test_an_event_brings_every_attempt_with_who_asked_for_it():
    delivery = make_delivery(make_session(), status="queued")
    make_attempt(delivery, status="failed", code=40034006, reason="refused")
    make_attempt(delivery, 2, status="queued", mode="resend", requested_name="ada", why="it works again")
    (event,) = snapshot.events_of([Delivery.objects.select_related("session", "item").get()], since=1)
    first, second = event["attempts"]
    assert (first["status"], first["code"]) == ("failed", 40034006)
    assert (second["mode"], second["requested_name"], second["why"]) == ("resend", "ada", "it works again")
