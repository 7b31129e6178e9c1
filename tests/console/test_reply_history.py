"""What a reply source is told: the message to answer, and what was said before it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adapter.pieces import SourceFailed
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Attempt, Delivery, Kind, Segment, Status
from qqconsole.replies.history import UNANSWERED, WORDLESS, reply_request
from qqconsole.replies.request import Turn

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(
        name="小助手",
        app_id="102000001",
        secret="s",
        source_url="http://model.test/v1",
        source_model="m",
        source_key="sk-key",
        system_prompt="你是助手",
        history_turns=3,
        model_silence_timeout=9.0,
    )


@pytest.fixture
def session(bot: Bot) -> Session:
    return new_session(bot)


def new_session(bot: Bot, scene: str = "c2c", target: str = "U1") -> Session:
    return Session.objects.create(bot=bot, scene=scene, target_id=target, last_at=NOW)


def heard(session: Session, content: str, **more: Any) -> InboundMessage:
    return InboundMessage.objects.create(
        bot=session.bot,
        session=session,
        qq_id=f"ROBOT1.0_{next(_numbers)}",
        event_type="C2C_MESSAGE_CREATE",
        content=content,
        received_at=NOW,
        **more,
    )


def asked(session: Session, content: str, **more: Any) -> Delivery:
    return Delivery.objects.create(session=session, inbound=heard(session, content, **more))


def answered(session: Session, content: str, answer: str, status: str = Status.DELIVERED, **more: Any) -> Delivery:
    delivery = asked(session, content, **more)
    Delivery.objects.filter(pk=delivery.pk).update(status=status, generated_text=answer)
    return delivery


def shown(delivery: Delivery, *segments: tuple[str, int], purpose: str = "reply", attempt: int = 1) -> None:
    """Store an attempt with segments of these texts, of which QQ accepted so many characters."""
    row = Attempt.objects.create(delivery=delivery, number=attempt, started_at=NOW)
    for number, (text, accepted) in enumerate(segments, 1):
        Segment.objects.create(
            attempt=row,
            number=number,
            kind="stream",
            purpose=purpose,
            text=text,
            accepted_length=accepted,
            opened_at=NOW,
        )


def test_the_request_carries_the_bots_settings_and_the_users_text_unchanged(session: Session) -> None:
    request = reply_request(asked(session, "  你好\n<@x> "))
    assert (request.source, request.url, request.model, request.key) == (
        "openai",
        "http://model.test/v1",
        "m",
        "sk-key",
    )
    assert (request.system_prompt, request.silence_timeout) == ("你是助手", 9.0)
    assert request.user_text == "  你好\n<@x> "
    assert request.turns == ()
    assert "sk-key" not in repr(request)


@pytest.mark.parametrize(("scene", "media"), [("c2c", True), ("group", True), ("guild", False), ("dm", False)])
def test_media_is_offered_where_the_scene_takes_it(bot: Bot, scene: str, media: bool) -> None:
    assert reply_request(asked(new_session(bot, scene), "好")).media_allowed is media


def test_the_last_turns_come_oldest_first_and_no_more_than_the_bot_wants(session: Session) -> None:
    for number in range(5):
        answered(session, f"问{number}", f"答{number}")
    request = reply_request(asked(session, "再问"))
    assert request.turns == tuple(
        Turn(role, f"{word}{number}")  # type: ignore[arg-type]
        for number in (2, 3, 4)
        for role, word in (("user", "问"), ("assistant", "答"))
    )


def test_a_bot_without_history_asks_nothing_of_it(session: Session) -> None:
    answered(session, "问", "答")
    session.bot.history_turns = 0
    assert reply_request(asked(session, "再问")).turns == ()


def test_other_sessions_later_messages_and_those_not_addressed_stay_out(bot: Bot, session: Session) -> None:
    answered(new_session(bot, target="U2"), "别人", "别答")
    heard(session, "闲聊", addressed=False)
    delivery = asked(session, "现在")
    answered(session, "以后", "答")
    assert reply_request(delivery).turns == ()


def test_of_a_broken_answer_only_what_qq_accepted_was_said(session: Session) -> None:
    broken = answered(session, "问", "第一段。第二段写到一半", Status.INTERRUPTED)
    shown(broken, ("第一段。", 4), ("第二段写到一半", 3))
    shown(broken, ("第一段。", 4), ("第二段写到一半", 5), attempt=2)
    request = reply_request(asked(session, "再问"))
    assert request.turns == (Turn("user", "问"), Turn("assistant", "第一段。\n第二段写到"))


def test_an_unanswered_question_keeps_its_place_and_a_notice_is_no_answer(session: Session) -> None:
    failed = answered(session, "一", "", Status.FAILED)
    shown(failed, ("抱歉，这次没能回答。", 10), purpose="notice")
    heard(session, "二")
    answered(session, "三", "", Status.DELIVERED)
    request = reply_request(asked(session, "再问"))
    assert [turn.text for turn in request.turns] == ["一", UNANSWERED, "二", UNANSWERED, "三", WORDLESS]
    assert [turn.role for turn in request.turns] == ["user", "assistant"] * 3


def test_an_unknown_outcome_counts_as_said(session: Session) -> None:
    answered(session, "问", "也许到了", Status.UNKNOWN)
    assert reply_request(asked(session, "再问")).turns[1].text == "也许到了"


def test_in_a_group_the_author_stands_before_the_earlier_words_but_not_the_question(bot: Bot) -> None:
    group = new_session(bot, "group", "G1")
    answered(group, "早", "早上好", author_name="小王")
    answered(group, "早啊", "你也早", author_id="ABCDEF0123456789")
    request = reply_request(asked(group, "几点了", author_name="小李"))
    assert [turn.text for turn in request.turns] == ["小王: 早", "早上好", "ABCDEF01: 早啊", "你也早"]
    assert request.user_text == "几点了"


def test_a_message_that_came_as_two_events_is_one_turn(bot: Bot) -> None:
    group = new_session(bot, "group", "G1")
    heard(group, "早", twin="t1", author_name="小王")
    answered(group, "早", "早上好", twin="t1", author_name="小王")
    heard(group, "现在", twin="t2", author_name="小王")
    request = reply_request(asked(group, "现在", twin="t2", author_name="小王"))
    assert [turn.text for turn in request.turns] == ["小王: 早", "早上好"]


def test_attachments_are_mentioned_in_words_with_their_addresses(session: Session) -> None:
    picture = {"content_type": "image/png", "filename": "a.png", "url": "https://q.test/a.png"}
    voice = {"content_type": "voice", "url": "https://q.test/v.silk", "asr_refer_text": "几点了"}
    answered(session, "", "看到了", attachments=[picture, "nonsense"])
    request = reply_request(asked(session, "听", attachments=[voice, {}]))
    assert request.turns[0].text == '[attachment: image/png "a.png" https://q.test/a.png]'
    assert request.user_text == "听"
    assert request.attachments == (
        '[attachment: voice https://q.test/v.silk recognised as: "几点了"]',
        "[attachment: file (no address)]",
    )


def test_a_message_that_is_gone_cannot_be_answered(session: Session) -> None:
    delivery = Delivery.objects.create(session=session, kind=Kind.REPLY)
    with pytest.raises(SourceFailed) as failed:
        reply_request(delivery)
    assert failed.value.reason == "message_gone"


def test_a_long_history_costs_three_queries(session: Session) -> None:
    for number in range(3):
        shown(answered(session, f"问{number}", "答", Status.INTERRUPTED), ("答", 1))
    pk = asked(session, "再问").pk
    delivery = Delivery.objects.select_related("inbound", "session__bot").get(pk=pk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        reply_request(delivery)
    assert len(queries) == 3
