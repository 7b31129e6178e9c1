"""Looking back after a 4009: of what QQ accepted before the news came, what may nobody have seen?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapter.loss import Loss
from qqconsole.bots.models import Bot
from qqconsole.deliveries.models import Chunk, Delivery, Segment, Status
from qqconsole.engine.batch import Batch
from qqconsole.engine.looking_back import Doubted, look_back
from tests.console.rows import add_chunk, make_attempt, make_bot, make_delivery, make_segment, make_session

pytestmark = pytest.mark.django_db

CURRENT, OLDER = "stream_messages", "messages.stream"
SETTLE = 1.0
LOST = timezone.now().replace(microsecond=0) - timedelta(seconds=60)
LIVE = 10.0
"""Seconds after the loss at which READY came; with the settle time, what is sent from 11.0 on is believed."""
LOSS = Loss(LOST.timestamp(), LOST.timestamp() + LIVE)


def _at(second: float) -> datetime:
    return LOST + timedelta(seconds=second)


def _bot(**fields: Any) -> Bot:
    return make_bot(**{"after_4009": "hold", "settle_ms": int(SETTLE * 1000), **fields})


def _begin(bot: Bot, *, ended: bool = True, **fields: Any) -> Segment:
    """A delivery with one bubble."""
    delivery = make_delivery(make_session(bot), status=Status.DELIVERED if ended else Status.SENDING)
    return make_segment(make_attempt(delivery), **fields)


def _send(segment: Segment, kind: str, second: float, **fields: Any) -> Chunk:
    """A request of it that QQ accepted so many seconds after the loss."""
    return add_chunk(segment, f"{kind} ", kind, sent_at=_at(second - 0.05), answered_at=_at(second), **fields)


def _stream(bot: Bot, seconds: list[float], dialect: str = CURRENT, *, ended: bool = True) -> Segment:
    """Opened, written and, where it has ended, closed at those seconds."""
    segment = _begin(bot, dialect=dialect, ended=ended)
    for number, second in enumerate(seconds):
        last = ended and number == len(seconds) - 1
        _send(segment, "closing" if last else "middle" if number else "opening", second)
    return segment


def _look(bot: Bot, loss: Loss = LOSS) -> list[Doubted]:
    return look_back(Batch(), bot.pk, loss)


def _doubts(segment: Segment) -> tuple[list[bool], bool, bool]:
    """Which of its requests are suspect; whether it is; whether its delivery is."""
    segment.refresh_from_db()
    delivery = Delivery.objects.get(attempts=segment.attempt)
    return [chunk.suspect for chunk in segment.chunks.order_by("number")], segment.suspect, delivery.suspect


@pytest.mark.parametrize(("after_4009", "doubted"), [("hold", True), ("suspect", True), ("ignore", False)])
def test_a_bot_that_holds_doubts_what_it_sent_before_it_knew_and_one_that_ignores_does_not(
    after_4009: str, doubted: bool
) -> None:
    bot = _bot(after_4009=after_4009)
    stream = _stream(bot, [-30, -0.5, 2])
    assert _look(bot) == []
    assert _doubts(stream) == ([False, doubted, doubted], doubted, doubted)


def test_a_later_frame_that_carries_the_whole_text_heals_those_before_it() -> None:
    bot = _bot()
    stream = _stream(bot, [-30, 0.2, 0.9, 12])
    _look(bot)
    # The requests themselves stay as they were: they may never have been shown.
    assert _doubts(stream) == ([False, True, True, False], False, False)


def test_a_frame_sent_before_the_session_had_settled_heals_nothing() -> None:
    bot = _bot()
    stream = _stream(bot, [-30, 0.2, LIVE + SETTLE / 2])
    _look(bot)
    assert _doubts(stream) == ([False, True, True], True, True)


def test_an_opening_frame_is_healed_by_none() -> None:
    """A stream that QQ never showed to anybody may not be shown by what goes on with it."""
    bot = _bot()
    stream = _stream(bot, [0.2, 12, 13])
    _look(bot)
    assert _doubts(stream) == ([True, False, False], True, True)


def test_in_the_older_dialect_a_later_frame_carries_nothing_of_those_before_it() -> None:
    bot = _bot()
    stream = _stream(bot, [-30, 0.2, 12], OLDER)
    _look(bot)
    assert _doubts(stream) == ([False, True, False], True, True)


def test_a_plain_message_is_doubted_and_so_is_one_in_review() -> None:
    bot = _bot()
    accepted, in_review = _begin(bot, kind="plain", dialect=""), _begin(bot, kind="plain", dialect="")
    _send(accepted, "plain", 0.2)
    _send(in_review, "plain", 0.2, status="in_review")
    _look(bot)
    assert _doubts(accepted) == _doubts(in_review) == ([True], True, True)


def test_of_media_only_what_shows_it_is_doubted() -> None:
    """An upload shows nothing to anybody: nothing of it can be dropped."""
    bot = _bot()
    media = _begin(bot, kind="media", dialect="", media={})
    _send(media, "upload", 0.2)
    _send(media, "media", 0.4)
    _look(bot)
    assert _doubts(media) == ([False, True], True, True)


def test_what_qq_did_not_accept_what_was_long_before_or_after_and_what_others_sent_is_left_alone() -> None:
    bot, other = _bot(), _bot()
    refused, unknown = _begin(bot, kind="plain"), _begin(bot, kind="plain")
    _send(refused, "plain", 0.2, status="refused")
    _send(unknown, "plain", 0.2, status="unknown")
    before, after, others = _stream(bot, [-9, -8, -2]), _stream(bot, [12, 13]), _stream(other, [0.1, 0.2])
    assert _look(bot) == []
    for segment in (refused, unknown, before, after, others):
        doubts, *wholes = _doubts(segment)
        assert not any([*doubts, *wholes])


def test_a_repeat_proves_that_qq_took_the_message_and_not_that_anybody_saw_it() -> None:
    """Its answer was lost; QQ calls its repeat, long after, a duplicate."""
    bot = _bot()
    proven, other = _begin(bot, kind="plain", dialect=""), _begin(bot, kind="plain", dialect="")
    _send(proven, "plain", 0.2, status="unknown", msg_seq=3)
    _send(proven, "plain", 20, status="duplicate", msg_seq=3)
    _send(other, "plain", 0.2, status="unknown", msg_seq=4)
    _send(other, "plain", 20, status="duplicate", msg_seq=5)
    _look(bot)
    assert _doubts(proven) == ([True, False], True, True)
    assert _doubts(other) == ([False, False], False, False)


def test_what_is_repeated_just_now_is_left_to_whoever_repeats_it() -> None:
    bot = _bot()
    plain, middle = _begin(bot, kind="plain", dialect="", ended=False), _stream(bot, [-30, -20], ended=False)
    _send(plain, "plain", 0.2, status="unknown", msg_seq=3)
    _send(middle, "middle", 0.3, status="unknown")  # a later frame brings it again, whatever became of this one
    [doubted] = _look(bot)
    assert (doubted.attempt_id, doubted.unproven, doubted.healed) == (plain.attempt_id, True, False)


def test_while_no_session_lives_all_is_doubted() -> None:
    bot = _bot()
    stream = _stream(bot, [-30, 0.2, 50])
    _look(bot, Loss(LOST.timestamp()))
    assert _doubts(stream) == ([False, True, True], True, True)


def test_what_is_still_being_sent_is_left_to_whoever_sends_it() -> None:
    bot = _bot()
    middle, opening = _stream(bot, [-30, 0.2, 0.6], ended=False), _stream(bot, [0.3, 12], ended=False)
    healed, delta = _stream(bot, [-30, 0.2, 12], ended=False), _stream(bot, [-30, 0.2], OLDER, ended=False)
    left = {doubted.attempt_id: doubted for doubted in _look(bot)}

    def told(segment: Segment) -> tuple[list[int], bool, bool]:
        doubted = left.pop(segment.attempt_id)
        assert (doubted.delivery_id, doubted.segment) == (segment.attempt.delivery_id, segment.number)
        numbers = [Chunk.objects.get(pk=pk).number for pk in doubted.chunks]
        return numbers, doubted.healed, doubted.for_good

    assert told(middle) == ([2, 3], False, False)
    assert told(opening) == ([1], False, True)
    assert told(healed) == ([2], True, False)
    assert told(delta) == ([2], False, True)
    assert left == {}
    assert not Chunk.objects.filter(suspect=True).exists()


def test_looked_at_twice_it_is_marked_and_told_once() -> None:
    bot = _bot()
    stream = _stream(bot, [-30, 0.2, 0.4])
    first, second = Batch(), Batch()
    look_back(first, bot.pk, LOSS)
    [event] = first.events()
    delivery = Delivery.objects.get(attempts=stream.attempt)
    assert (event["delivery"], event["seq"], event["suspect"]) == (delivery.pk, delivery.seq, True)
    assert [chunk["suspect"] for chunk in event["chunks"]] == [True, True]
    look_back(second, bot.pk, LOSS)
    assert second.events() == []
