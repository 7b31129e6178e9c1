"""The access token: one fetch for all, renewed early and in the background, typed failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from odd_platform import Platform

from adapter.access_token import AccessToken
from adapter.errors import TokenRefused, TokenUnreachable


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def token(platform: Platform, clock: Clock) -> AsyncIterator[AccessToken]:
    async with aiohttp.ClientSession() as session:
        one = AccessToken(
            app_id="app-1", secret="hush-hush", url=f"{platform.url}/token", session=lambda: session, clock=clock
        )
        yield one
        await one.close()


async def flown(token: AccessToken) -> None:
    if token._flight is not None:
        await asyncio.gather(token._flight, return_exceptions=True)


async def test_fifty_first_calls_fetch_one_token(token: AccessToken, platform: Platform) -> None:
    values = await asyncio.gather(*(token.current() for _ in range(50)))
    assert set(values) == {"token-1"}
    assert platform.tokens_given == 1


@pytest.mark.parametrize("expires_in", ["7200", 7200, 7200.0])
async def test_the_lifetime_may_be_text_or_number(
    token: AccessToken, platform: Platform, clock: Clock, expires_in: object
) -> None:
    platform.token_answers = [{"access_token": "a", "expires_in": expires_in}]
    await token.current()
    clock.now += 7_200 - 61
    await token.current()
    await flown(token)
    assert platform.tokens_given == 1


@pytest.mark.parametrize("expires_in", [None, "soon", -5, [], "nan"])
async def test_an_odd_lifetime_is_taken_carefully(
    token: AccessToken, platform: Platform, clock: Clock, expires_in: object
) -> None:
    platform.token_answers = [{"access_token": "a", "expires_in": expires_in}]
    assert await token.current() == "a"
    clock.now += 61
    await token.current()
    assert platform.tokens_given == 2


async def test_it_is_renewed_in_its_last_minute_beside_the_old_one(
    token: AccessToken, platform: Platform, clock: Clock
) -> None:
    assert await token.current() == "token-1"
    clock.now += 7_200 - 59
    assert await token.current() == "token-1"
    await flown(token)
    assert await token.current() == "token-2"
    assert platform.tokens_given == 2


async def test_a_failed_renewal_leaves_the_old_one_and_is_not_hammered(
    token: AccessToken, platform: Platform, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    platform.token_answers = [
        {"access_token": "first", "expires_in": "7200"},
        {"code": 100002, "message": "internal"},
        {"access_token": "second", "expires_in": "7200"},
    ]
    await token.current()
    clock.now += 7_200 - 50
    for _ in range(20):
        assert await token.current() == "first"
        await flown(token)
    assert platform.tokens_given == 2
    clock.now += 2
    await token.current()
    await flown(token)
    assert await token.current() == "second"
    assert "100002" in caplog.text


async def test_a_token_that_counts_down_is_fetched_again_only_near_its_end(
    token: AccessToken, platform: Platform, clock: Clock
) -> None:
    platform.token_answers = [
        {"access_token": "same", "expires_in": "756"},
        {"access_token": "same", "expires_in": "60"},
        {"access_token": "next", "expires_in": "7200"},
    ]
    assert await token.current() == "same"
    clock.now += 696
    for _ in range(10):
        await token.current()
        await flown(token)
    assert platform.tokens_given == 2
    clock.now += 31
    await token.current()
    await flown(token)
    assert await token.current() == "next"


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [
        ({"code": 100016, "message": "invalid appid or secret"}, 100016, True),
        ({"code": "100007", "message": "appid invalid"}, 100007, True),
        ({"code": 10004, "message": "机器人不存在"}, 10004, True),
        ({"code": 100001, "message": "Too many requests"}, 100001, False),
        ({"code": 100002, "message": "internal"}, 100002, False),
        ({"message": "odd"}, None, False),
        ({}, None, False),
        ({"access_token": "", "code": 0}, None, False),
        ({"access_token": 17}, None, False),
    ],
)
async def test_refusals_come_with_http_200(
    token: AccessToken, platform: Platform, answer: Any, code: int | None, permanent: bool
) -> None:
    platform.token_answers = [answer]
    with pytest.raises(TokenRefused) as caught:
        await token.current()
    assert caught.value.code == code
    assert caught.value.permanent is permanent
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>", content_type="text/html"),
        web.Response(body=b"\xff\xfe", status=502),
        web.Response(text="", status=500),
        web.Response(text="[]"),
        web.Response(text="{}", status=503),
        web.Response(text='{"access_token": "' + "a" * 5_000_000 + '"}'),
    ],
    ids=["html", "bytes", "empty", "list", "bare-503", "endless"],
)
async def test_answers_that_are_none(token: AccessToken, platform: Platform, answer: web.Response) -> None:
    platform.token_answers = [answer]
    with pytest.raises(TokenUnreachable):
        await token.current()


async def test_an_unreachable_address(clock: Clock, unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{unused_tcp_port}/token"
        token = AccessToken(app_id="a", secret="s", url=url, session=lambda: session, clock=clock)
        with pytest.raises(TokenUnreachable) as caught:
            await token.current()
        assert not caught.value.permanent
        bad = AccessToken(app_id="a", secret="s", url="not a url", session=lambda: session, clock=clock)
        with pytest.raises(TokenUnreachable) as caught:
            await bad.current()
        assert caught.value.permanent


async def test_a_failure_is_told_again_for_a_second(token: AccessToken, platform: Platform, clock: Clock) -> None:
    platform.token_answers = [{"code": 100016}, {"access_token": "a", "expires_in": "7200"}]
    for _ in range(5):
        with pytest.raises(TokenRefused):
            await token.current()
    assert platform.tokens_given == 1
    clock.now += 1.1
    assert await token.current() == "a"


async def test_who_asked_first_may_go_away(token: AccessToken, platform: Platform) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asked.set()
        await go_on.wait()

    platform.before_token = hold
    first = asyncio.create_task(token.current())
    await asked.wait()
    second = asyncio.create_task(token.current())
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == "token-1"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert platform.tokens_given == 1


async def test_closing_tells_those_who_wait(token: AccessToken, platform: Platform) -> None:
    asked = asyncio.Event()

    async def hold() -> None:
        asked.set()
        await asyncio.Event().wait()

    platform.before_token = hold
    waiting = asyncio.create_task(token.current())
    await asked.wait()
    await token.close()
    with pytest.raises(TokenUnreachable):
        await waiting


async def test_a_refused_token_is_fetched_again_once(token: AccessToken, platform: Platform, clock: Clock) -> None:
    platform.token_answers = [{"access_token": "same", "expires_in": "7200"}]
    assert await token.current() == "same"
    for _ in range(20):
        token.invalidate("same")
        assert await token.current() == "same"
    assert platform.tokens_given == 2
    clock.now += 1.1
    token.invalidate("same")
    await token.current()
    assert platform.tokens_given == 3


async def test_a_token_fetched_since_stays(token: AccessToken, platform: Platform) -> None:
    assert await token.current() == "token-1"
    token.invalidate("token-1")
    assert await token.current() == "token-2"
    token.invalidate("token-1")
    assert await token.current() == "token-2"
    assert platform.tokens_given == 2


async def test_neither_secret_nor_token_is_logged(
    token: AccessToken, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await token.current()
        platform.token_answers = [{"code": 100016, "message": "hush-hush"}]
        token.invalidate("token-1")
        with pytest.raises(TokenRefused):
            await token.current()
    assert "hush-hush" not in caplog.text
    assert "token-1" not in caplog.text
