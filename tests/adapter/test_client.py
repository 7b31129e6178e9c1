"""The client on real sockets: what leaves, and that every way a request can end is one typed answer."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web
from odd_platform import Platform, never, reply

from adapter.answers import Accepted, InReview, Refused, Throttled, Unknown
from adapter.client import Credentials, QQClient
from adapter.limits import Pace
from adapter.request import Endpoint, Request

MESSAGE = Request("POST", "/v2/users/U1/messages", {"content": "你好", "msg_type": 0}, Endpoint.MESSAGE)
STREAM = Request("POST", "/v2/users/U1/stream_messages", {"content_raw": "x"}, Endpoint.STREAM)


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
    assert answer.exchange.elapsed > 0.15


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
    started = asyncio.get_running_loop().time()
    answer = await client.send(MESSAGE)
    whole = asyncio.get_running_loop().time() - started
    assert whole - answer.exchange.elapsed > 0.15
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
