"""A gateway that follows a script, and a listener that keeps all our own tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from odd_platform import Platform, reply

from adapter.client import QQClient
from adapter.events import Event
from adapter.gateway import Gateway, GatewayState
from adapter.handshake import Phase, Timing

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
