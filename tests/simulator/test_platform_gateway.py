"""The gateway: sheet 2.1 to 2.6, on a real websocket."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from bot_caller import CHANNEL, GROUP, USER, BotCaller

from simulator import Simulator

ALL = 1 << 9 | 1 << 12 | 1 << 25 | 1 << 26 | 1 << 27 | 1 << 30


class GatewayCaller:
    """The bot's end of one websocket."""

    def __init__(self, qq: BotCaller, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.qq = qq
        self.socket = socket
        self.session = ""
        self.seq = 0

    async def next(self) -> dict[str, Any]:
        frame = await self.socket.receive_json()
        self.seq = frame.get("s") or self.seq
        return frame

    async def send(self, op: int, d: Any = None) -> None:
        await self.socket.send_json({"op": op, "d": d})

    async def closed(self) -> int | None:
        """Read on to the end and return its code."""
        async for _ in self.socket:
            continue
        return self.socket.close_code

    async def identify(self, intents: int = ALL, **d: Any) -> dict[str, Any]:
        given = {"token": f"QQBot {self.qq.token}", "intents": intents, "shard": [0, 1], "properties": {}}
        await self.send(2, given | d)
        ready = await self.next()
        self.session = ready.get("d", {}).get("session_id", "")
        return ready

    async def resume(self, session: str, seq: int) -> None:
        await self.send(6, {"token": f"QQBot {self.qq.token}", "session_id": session, "seq": seq})


async def connect(qq: BotCaller) -> GatewayCaller:
    """Connect and take the Hello."""
    url = (await qq.call("GET", "/gateway")).body["url"]
    caller = GatewayCaller(qq, await qq.http.ws_connect(url))
    assert (await caller.next())["op"] == 10
    return caller


@pytest.fixture
async def gateway(qq: BotCaller) -> AsyncIterator[GatewayCaller]:
    caller = await connect(qq)
    await caller.identify()
    yield caller
    await caller.socket.close()


async def command(qq: BotCaller, do: str, **details: Any) -> None:
    async with qq.http.post(f"{qq.sim.url}/_sim/gateway", json={"do": do} | details) as answer:
        assert answer.status == 200, await answer.text()


async def test_where_it_is_and_how_often_one_may_start(qq: BotCaller, sim: Simulator) -> None:
    reply = (await qq.call("GET", "/gateway/bot")).body
    assert reply["url"] == sim.url.replace("http", "ws") + "/websocket"
    assert reply["shards"] == 1
    assert reply["session_start_limit"]["remaining"] == 1000
    await (await connect(qq)).identify()
    again = (await qq.call("GET", "/gateway/bot")).body
    assert again["session_start_limit"]["remaining"] == 999


async def test_asking_too_often(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.gateway_rate = 2
    replies = [await qq.call("GET", "/gateway") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[-1].body["message"] == "接口调用超过频率限制"


async def test_hello_identify_ready(qq: BotCaller) -> None:
    caller = await connect(qq)
    ready = await caller.identify()
    assert (ready["op"], ready["t"], ready["s"]) == (0, "READY", 1)
    assert ready["d"]["version"] == 1
    assert ready["d"]["shard"] == [0, 1]
    assert ready["d"]["user"]["bot"] is True


async def test_a_beat_is_acknowledged(gateway: GatewayCaller) -> None:
    await gateway.send(1, 1)
    assert (await gateway.next()) == {"op": 11}


async def test_a_client_that_does_not_beat_is_cut_with_4009(qq: BotCaller, sim: Simulator) -> None:
    sim.switches.heartbeat_interval_ms = 20
    caller = await connect(qq)
    await caller.identify()
    assert await caller.closed() == 4009


async def test_every_session_is_cut_with_4009_after_its_life(gateway: GatewayCaller, sim: Simulator) -> None:
    sim.clock.advance(1800)
    assert await gateway.closed() == 4009


async def test_missed_events_are_replayed_and_resumed_has_an_empty_string(
    qq: BotCaller, gateway: GatewayCaller
) -> None:
    await qq.said("一")
    assert (await gateway.next())["d"]["content"] == "一"
    await command(qq, "cut")
    await gateway.closed()
    await qq.said("二")
    again = await connect(qq)
    await again.resume(gateway.session, gateway.seq)
    assert (await again.next())["d"]["content"] == "二"
    resumed = await again.next()
    assert (resumed["t"], resumed["d"]) == ("RESUMED", "")
    await qq.said("三")
    assert (await again.next())["d"]["content"] == "三"


async def test_resume_after_4009_works(qq: BotCaller, gateway: GatewayCaller) -> None:
    await command(qq, "close", code=4009)
    assert await gateway.closed() == 4009
    again = await connect(qq)
    await again.resume(gateway.session, gateway.seq)
    assert (await again.next())["t"] == "RESUMED"


@pytest.mark.parametrize(("mode", "expected"), [("4006", 4006), ("4902", 4902), ("close_after_resumed", 4009)])
async def test_a_resume_may_be_refused_by_a_close(
    qq: BotCaller, gateway: GatewayCaller, mode: str, expected: int
) -> None:
    await command(qq, "refuse_resume", mode=mode, count=1)
    again = await connect(qq)
    await again.resume(gateway.session, gateway.seq)
    assert await again.closed() == expected


async def test_a_session_it_does_not_know_is_invalid(qq: BotCaller) -> None:
    caller = await connect(qq)
    await caller.resume("unknown", 1)
    assert (await caller.next()) == {"op": 9, "d": False}
    assert (await caller.identify())["t"] == "READY"


async def test_a_seq_it_never_sent_is_invalid(qq: BotCaller, gateway: GatewayCaller) -> None:
    again = await connect(qq)
    await again.resume(gateway.session, 99)
    assert await again.closed() == 4007


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ('{"op": 99}', 4001),
        ('{"op": 1, "d": null}', 4003),
        ('{"op": 2, "d": null}', 4002),
        ('{"op": 2, "d": {"token": "QQBot dead", "intents": 0}}', 4004),
        ('{"op": 6, "d": {"token": "QQBot dead", "session_id": "x", "seq": 1}}', 4004),
    ],
)
async def test_frames_that_end_the_connection(qq: BotCaller, frame: str, code: int) -> None:
    caller = await connect(qq)
    await caller.socket.send_str(frame)
    assert await caller.closed() == code


@pytest.mark.parametrize(
    ("d", "code"),
    [({"intents": 1 << 5}, 4013), ({"intents": "all"}, 4013), ({"intents": 1 << 9}, 4014), ({"shard": [1, 1]}, 4010)],
)
async def test_identifies_that_end_the_connection(qq: BotCaller, sim: Simulator, d: dict[str, Any], code: int) -> None:
    sim.switches.permitted_intents = 1 << 25
    caller = await connect(qq)
    await caller.send(2, {"token": f"QQBot {qq.token}", "intents": 1 << 25, "shard": [0, 1]} | d)
    assert await caller.closed() == code


async def test_one_does_not_identify_twice(gateway: GatewayCaller) -> None:
    await gateway.send(2, {"token": f"QQBot {gateway.qq.token}", "intents": 0})
    assert await gateway.closed() == 4005


@pytest.mark.parametrize("code", [4000, 4006, 4008, 4900, 4914, 4915, 1000])
async def test_it_closes_with_any_code_on_demand(qq: BotCaller, gateway: GatewayCaller, code: int) -> None:
    await command(qq, "close", code=code)
    assert await gateway.closed() == code


@pytest.mark.parametrize(("do", "op", "d"), [("op7", 7, None), ("op9", 9, False)])
async def test_it_asks_to_reconnect_or_to_start_again(
    qq: BotCaller, gateway: GatewayCaller, do: str, op: int, d: object
) -> None:
    await command(qq, do)
    assert await gateway.next() == {"op": op, "d": d}


async def test_a_mute_connection_says_nothing(qq: BotCaller, gateway: GatewayCaller) -> None:
    await command(qq, "mute")
    await gateway.send(1, 1)
    await qq.said("nobody hears")
    await command(qq, "unmute")
    await qq.said("somebody hears")
    assert (await gateway.next())["d"]["content"] == "somebody hears"


async def test_frames_no_client_expects(qq: BotCaller, gateway: GatewayCaller) -> None:
    await command(qq, "unknown_event")
    assert (await gateway.next())["t"] == "SOMETHING_QQ_ADDED_LATER"
    await command(qq, "raw", frame={"op": 99})
    assert await gateway.next() == {"op": 99}
    await command(qq, "invalid_json")
    assert (await gateway.socket.receive_str()).startswith("{")


async def test_only_the_events_one_asked_for(qq: BotCaller) -> None:
    caller = await connect(qq)
    await caller.identify(1 << 30)
    await qq.said("private")
    await qq.said("channel", target=CHANNEL, scene="guild")
    event = await caller.next()
    assert (event["t"], event["s"]) == ("AT_MESSAGE_CREATE", 2)


async def test_guild_events_go_to_their_shard(qq: BotCaller) -> None:
    guild = 7 << 22
    callers = [await connect(qq), await connect(qq)]
    for number, caller in enumerate(callers):
        await caller.identify(shard=[number, 2])
    await qq.said("dm", target=str(guild), scene="dm")
    assert (await callers[1].next())["d"]["guild_id"] == str(guild)


async def test_the_same_event_three_times(qq: BotCaller, gateway: GatewayCaller) -> None:
    msg_id = await qq.said(repeat=3)
    events = [await gateway.next() for _ in range(3)]
    assert {event["d"]["id"] for event in events} == {msg_id}
    assert len({event["id"] for event in events}) == 1
    assert [event["s"] for event in events] == [2, 3, 4]


async def test_one_group_message_as_both_events(qq: BotCaller, gateway: GatewayCaller) -> None:
    kinds = ["GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"]
    msg_id = await qq.said("早", target=GROUP, scene="group", events=kinds)
    first, second = await gateway.next(), await gateway.next()
    assert [first["t"], second["t"]] == kinds
    assert first["d"]["id"] == second["d"]["id"] == msg_id
    bot = qq.sim.platform.bot(None).user_id
    assert (first["d"]["content"], second["d"]["content"]) == (" 早", f"<@{bot}> 早")
    assert first["d"]["mentions"][0]["is_you"] is True


async def test_a_group_message_to_nobody(qq: BotCaller, gateway: GatewayCaller) -> None:
    await qq.said("早", target=GROUP, scene="group", mention=False)
    event = await gateway.next()
    assert (event["t"], event["d"]["content"]) == ("GROUP_MESSAGE_CREATE", "早")
    assert "mentions" not in event["d"]


async def test_optional_fields_go_missing(qq: BotCaller, gateway: GatewayCaller) -> None:
    await qq.said(omit=["message_scene", "author.union_openid", "timestamp"])
    d = (await gateway.next())["d"]
    assert set(d) == {"id", "content", "message_type", "author"}
    assert set(d["author"]) == {"id", "user_openid"}


async def test_a_raw_event_can_be_answered(qq: BotCaller, gateway: GatewayCaller, sim: Simulator) -> None:
    raw = {"t": "C2C_MESSAGE_CREATE", "d": {"id": "ROBOT1.0_raw", "content": "裸", "author": {}}}
    async with qq.http.post(f"{sim.url}/_sim/say", json={"target": USER, "raw": raw}) as answer:
        assert await answer.json() == {"msg_id": "ROBOT1.0_raw"}
    assert (await gateway.next())["d"] == raw["d"]
    assert (await qq.message(msg_id="ROBOT1.0_raw")).status == 200


async def test_attachments_as_they_are_given(qq: BotCaller, gateway: GatewayCaller) -> None:
    picture = {"content_type": "image/png", "filename": "a.png", "url": "multimedia.nt.qq.com.cn/x"}
    await qq.said(attachments=[picture])
    assert (await gateway.next())["d"]["attachments"] == [picture]


@pytest.mark.parametrize("kind", ["FRIEND_ADD", "C2C_MSG_REJECT", "INTERACTION_CREATE"])
async def test_other_events(qq: BotCaller, gateway: GatewayCaller, sim: Simulator, kind: str) -> None:
    happened = await sim.happen(qq.app_id, kind, USER)
    event = await gateway.next()
    assert (event["t"], event["id"], event["d"]) == (kind, happened["event_id"], happened["d"])


async def test_after_4009_sends_may_vanish_until_there_is_a_live_session(
    qq: BotCaller, gateway: GatewayCaller, sim: Simulator
) -> None:
    sim.switches.silent_drop_after_4009 = 150
    msg_id = await qq.said()
    await command(qq, "close", code=4009)
    await gateway.closed()
    assert (await qq.message(msg_id=msg_id)).status == 200
    assert qq.screen() == []
    again = await connect(qq)
    await again.identify()
    assert (await qq.message(msg_id=msg_id, msg_seq=2)).status == 200
    assert qq.screen() == [("好的", "done")]
    await command(qq, "cut")
    await again.closed()
    assert (await qq.message(msg_id=msg_id, msg_seq=3)).status == 200
    assert len(qq.screen()) == 2
