"""``/ws/live/``: who gets in, what a viewer is told first, what follows, and what bad questions do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client
from django.utils import timezone

from qqconsole.accounts.models import ApiToken, Role, User
from qqconsole.asgi import application
from qqconsole.bots.models import Bot
from qqconsole.live import documents
from qqconsole.live.consumers import LiveConsumer
from qqconsole.live.publish import ALL, encode, encode_frame, publisher
from qqconsole.live.watching import anybody
from tests.console.rows import connect, make_bot, make_message, make_session, make_stream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

HOST = "localhost:8000"
in_thread = sync_to_async


@pytest.fixture(autouse=True)
async def _clean_layer() -> AsyncIterator[None]:
    await get_channel_layer().flush()
    yield
    publisher.stop()


def sign_in() -> str:
    client = Client()
    client.force_login(User.objects.create_user("ops", role=Role.OPERATOR))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def communicator(*, cookie: str = "", token: str = "", origin: str = f"http://{HOST}", host: str = HOST, query=""):
    headers = [(b"host", host.encode())]
    if origin:
        headers.append((b"origin", origin.encode()))
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return WebsocketCommunicator(application, f"/ws/live/{query}", headers=headers)


@asynccontextmanager
async def watching(**asked: Any) -> AsyncIterator[WebsocketCommunicator]:
    socket = communicator(**asked)
    connected, code = await socket.connect(timeout=5)
    assert connected, code
    try:
        yield socket
    finally:
        await socket.disconnect()


async def next_of(socket: WebsocketCommunicator, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            frame = await socket.receive_json_from(timeout=5)
            if frame["type"] == kind:
                return frame


async def turned_away(**asked: Any) -> int:
    socket = communicator(**asked)
    connected, code = await socket.connect(timeout=5)
    assert not connected
    return code


async def test_nobody_is_turned_away():
    assert await turned_away() == 4401
    assert await turned_away(cookie="not-a-session") == 4401
    assert await turned_away(token="qqc_wrong", origin="") == 4401


async def test_a_bad_token_is_nobody_whatever_cookie_comes_with_it():
    cookie = await in_thread(sign_in)()
    assert await turned_away(cookie=cookie, token="qqc_wrong") == 4401


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", HOST),
        ("http://localhost:9999", HOST),
        ("http://evil.example", "evil.example"),
        ("", HOST),
        ("null", HOST),
        ("http://[", HOST),
    ],
)
async def test_a_foreign_page_is_turned_away_though_the_cookie_is_good(origin, host):
    cookie = await in_thread(sign_in)()
    assert await turned_away(cookie=cookie, origin=origin, host=host) == 4403


async def test_an_operator_and_a_token_get_in():
    cookie = await in_thread(sign_in)()
    async with watching(cookie=cookie) as socket:
        assert (await socket.receive_json_from())["type"] == "hello"
    _, secret = await in_thread(ApiToken.issue)("reader", Role.OPERATOR)
    async with watching(token=secret, origin="") as socket:
        assert (await socket.receive_json_from())["type"] == "hello"


@pytest.mark.parametrize("query", ["?session=999999", "?session=abc", "?session=-1", "?session=" + "9" * 30])
async def test_a_session_that_is_not_there_is_said_so(query):
    cookie = await in_thread(sign_in)()
    assert await turned_away(cookie=cookie, query=query) in (4400, 4404)


async def test_an_address_that_is_not_there_is_closed_quietly():
    socket = WebsocketCommunicator(application, "/ws/elsewhere/", headers=[(b"host", HOST.encode())])
    connected, code = await socket.connect()
    assert (connected, code) == (False, 4404)


def conversation() -> tuple[str, Any, Any]:
    session = make_session()
    connect(session.bot)
    return sign_in(), session, make_stream(session, ["你好", "世界"])


async def test_first_hello_then_the_snapshot_then_what_happens():
    cookie, session, delivery = await in_thread(conversation)()
    async with watching(cookie=cookie, query=f"?session={session.pk}") as socket:
        assert (await socket.receive_json_from())["type"] == "hello"
        found = await socket.receive_json_from()
        assert found["type"] == "snapshot"
        (event,) = found["deliveries"]
        assert "".join(chunk["text"] for chunk in event["chunks"]) == "你好世界"
        assert [message["content"] for message in found["messages"]] == ["你好"]
        assert found["bots"][0]["state"] == "connected"
        publisher.publish([documents.delivery_event(delivery, session.bot_id)])
        frame = await next_of(socket, "events")
        assert [event["delivery"] for event in frame["events"]] == [delivery.pk]


async def test_the_scope_is_kept():
    cookie, session, delivery = await in_thread(conversation)()
    other = await in_thread(lambda: make_stream(make_session(), ["elsewhere"]))()
    message = await in_thread(lambda: make_message(session, "hi"))()
    async with watching(cookie=cookie, query=f"?session={session.pk}") as socket:
        await next_of(socket, "snapshot")
        publisher.publish(
            [
                documents.delivery_event(other, other.session.bot_id),
                documents.inbound_event(message),
                documents.delivery_event(delivery, session.bot_id),
            ]
        )
        frame = await next_of(socket, "events")
        assert [event["type"] for event in frame["events"]] == ["inbound", "delivery"]
        assert frame["events"][0]["message"]["content"] == "hi"
        await socket.send_json_to({"type": "replay", "deliveries": {str(other.pk): 0}})
        assert (await next_of(socket, "events"))["events"] == []


async def test_a_narrowed_viewer_gets_the_sessions_it_shows():
    def three() -> tuple[str, int]:
        bot = make_bot("one")
        make_session(bot, name="Bert")
        make_session(name="Anna")
        return sign_in(), make_session(bot, name="Anna").pk

    cookie, wanted = await in_thread(three)()
    bot = await in_thread(lambda: Bot.objects.get(name="one").pk)()
    async with watching(cookie=cookie, query=f"?bot={bot}&q=ann") as socket:
        for _ in range(2):
            snapshot = await next_of(socket, "snapshot")
            assert [session["id"] for session in snapshot["sessions"]] == [wanted]
            await socket.send_json_to({"type": "snapshot"})
    assert await turned_away(cookie=cookie, query="?bot=x") == 4400


async def test_a_gap_is_mended_by_a_replay():
    cookie, session, delivery = await in_thread(conversation)()
    async with watching(cookie=cookie, query=f"?session={session.pk}") as socket:
        await next_of(socket, "snapshot")
        await socket.send_json_to({"type": "replay", "deliveries": {str(delivery.pk): delivery.seq - 1}})
        (event,) = (await next_of(socket, "events"))["events"]
        assert [chunk["text"] for chunk in event["chunks"]] == ["世界"]
        assert event["since"] == delivery.seq - 1


async def test_what_is_committed_while_the_snapshot_is_read_is_not_lost(monkeypatch):
    cookie, session, delivery = await in_thread(conversation)()
    event = documents.delivery_event(delivery, session.bot_id)
    read = LiveConsumer._encoded_snapshot

    def read_slowly(self: LiveConsumer) -> str:
        text = read(self)
        publisher.publish([{**event, "seq": 99}])
        publisher.stop()
        return text

    monkeypatch.setattr(LiveConsumer, "_encoded_snapshot", read_slowly)
    async with watching(cookie=cookie, query=f"?session={session.pk}") as socket:
        await next_of(socket, "snapshot")
        assert (await next_of(socket, "events"))["events"][0]["seq"] == 99


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "not json",
        "[]",
        "null",
        '"ping"',
        "{}",
        '{"type": "drop table"}',
        '{"type": ["ping"]}',
        '{"type": "replay"}',
        '{"type": "replay", "deliveries": [1]}',
        '{"type": "replay", "deliveries": {"x": 1}}',
        '{"type": "replay", "deliveries": {"1": -1}}',
        '{"type": "replay", "deliveries": {"1": true}}',
        '{"type": "replay", "deliveries": {"1": 1e99}}',
        '{"type": "replay", "deliveries": {"' + "9" * 40 + '": 1}}',
        json.dumps({"type": "replay", "deliveries": {str(n): 0 for n in range(500)}}),
        "[" * 60_000,
        "x" * 100_000,
    ],
)
async def test_a_bad_question_is_answered_and_the_socket_lives(text):
    cookie = await in_thread(sign_in)()
    async with watching(cookie=cookie) as socket:
        await socket.send_to(text_data=text)
        error = await next_of(socket, "error")
        assert error["code"] == "bad_message"
        await socket.send_json_to({"type": "ping"})
        assert await next_of(socket, "pong")


async def test_bytes_are_a_bad_question_too():
    cookie = await in_thread(sign_in)()
    async with watching(cookie=cookie) as socket:
        await socket.send_to(bytes_data=b"\xff\x00")
        assert await next_of(socket, "error")


async def test_it_beats(monkeypatch):
    monkeypatch.setattr(LiveConsumer, "beat_every", 0.02)
    cookie = await in_thread(sign_in)()
    async with watching(cookie=cookie) as socket:
        await next_of(socket, "beat")
        await next_of(socket, "beat")


def sign_everyone_out() -> None:
    from django.contrib.sessions.models import Session as SignIn

    SignIn.objects.all().delete()


def switch_off() -> None:
    User.objects.update(is_active=False)


def change_password() -> None:
    user = User.objects.get()
    user.set_password("another one entirely")
    user.save()


@pytest.mark.parametrize("happening", [sign_everyone_out, switch_off, change_password])
async def test_who_loses_the_right_is_shut_out_within_a_beat(monkeypatch, happening: Callable[[], None]):
    monkeypatch.setattr(LiveConsumer, "beat_every", 0.02)
    cookie = await in_thread(sign_in)()
    async with watching(cookie=cookie) as socket:
        await next_of(socket, "beat")
        await in_thread(happening)()
        async with asyncio.timeout(5):
            while (sent := await socket.receive_output(timeout=5))["type"] != "websocket.close":
                pass
        assert sent["code"] == 4401


async def test_a_revoked_token_is_shut_out_within_a_beat(monkeypatch):
    monkeypatch.setattr(LiveConsumer, "beat_every", 0.02)
    token, secret = await in_thread(ApiToken.issue)("reader")
    async with watching(token=secret, origin="") as socket:
        await next_of(socket, "beat")
        await ApiToken.objects.filter(pk=token.pk).aupdate(revoked_at=timezone.now())
        async with asyncio.timeout(5):
            while (sent := await socket.receive_output(timeout=5))["type"] != "websocket.close":
                pass
        assert sent["code"] == 4401


async def test_who_missed_something_is_told_to_start_again(monkeypatch):
    monkeypatch.setattr(LiveConsumer, "beat_every", 0.02)
    cookie = await in_thread(sign_in)()
    layer = get_channel_layer()
    monkeypatch.setattr(layer, "capacity", 3)
    async with watching(cookie=cookie) as socket:
        await next_of(socket, "snapshot")
        for _ in range(50):  # without a pause: the hub has no turn in between
            await layer.group_send(
                ALL, {"type": "live.frame", "text": encode_frame([encode({"type": "odd"})]), "cuts": []}
            )
        assert await next_of(socket, "resync")
        await socket.send_json_to({"type": "snapshot"})
        assert await next_of(socket, "snapshot")


async def test_the_process_knows_whether_anybody_watches():
    cookie = await in_thread(sign_in)()
    assert not anybody()
    async with watching(cookie=cookie) as socket:
        await next_of(socket, "snapshot")
        assert anybody()
    assert not anybody()
    assert await turned_away() == 4401
    assert not anybody()


async def test_a_new_bot_is_seen_by_everybody():
    cookie, session, _ = await in_thread(conversation)()
    connection = await in_thread(lambda: connect(make_bot("new")))()
    for query in ("", f"?session={session.pk}"):
        async with watching(cookie=cookie, query=query) as socket:
            await next_of(socket, "snapshot")
            publisher.publish([documents.bot_event(connection)])
            (event,) = (await next_of(socket, "events"))["events"]
            assert (event["type"], event["state"]) == ("bot", "connected")
