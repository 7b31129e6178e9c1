"""A gateway that follows a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from odd_platform import Platform, reply

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
