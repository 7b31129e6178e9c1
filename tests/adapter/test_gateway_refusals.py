"""The gateway loop where QQ says no, or cannot be reached; and how it ends."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web
from odd_platform import Platform, reply
from scripted_gateway import Scripted, Socket, event, hello, ready, stay
from watched_gateway import FAST, Watched

from adapter.gateway import Gateway, GatewayState
from adapter.handshake import Phase


async def test_a_wrong_secret_is_refused_and_tried_again(
    platform: Platform, script: Scripted, watched: Watched
) -> None:
    async def accept(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await stay(socket)

    script.scripts = [accept]
    platform.token_answers = [{"code": 100016, "message": "invalid appid or secret"}]
    watched.start()
    state = await watched.state(Phase.REFUSED, "token_refused")
    assert state.code == 100016
    assert "secret" in state.detail
    platform.token_answers = [{"access_token": "good", "expires_in": "7200"}]
    await watched.state(Phase.CONNECTED)


@pytest.mark.parametrize(
    ("answer", "phase", "reason", "code"),
    [
        (reply({"code": 11298, "message": "白名单"}, 401), Phase.REFUSED, "ip_not_listed", 11298),
        (reply({"code": 11265, "message": "banned"}, 401), Phase.REFUSED, "api_refused", 11265),
        (reply({"message": "接口调用超过频率限制"}, 400), Phase.WAITING, "api_refused", None),
        (reply(b"<html>", 502), Phase.WAITING, "unreachable", None),
        (reply({"url": "ftp://x"}), Phase.WAITING, "unreachable", None),
        (reply({"url": "ws://127.0.0.1:1/ws"}), Phase.WAITING, "unreachable", None),
    ],
    ids=["ip", "banned", "often", "html", "scheme", "port"],
)
async def test_no_way_to_the_gateway(
    platform: Platform, watched: Watched, answer: web.Response, phase: Phase, reason: str, code: int | None
) -> None:
    async def always(_: web.Request) -> web.StreamResponse:
        return web.Response(body=answer.body, status=answer.status, content_type="application/json")

    platform.answers = [always]
    watched.start()
    state = await watched.state(phase, reason)
    assert state.code == code
    assert state.detail


async def test_a_used_up_day_of_identifies_is_waited_for(script: Scripted, watched: Watched) -> None:
    script.gateway = {"session_start_limit": {"remaining": 0, "reset_after": 60_000}}
    watched.start()
    await watched.state(Phase.WAITING, "session_limit")


async def test_numbers_that_are_none_in_the_gateways_address(script: Scripted, watched: Watched) -> None:
    async def greeted(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await stay(socket)

    infinite = float("inf")
    script.gateway = {
        "shards": infinite,
        "session_start_limit": {"remaining": infinite, "reset_after": infinite, "max_concurrency": infinite},
    }
    script.scripts = [greeted]
    watched.start()
    await watched.state(Phase.CONNECTED, "ready")


async def test_a_number_no_counter_reaches_is_not_resumed_from(script: Scripted, watched: Watched) -> None:
    async def absurd(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 10**30)
        await event(socket, 2)
        await stay(socket)

    script.scripts = [absurd]
    gateway = watched.start()
    await watched.until(lambda: gateway.resume_point and gateway.resume_point.seq == 2)
    assert [each.seq for each in watched.events] == [None, 2]


async def test_fewer_intents_are_tried(script: Scripted, watched: Watched) -> None:
    wanted: list[int] = []

    async def picky(socket: Socket) -> None:
        said = await hello(socket)
        wanted.append(said["d"]["intents"])
        if said["d"]["intents"] != 1 << 25:
            await socket.close(code=4014)
            return
        await ready(socket)
        await stay(socket)

    script.scripts = [picky]
    watched.start()
    connected = await watched.state(Phase.CONNECTED)
    assert wanted[-1] == 1 << 25
    assert len(wanted) == 3
    assert str(1 << 25) in connected.detail


async def test_a_token_the_gateway_refuses_is_fetched_anew(
    platform: Platform, script: Scripted, watched: Watched
) -> None:
    tokens: list[str] = []

    async def refuse(socket: Socket) -> None:
        tokens.append((await hello(socket))["d"]["token"])
        await socket.close(code=4004)

    async def accept(socket: Socket) -> None:
        tokens.append((await hello(socket))["d"]["token"])
        await ready(socket)
        await stay(socket)

    script.scripts = [refuse, accept]
    watched.start()
    await watched.state(Phase.CONNECTED)
    assert tokens == ["QQBot token-1", "QQBot token-2"]


async def test_what_nothing_can_mend_returns(script: Scripted, watched: Watched) -> None:
    async def sharded(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 2)
        await socket.close(code=4011)

    script.scripts = [sharded]
    watched.start()
    assert watched.task is not None
    async with asyncio.timeout(5):
        await watched.task
    assert (watched.states[-1].name, watched.states[-1].code) == (Phase.REFUSED, 4011)
    assert watched.numbers == [2]


async def test_cancelling_says_stopped_and_closes_the_socket(script: Scripted, watched: Watched) -> None:
    codes: list[int | None] = []

    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await stay(socket)
        codes.append(socket.close_code)

    script.scripts = [normal]
    watched.start()
    await watched.state(Phase.CONNECTED)
    assert watched.task is not None
    watched.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watched.task
    assert watched.states[-1].name is Phase.STOPPED
    assert codes == [4000]


async def test_a_state_that_cannot_be_told_does_not_end_it(script: Scripted, watched: Watched) -> None:
    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 2)
        await stay(socket)

    async def broken(_: GatewayState) -> None:
        raise OSError("no database")

    script.scripts = [normal]
    gateway = Gateway(watched.client, on_event=watched.take, on_state=broken, timing=FAST)
    watched.task = asyncio.create_task(gateway.run())
    await watched.until(lambda: watched.events)


async def test_the_token_is_never_logged(script: Scripted, watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await socket.close(code=4009)

    script.scripts = [normal]
    with caplog.at_level(logging.DEBUG):
        watched.start()
        await watched.state(Phase.WAITING)
    assert "token-1" not in caplog.text
    assert "token-1" not in repr(watched.states)
