"""The client on real sockets: what leaves, and that every way a request can end is one typed answer."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from odd_platform import Platform, reply

from adapter.answers import Accepted, InReview, Refused, Throttled, Unknown
from adapter.client import Credentials, GatewayInfo, QQClient, Timeouts
from adapter.errors import AdapterError, ApiRefused, ApiUnreachable, TokenRefused
from adapter.limits import Pace
from adapter.request import Endpoint, Request, endpoint_of

QUICK = Timeouts(message=0.2, upload=0.5, connect=0.3)
MESSAGE = Request("POST", "/v2/users/U1/messages", {"content": "你好", "msg_type": 0}, Endpoint.MESSAGE)
STREAM = Request("POST", "/v2/users/U1/stream_messages", {"content_raw": "x"}, Endpoint.STREAM)


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[QQClient]:
    one = QQClient(platform.credentials, pace=Pace(), timeouts=QUICK)
    yield one
    await one.close()


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_in_the_answer(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"id":')
    assert request.transport is not None
    request.transport.abort()
    return response


async def test_what_leaves(client: QQClient, platform: Platform) -> None:
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Accepted)
    (seen,) = platform.seen
    assert (seen.method, seen.path) == ("POST", "/v2/users/U1/messages")
    assert seen.headers["Authorization"] == "QQBot token-1"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.body == {"content": "你好", "msg_type": 0}
    assert "你好".encode() in seen.raw


async def test_a_lone_surrogate_still_leaves(client: QQClient, platform: Platform) -> None:
    answer = await client.send(Request("POST", "/x", {"content": "a\ud83d"}, Endpoint.OTHER))
    assert isinstance(answer, Accepted)
    assert platform.seen[0].body == {"content": "a\ud83d"}


@pytest.mark.parametrize("body", [{"x": object()}, {"x": float("nan")}, {"x": {1, 2}}])
async def test_what_json_cannot_hold_is_refused(client: QQClient, platform: Platform, body: object) -> None:
    answer = await client.send(Request("POST", "/x", body, Endpoint.OTHER))  # type: ignore[arg-type]
    assert isinstance(answer, Refused)
    assert answer.permanent
    assert platform.seen == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v2/users/a b/messages", "/v2/users/a%20b/messages"),
        ("/v2/users/a?b#c/messages", "/v2/users/a%3Fb%23c/messages"),
        ("/v2/users/x/messages/a%2Fb==", "/v2/users/x/messages/a%2Fb=="),
        ("/v2/users/x/messages/100%", "/v2/users/x/messages/100%25"),
        ("/v2/users/ROBOT1.0_x!/messages", "/v2/users/ROBOT1.0_x!/messages"),
        ("/v2/users/好/messages", "/v2/users/%E5%A5%BD/messages"),
    ],
)
async def test_ids_are_encoded(client: QQClient, platform: Platform, path: str, sent: str) -> None:
    await client.send(Request("POST", path, {}, Endpoint.OTHER))
    assert platform.seen[0].path == sent


async def test_one_connection_is_kept(client: QQClient, platform: Platform) -> None:
    ports = set()

    async def note(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return reply({"id": "m"})

    platform.answers = [note]
    for _ in range(10):
        await client.send(MESSAGE)
    assert len(ports) == 1


async def test_two_hundred_at_once(platform: Platform) -> None:
    client = QQClient(platform.credentials, pace=Pace(stream=10_000.0))
    arrived, all_there = 0, asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived == 200:
            all_there.set()
        await all_there.wait()
        return reply({"id": "m"})

    platform.answers = [hold]
    answers = await asyncio.gather(*(client.send(STREAM) for _ in range(200)))
    assert all(isinstance(answer, Accepted) for answer in answers)
    assert platform.tokens_given == 1
    await client.close()


async def test_an_early_expired_token_is_renewed_and_the_request_resent_once(
    client: QQClient, platform: Platform
) -> None:
    expired = reply({"code": 11244, "message": "token not exist or expire"}, 401)
    platform.answers = [expired, {"id": "m"}]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Accepted)
    assert [seen.headers["Authorization"] for seen in platform.seen] == ["QQBot token-1", "QQBot token-2"]
    assert platform.seen[0].raw == platform.seen[1].raw


async def test_a_token_refused_twice_is_told(client: QQClient, platform: Platform) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return reply({"code": 11243, "err_code": 11243, "message": "wrong", "trace_id": "t-1"}, 401)

    platform.answers = [refuse]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.permanent, answer.exchange.trace_id) == (11243, False, "t-1")
    assert len(platform.seen) == 2


async def test_another_401_does_not_cost_a_token(client: QQClient, platform: Platform) -> None:
    platform.answers = [reply({"code": 11298, "err_code": 40023002, "message": "白名单"}, 401)]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.permanent) == (11298, True)
    assert platform.tokens_given == len(platform.seen) == 1


@pytest.mark.parametrize("handler", [cut, cut_in_the_answer])
async def test_a_cut_is_unknown(client: QQClient, platform: Platform, handler: object) -> None:
    platform.answers = [handler]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Unknown)
    assert answer.reason == "reset"
    assert len(platform.seen) == 1


async def test_silence_is_unknown(client: QQClient, platform: Platform) -> None:
    platform.answers = [never]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Unknown)
    assert answer.reason == "timeout"
    assert 0.15 < answer.exchange.elapsed < 0.45


async def test_an_answer_that_drips_ends_too(client: QQClient, platform: Platform) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    platform.answers = [drip]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Unknown)
    assert answer.reason == "timeout"
    assert answer.exchange.elapsed < 1.0


async def test_an_endless_answer_is_cut_off(client: QQClient, platform: Platform) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b"x" * 65_536)
        return response

    platform.answers = [flood, {"id": "m"}]
    assert isinstance(await client.send(MESSAGE), Unknown)
    assert isinstance(await client.send(MESSAGE), Accepted)


async def test_uploads_have_longer(client: QQClient, platform: Platform) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return reply({"file_info": "f", "file_uuid": "u"})

    platform.answers = [slow]
    answer = await client.send(Request("POST", "/v2/users/U1/files", {}, Endpoint.FILES))
    assert isinstance(answer, Accepted)
    assert answer.data["file_info"] == "f"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (reply(b"null"), Unknown),
        (reply(b""), Unknown),
        (reply(b'"ok"'), Unknown),
        (web.Response(text="<html>", content_type="text/html"), Unknown),
        (web.Response(text='{"id":"m"}', content_type="application/json", charset="utf-8"), Accepted),
        (reply({"code": 304023, "data": {"message_audit": {"audit_id": "a"}}}, 202), InReview),
        (reply({"code": 304023, "data": {"message_audit": {"audit_id": "a"}}}, 201), InReview),
        (reply({"code": 40054005}, 400), Refused),
        (reply({"code": 40007, "err_code": 40113003}, 404), Refused),
        (reply({"code": 50002, "message": "fast"}, 429), Throttled),
        (web.Response(text="<html>413", status=413, content_type="text/html"), Refused),
        (web.Response(text="<html>502", status=502, content_type="text/html"), Unknown),
        (web.Response(status=302, headers={"Location": "/elsewhere"}), Refused),
        (reply(b"garbage", 200, **{"Content-Encoding": "gzip"}), Unknown),
    ],
    ids=str,
)
async def test_odd_answers(client: QQClient, platform: Platform, response: web.Response, kind: type) -> None:
    platform.answers = [response]
    assert isinstance(await client.send(MESSAGE), kind)
    assert len(platform.seen) == 1


async def test_a_broken_http_head_is_unknown(unused_tcp_port: int, platform: Platform) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", unused_tcp_port)
    credentials = Credentials(
        "app-1", "hush-hush", f"http://127.0.0.1:{unused_tcp_port}", platform.credentials.token_url
    )
    client = QQClient(credentials, timeouts=QUICK)
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Unknown)
    await client.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}", "http://no-such-host.invalid"])
async def test_no_connection_is_certainly_not_taken(platform: Platform, unused_tcp_port: int, base: str) -> None:
    api = base.format(port=unused_tcp_port)
    client = QQClient(Credentials("app-1", "hush-hush", api, platform.credentials.token_url), timeouts=QUICK)
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert not answer.permanent
    assert answer.code is None
    assert "platform" in answer.exchange.message or "connection" in answer.exchange.message
    await client.close()


@pytest.mark.parametrize("base", ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
async def test_a_bad_address_is_refused_for_good(platform: Platform, base: str) -> None:
    client = QQClient(Credentials("app-1", "hush-hush", base, platform.credentials.token_url))
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert answer.permanent
    await client.close()


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain = folder / "chain.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context


async def test_tls_is_verified(platform: Platform, tmp_path: Path) -> None:
    reached = []

    async def anything(request: web.Request) -> web.Response:
        reached.append(request.path)
        return reply({"id": "m"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", anything)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
    base = f"https://127.0.0.1:{runner.addresses[0][1]}"
    for credentials in (
        Credentials("app-1", "hush-hush", base, platform.credentials.token_url),
        Credentials("app-1", "hush-hush", platform.url, f"{base}/token"),
    ):
        client = QQClient(credentials)
        answer = await client.send(MESSAGE)
        assert isinstance(answer, Refused)
        assert answer.permanent
        assert "certificate" in answer.exchange.message
        await client.close()
    assert reached == []
    assert platform.seen == []
    await runner.cleanup()


async def test_no_token_no_request(client: QQClient, platform: Platform) -> None:
    platform.token_answers = [{"code": 100016, "message": "invalid appid or secret"}]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.permanent) == (100016, True)
    assert platform.seen == []


async def test_a_token_asked_for_too_often_is_a_throttle(client: QQClient, platform: Platform) -> None:
    platform.token_answers = [{"code": 100001, "message": "Too many requests"}]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Throttled)
    assert answer.code == 100001


async def test_an_unreachable_token_address_is_temporary(platform: Platform, unused_tcp_port: int) -> None:
    token_url = f"http://127.0.0.1:{unused_tcp_port}/t"
    client = QQClient(Credentials("app-1", "hush-hush", platform.url, token_url))
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert not answer.permanent
    await client.close()


async def test_two_bots_on_two_platforms_do_not_mix(platform: Platform, second_platform: Platform) -> None:
    second_platform.token_answers = [{"access_token": "other", "expires_in": 7200}]
    clients = [QQClient(platform.credentials), QQClient(second_platform.credentials)]
    await asyncio.gather(*(client.send(MESSAGE) for client in clients for _ in range(5)))
    assert {seen.headers["Authorization"] for seen in platform.seen} == {"QQBot token-1"}
    assert {seen.headers["Authorization"] for seen in second_platform.seen} == {"QQBot other"}
    assert len(platform.seen) == len(second_platform.seen) == 5
    for client in clients:
        await client.close()


async def test_a_retry_after_slows_the_whole_endpoint(client: QQClient, platform: Platform) -> None:
    platform.answers = [reply({"message": "slow"}, 429, **{"Retry-After": "0.2"}), {"id": "m"}]
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Throttled)
    assert answer.after == 0.2
    started = asyncio.get_running_loop().time()
    await client.send(MESSAGE)
    assert asyncio.get_running_loop().time() - started > 0.15


async def test_the_pace_is_kept_and_not_counted_as_elapsed(platform: Platform) -> None:
    client = QQClient(platform.credentials, pace=Pace(message=5.0))
    await client.send(MESSAGE)
    answer = await client.send(MESSAGE)
    assert answer.exchange.elapsed < 0.1
    await client.close()


async def test_cancelling_goes_through(client: QQClient, platform: Platform) -> None:
    arrived = asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    platform.answers = [hold]
    sending = asyncio.create_task(client.send(MESSAGE))
    await arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_after_close_nothing_leaves(client: QQClient, platform: Platform) -> None:
    await client.send(MESSAGE)
    await client.close()
    await client.close()
    answer = await client.send(MESSAGE)
    assert isinstance(answer, Refused)
    assert len(platform.seen) == 1


async def test_close_ends_what_is_under_way(platform: Platform) -> None:
    client = QQClient(platform.credentials)
    arrived = asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    platform.answers = [hold]
    sending = asyncio.create_task(client.send(MESSAGE))
    await arrived.wait()
    await client.close()
    assert isinstance(await sending, Unknown)


async def test_no_secret_in_any_log_or_repr(
    client: QQClient, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.answers = [
        {"id": "m"},
        reply({"code": 11243, "message": "Authorization: QQBot token-1"}, 401),
        cut,
    ]
    with caplog.at_level(logging.DEBUG):
        answers = [await client.send(MESSAGE) for _ in range(3)]
        platform.answers = [{"id": "1"}]
        await client.api.me()
    everything = caplog.text + repr(client.credentials) + repr(answers)
    assert "hush-hush" not in everything
    assert "token-1" not in everything
    assert "token-2" not in everything


async def test_me(client: QQClient, platform: Platform) -> None:
    platform.answers = [{"id": 177, "username": "小机器人", "avatar": "https://a/b.png"}]
    me = await client.me()
    assert (me.id, me.name, me.avatar) == ("177", "小机器人", "https://a/b.png")
    platform.answers = [{"username": "nobody"}]
    with pytest.raises(ApiUnreachable):
        await client.me()


async def test_the_gateway_address(client: QQClient, platform: Platform) -> None:
    platform.answers = [
        {
            "url": "wss://gateway/ws",
            "shards": 2,
            "session_start_limit": {"remaining": 3, "reset_after": 5000, "max_concurrency": 1, "total": 1000},
        },
        reply({"message": "not found"}, 404),
        {"url": "ws://plain/ws"},
    ]
    assert await client.gateway_url() == GatewayInfo("wss://gateway/ws", 2, 3, 5.0, 1)
    assert await client.gateway_url() == GatewayInfo("ws://plain/ws")
    assert [seen.path for seen in platform.seen] == ["/gateway/bot", "/gateway/bot", "/gateway"]
    platform.answers = [{"url": "javascript:alert(1)"}]
    with pytest.raises(ApiUnreachable):
        await client.gateway_url()


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (reply({"code": 11298, "message": "白名单"}, 401), ApiRefused, 11298),
        (reply({"message": "接口调用超过频率限制"}, 400), ApiRefused, None),
        (reply({"message": "系统繁忙"}, 500), ApiUnreachable, None),
        (reply(b"<html>", 502), ApiUnreachable, None),
    ],
    ids=["ip", "often", "busy", "html"],
)
async def test_questions_raise(
    client: QQClient, platform: Platform, response: web.Response, error: type[AdapterError], code: int | None
) -> None:
    platform.answers = [response]
    with pytest.raises(error) as caught:
        await client.gateway_url()
    assert caught.value.code == code
    platform.token_answers = [{"code": 100007}]
    client.refuse_token("QQBot token-1")
    with pytest.raises(TokenRefused):
        await client.me()


async def test_botpys_calls_work_over_our_http(client: QQClient, platform: Platform) -> None:
    message = await client.api.post_c2c_message(openid="U/1", content="hi", msg_id="m", msg_seq=3)
    assert message == {"id": "m"}
    (seen,) = platform.seen
    assert seen.path == "/v2/users/U%2F1/messages"
    assert seen.body == {"msg_type": 0, "content": "hi", "msg_id": "m", "msg_seq": 3}
    await client.api.get_message(channel_id="c", message_id="1")
    await client.api.recall_message(channel_id="c", message_id="1", hidetip=True)
    assert [one.path for one in platform.seen[1:]] == [
        "/channels/c/messages/1",
        "/channels/c/messages/1?hidetip=true",
    ]
    assert platform.seen[1].raw == b""


async def test_botpys_image_upload(client: QQClient, platform: Platform) -> None:
    await client.api.post_message(channel_id="c", content="hi", file_image=b"\x89PNG")
    (seen,) = platform.seen
    assert seen.headers["Content-Type"].startswith("multipart/form-data")
    assert b"\x89PNG" in seen.raw


async def test_botpys_calls_raise_with_the_code(client: QQClient, platform: Platform) -> None:
    platform.answers = [reply({"code": 40054005, "message": "消息被去重", "trace_id": "t"}, 400)]
    with pytest.raises(ApiRefused, match="消息被去重") as caught:
        await client.api.post_group_message(group_openid="g", content="hi")
    assert (caught.value.code, caught.value.trace_id, caught.value.http_status) == (40054005, "t", 400)
    platform.answers = [never]
    with pytest.raises(ApiUnreachable):
        await client.api.post_group_message(group_openid="g", content="hi")


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v2/users/u/stream_messages", Endpoint.STREAM),
        ("POST", "/channels/c/messages", Endpoint.MESSAGE),
        ("POST", "/v2/groups/g/files", Endpoint.FILES),
        ("POST", "/v2/groups/g/upload_prepare", Endpoint.PREPARE),
        ("POST", "/v2/groups/g/upload_part_finish", Endpoint.PART_FINISH),
        ("DELETE", "/v2/users/u/messages/m", Endpoint.RECALL),
        ("GET", "/users/@me", Endpoint.OTHER),
        ("PUT", "/interactions/i", Endpoint.OTHER),
    ],
)
def test_calls_fall_under_their_limit(method: str, path: str, endpoint: Endpoint) -> None:
    assert endpoint_of(method, path) is endpoint


def test_json_is_compact() -> None:
    from adapter.wire import encode

    assert encode({"a": ["字", 1]}) == '{"a":["字",1]}'.encode()
    assert json.loads(encode({"a": "\udc00"})) == {"a": "\udc00"}
