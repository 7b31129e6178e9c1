"""When a bot may not send: QQ cut its gateway session, or whatever it sends fails. Nothing is lost meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from adapter.breaker import DELAYS
from adapter.door import Door
from adapter.gateway import GatewayState
from adapter.handshake import Phase
from qqconsole.accounts.callers import Caller
from qqconsole.bots import gate_rows
from qqconsole.bots.models import Bot, BotConnection, BotGate, GateState
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Chunk, Delivery, Status
from qqconsole.deliveries.sending import send_text
from qqconsole.engine.engine import Engine
from qqconsole.engine.gates import Gates
from simulator import DEMO_APP_ID, Simulator
from tests.worker.conftest import House, Platform

MakeBot = Callable[..., Bot]
ADA = Caller("ada", is_admin=True)
USERS = [f"{number:032X}" for number in range(6)]


@pytest.fixture
def second(house: House) -> Iterator[Engine]:
    """Another engine on the same database, as in another process."""
    engine = Engine()
    engine.start()
    yield engine
    engine.stop()


def _cut(simulator: Simulator) -> None:
    """QQ closes the gateway session with 4009; what it accepts until the next one lives, it shows nobody."""
    simulator.switches.patch({"silent_drop_after_4009": 150})
    for session in simulator.platform.bot(DEMO_APP_ID).sessions.values():
        if session.connection is not None:
            session.connection.close(4009, "Session timed out")


def _lost(bot: Bot) -> bool:
    return BotGate.objects.filter(bot=bot, lost_at__isnull=False).exists()


def _session(bot: Bot, user: str) -> Session:
    return Session.objects.create(bot=bot, scene="c2c", target_id=user, last_at=timezone.now())


def _shown(platform: Platform, user: str) -> str:
    return "".join(bubble["text"] for bubble in platform.bot_bubbles(user) if not bubble.get("hidden"))


@pytest.mark.parametrize(
    ("after_4009", "seen", "suspect"),
    [("hold", "等一等", False), ("suspect", "", True), ("ignore", "", False)],
)
def test_what_is_sent_while_the_gateway_session_is_lost(
    house: House, platform: Platform, make_bot: MakeBot, after_4009: str, seen: str, suspect: bool
) -> None:
    bot = make_bot(after_4009=after_4009, settle_ms=200)
    session = _session(bot, USERS[0])
    house.start()
    house.until(platform.live)
    platform.do(_cut)
    house.until(lambda: _lost(bot))
    send_text(session, ADA, "等一等")
    [delivery] = house.ended()
    assert (delivery.status, delivery.suspect) == (Status.DELIVERED, suspect)
    assert [chunk.suspect for chunk in Chunk.objects.all()] == [suspect]
    assert _shown(platform, USERS[0]) == seen
    # The session lives again: the next one is as good as any.
    house.until(platform.live)
    house.until(lambda: BotGate.objects.filter(bot=bot, live_at__isnull=False).exists())
    send_text(_session(bot, USERS[1]), ADA, "好了")
    house.ended(2)
    assert _shown(platform, USERS[1]) == "好了"


def test_a_bot_that_keeps_failing_is_paused_and_every_stream_ends_whole(
    house: House, second: Engine, platform: Platform, make_bot: MakeBot
) -> None:
    bot = make_bot(source_model="bench:rate=20,seconds=5,chars=6")
    house.start()
    house.until(platform.live)
    for user in USERS:
        platform.say(user, "讲点什么")
    house.until(lambda: all(platform.bot_bubbles(user) for user in USERS))
    platform.do(lambda simulator: simulator.faults.add("html_502", endpoint="stream"))
    gate = house.until(lambda: BotGate.objects.filter(bot=bot, state=GateState.PAUSED).first())
    assert (gate.reason, gate.probe_at - gate.paused_at) == ("errors", timedelta(seconds=DELAYS[0]))
    # The other process knows it too; nothing leaves, and nothing is begun.
    house.until(lambda: second.gates.of(bot).state == GateState.PAUSED)
    left = len(platform.requests())
    queued = send_text(_session(bot, "B" * 32), ADA, "auch ich")
    platform.do(lambda simulator: simulator.faults.clear())
    house.engine.ring(queued.pk)
    queued.refresh_from_db()
    assert (queued.status, queued.attempts.count()) == (Status.QUEUED, 0)
    # Its owner has mended it, and does not wait for the next try.
    assert all(request["path"] == "/users/@me" for request in platform.requests()[left:])
    gate_rows.hurry(bot.pk)
    for delivery in house.ended(len(USERS) + 1):
        assert (delivery.status, delivery.reason) == (Status.DELIVERED, "")
        assert _shown(platform, delivery.session.target_id) == delivery.generated_text
    assert BotGate.objects.get(bot=bot).state == GateState.WELL
    assert platform.violations() == []


def test_one_refusal_that_says_broken_pauses_the_bot_and_loses_nothing(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    bot = make_bot()
    house.start(gateways=False)
    platform.do(lambda simulator: simulator.switches.patch({"ip_refused": True}))
    first = send_text(_session(bot, USERS[0]), ADA, "eins")
    gate = house.until(lambda: BotGate.objects.filter(bot=bot, state=GateState.PAUSED).first())
    assert (gate.reason, gate.code) == ("refused", 11298)
    # Tried and still broken: it is tried later, by one of all who might.
    gate_rows.hurry(bot.pk)
    gate = house.until(lambda: BotGate.objects.filter(bot=bot, probes=1).first())
    assert gate.state == GateState.PAUSED
    assert gate.probe_at - timezone.now() > timedelta(seconds=5)
    platform.do(lambda simulator: simulator.switches.patch({"ip_refused": False}))
    gate_rows.hurry(bot.pk)
    [delivery] = house.ended()
    assert (delivery.pk, delivery.status) == (first.pk, Status.DELIVERED)
    assert _shown(platform, USERS[0]) == "eins"
    assert Delivery.objects.get().attempts.count() == 1


def test_a_session_that_is_lost_again_and_again_is_believed_once_it_lives(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    """QQ answers each new try with 4009 as well: it is one loss, and it ends with the first READY."""
    bot = make_bot(after_4009="suspect", settle_ms=0)
    house.start(gateways=False)
    gates, lost = house.engine.gates, GatewayState(Phase.WAITING, code=4009)
    for state in (lost, lost, lost, lost, GatewayState(Phase.CONNECTED)):
        asyncio.run_coroutine_threadsafe(_hear(gates, bot, state), house.engine.loop).result(10)
    door = asyncio.run_coroutine_threadsafe(_of(house.engine, bot), house.engine.loop).result(10)
    assert door.loss is not None
    assert door.loss.live_at is not None
    send_text(_session(bot, USERS[0]), ADA, "wieder da")
    [delivery] = house.ended()
    assert (delivery.status, delivery.suspect) == (Status.DELIVERED, False)


async def _hear(gates: Gates, bot: Bot, state: GatewayState) -> None:
    gates.gateway_changed(bot.pk, state, timezone.now())
    await gates.write_loss(bot.pk)


async def _of(engine: Engine, bot: Bot) -> Door:
    return engine.gates.of(bot)


def test_what_was_accepted_before_a_process_heard_of_the_loss_is_doubted_then(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    """One reply has ended and one goes on when the news comes; what was answered long before it is believed."""
    source = "bench:rate=20,seconds=3,chars=6"
    bot = make_bot(after_4009="suspect", settle_ms=0, source_model=source, dialect="messages.stream")
    house.start()
    house.until(platform.live)
    old = send_text(_session(bot, USERS[0]), ADA, "vorher")
    house.ended(1)
    Chunk.objects.update(answered_at=timezone.now() - timedelta(seconds=60))
    platform.say(USERS[2], "讲点什么")
    middle = house.until(lambda: Chunk.objects.filter(kind="middle", status="accepted").first())
    short = send_text(_session(bot, USERS[1]), ADA, "kurz")
    house.ended(2)
    assert not Chunk.objects.filter(suspect=True).exists()
    with transaction.atomic():
        gate_rows.lost(bot.pk, middle.answered_at)
        gate_rows.back(bot.pk, timezone.now())
    house.until(lambda: Delivery.objects.filter(pk=short.pk, suspect=True).exists())
    [chunk] = Chunk.objects.filter(segment__attempt__delivery=short)
    assert (chunk.suspect, chunk.segment.suspect) == (True, True)
    house.ended(3)
    middle.refresh_from_db()
    assert (middle.suspect, middle.segment.suspect, middle.segment.attempt.delivery.suspect) == (True, True, True)
    closing = Chunk.objects.get(segment=middle.segment_id, kind="closing")
    assert closing.suspect == (closing.sent_at < BotGate.objects.get(bot=bot).live_at)
    old.refresh_from_db()
    assert (old.status, old.suspect) == (Status.DELIVERED, False)


def test_a_loss_told_when_another_process_has_taken_the_bot_over_is_over(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    """This one was cut off from the database: the gateway session that lives by now is not its own."""
    bot = make_bot()
    house.start(gateways=False)
    gates, lost = house.engine.gates, GatewayState(Phase.WAITING, code=4009)
    since = timezone.now() + timedelta(seconds=20)
    BotConnection.objects.create(bot=bot, holder="another", state="connected", since=since)
    asyncio.run_coroutine_threadsafe(_hear(gates, bot, lost), house.engine.loop).result(10)
    assert BotGate.objects.get(bot=bot).live_at == since
    # Its own, or one that began before, proves nothing.
    BotConnection.objects.update(holder=house.engine.owner)
    BotGate.objects.all().delete()
    asyncio.run_coroutine_threadsafe(_hear(gates, bot, lost), house.engine.loop).result(10)
    assert BotGate.objects.get(bot=bot).is_lost


def test_a_stream_that_goes_on_carries_again_what_was_doubted_in_it(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    """In the current dialect, and heard from another process: each frame has all the text before it."""
    bot = make_bot(after_4009="hold", settle_ms=0, source_model="bench:rate=20,seconds=2,chars=6", throttle_ms=100)
    house.start()
    house.until(platform.live)
    platform.say(USERS[0], "讲点什么")
    middle = house.until(lambda: Chunk.objects.filter(kind="middle", status="accepted").first())
    opening = Chunk.objects.get(segment=middle.segment_id, kind="opening")
    Chunk.objects.filter(pk=opening.pk).update(answered_at=timezone.now() - timedelta(seconds=60))
    with transaction.atomic():
        gate_rows.lost(bot.pk, middle.answered_at)
        # Later than its process hears of it: nothing has healed it by then.
        gate_rows.back(bot.pk, timezone.now() + timedelta(seconds=1.3))
    house.until(lambda: Chunk.objects.filter(pk=middle.pk, suspect=True).exists())
    [delivery] = house.ended()
    assert (delivery.status, delivery.suspect) == (Status.DELIVERED, False)
    middle.refresh_from_db()
    assert (middle.suspect, middle.segment.suspect) == (True, False)
    assert not Chunk.objects.filter(kind="closing", suspect=True).exists()
    assert _shown(platform, USERS[0]) == delivery.generated_text


def test_what_a_repeat_proves_is_doubted_where_the_loss_was_heard_of_in_between(
    house: House, platform: Platform, make_bot: MakeBot
) -> None:
    """QQ's answer was lost and its gateway session as well; "duplicate" then says that QQ has it, and no more."""
    bot = make_bot(after_4009="suspect", settle_ms=0, source_model="bench:rate=20,seconds=0.2,chars=6")
    house.start()
    house.until(platform.live)
    platform.do(lambda simulator: simulator.faults.set({"fault": "empty_body", "endpoint": "message", "count": 1}))
    platform.say("G1", "讲点什么", scene="group", author=USERS[0])
    first = house.until(lambda: Chunk.objects.filter(kind="plain", status="unknown").first())
    with transaction.atomic():
        gate_rows.lost(bot.pk, first.sent_at)
        gate_rows.back(bot.pk, timezone.now())
    [delivery] = house.ended()
    chunks = list(Chunk.objects.order_by("pk"))
    assert [chunk.status for chunk in chunks] == ["unknown", "duplicate"]
    assert chunks[0].suspect
    assert (delivery.status, delivery.suspect, chunks[0].segment.suspect) == (Status.DELIVERED, True, True)
