"""Tokens and who may call: sheet 1.1, 1.2, 1.4, 1.5."""

import pytest
from bot_caller import USER, BotCaller

from simulator import Simulator

TOKEN = "/app/getAppAccessToken"


async def test_a_token_and_its_life_as_a_string(qq: BotCaller, sim: Simulator) -> None:
    assert (await qq.log_in()).body == {"access_token": qq.token, "expires_in": "7200"}
    sim.switches.expires_in = "number"
    assert (await qq.log_in()).body["expires_in"] == 7200


async def test_the_same_token_counts_down(qq: BotCaller, sim: Simulator) -> None:
    first = qq.token
    sim.clock.advance(1000)
    reply = await qq.log_in()
    assert (reply.body["access_token"], reply.body["expires_in"]) == (first, "6200")


async def test_in_its_last_minute_there_is_a_new_one_and_both_are_good(qq: BotCaller, sim: Simulator) -> None:
    old = qq.token
    sim.clock.advance(7139)
    assert (await qq.log_in()).body["access_token"] == old
    sim.clock.advance(1)
    assert (await qq.log_in()).body["access_token"] != old
    assert (await qq.call("GET", "/users/@me", token=f"QQBot {old}")).status == 200
    sim.clock.advance(60)
    assert (await qq.call("GET", "/users/@me", token=f"QQBot {old}")).refused == (401, 11244)
    assert (await qq.call("GET", "/users/@me")).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"appId": "1", "clientSecret": "x"}, 100007),
        ({"appId": "102000001", "clientSecret": "x"}, 100016),
        ({"app_id": "102000001", "client_secret": "simulator-demo-secret"}, 100007),
        ({}, 100007),
    ],
)
async def test_a_refused_token_is_answered_with_200(qq: BotCaller, body: dict[str, str], code: int) -> None:
    reply = await qq.call("POST", TOKEN, body, token=None)
    assert reply.refused == (200, code)
    assert "access_token" not in reply.body


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (None, 11241),
        ("Bot 102000001.token", 11262),
        ("qqbot x", 11242),
        ("QQBot", 11242),
        ("QQBot  x", 11242),
        ("QQBot unknown", 11244),
    ],
)
async def test_who_cannot_show_a_token_is_turned_away(qq: BotCaller, credential: str | None, code: int) -> None:
    reply = await qq.call("GET", "/users/@me", token=credential)
    assert reply.refused == (401, code)
    assert reply.body["err_code"] == code


async def test_a_call_without_a_token_is_written_down(qq: BotCaller, sim: Simulator) -> None:
    await qq.call("GET", "/users/@me", token=None)
    assert [each["rule"] for each in sim.violations()] == ["token_missing"]


async def test_the_wire_text_of_a_dead_token(qq: BotCaller) -> None:
    reply = await qq.call("POST", f"/v2/users/{USER}/messages", {"content": "x"}, token="QQBot dead")
    assert reply.body["message"] == "token not exist or expire"


async def test_an_address_that_is_not_on_the_list(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.ip_refused = True
    for path in ("/users/@me", "/gateway", "/gateway/bot"):
        reply = await qq.call("GET", path)
        assert (reply.refused, reply.body["err_code"]) == ((401, 11298), 40023002)
        assert reply.body["message"] == "接口访问源IP不在白名单"


async def test_me_is_what_botpy_needs(qq: BotCaller) -> None:
    me = (await qq.call("GET", "/users/@me")).body
    assert int(me["id"])
    assert me["username"] == "演示机器人"


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/apps/1/access_tokens", 404), ("GET", TOKEN, 405)])
async def test_what_it_does_not_have(qq: BotCaller, method: str, path: str, status: int) -> None:
    reply = await qq.call(method, path)
    assert (reply.status, reply.body["message"]) == (status, "不支持的调用")


async def test_two_bots_know_nothing_of_each_other(qq: BotCaller, sim: Simulator) -> None:
    async with qq.http.post(f"{sim.url}/_sim/bots", json={"app_id": "2", "secret": "s", "name": "另一个"}) as answer:
        assert answer.status == 200
    other = BotCaller(sim, qq.http, "2", "s")
    await other.log_in()
    msg_id = await qq.said()
    assert (await other.message(msg_id=msg_id)).refused == (400, 40034024)
    assert (await other.call("GET", "/users/@me")).body["username"] == "另一个"
    assert sim.screen("2", "c2c", USER) == []
