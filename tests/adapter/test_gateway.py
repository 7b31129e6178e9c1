"""The gateway loop against a scripted websocket server: what no well-behaved platform would do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import WSMsgType
from scripted_gateway import Scripted, Socket, event, hello, ready, stay
from watched_gateway import FAST, Watched

from adapter.events import Event
from adapter.gateway import Gateway
from adapter.handshake import Phase, ResumePoint, Timing


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


@pytest.mark.parametrize("bound", [{"most_events": 20}, {"most_bytes": 2_000_000}])
async def test_a_flood_is_not_read_until_what_came_is_stored(
    script: Scripted, watched: Watched, bound: dict[str, int]
) -> None:
    # 60 MB: far more than the buffers of both ends hold, so a sender that is not read stands still.
    flood, padding = range(2, 602), "洪" * 33_000
    stored, beats, sent = asyncio.Event(), 0, 0

    async def slow(event: Event) -> None:
        await stored.wait()
        await watched.take(event)

    async def pour(socket: Socket) -> None:
        nonlocal sent
        for number in flood:
            data = json.dumps({"op": 0, "s": number, "t": "FLOOD", "d": {"n": number, "words": padding}})
            await socket.send_bytes(data.encode())
            sent = number

    async def flooding(socket: Socket) -> None:
        nonlocal beats
        await hello(socket, interval=20)
        await ready(socket)
        pouring = asyncio.create_task(pour(socket))
        acks = []
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            assert json.loads(message.data)["op"] == 1
            beats += 1
            # As with QQ the answer stands behind the flood, unread.
            acks.append(asyncio.create_task(socket.send_json({"op": 11})))
            if beats == 10:
                held.set()
        await asyncio.gather(pouring, *acks, return_exceptions=True)

    held = asyncio.Event()
    script.scripts = [flooding]
    gateway = Gateway(watched.client, on_event=slow, on_state=watched.see, timing=FAST, **bound)
    watched.task = asyncio.create_task(gateway.run())
    async with asyncio.timeout(20):
        await held.wait()
    assert gateway.queue.full
    assert sent < 300
    assert watched.numbers == []
    stored.set()
    async with asyncio.timeout(30), watched.changed:
        await watched.changed.wait_for(lambda: len(watched.events) == len(flood))
    assert watched.numbers == list(flood)
    assert [state.name for state in watched.states] == [Phase.CONNECTING, Phase.CONNECTED]


async def test_a_gateway_that_goes_while_it_is_not_read_is_met_again_later(script: Scripted, watched: Watched) -> None:
    stored, said = asyncio.Event(), []

    async def slow(event: Event) -> None:
        await stored.wait()
        await watched.take(event)

    async def leaves(socket: Socket) -> None:
        await hello(socket, interval=20)
        await ready(socket)
        for number in (2, 3, 4):
            await event(socket, number)
        assert (await socket.receive_json())["op"] == 1
        socket._req.transport.abort()  # type: ignore[union-attr]

    async def stays(socket: Socket) -> None:
        said.append((await hello(socket))["d"])
        await event(socket, 5)
        await socket.send_json({"op": 0, "s": 5, "t": "RESUMED", "d": ""})
        await stay(socket)

    script.scripts = [leaves, stays]
    gateway = Gateway(watched.client, on_event=slow, on_state=watched.see, timing=FAST, most_events=4)
    watched.task = asyncio.create_task(gateway.run())
    await watched.state(Phase.WAITING)
    await asyncio.wait({watched.task}, timeout=0.1)
    assert said == []
    stored.set()
    await watched.state(Phase.CONNECTED, "resumed")
    assert said[0]["seq"] == 4
    assert watched.numbers == [2, 3, 4, 5]
