"""One inbound message takes few answers, counted in the database whoever answers; the rest goes proactively."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import environ
import pytest
from django.db import connections, transaction
from django.db.utils import ConnectionHandler
from django.utils import timezone

from adapter.passive import ANSWERS, Denied, Use
from adapter.targets import Scene
from adapter.typing_hints import TypingHints
from bench.services import missing_services, postgresql
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries import ledger
from qqconsole.deliveries.ledger import Address, Grant, grant
from qqconsole.deliveries.models import Segment, SegmentKind, Status, TypingHint
from tests.worker.conftest import House, Platform
from tests.worker.test_claims import queue

USER = "A" * 32
MSG_ID = "ROBOT1.0_asked"
WRITERS, ROUNDS = 4, 40


@pytest.fixture
def on_postgresql() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Makes PostgreSQL the database of the thread that enters what this gives."""
    assert missing_services() == []
    with postgresql() as url:
        settings = {**connections.settings["default"], "OPTIONS": {}, **environ.Env.db_url_config(url)}

        @contextmanager
        def use_it() -> Iterator[None]:
            connections["default"] = ConnectionHandler({"default": settings})["default"]
            try:
                yield
            finally:
                connections["default"].close()

        yield use_it


@pytest.mark.django_db(transaction=True)
def test_writers_that_answer_one_message_at_once_never_spend_more_than_it_takes(
    on_postgresql: Callable[[], AbstractContextManager[None]],
) -> None:
    """On PostgreSQL, each writer with a connection of its own, transactions that overlap, some rolled back."""
    start = threading.Barrier(WRITERS)

    def set_up() -> None:
        with on_postgresql():
            with connections["default"].schema_editor() as editor:
                for model in (Bot, Session, InboundMessage):
                    editor.create_model(model)
            bot = Bot.objects.create(name="bot", app_id="1", secret="s")
            session = Session.objects.create(bot=bot, scene="c2c", target_id=USER, last_at=timezone.now())
            InboundMessage.objects.create(bot=bot, session=session, qq_id=MSG_ID, received_at=timezone.now())

    def hammer(writer: int) -> list[Grant | Denied]:
        kept: list[Grant | Denied] = []
        with on_postgresql():
            address = Address(Bot.objects.get().pk, USER, "messages.stream", ANSWERS[Scene.C2C])
            start.wait(20)
            for number in range(ROUNDS):
                with transaction.atomic():
                    wanted = [grant(address, MSG_ID, Use.TEXT), grant(address, MSG_ID, None)]
                    if number % 3 == writer % 3:
                        # The batch came to nothing: what was taken is given back.
                        transaction.set_rollback(True)
                    else:
                        kept += wanted
        return kept

    with ThreadPoolExecutor(WRITERS) as pool:
        pool.submit(set_up).result(30)
        told = [one for several in pool.map(hammer, range(WRITERS), timeout=60) for one in several]
    grants = [one for one in told if isinstance(one, Grant)]
    assert len({one.msg_seq for one in grants}) == len(grants)
    refused = [one for one in told if isinstance(one, Denied)]
    # Half of what was kept asked for an answer; four had one.
    assert len(refused) == len(told) // 2 - 4
    assert {(one.why, one.used) for one in refused} == {("none_left", 4)}
    assert max(one.used for one in grants) == 4


def _decisions(kind: str) -> list[tuple[str, int]]:
    rows = Segment.objects.order_by("number")
    rows = rows.filter(kind=kind) if kind == SegmentKind.MEDIA else rows.exclude(kind=SegmentKind.MEDIA)
    return [(row.decision["why"], row.decision["used"]) for row in rows if row.decision]


def test_of_many_bubbles_four_answer_and_the_rest_goes_proactively_in_order(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """A model that writes, sends a picture, and writes on, again and again; pictures answer nothing by themselves."""
    bot = make_bot(source_model="tool-loop", proactive_per_second=1_000, proactive_per_minute=1_000)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "看看")
    house.engine.ring(delivery.pk)
    house.ended()
    texts = [bubble["text"].rstrip("\n") for bubble in platform.bot_bubbles(USER) if bubble["kind"] != "media"]
    assert len(texts) >= 6
    assert texts == [f"第 {number} 张图，这就来。" for number in range(1, len(texts) + 1)]
    words = _decisions("text")
    assert words[:4] == [("passive", 1), ("passive", 2), ("passive", 3), ("passive", 4)]
    assert set(words[4:]) == {("none_left", 4)}
    assert {why for why, _ in _decisions(SegmentKind.MEDIA)} == {"bot_proactive"}
    assert platform.violations() == []
    assert InboundMessage.objects.get().answers_used == 4


def test_a_picture_in_an_answer_leaves_the_last_answer_to_the_words_behind_it(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="tool", media_passive=True)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "晚霞")
    # Others have answered the same message twice.
    InboundMessage.objects.update(answers_used=2, next_msg_seq=7)
    house.engine.ring(delivery.pk)
    (ended,) = house.ended()
    assert ended.status == Status.DELIVERED
    assert _decisions("text") == [("passive", 3), ("passive", 4)]
    assert [why for why, _ in _decisions(SegmentKind.MEDIA)] == ["none_left"]
    assert [bubble["kind"] == "media" for bubble in platform.bot_bubbles(USER)] == [False, True, False]


def test_where_the_bot_sends_nothing_proactively_the_reply_ends_and_says_why(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(source_model="tool", on_dead_reference="fail")
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "晚霞")
    InboundMessage.objects.update(answers_used=3, next_msg_seq=4)
    house.engine.ring(delivery.pk)
    (ended,) = house.ended()
    assert (ended.status, ended.reason) == (Status.INTERRUPTED, "passive_used_up")
    assert _decisions("text") == [("passive", 4), ("none_left", 4)]
    assert len(platform.bot_bubbles(USER)) == 2
    assert not Segment.objects.filter(status="open").exists()


def test_what_qq_says_of_a_message_holds_for_whoever_answers_it_next(
    house: House, platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """QQ takes fewer answers than it says: the first refusal is the last."""
    bot = make_bot(source_model="echo")
    platform.do(lambda simulator: simulator.platform.switches.patch({"c2c_limit": 0}))
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "guten Tag zusammen")
    house.engine.ring(delivery.pk)
    (ended,) = house.ended()
    assert ended.status == Status.DELIVERED
    inbound = InboundMessage.objects.get()
    assert (inbound.answers_closed, inbound.answers_used) == (40034128, 1)
    assert _decisions("text") == [("closed", 1)]
    address = Address(bot.pk, USER, bot.dialect, 4)
    assert grant(address, inbound.qq_id, Use.TEXT) == Denied("closed", 1)
    # A stream that is open goes on.
    assert isinstance(grant(address, inbound.qq_id, None), Grant)
    ledger.close(address, inbound.qq_id, 22009)
    assert InboundMessage.objects.get().answers_closed == 40034128


def test_a_typing_hint_uses_up_an_answer_and_has_its_row(
    house: House, platform: Platform, make_bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TypingHints.__init__, "__kwdefaults__", {"gate": None, "silence": 0.05})
    bot = make_bot(source_model="late:seconds=0.4", typing=True)
    house.start(gateways=False)
    delivery = queue(bot, platform, USER, "guten Tag zusammen")
    house.engine.ring(delivery.pk)
    (ended,) = house.ended()
    assert ended.status == Status.DELIVERED
    hint = TypingHint.objects.get()
    assert (hint.msg_seq, hint.status, hint.http_status, hint.seconds) == (1, "accepted", 200, 60)
    assert hint.trace_id
    assert _decisions("text") == [("passive", 2)]
    assert InboundMessage.objects.get().answers_used == 2
    first, *_ = platform.bot_bubbles(USER)
    assert first["kind"] == "notice"
    assert platform.violations() == []
