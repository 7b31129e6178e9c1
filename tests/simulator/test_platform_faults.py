"""Every fault of sheet 8.10, how rules are chosen, and how often they fired."""

import asyncio
from typing import Any

import aiohttp
import pytest
from bot_caller import GROUP, USER, BotCaller

from simulator import Simulator


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"fault": "system_busy"}, 500, {"message": "系统繁忙，请稍后重试"}),
        ({"fault": "throttled"}, 429, {"message": "接口调用超过频率限制", "code": 1100100}),
        ({"fault": "no_message"}, 400, {"code": 304016}),
        ({"fault": "ok_with_code", "code": 304016}, 200, {"code": 304016}),
        ({"fault": "code", "code": 40034012}, 400, {"code": 40034012, "err_code": 40034012}),
        ({"fault": "code", "code": 999, "status": 418, "text": "?"}, 418, {"code": 999, "message": "?"}),
        ({"fault": "ip_refused"}, 401, {"code": 11298, "err_code": 40023002}),
    ],
)
async def test_refusals_that_strike_before_it_takes_effect(
    qq: BotCaller, sim: Simulator, rule: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    sim.faults.set(rule | {"count": 1})
    msg_id = await qq.said()
    reply = await qq.message(msg_id=msg_id)
    assert reply.status == status
    assert reply.body.items() >= body.items()
    assert reply.body["trace_id"] == reply.headers["X-Tps-trace-ID"]
    assert ("message" in reply.body) is (rule["fault"] != "no_message")
    assert qq.screen() == []
    assert (await qq.message(msg_id=msg_id)).status == 200


@pytest.mark.parametrize(("fault", "status"), [("html_413", 413), ("html_502", 502)])
async def test_pages_of_the_front_door(qq: BotCaller, sim: Simulator, fault: str, status: int) -> None:
    sim.faults.set({"fault": fault})
    reply = await qq.message()
    assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html")
    assert "X-Tps-trace-ID" not in reply.headers


@pytest.mark.parametrize(("when", "delivered"), [("before", 0), ("after", 1)])
async def test_the_connection_is_reset(qq: BotCaller, sim: Simulator, when: str, delivered: int) -> None:
    sim.faults.set({"fault": "reset", "when": when})
    with pytest.raises(aiohttp.ClientConnectionError):
        await qq.message()
    assert len(qq.screen()) == delivered
    assert sim.requests(path="/messages")[-1]["status"] is None


async def test_the_answer_never_comes_though_it_took_effect(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "hang"})
    seen = asyncio.Event()
    sim.platform.observers.add(lambda *_: seen.set())
    task = asyncio.create_task(qq.message())
    await seen.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert qq.screen() == [("好的", "done")]


async def test_a_slow_answer(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "slow", "seconds": 0.05})
    assert (await qq.message()).status == 200
    assert sim.requests(path="/messages")[-1]["seconds"] >= 0.05


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("json_string", "application/json", '"ok"'),
        ("json_null", "application/json", "null"),
        ("json_list", "application/json", "[]"),
        ("empty_body", "application/json", ""),
        ("wrong_content_type", "text/plain", None),
        ("charset", "application/json; charset=utf-8", None),
    ],
)
async def test_answers_that_are_spoilt_after_it_took_effect(
    qq: BotCaller, sim: Simulator, fault: str, kind: str, text: str | None
) -> None:
    sim.faults.set({"fault": fault})
    headers = {"Authorization": f"QQBot {qq.token}"}
    url = f"{sim.url}/v2/users/{USER}/messages"
    async with qq.http.post(url, json={"content": "好的"}, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == kind
        body = await answer.text()
    assert body == text if text is not None else "ROBOT1.0_" in body
    assert qq.screen() == [("好的", "done")]


@pytest.mark.parametrize(("fault", "status"), [("audit_202", 202), ("audit_201", 201)])
@pytest.mark.parametrize("passed", [True, False])
async def test_in_review_and_what_comes_of_it(
    qq: BotCaller, sim: Simulator, fault: str, status: int, passed: bool
) -> None:
    sim.faults.set({"fault": fault})
    reply = await qq.message(msg_id=await qq.said())
    assert reply.refused == (status, 304024)
    assert qq.screen() == []
    audit = {"audit_id": reply.body["data"]["message_audit"]["audit_id"], "pass": passed}
    async with qq.http.post(f"{sim.url}/_sim/audit", json=audit) as answer:
        assert answer.status == 200
    assert len(qq.screen()) == passed


async def test_a_proactive_message_in_review_has_the_other_code(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "audit_202"})
    assert (await qq.message()).code == 304023


async def test_accepted_and_never_delivered(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "undelivered"})
    assert (await qq.message()).body["id"]
    assert qq.screen() == []


async def test_the_token_expires_in_mid_run(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "token_expired", "count": 1})
    assert (await qq.message()).refused == (401, 11244)
    assert (await qq.message()).refused == (401, 11244)
    await qq.log_in()
    assert (await qq.message()).status == 200


@pytest.mark.parametrize(
    ("endpoint", "method", "path"),
    [
        ("token", "POST", "/app/getAppAccessToken"),
        ("gateway", "GET", "/gateway/bot"),
        ("me", "GET", "/users/@me"),
        ("files", "POST", f"/v2/users/{USER}/files"),
        ("prepare", "POST", f"/v2/users/{USER}/upload_prepare"),
        ("part_finish", "POST", f"/v2/users/{USER}/upload_part_finish"),
        ("recall", "DELETE", f"/v2/users/{USER}/messages/x"),
        ("interaction", "PUT", "/interactions/x"),
        ("stream", "POST", f"/v2/users/{USER}/stream_messages"),
        ("message", "POST", f"/v2/groups/{GROUP}/messages"),
    ],
)
async def test_a_rule_strikes_where_it_says(
    qq: BotCaller, sim: Simulator, endpoint: str, method: str, path: str
) -> None:
    (rule,) = sim.faults.set({"fault": "html_502", "endpoint": endpoint})
    body = {"appId": qq.app_id, "clientSecret": qq.secret} if endpoint == "token" else {}
    assert (await qq.call(method, path, body)).status == 502
    assert rule.fired == 1
    elsewhere = "/users/@me" if endpoint != "me" else "/gateway"
    assert (await qq.call("GET", elsewhere)).status == 200


async def test_a_rule_strikes_a_part_on_its_way(qq: BotCaller, sim: Simulator) -> None:
    sums = {"md5": "0" * 32, "sha1": "0" * 40, "md5_10m": "0" * 32}
    body = {"file_type": 1, "file_name": "a.png", "file_size": "3"} | sums
    prepared = (await qq.post(f"/v2/users/{USER}/upload_prepare", body)).body
    sim.faults.set({"fault": "html_502", "endpoint": "part", "count": 1})
    url = prepared["parts"][0]["presigned_url"]
    statuses = []
    for _ in range(2):
        async with qq.http.put(url, data=b"abc") as answer:
            statuses.append(answer.status)
    assert statuses == [502, 200]


@pytest.mark.parametrize("frame", ["opening", "middle", "closing"])
@pytest.mark.parametrize("legacy", [False, True])
async def test_a_rule_may_choose_the_frame(qq: BotCaller, sim: Simulator, frame: str, legacy: bool) -> None:
    sim.faults.set({"fault": "code", "code": 50001, "endpoint": "stream", "frame": frame, "count": 1})
    msg_id = await qq.said()
    stream: str | None = None
    hit = []
    for index, (name, state) in enumerate(
        [("opening", 1), ("opening", 1), ("middle", 1), ("middle", 1), ("closing", 10)]
    ):
        if name == "opening" and stream:
            continue
        if legacy:
            reply = await qq.delta("好\n", index=index, state=state, id=stream, msg_id=msg_id)
        else:
            index = min(index, 1) if stream is None else index
            reply = await qq.frame("好", index=index, state=state, msg_id=msg_id, stream_msg_id=stream)
        sim.clock.advance(1)
        if reply.code == 50001:
            hit.append(name)
        else:
            stream = reply.body["id"]
    assert hit == [frame]


async def test_a_rule_may_choose_scene_bot_and_target(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set(
        {"fault": "html_502", "scene": "group"},
        {"fault": "html_413", "target": "0" * 32},
        {"fault": "json_null", "bot": "nobody"},
    )
    assert (await qq.message(GROUP, group=True)).status == 502
    assert (await qq.message("0" * 32)).status == 413
    assert (await qq.message()).status == 200
    assert [rule["fired"] for rule in sim.faults.view()] == [1, 1, 0]


async def test_a_probability_is_repeatable_by_its_seed(qq: BotCaller) -> None:
    async def struck(seed: int) -> list[int]:
        async with Simulator(seed=seed) as sim:
            caller = BotCaller(sim, qq.http, qq.app_id, qq.secret)
            await caller.log_in()
            sim.faults.set({"fault": "html_502", "endpoint": "me", "probability": 0.5})
            return [(await caller.call("GET", "/users/@me")).status for _ in range(30)]

    first = await struck(7)
    assert first == await struck(7)
    assert first != await struck(8)
    assert {200, 502} == set(first)


async def test_what_befalls_one_conversation_does_not_depend_on_the_others(qq: BotCaller) -> None:
    async def struck(others: int) -> list[int]:
        async with Simulator(seed=7) as sim:
            caller = BotCaller(sim, qq.http, qq.app_id, qq.secret)
            await caller.log_in()
            sim.switches.proactive_times = 1_000
            sim.faults.set({"fault": "html_502", "endpoint": "message", "probability": 0.5})
            statuses = []
            for _ in range(20):
                for other in range(others):
                    await caller.message(f"{other:032d}")
                statuses.append((await caller.message("F" * 32)).status)
            return statuses

    assert await struck(0) == await struck(3)


async def test_a_fresh_fault_leaves_a_repeat_alone(qq: BotCaller, sim: Simulator) -> None:
    msg_id = await qq.said()
    assert (await qq.message(msg_id=msg_id, msg_seq=1)).status == 200
    sim.faults.set({"fault": "code", "code": 40034012, "fresh": True})
    assert (await qq.message(msg_id=msg_id, msg_seq=1)).code == 40054005
    assert (await qq.message(msg_id=msg_id, msg_seq=2)).code == 40034012


async def test_what_is_taken_and_shown_to_nobody_is_noted(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "undelivered", "count": 1})
    assert (await qq.message(msg_id=await qq.said())).status == 200
    assert (await qq.message(msg_id=await qq.said())).status == 200
    assert [request["unseen"] for request in sim.requests(path="/messages")] == [True, False]


async def test_a_fault_after_the_fact_does_not_strike_what_was_refused(qq: BotCaller, sim: Simulator) -> None:
    (rule,) = sim.faults.set({"fault": "empty_body", "count": 1})
    assert (await qq.message(msg_id="garbage")).code == 40034024
    assert rule.fired == 0


async def test_a_frame_beside_one_under_way_is_refused(qq: BotCaller, sim: Simulator) -> None:
    sim.faults.set({"fault": "slow", "seconds": 60, "frame": "opening", "count": 1})
    msg_id = await qq.said()
    slow = asyncio.create_task(qq.frame("你好", msg_id=msg_id))
    while not sim.faults.view()[0]["fired"]:
        await qq.call("GET", "/users/@me")  # the loop turns meanwhile
    assert (await qq.frame("你好", msg_id=msg_id)).refused == (400, 40034021)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "earthquake"},
        {"fault": "reset", "endpoint": "moon"},
        {"fault": "reset", "frame": "last"},
        {"fault": "reset", "when": "during"},
        {"fault": "reset", "colour": 1},
        {"fault": "code"},
        {},
    ],
)
async def test_a_rule_that_means_nothing_is_refused_and_changes_nothing(
    qq: BotCaller, sim: Simulator, rule: dict[str, Any]
) -> None:
    sim.faults.set({"fault": "html_502"})
    async with qq.http.put(f"{sim.url}/_sim/faults", json={"faults": [rule]}) as answer:
        assert answer.status == 400
    assert [each["fault"] for each in sim.faults.view()] == ["html_502"]


async def test_rules_over_http(qq: BotCaller, sim: Simulator) -> None:
    at = f"{sim.url}/_sim/faults"
    async with qq.http.post(at, json={"fault": "html_502", "endpoint": "any", "count": 1}) as answer:
        (rule,) = (await answer.json())["faults"]
    assert (await qq.message()).status == 502
    async with qq.http.get(at) as answer:
        assert (await answer.json())["faults"][0]["fired"] == 1
    async with qq.http.delete(at, params={"id": rule["id"]}) as answer:
        assert (await answer.json())["faults"] == []
