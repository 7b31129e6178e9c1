"""Retention: what is old goes whole, in small steps, and it is said what went; what is open, young or resent stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from qqconsole.accounts.models import AuditLine
from qqconsole.conversations.models import InboundMessage, PlatformEvent, Session
from qqconsole.deliveries import retention
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, PassivePair, Segment
from qqconsole.deliveries.tasks import remove_old
from qqconsole.media.models import MediaUse
from tests.console.rows import make_bot, make_file, make_message, make_session, make_stream

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def remove(days=30, **given):
    return retention.remove(timedelta(days=days), pause=0, **given)


def aged(delivery, days=60, ended=None):
    """The same delivery as if it had come in ``days`` ago, and had ended ``ended`` days ago."""
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(
        created_at=now - timedelta(days=days), finished_at=now - timedelta(days=days if ended is None else ended)
    )
    InboundMessage.objects.filter(pk=delivery.inbound_id).update(received_at=now - timedelta(days=days))
    Session.objects.filter(pk=delivery.session_id).update(last_at=now - timedelta(days=days))
    return delivery


def with_pair(delivery):
    segment = Segment.objects.get(attempt__delivery=delivery)
    session = delivery.session
    PassivePair.objects.create(
        bot=session.bot, target_id=session.target_id, msg_id=delivery.inbound.qq_id, msg_seq=1, segment=segment
    )
    return delivery


def test_an_old_delivery_goes_with_all_beneath_it_and_its_empty_session():
    old = with_pair(aged(make_stream(make_session(), ["你", "好"], closed=True)))
    MediaUse.objects.create(file=make_file(), delivery=old)
    young = make_stream(make_session(), ["Hello"], closed=True)

    removed = remove()

    assert removed == {
        "delivery": 1, "attempt": 1, "segment": 1, "chunk": 2, "passivepair": 1, "mediause": 1, "inboundmessage": 1,
        "session": 1,
    }  # fmt: skip
    assert list(Delivery.objects.all()) == [young]
    assert [model.objects.count() for model in (Attempt, Segment, Chunk, InboundMessage, Session)] == [1] * 5
    assert remove() == {}


def test_what_is_open_young_or_was_sent_again_lately_stays():
    session = make_session()
    waiting = aged(make_stream(session, ["a"], status="queued"))
    Delivery.objects.filter(pk=waiting.pk).update(finished_at=None)
    aged(make_stream(session, ["b"], status="sending"))
    with_pair(aged(make_stream(session, ["c"], closed=True), ended=2))
    aged(make_stream(session, ["d"], closed=True), days=20)
    assert remove() == {}
    assert Delivery.objects.count() == InboundMessage.objects.count() == 4


def test_an_old_message_stays_as_long_as_its_answer():
    answered = aged(make_stream(make_session(), ["a"], closed=True), ended=2)
    alone = make_message(answered.session)
    InboundMessage.objects.filter(pk=alone.pk).update(received_at=timezone.now() - 2 * MONTH)
    assert remove() == {"inboundmessage": 1}
    assert InboundMessage.objects.get().pk == answered.inbound_id


def test_other_events_go_by_age_too():
    bot, now = make_bot(), timezone.now()
    for days in (60, 1):
        PlatformEvent.objects.create(bot=bot, type="FRIEND_ADD", received_at=now - timedelta(days=days))
    assert remove() == {"platformevent": 1}


def test_steps_are_small_and_a_delivery_is_never_torn(monkeypatch):
    monkeypatch.setattr(retention, "MOST_ROWS", 30)
    monkeypatch.setattr(retention, "STEP", 4)
    session = make_session()
    for _ in range(10):
        aged(make_stream(session, ["a"] * 5, closed=True))
    big = aged(make_stream(session, ["b"] * 40, closed=True))
    steps = list(retention._deliveries(timezone.now() - MONTH))
    assert sum(step["delivery"] for step in steps) == 11
    assert max(sum(step.values()) for step in steps if step["chunk"] < 40) <= 30
    assert [step["delivery"] for step in steps if step["chunk"] >= 40] == [1]
    assert not Chunk.objects.filter(segment__attempt__delivery=big.pk).exists()


def test_what_is_younger_is_not_looked_through():
    session = make_session()
    for _ in range(3):
        make_stream(session, ["a"], closed=True)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            remove()
        return len(seen)

    before = queries()
    for _ in range(30):
        make_stream(session, ["a"], closed=True)
    assert queries() == before


def test_it_says_what_it_removed(caplog, capsys):
    aged(make_stream(make_session(), ["你", "好"], closed=True))
    call_command("retention", days=30, dry_run=True)
    would = capsys.readouterr().out
    assert would.startswith("Would remove 1 deliveries, 1 attempts, 1 segments, 2 chunks, 1 messages received:")
    assert Delivery.objects.count() == 1

    with caplog.at_level("INFO", "qqconsole"):
        call_command("retention", days=30)

    assert "Removed 1 deliveries, 1 attempts, 1 segments, 2 chunks" in capsys.readouterr().out
    assert "chunk=2, delivery=1" in caplog.text
    line = AuditLine.objects.get(action="retention")
    assert (line.name, line.detail["delivery"], line.detail["chunk"]) == ("qqconsole", 1, 2)


def test_everything_is_kept_unless_somebody_says_how_long(settings):
    aged(make_stream(make_session(), ["a"], closed=True))
    remove_old()
    assert Delivery.objects.count() == 1
    with pytest.raises(CommandError, match="everything is kept"):
        call_command("retention")
    settings.KEEP_DAYS = 30
    remove_old()
    assert Delivery.objects.count() == 0


def test_nothing_younger_than_a_day_is_removed():
    with pytest.raises(ValueError, match="younger than a day"):
        retention.remove(timedelta(hours=23))


def test_whoever_follows_an_old_link_is_told(operator_client):
    old = aged(make_stream(make_session(), ["a"], closed=True))
    remove()
    answer = operator_client.get(f"/deliveries/{old.pk}/", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "by its age" in answer.content.decode()
