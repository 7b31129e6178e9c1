"""People, tokens and one delivery of each depth for the console's tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from qqconsole.accounts.models import ApiToken, Role, User
from qqconsole.bots.models import Bot
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Segment
from qqconsole.live import publish
from qqconsole.live.layer import ThreadSafeLayer

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def library(tmp_path: Path, settings: Any) -> Path:
    """A data folder of its own, with the library's storage in it."""
    home = tmp_path / "home"
    settings.HOME = home
    storage = settings.STORAGES["media"]
    options = {**storage["OPTIONS"], "location": home / "media"}
    settings.STORAGES = {**settings.STORAGES, "media": {**storage, "OPTIONS": options}}
    home.mkdir()
    return home


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_user("olga", password=PASSWORD, role=Role.OPERATOR)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, role=Role.ADMIN, is_staff=True)


@pytest.fixture
def operator_client(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def admin_client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def token(db: None) -> str:
    """An admin's API token, ready to be sent."""
    return ApiToken.issue("tests")[1]


@pytest.fixture
def bot(db: None) -> Bot:
    return Bot.objects.create(
        name="demo", app_id="102", secret="the-bot-secret", source_key="the-model-key", source_model="m"
    )


@pytest.fixture
def session(bot: Bot) -> Session:
    return Session.objects.create(bot=bot, scene="c2c", target_id="user-1", last_at=timezone.now())


@pytest.fixture
def delivery(session: Session) -> Delivery:
    """A delivered reply: one attempt, one stream, an accepted opening and a refused closing chunk."""
    now = timezone.now()
    inbound = InboundMessage.objects.create(
        bot=session.bot, session=session, qq_id="m1", event_type="C2C_MESSAGE_CREATE", content="hi", received_at=now
    )
    delivery = Delivery.objects.create(
        session=session,
        inbound=inbound,
        status="delivered",
        generated_text="你好，世界",
        started_at=now,
        finished_at=now,
    )
    attempt = Attempt.objects.create(delivery=delivery, number=1, status="delivered", started_at=now)
    segment = Segment.objects.create(
        attempt=attempt, number=1, kind="stream", status="closed", text="你好，世界", accepted_length=5, opened_at=now
    )
    Chunk.objects.create(
        segment=segment, number=1, kind="opening", status="accepted", state=1, index=0, msg_seq=1, text="你好",
        request={"content_raw": "你好"}, http_status=200, trace_id="trace-1", answer="{}", sent_at=now,
        answered_at=now, elapsed_ms=12.5,
    )  # fmt: skip
    Chunk.objects.create(
        segment=segment, number=2, kind="closing", status="refused", state=10, index=1, msg_seq=1, start=2,
        text="，世界", why="retry", http_status=400, code=40034017, message="newline", trace_id="trace-2", sent_at=now,
        answered_at=now, elapsed_ms=8.0,
    )  # fmt: skip
    return delivery


@pytest.fixture
def rung() -> Iterator[Callable[[], list[tuple[str, int]]]]:
    """Which tasks the doorbell was rung for since, and with which key: read off the broker's queue."""
    with current_app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        queue.clear()

        def read() -> list[tuple[str, int]]:
            found = []
            while queue.qsize():
                message = queue.get_nowait()
                message.ack()
                found.append((message.headers["task"], message.payload[0][0]))
            return found

        yield read
        queue.clear()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The live events that went out to every viewer since."""

    class Recording(ThreadSafeLayer):
        events: list[dict[str, Any]] = []

        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            if group == publish.ALL:
                self.events += json.loads(message["text"])["events"]

    layer = Recording()
    layer.events = []
    publisher = publish.Publisher(layer)
    monkeypatch.setattr(publish, "publisher", publisher)

    def read() -> list[dict[str, Any]]:
        publisher.stop()
        return layer.events

    yield read
    publisher.stop()
