"""What a gateway says while its PostgreSQL is away: here it counts at once, and the rows tell it when they can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import environ
import pytest
from django.apps import apps
from django.db import connection, connections
from django.utils import timezone

from adapter.loss import Loss
from bench.services import Server
from qqconsole.bots import gate_rows
from qqconsole.bots.models import Bot, BotConnection, BotGate
from qqconsole.deliveries.models import Delivery, Status
from qqconsole.engine.engine import Engine
from simulator import DEMO_APP_ID, DEMO_SECRET, Simulator
from tests.console.rows import add_chunk, make_attempt, make_delivery, make_segment, make_session
from tests.worker.conftest import House, Platform, Watcher

T = TypeVar("T")
Ask = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def ask(postgresql: Server, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Every thread from now on connects to that server: the tests ask it in one of their own."""
    config = connections.configure_settings({"default": {**environ.Env.db_url_config(postgresql.url)}})["default"]
    monkeypatch.setitem(connections.settings, "default", config | {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": None})
    with django_db_blocker.unblock(), ThreadPoolExecutor(1) as pool:

        def alone(query: Callable[[], T]) -> T:
            # The server may have been away since the last question.
            connection.close()
            try:
                return query()
            finally:
                connection.close()

        def asked(query: Callable[[], T]) -> T:
            return pool.submit(alone, query).result(20)

        asked(_make_tables)
        yield asked
        asked(_drop_tables)


def _make_tables() -> None:
    with connection.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)


def _drop_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture
def bot(ask: Ask, platform: Platform) -> Bot:
    values = {"app_id": DEMO_APP_ID, "secret": DEMO_SECRET, "api_base": platform.url, "allow_private_urls": True}
    token_url = f"{platform.url}/app/getAppAccessToken"
    return ask(lambda: Bot.objects.create(name="bot", token_url=token_url, **values))


@pytest.fixture
def house(ask: Ask, bot: Bot, platform: Platform, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Its gateway lives, and the rows say so. The database stays away for longer than a write waits for it."""
    monkeypatch.setattr("qqconsole.engine.writer.AWAY", 0.0)
    made = House(watcher).start()
    connected = BotConnection.objects.filter(bot=bot, state="connected")
    made.until(lambda: ask(connected.exists))
    yield made
    made.stop()


@pytest.fixture
def other(ask: Ask) -> Iterator[Engine]:
    """Another process that sends."""
    engine = Engine()
    engine.start()
    yield engine
    engine.stop()


def _send(bot: Bot) -> Delivery:
    """A message that QQ accepts about when it closes the gateway session."""
    delivery = make_delivery(make_session(bot), status=Status.DELIVERED)
    segment = make_segment(make_attempt(delivery), kind="plain")
    add_chunk(segment, "eins", "plain", answered_at=timezone.now() + timedelta(seconds=5))
    return delivery


def _cut(simulator: Simulator) -> None:
    for session in simulator.platform.bot(DEMO_APP_ID).sessions.values():
        if session.connection is not None:
            session.connection.close(4009, "Session timed out")


def _loss(engine: Engine, bot: Bot) -> Loss | None:
    async def of() -> Loss | None:
        return engine.gates.of(bot).loss

    return asyncio.run_coroutine_threadsafe(of(), engine.loop).result(10)


def _holds(engine: Engine, bot: Bot) -> bool:
    async def of() -> bool:
        return engine.gates.of(bot).holds

    return asyncio.run_coroutine_threadsafe(of(), engine.loop).result(10)


def _over(loss: Loss | None) -> Loss | None:
    return loss if loss is not None and loss.live_at is not None else None


def test_a_session_lost_and_back_while_the_database_is_away(
    house: House, other: Engine, ask: Ask, bot: Bot, platform: Platform, postgresql: Server
) -> None:
    before, sent = ask(lambda: (BotConnection.objects.get(bot=bot), _send(bot)))
    postgresql.end()
    cut_at = timezone.now()
    platform.do(_cut)
    # No row can tell it, and nothing is sent all the same.
    house.until(lambda: _holds(house.engine, bot))
    # Nor does the handshake wait for the rows: READY comes before the loss is written.
    house.until(lambda: _over(_loss(house.engine, bot)))
    assert platform.live()
    back_at = timezone.now()
    assert _loss(other, bot) is None
    postgresql.start()
    # The other process hears of both, and of when they were.
    loss = house.until(lambda: _over(_loss(other, bot)))
    assert cut_at.timestamp() < loss.lost_at < loss.live_at < back_at.timestamp()
    assert gate_rows.loss_of(ask(lambda: BotGate.objects.get(bot=bot))) == loss
    house.until(lambda: ask(lambda: BotConnection.objects.get(bot=bot)).since > cut_at)
    row = ask(lambda: BotConnection.objects.get(bot=bot))
    assert (row.state, row.holder) == ("connected", before.holder)
    assert row.since.timestamp() == pytest.approx(loss.live_at)
    # What QQ accepted before anybody knew is looked for from the moment of the loss, late as it is told.
    house.until(lambda: ask(Delivery.objects.filter(pk=sent.pk, suspect=True).exists))


def test_a_process_that_leaves_while_the_database_is_away_tells_all_when_it_is_back(
    house: House, ask: Ask, bot: Bot, platform: Platform, postgresql: Server
) -> None:
    postgresql.end()
    platform.do(_cut)
    house.until(lambda: _holds(house.engine, bot))
    lost = _loss(house.engine, bot)
    left = asyncio.run_coroutine_threadsafe(house.gateways.stop(), house.engine.loop)
    postgresql.start()
    left.result(20)
    row, gate = ask(lambda: (BotConnection.objects.get(bot=bot), BotGate.objects.get(bot=bot)))
    assert (row.state, row.holder, row.gateway_session != "") == ("stopped", "", True)
    assert gate_rows.loss_of(gate) == lost


def test_a_process_that_must_go_does_not_wait_for_a_database_for_ever(
    house: House, ask: Ask, bot: Bot, platform: Platform, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qqconsole.engine.gateways.LEFT_WITHIN", 0.1)
    postgresql.end()
    platform.do(_cut)
    house.until(lambda: _holds(house.engine, bot))
    asyncio.run_coroutine_threadsafe(house.gateways.stop(), house.engine.loop).result(20)

    async def names() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks()]

    running = asyncio.run_coroutine_threadsafe(names(), house.engine.loop).result(10)
    assert not [name for name in running if name.startswith("gateway")]
    postgresql.start()
