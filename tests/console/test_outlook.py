"""Before the click: what sending again will do, told as it will be decided then."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapter.answers import Exchange, Unknown
from adapter.frames import FrameKind, Pair
from adapter.moves import Send
from adapter.policy import Policy
from adapter.stream import StreamMachine
from qqconsole.accounts.callers import Caller
from qqconsole.accounts.models import User
from qqconsole.deliveries import quotas, reasons
from qqconsole.deliveries.models import Delivery, Mode, ProactiveSend, Segment
from qqconsole.deliveries.outlook import Outlook, outlook
from qqconsole.deliveries.repeating import read_repeat
from qqconsole.deliveries.resend import ResendRefused, resend
from qqconsole.media.models import FileInfo, MediaFile
from tests.console.rows import (
    add_chunk,
    make_attempt,
    make_bot,
    make_delivery,
    make_message,
    make_segment,
    make_session,
)

pytestmark = pytest.mark.django_db


def make_file(**fields: Any) -> MediaFile:
    digest = hashlib.sha256(str(MediaFile.objects.count()).encode()).hexdigest()
    values = {"sha256": digest, "md5": "0" * 32, "sha1": "0" * 40, "md5_10m": "0" * 32, "size": 10, "kind": "image"}
    values |= {"mime": "image/png", "name": "cat.png", "file": "aa/bb", "width": 1, "height": 1}
    return MediaFile.objects.create(last_used_at=timezone.now(), **{**values, **fields})


def make_picture(**fields: Any) -> Delivery:
    """A picture that did not go, in a session whose user wrote a minute ago."""
    session = make_session(make_bot(**fields.pop("bot", {})), **fields.pop("session", {}))
    make_message(session, received_at=timezone.now() - timedelta(minutes=1))
    values = {"kind": "media", "item": make_file(), "status": "failed", "finished_at": timezone.now()}
    return make_delivery(session, **{**values, **fields})


def make_unproven(ago: timedelta = timedelta(minutes=1), **fields: Any) -> Delivery:
    """A passive text whose outcome QQ never told."""
    session = make_session()
    inbound = make_message(session, qq_id="ROBOT1.0_asked", received_at=timezone.now() - ago)
    delivery = make_delivery(session, inbound, generated_text="hello", status="unknown")
    segment = make_segment(make_attempt(delivery), kind="plain", dialect="", status="unknown", reference=inbound.qq_id)
    body = {"msg_type": 0, "content": "hello", "msg_id": inbound.qq_id, "msg_seq": 3}
    request = {"method": "POST", "path": "/v2/users/U/messages", "body": body}
    add_chunk(segment, "hello", "plain", **{"status": "unknown", "msg_seq": 3, "request": request, **fields})
    Segment.objects.update(accepted_length=0)
    return delivery


def look(delivery: Delivery) -> Outlook:
    seen = outlook(
        Delivery.objects.select_related("session__bot", "inbound", "item").get(pk=delivery.pk), timezone.now()
    )
    for word in (seen.refused, seen.passive_why, seen.likely_why):
        assert not word or reasons.in_words(word) != word, f"{word} is not in words"
    return seen


def test_a_picture_goes_proactively_unless_the_bot_prefers_otherwise() -> None:
    assert (look(make_picture()).passive, look(make_picture()).passive_why) == (False, "bot_proactive")
    passive = look(make_picture(bot={"media_passive": True}))
    assert (passive.passive, passive.passive_why, passive.replies_used, passive.replies_most) == (True, "passive", 0, 4)
    assert passive.window_until is not None
    assert passive.window_until > timezone.now()
    assert passive.missing == ("cat.png",)


def test_the_last_answer_is_left_for_words() -> None:
    delivery = make_picture(bot={"media_passive": True})
    delivery.session.inbound_messages.update(answers_used=3)
    seen = look(delivery)
    assert (seen.passive, seen.passive_why, seen.replies_used) == (False, "none_left", 3)


def test_a_message_qq_closed_is_answered_by_nobody() -> None:
    delivery = make_picture(bot={"media_passive": True})
    delivery.session.inbound_messages.update(answers_closed=40034128)
    assert (look(delivery).passive, look(delivery).passive_why) == (False, "closed")


def test_a_picture_qq_has_still_need_not_be_uploaded() -> None:
    delivery = make_picture()
    assert look(delivery).upload == "again"
    use = {"bot": delivery.session.bot, "file": delivery.item, "kind": "image", "file_info": "F"}
    info = FileInfo.objects.create(scene="c2c", until=timezone.now() + timedelta(minutes=5), **use)
    assert look(delivery).upload == "reuse"
    FileInfo.objects.filter(pk=info.pk).update(until=timezone.now() + timedelta(seconds=3))
    assert look(delivery).upload == "again"
    FileInfo.objects.filter(pk=info.pk).update(until=None, scene="group")
    assert look(delivery).upload == "again"
    assert look(make_delivery(make_session(), kind="message", generated_text="a", status="failed")).upload == "none"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (850019, "same_again"),
        (40034006, "same_again"),
        (40034105, "refuses_proactive"),
        (777, "same_again"),
        (850027, ""),
        (304080, ""),
        (40034024, ""),
        (None, ""),
    ],
)
def test_what_qq_refused_for_good_it_will_likely_refuse_again(code: int | None, why: str) -> None:
    seen = look(make_picture(code=code))
    assert (seen.likely_refused, seen.likely_why) == (code if why else None, why)


def test_what_was_used_up_yesterday_is_not_used_up_today() -> None:
    assert look(make_picture(code=40093002)).likely_refused == 40093002
    assert look(make_picture(code=40093002, finished_at=timezone.now() - timedelta(days=1))).likely_refused is None


def test_a_user_who_takes_nothing_proactive_is_known_from_other_deliveries_until_they_write() -> None:
    delivery = make_picture()
    ago = timezone.now() - timedelta(seconds=30)
    make_delivery(delivery.session, kind="message", status="failed", code=40034102, finished_at=ago)
    assert look(delivery).likely_refused == 40034102
    make_message(delivery.session)
    assert look(delivery).likely_refused is None


def test_a_limit_that_is_reached_says_when_it_goes() -> None:
    delivery, now = make_picture(bot={"proactive_target_minute": 1}), timezone.now()
    assert look(delivery).not_before is None
    assert quotas.reserve(delivery, now) is None
    until = look(delivery).not_before
    assert until is not None
    assert now + timedelta(minutes=1) <= until <= now + timedelta(minutes=2)
    assert ProactiveSend.objects.count() == 1


def test_looking_changes_nothing_and_says_why_it_cannot_go() -> None:
    delivery = make_picture(status="delivered")
    before = Delivery.objects.values().get(pk=delivery.pk)
    assert look(delivery).refused == "already_delivered"
    assert look(make_picture(item=None)).refused == "item_gone"
    assert Delivery.objects.values().get(pk=delivery.pk) == before


def test_a_reply_nobody_wrote_is_written_anew() -> None:
    session = make_session()
    seen = look(make_delivery(session, make_message(session), status="failed"))
    assert (seen.anew, seen.missing, seen.refused) == (True, (), "")


def test_an_unproven_message_can_be_repeated_exactly_while_its_window_is_open() -> None:
    seen = look(make_unproven())
    assert (seen.second_copy, seen.missing) == (True, ("hello",))
    assert seen.repeat is not None
    assert (seen.repeat.msg_id, seen.repeat.msg_seq) == ("ROBOT1.0_asked", 3)
    assert seen.repeat.until > timezone.now()


def test_without_a_pair_a_window_or_where_more_is_missing_nothing_is_repeated(admin: User) -> None:
    ada = Caller("ada", True, user=admin)
    over = make_unproven(timedelta(hours=2))
    proactive = make_unproven(msg_seq=None)
    more = make_unproven()
    more.generated_text += " and more"
    more.save()
    for delivery in (over, proactive, more):
        assert look(delivery).repeat is None
        assert read_repeat(delivery) is None
        with pytest.raises(ResendRefused) as refusal:
            resend(delivery.pk, ada, mode=Mode.REPEAT)
        assert refusal.value.reason == "no_repeat"


def test_the_repeat_is_the_very_same_message_under_its_own_pair(admin: User) -> None:
    delivery = make_unproven()
    attempt = resend(delivery.pk, Caller("ada", True, user=admin), mode=Mode.REPEAT)
    assert (attempt.mode, attempt.number) == (Mode.REPEAT, 2)
    delivery.refresh_from_db()
    repeat = read_repeat(delivery)
    assert repeat is not None
    assert repeat.msg_seq == 3
    machine = StreamMachine(Policy(dialect=None, reference="ROBOT1.0_asked"), restored=repeat.restored)
    machine.answer(Unknown("nobody wrote it down", Exchange()), 0.0)
    machine.end()
    move = machine.next(1_000.0)
    assert isinstance(move, Send)
    frame = move.frame
    assert (frame.kind, frame.pair, frame.segment) == (FrameKind.PLAIN, Pair.REPEAT, 1)
    assert (frame.wire_text, frame.reference) == ("hello", "ROBOT1.0_asked")
