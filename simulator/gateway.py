"""The gateway websocket: Hello, Identify or Resume, heartbeats, events, and every way it ends (sheet 2.1 to 2.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from simulator.bots import Bot
from simulator.call import Call
from simulator.clock import Timer
from simulator.codes import TOO_OFTEN, Refusal
from simulator.events import INTENT_BITS, KNOWN_INTENTS
from simulator.gateway_session import (
    ACK,
    DISPATCH,
    HEARTBEAT,
    HELLO,
    IDENTIFY,
    INVALID,
    RESUME,
    Close,
    Connection,
    GatewaySession,
)
from simulator.platform import Platform

KEPT_SESSIONS = 10
HANDSHAKE = 2.0  # seconds to wait for the other end's close frame


class GatewayClosed(Exception):
    """The client broke a rule that ends the connection with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class Gateway:
    """Accepts gateway connections for every bot of the platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._sockets: set[web.WebSocketResponse] = set()

    def get_gateway(self, call: Call) -> dict[str, Any]:
        """GET /gateway; raises 429 above the switch's rate."""
        self._hold_rate(call)
        return {"url": self._url}

    def get_gateway_bot(self, call: Call) -> dict[str, Any]:
        """GET /gateway/bot, with what is left of the day's thousand identifies."""
        self._hold_rate(call)
        return {
            "url": self._url,
            "shards": self._platform.switches.shards,
            "session_start_limit": {
                "total": 1000,
                "remaining": max(0, 1000 - call.bot.starts),
                "reset_after": 14_400_000,
                "max_concurrency": 1,
            },
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket from Hello to its end."""
        socket = web.WebSocketResponse(timeout=HANDSHAKE, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        connection = Connection()
        writer = asyncio.create_task(self._write(socket, connection, request.transport))
        interval = self._platform.switches.heartbeat_interval_ms
        connection.send({"op": HELLO, "d": {"heartbeat_interval": interval}})
        end_of_life: Timer | None = None
        if self._platform.switches.session_life:
            end_of_life = self._platform.clock.call_after(
                self._platform.switches.session_life, lambda: connection.close(4009, "Session timed out")
            )
        try:
            await self._read(socket, connection, interval / 1000)
        finally:
            if end_of_life is not None:
                end_of_life.cancel()
            self._leave(connection)
            connection.close(None)
            await writer
            self._sockets.discard(socket)
        return socket

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets))

    async def _read(self, socket: web.WebSocketResponse, connection: Connection, interval: float) -> None:
        while not socket.closed:
            patience = interval * self._platform.switches.heartbeat_grace
            try:
                async with asyncio.timeout(patience):
                    message = await socket.receive()
            except TimeoutError:
                connection.close(4009, "Session timed out")
                await self._drain(socket)
                return
            if message.type is not WSMsgType.TEXT:
                return
            try:
                self._take(connection, message.data)
            except GatewayClosed as end:
                connection.close(end.code, end.reason)
                await self._drain(socket)
                return

    async def _drain(self, socket: web.WebSocketResponse) -> None:
        """Wait for the close handshake, without listening to anything said meanwhile."""
        while (await socket.receive()).type is WSMsgType.TEXT:
            continue

    async def _write(
        self,
        socket: web.WebSocketResponse,
        connection: Connection,
        transport: asyncio.BaseTransport | None,
    ) -> None:
        while True:
            item = await connection.outbox.get()
            try:
                if isinstance(item, str):
                    await socket.send_str(item)
                    continue
                if item.code is not None:
                    self._note_end(connection, item)
                    await socket.close(code=item.code, message=item.reason.encode())
                elif isinstance(transport, asyncio.Transport) and not socket.closed:
                    transport.abort()
                return
            except ConnectionError:
                return

    def _take(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError as error:
            raise GatewayClosed(4002, "invalid payload") from error
        if not isinstance(frame, dict):
            raise GatewayClosed(4002, "invalid payload")
        op, d = frame.get("op"), frame.get("d")
        if op == HEARTBEAT:
            if connection.session is None:
                raise GatewayClosed(4003, "not authenticated")
            connection.send({"op": ACK})
        elif op == IDENTIFY:
            self._identify(connection, d)
        elif op == RESUME:
            self._resume(connection, d)
        else:
            raise GatewayClosed(4001, "invalid opcode")

    def _identify(self, connection: Connection, d: Any) -> None:
        if connection.session is not None:
            raise GatewayClosed(4005, "already authenticated")
        bot = self._bot(d)
        intents, shard = d.get("intents"), d.get("shard") or [0, 1]
        if not isinstance(intents, int) or intents < 0 or intents & ~KNOWN_INTENTS:
            raise GatewayClosed(4013, "invalid intent")
        permitted = self._platform.switches.permitted_intents
        if permitted is not None and intents & ~permitted:
            raise GatewayClosed(4014, "intent not permitted")
        if not _is_shard(shard):
            raise GatewayClosed(4010, "invalid shard")
        bot.starts += 1
        session = GatewaySession(intents, (shard[0], shard[1]))
        bot.sessions[session.id] = session
        gone = [each for each in bot.sessions.values() if each.connection is None and each is not session]
        for old in gone[: max(0, len(bot.sessions) - KEPT_SESSIONS)]:
            del bot.sessions[old.id]
        self._attach(connection, session, bot)
        user = {"id": bot.user_id, "username": bot.name, "bot": True, "status": 1}
        session.seq = 1
        connection.send(
            {
                "op": DISPATCH,
                "s": 1,
                "t": "READY",
                "d": {"version": 1, "session_id": session.id, "user": user, "shard": shard},
            }
        )

    def _resume(self, connection: Connection, d: Any) -> None:
        if connection.session is not None:
            raise GatewayClosed(4005, "already authenticated")
        bot = self._bot(d)
        switches = self._platform.switches
        session = bot.sessions.get(d.get("session_id") or "")
        refused = switches.refuse_resume > 0
        if refused:
            switches.refuse_resume -= 1
            if switches.resume_refusal == "close_after_resumed" and session is not None:
                session.replay(connection, session.seq)
                raise GatewayClosed(4009, "Session timed out")
        if session is None or refused:
            if session is not None:
                del bot.sessions[session.id]
            match switches.resume_refusal:
                case "4006":
                    raise GatewayClosed(4006, "invalid session id")
                case "4902":
                    raise GatewayClosed(4902, "reset by resume")
            connection.send({"op": INVALID, "d": False})
            return
        seq = d.get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= session.seq:
            raise GatewayClosed(4007, "invalid seq")
        if session.connection is not None:
            session.connection.close(4009, "Session timed out")
        self._attach(connection, session, bot)
        session.replay(connection, seq)

    def _bot(self, d: Any) -> Bot:
        if not isinstance(d, dict):
            raise GatewayClosed(4002, "invalid payload")
        try:
            return self._platform.bots[self._platform.tokens.owner(d.get("token"))]
        except Refusal as refusal:
            raise GatewayClosed(4004, "authentication failed") from refusal

    def _attach(self, connection: Connection, session: GatewaySession, bot: Bot) -> None:
        connection.session = session
        session.connection = connection
        bot.dropping_until = None

    def _leave(self, connection: Connection) -> None:
        if connection.session is not None and connection.session.connection is connection:
            connection.session.connection = None

    def _note_end(self, connection: Connection, end: Close) -> None:
        """After 4009 sends may be answered 200 and dropped for a while (sheet 2.4)."""
        window = self._platform.switches.silent_drop_after_4009
        session = connection.session
        self._leave(connection)
        if end.code != 4009 or not window or session is None:
            return
        for bot in self._platform.bots.values():
            if session.id in bot.sessions:
                bot.dropping_until = self._platform.clock.now() + window

    def _hold_rate(self, call: Call) -> None:
        call.bot.gateway_rate.limit = self._platform.switches.gateway_rate
        if not call.bot.gateway_rate.admit(call.now):
            raise Refusal(None, TOO_OFTEN, status=429)

    @property
    def _url(self) -> str:
        return self._platform.url.replace("http", "ws", 1) + "/websocket"


def push(bot: Bot, event: str, d: Any, event_id: str | None, *, shard: int = 0) -> int:
    """Dispatch an event to every session that wants it; return how many those are."""
    sessions = [each for each in bot.sessions.values() if each.wants(INTENT_BITS.get(event), shard)]
    for session in sessions:
        session.dispatch(event, d, event_id)
    return len(sessions)


def _is_shard(shard: Any) -> bool:
    return (
        isinstance(shard, list)
        and len(shard) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) for n in shard)
        and 0 <= shard[0] < shard[1]
    )
