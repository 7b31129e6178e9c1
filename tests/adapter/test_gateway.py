"""The gateway loop against a scripted websocket server: what no well-behaved platform would do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from odd_platform import Platform, reply

from adapter.client import QQClient, Timeouts
from adapter.events import Event
from adapter.gateway import Gateway, GatewayState
from adapter.handshake import Phase, ResumePoint, Timing

FAST = Timing(
    backoff=(0.01, 0.02, 0.03),
    refused=0.05,
    greeting=1.0,
    quick=0.0,
    identify_gap=0.0,
    handing_on=(0.01, 0.01),
)
Socket = web.WebSocketResponse
Script = Callable[[Socket], Awaitable[None]]


class Scripted:
    """Each connection runs the next script; the last one is used again."""

    def __init__(self, platform: Platform) -> None:
        self.scripts: list[Script] = []
        self.asked = 0
        self.gateway: dict[str, Any] = {}
        platform.answers = [self._answer]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/users/@me":
            return reply({"id": "9000", "username": "机器人"})
        if request.path == "/gateway/bot":
            self.asked += 1
            return reply({"url": f"ws://{request.host}/ws", "shards": 1, **self.gateway})
        socket = Socket()
        await socket.prepare(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        await script(socket)
        return socket


async def hello(socket: Socket, interval: int = 41_250) -> dict[str, Any]:
    """Greet, and return what the client answers."""
    await socket.send_json({"op": 10, "d": {"heartbeat_interval": interval}})
    answer: dict[str, Any] = await socket.receive_json()
    return answer


async def ready(socket: Socket, session: str = "s-1") -> None:
    user = {"id": "9000", "username": "机器人", "bot": True}
    data = {"version": 1, "session_id": session, "user": user, "shard": [0, 1]}
    await socket.send_json({"op": 0, "s": 1, "t": "READY", "d": data})


async def event(socket: Socket, seq: int | None, kind: str = "SOMETHING_NEW") -> None:
    frame: dict[str, Any] = {"op": 0, "t": kind, "id": f"{kind}:{seq}", "d": {"n": seq}}
    if seq is not None:
        frame["s"] = seq
    await socket.send_json(frame)


async def stay(socket: Socket) -> None:
    while (await socket.receive()).type is WSMsgType.TEXT:
        pass


class Watched:
    """A running gateway and all it told."""

    def __init__(self, client: QQClient) -> None:
        self.client = client
        self.events: list[Event] = []
        self.states: list[GatewayState] = []
        self.changed = asyncio.Condition()
        self.failing: list[Exception] = []
        self.task: asyncio.Task[None] | None = None
        self.gateway: Gateway | None = None

    def start(self, **options: Any) -> Gateway:
        options = {"timing": FAST, **options}
        self.gateway = Gateway(self.client, on_event=self.take, on_state=self.see, **options)
        self.task = asyncio.create_task(self.gateway.run())
        return self.gateway

    async def take(self, event: Event) -> None:
        if self.failing:
            raise self.failing.pop(0)
        async with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    async def see(self, state: GatewayState) -> None:
        async with self.changed:
            self.states.append(state)
            self.changed.notify_all()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(true)

    async def state(self, phase: Phase, reason: str = "") -> GatewayState:
        def found() -> list[GatewayState]:
            return [each for each in self.states if each.name is phase and reason in ("", each.reason)]

        await self.until(found)
        return found()[-1]

    @property
    def numbers(self) -> list[int | None]:
        return [event.data.get("n") for event in self.events]


@pytest.fixture
def script(platform: Platform) -> Scripted:
    return Scripted(platform)


@pytest.fixture
async def watched(platform: Platform) -> AsyncIterator[Watched]:
    client = QQClient(platform.credentials, timeouts=Timeouts(message=1.0, connect=1.0))
    one = Watched(client)
    yield one
    if one.task is not None:
        one.task.cancel()
        await asyncio.gather(one.task, return_exceptions=True)
    await client.close()


async def test_identify_and_events_nobody_knows(script: Scripted, watched: Watched) -> None:
    said: list[Any] = []

    async def normal(socket: Socket) -> None:
        said.append(await hello(socket))
        await ready(socket)
        await event(socket, 2)
        await event(socket, None, "WITHOUT_NUMBER")
        await socket.send_json({"op": 0, "s": 3, "t": "RESUMED_LATER", "d": ""})
        await event(socket, 4)
        await stay(socket)

    script.scripts = [normal]
    gateway = watched.start()
    await watched.until(lambda: len(watched.events) == 4)
    assert said[0]["op"] == 2
    assert said[0]["d"]["token"] == "QQBot token-1"
    connected = await watched.state(Phase.CONNECTED)
    assert (connected.bot_id, connected.bot_name, connected.reason) == ("9000", "机器人", "ready")
    assert [each.type for each in watched.events] == [
        "SOMETHING_NEW",
        "WITHOUT_NUMBER",
        "RESUMED_LATER",
        "SOMETHING_NEW",
    ]
    assert [each.seq for each in watched.events] == [2, None, 3, 4]
    assert watched.events[2].data == {"d": ""}
    assert watched.events[0].session_id == "s-1"
    await gateway.queue.emptied()
    assert gateway.resume_point == ResumePoint("s-1", 4)


async def test_resume_with_the_last_number_and_the_empty_string(script: Scripted, watched: Watched) -> None:
    said: list[Any] = []

    async def first(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 7)
        await socket.close(code=4009)

    async def second(socket: Socket) -> None:
        said.append(await hello(socket))
        await event(socket, 8)
        await socket.send_json({"op": 0, "s": 8, "t": "RESUMED", "d": ""})
        await stay(socket)

    script.scripts = [first, second]
    watched.start()
    await watched.state(Phase.CONNECTED, "resumed")
    await watched.until(lambda: len(watched.events) == 2)
    assert said[0] == {"op": 6, "d": {"token": "QQBot token-1", "session_id": "s-1", "seq": 7}}
    assert watched.numbers == [7, 8]
    waiting = await watched.state(Phase.WAITING, "session_timed_out")
    assert waiting.code == 4009
    assert script.asked == 1


async def test_a_later_start_resumes_and_knows_who_it_is(script: Scripted, watched: Watched) -> None:
    async def resumed(socket: Socket) -> None:
        said = await hello(socket)
        assert said["d"]["session_id"] == "old"
        await socket.send_json({"op": 0, "s": 50, "t": "RESUMED", "d": ""})
        await stay(socket)

    script.scripts = [resumed]
    watched.start(resume=ResumePoint("old", 41))
    state = await watched.state(Phase.CONNECTED)
    assert (state.bot_id, state.reason, state.session_id, state.seq) == ("9000", "resumed", "old", 50)


async def test_two_refused_resumes_and_then_identify(script: Scripted, watched: Watched) -> None:
    said: list[int] = []

    async def refuse(socket: Socket) -> None:
        said.append((await hello(socket))["op"])
        await socket.close(code=4000)

    async def accept(socket: Socket) -> None:
        said.append((await hello(socket))["op"])
        await ready(socket, "s-2")
        await stay(socket)

    script.scripts = [refuse, refuse, accept]
    watched.start(resume=ResumePoint("old", 41))
    await watched.state(Phase.CONNECTED, "ready")
    assert said == [6, 6, 2]


async def test_op_9_identifies_at_once(script: Scripted, watched: Watched) -> None:
    said: list[int] = []

    async def invalid(socket: Socket) -> None:
        said.append((await hello(socket))["op"])
        await socket.send_json({"op": 9, "d": False})
        await stay(socket)

    async def accept(socket: Socket) -> None:
        said.append((await hello(socket))["op"])
        await ready(socket)
        await stay(socket)

    script.scripts = [invalid, accept]
    watched.start(resume=ResumePoint("old", 41))
    await watched.state(Phase.CONNECTED)
    assert said == [6, 2]


async def test_heartbeats_go_out_by_hellos_interval(script: Scripted, watched: Watched) -> None:
    beats: list[Any] = []

    async def quick(socket: Socket) -> None:
        await hello(socket, interval=30)
        await ready(socket)
        while len(beats) < 4:
            beats.append(await socket.receive_json())
            await socket.send_json({"op": 11})
        await event(socket, 2)
        await stay(socket)

    script.scripts = [quick]
    watched.start()
    await watched.until(lambda: watched.events)
    assert beats == [{"op": 1, "d": 1}] * 4
    assert len([each for each in watched.states if each.name is Phase.CONNECTED]) == 1


async def test_no_answer_to_two_beats_reconnects(script: Scripted, watched: Watched) -> None:
    beats: list[Any] = []

    async def deaf(socket: Socket) -> None:
        await hello(socket, interval=30)
        await ready(socket)
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            beats.append(json.loads(message.data))

    async def fine(socket: Socket) -> None:
        await hello(socket)
        await socket.send_json({"op": 0, "s": 1, "t": "RESUMED", "d": ""})
        await stay(socket)

    script.scripts = [deaf, fine]
    watched.start()
    await watched.state(Phase.WAITING, "silent")
    await watched.state(Phase.CONNECTED, "resumed")
    assert len(beats) == 2


async def test_a_gateway_that_says_nothing(script: Scripted, watched: Watched) -> None:
    async def mute(socket: Socket) -> None:
        await stay(socket)

    script.scripts = [mute]
    watched.start(timing=Timing(backoff=(0.01,), greeting=0.05, identify_gap=0.0))
    await watched.state(Phase.WAITING, "silent")


async def test_garbage_is_counted_and_survived(
    script: Scripted, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async def garbage(socket: Socket) -> None:
        await socket.send_str("not json")
        await hello(socket)
        await ready(socket)
        for text in ('{"op": 0, "s": 1, "t": ', "[]", "null", '"x"', "[" * 50_000):
            await socket.send_str(text)
        await socket.send_bytes(b"\xff\xfe")
        await socket._writer.send_frame(b'{"op":0,"t":"\xff"}', WSMsgType.TEXT)  # type: ignore[union-attr]
        for frame in ({}, {"op": "0"}, {"op": 99}, {"op": 0}, {"op": 0, "s": "7", "t": 5, "d": None}):
            await socket.send_json(frame)
        await socket.send_json({"op": 1})
        assert (await socket.receive_json())["op"] == 1
        await event(socket, 2)
        await stay(socket)

    script.scripts = [garbage]
    gateway = watched.start()
    await watched.until(lambda: 2 in watched.numbers)
    assert gateway.garbled == 8
    assert len([each for each in watched.states if each.name is Phase.CONNECTING]) == 1
    assert "no JSON object" in caplog.text


async def test_an_event_that_cannot_be_taken_is_tried_again_in_order(script: Scripted, watched: Watched) -> None:
    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        for number in (2, 3, 4):
            await event(socket, number)
        await stay(socket)

    script.scripts = [normal]
    watched.failing = [OSError("no database"), OSError("still none")]
    gateway = watched.start()
    await watched.until(lambda: len(watched.events) == 3)
    assert watched.numbers == [2, 3, 4]
    assert gateway.queue.lost == 0


async def test_an_event_nobody_can_take_is_given_up_and_counted(
    script: Scripted, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 2)
        await event(socket, 3)
        await stay(socket)

    script.scripts = [normal]
    watched.failing = [OSError("poison")] * 3
    gateway = watched.start()
    await watched.until(lambda: watched.numbers == [3])
    assert gateway.queue.lost == 1
    assert "given up" in caplog.text


async def test_a_number_counts_only_after_the_event_was_taken(script: Scripted, watched: Watched) -> None:
    taking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Event) -> None:
        taking.set()
        await go_on.wait()

    async def normal(socket: Socket) -> None:
        await hello(socket)
        await ready(socket)
        await event(socket, 2)
        await stay(socket)

    script.scripts = [normal]
    gateway = Gateway(watched.client, on_event=slow, on_state=watched.see, timing=FAST)
    watched.task = asyncio.create_task(gateway.run())
    await taking.wait()
    assert gateway.resume_point == ResumePoint("s-1", 1)
    go_on.set()
    await gateway.queue.emptied()
    assert gateway.resume_point == ResumePoint("s-1", 2)


async def test_a_slow_taker_does_not_stop_the_heart(script: Scripted, watched: Watched) -> None:
    go_on, beats = asyncio.Event(), 0

    async def slow(_: Event) -> None:
        await go_on.wait()

    async def beating(socket: Socket) -> None:
        nonlocal beats
        await hello(socket, interval=20)
        await ready(socket)
        await event(socket, 2)
        while (await socket.receive()).type is WSMsgType.TEXT:
            beats += 1
            await socket.send_json({"op": 11})
            if beats == 5:
                go_on.set()

    script.scripts = [beating]
    gateway = Gateway(watched.client, on_event=slow, on_state=watched.see, timing=FAST)
    watched.task = asyncio.create_task(gateway.run())
    async with asyncio.timeout(5):
        await go_on.wait()


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
