"""Events in: one bot's websocket to QQ, connected for ever. What to do next is decided in ``adapter.handshake``.

botpy's gateway is not used: it beats every 30 s whatever Hello says, never looks at ACKs, clears no session on
4006/4007/49xx, stumbles over events without ``s``, and drops events and fields it does not know (sheet 7).
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp

from adapter import intents as intent_sets
from adapter import storable
from adapter.client import GatewayInfo, QQClient
from adapter.errors import ApiRefused, ApiUnreachable, TokenRefused, TokenUnreachable
from adapter.event_queue import MOST_BYTES, MOST_EVENTS, EventQueue
from adapter.events import Event
from adapter.handshake import (
    DISPATCH,
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    INVALID_SESSION,
    RECONNECT,
    EndedBy,
    Ending,
    Handshake,
    Next,
    Phase,
    ResumePoint,
    Timing,
)

log = logging.getLogger(__name__)

_ADDRESS_KEPT = 600.0
"""Seconds for which a gateway address is used again: /gateway has a rate of its own (sheet 2.1)."""

_LONGEST_WAIT = 600.0
"""Seconds; a used-up day of identifies is asked about again after that."""

_CLOSE_CODE = 4000
"""Ours when we leave: 1000 could end the gateway session, which the next start wants to resume."""


@dataclass(frozen=True, slots=True)
class GatewayState:
    """The connection as it stands. ``reason`` is a code word, ``detail`` plain English words.

    ``code`` is QQ's code or the close code. ``session_id`` and ``seq`` are the last event dealt with: what a
    later start passes as ``resume``.
    """

    name: Phase
    reason: str = ""
    code: int | None = None
    detail: str = ""
    session_id: str = ""
    seq: int = 0
    bot_id: str = ""
    bot_name: str = ""


OnEvent = Callable[[Event], Awaitable[None]]
OnState = Callable[[GatewayState], Awaitable[None]]


class Gateway:
    """Hands every event to ``on_event`` one after another, in order; a number counts once it returned.

    An ``on_event`` that raises is tried again five times over 48 s and then given up (``queue.lost`` counts it).
    Repeats of QQ's are handed on: whoever stores messages knows them by their ids. While ``most_events`` or
    ``most_bytes`` wait for it nothing is read. ``garbled`` counts frames that were no JSON object.
    """

    def __init__(
        self,
        client: QQClient,
        *,
        on_event: OnEvent,
        on_state: OnState,
        intents: int = intent_sets.DEFAULT,
        resume: ResumePoint | None = None,
        timing: Timing | None = None,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._client = client
        self._on_state = on_state
        self._timing = timing or Timing()
        self._handshake = Handshake(intent_sets.fewer(intents), resume, self._timing)
        self.queue = EventQueue(
            on_event, resume, self._timing.handing_on, most_events=most_events, most_bytes=most_bytes
        )
        self._address: tuple[float, GatewayInfo] | None = None
        self._identified_at = -self._timing.identify_gap
        self.bot_id = ""
        self.bot_name = ""
        self.garbled = 0

    @property
    def resume_point(self) -> ResumePoint | None:
        """The last event that ``on_event`` returned from, for the next start."""
        return self.queue.point

    async def run(self) -> None:
        """Stay connected. Returns only after a refusal nothing outside can mend (the last state says which).

        Raises CancelledError when cancelled, after telling the state ``stopped``.
        """
        worker = asyncio.create_task(self.queue.run(), name="gateway events")
        try:
            while True:
                # What a resume brings would have no place yet.
                await self.queue.room()
                step = await self._one_connection()
                await self._tell(step.phase, step.reason, code=step.code, detail=step.detail)
                if step.over:
                    await self.queue.emptied()
                    return
                await asyncio.sleep(step.wait * random.uniform(1.0, 1.1))
        except asyncio.CancelledError:
            await self._tell(Phase.STOPPED, "stopped")
            raise
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _one_connection(self) -> Next:
        self._handshake.connecting()
        await self._tell(Phase.CONNECTING, "resuming" if self._handshake.resume else "identifying")
        try:
            info = await self._where()
            if self._handshake.resume is None:
                if info.remaining is not None and info.remaining <= 0:
                    self._address = None
                    wait = min(max(info.reset_after, self._timing.backoff[-1]), _LONGEST_WAIT)
                    return self._handshake.unreachable("session_limit", "today's identifies are used up", after=wait)
                await asyncio.sleep(self._identified_at + self._gap(info) - time.monotonic())
            authorization = await self._client.authorization()
            socket = await self._client.open_websocket(info.url)
        except (TokenRefused, ApiRefused) as refused:
            self._address = None
            reason = "token_refused" if isinstance(refused, TokenRefused) else "api_refused"
            if refused.code == 11298:
                reason = "ip_not_listed"
            if refused.permanent:
                return self._handshake.kept_out(reason, str(refused), code=refused.code)
            after = getattr(refused, "after", None) or 0.0
            return self._handshake.unreachable(reason, str(refused), code=refused.code, after=after)
        except (TokenUnreachable, ApiUnreachable) as unreachable:
            self._address = None
            return self._handshake.unreachable("unreachable", str(unreachable))
        except (aiohttp.ClientError, OSError) as error:
            self._address = None
            return self._handshake.unreachable("unreachable", f"no websocket to QQ: {type(error).__name__}")
        life = _Life(due=time.monotonic() + self._timing.greeting)
        try:
            ending = await self._listen(socket, life, authorization)
        finally:
            life.ended = True
            await socket.close(code=_CLOSE_CODE)
        step = self._handshake.ended(ending)
        if step.drop_token:
            self._client.refuse_token(authorization)
        return step

    async def _where(self) -> GatewayInfo:
        if self._handshake.resume is not None and not self.bot_id:
            # READY names the bot, RESUMED does not.
            me = await self._client.me()
            self.bot_id, self.bot_name = me.id, me.name
        now = time.monotonic()
        if self._handshake.resume is None or self._address is None or now - self._address[0] > _ADDRESS_KEPT:
            self._address = (now, await self._client.gateway_url())
        return self._address[1]

    def _gap(self, info: GatewayInfo) -> float:
        return self._timing.identify_gap / max(1, info.max_concurrency)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse[bool], life: _Life, authorization: str) -> Ending:
        """One socket from Hello to its end."""
        while True:
            if self.queue.full and not await self._hold(socket, life):
                return life.ending(EndedBy.CLOSE)
            try:
                async with asyncio.timeout(max(0.0, life.due - time.monotonic())):
                    message = await socket.receive()
            except TimeoutError:
                if not life.since or life.unanswered >= 2:
                    return life.ending(EndedBy.SILENCE)
                life.unanswered += 1
                life.due = time.monotonic() + life.pause()
                if not await _say(socket, self._handshake.heartbeat()):
                    return life.ending(EndedBy.CLOSE)
                continue
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return life.ending(EndedBy.CLOSE, code=socket.close_code)
            # The answer to a beat may stand behind a flood of events: whatever comes is a sign of life.
            life.unanswered = 0
            frame = self._read(message.data)
            if frame is not None:
                ending = await self._take(frame, len(message.data), socket, life, authorization)
                if ending is not None:
                    return ending

    async def _hold(self, socket: aiohttp.ClientWebSocketResponse[bool], life: _Life) -> bool:
        """Read nothing until there is room again, so that QQ's side waits, and beat meanwhile. False: it is gone.

        Answers stay unread, so none is missed: silence counts from the end of the hold.
        """
        log.warning("too many events wait to be stored: the gateway is not read until half of them are")
        while self.queue.full:
            try:
                async with asyncio.timeout(life.pause()):
                    await self.queue.room()
            except TimeoutError:
                if life.greeted and not await _say(socket, self._handshake.heartbeat()):
                    return False
        life.unanswered = 0
        life.due = time.monotonic() + (life.pause() if life.since else self._timing.greeting)
        log.info("the gateway is read again")
        return True

    async def _take(
        self,
        frame: dict[str, Any],
        size: int,
        socket: aiohttp.ClientWebSocketResponse[bool],
        life: _Life,
        authorization: str,
    ) -> Ending | None:
        said = True
        match frame.get("op"):
            case op if op == DISPATCH:
                self._dispatched(frame, size, life)
            case op if op == HELLO and not life.greeted:
                life.greeted = True
                life.interval = _interval(frame.get("d"))
                if self._handshake.resume is None:
                    self._identified_at = time.monotonic()
                said = await _say(socket, self._handshake.greeting(authorization))
            case op if op == HEARTBEAT_ACK:
                pass
            case op if op == HEARTBEAT:
                said = await _say(socket, self._handshake.heartbeat())
            case op if op == RECONNECT:
                return life.ending(EndedBy.ASKED)
            case op if op == INVALID_SESSION:
                return life.ending(EndedBy.INVALID, resumable=frame.get("d") is True)
            case other:
                log.info("the gateway sent the unknown opcode %r", other)
        return None if said else life.ending(EndedBy.CLOSE)

    def _dispatched(self, frame: dict[str, Any], size: int, life: _Life) -> None:
        kind, data = frame.get("t"), frame.get("d")
        seq = _seq(frame.get("s"))
        now = time.monotonic()
        if not life.since:
            # A long replay comes before RESUMED: every event of it is a sign of life.
            life.due = now + self._timing.greeting
        if kind == "READY":
            data = data if isinstance(data, dict) else {}
            self._handshake.ready(str(data.get("session_id") or ""), seq or 0)
            user = data.get("user")
            user = user if isinstance(user, dict) else {}
            self.bot_id = str(user.get("id") or self.bot_id)
            self.bot_name = str(user.get("username") or self.bot_name)
        elif kind == "RESUMED":
            self._handshake.resumed()
        if seq is not None:
            self._handshake.received(seq)
        point = self._handshake.resume
        if kind in ("READY", "RESUMED"):
            life.since, life.due = now, now + life.pause()
            # Told once everything before it is dealt with: from then on a crash resumes this very session.
            told = partial(self._tell_connected, life, "resumed" if kind == "RESUMED" else "ready")
            self.queue.put(point, None, told, size=size)
            return
        self.queue.put(point, _event(frame, seq, point.session_id if point else ""), size=size)

    async def _tell_connected(self, life: _Life, reason: str) -> None:
        if not life.ended:
            await self._tell(Phase.CONNECTED, reason, detail=self._subscribed)

    @property
    def _subscribed(self) -> str:
        return f"intents {self._handshake.intents}"

    def _read(self, data: str | bytes) -> dict[str, Any] | None:
        try:
            frame = storable.load(data)
        except ValueError:
            frame = None
        if isinstance(frame, dict):
            return frame
        self.garbled += 1
        log.warning("the gateway sent a frame of %d bytes that is no JSON object", len(data))
        return None

    async def _tell(self, phase: Phase, reason: str, *, code: int | None = None, detail: str = "") -> None:
        point = self.queue.point or ResumePoint("", 0)
        state = GatewayState(phase, reason, code, detail, point.session_id, point.seq, self.bot_id, self.bot_name)
        try:
            await self._on_state(state)
        except Exception:
            # The connection matters more than what is shown of it; the next state is told again.
            log.exception("the gateway state %s could not be told", phase)


@dataclass(slots=True)
class _Life:
    """One connection: when something is due next, and whether QQ answers."""

    due: float
    interval: float = 41.25
    unanswered: int = 0
    greeted: bool = False
    since: float = 0.0
    ended: bool = False

    def pause(self) -> float:
        """Seconds to the next beat: a little early, and not in step with other bots."""
        return self.interval * random.uniform(0.85, 0.95)

    def ending(self, by: EndedBy, *, code: int | None = None, resumable: bool = False) -> Ending:
        lived = time.monotonic() - self.since if self.since else 0.0
        return Ending(by, code, resumable, lived)


def _seq(number: object) -> int | None:
    """The event's number; None for what no counter reaches, which could be neither stored nor counted on from."""
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53:
        return number
    return None


def _interval(hello: object) -> float:
    """Seconds; what is no sensible number becomes QQ's usual 41.25 (sheet 2.2)."""
    milliseconds = hello.get("heartbeat_interval") if isinstance(hello, dict) else None
    if isinstance(milliseconds, int | float) and 10 <= milliseconds <= 600_000:
        return milliseconds / 1000
    return 41.25


def _event(frame: dict[str, Any], seq: int | None, session_id: str) -> Event:
    data = frame.get("d")
    return Event(
        type=str(frame.get("t") or ""),
        id=str(frame.get("id") or ""),
        seq=seq,
        data=data if isinstance(data, dict) else {"d": data},
        received_at=datetime.now(UTC),
        session_id=session_id,
    )


async def _say(socket: aiohttp.ClientWebSocketResponse[bool], frame: dict[str, Any]) -> bool:
    """False: the socket is gone."""
    try:
        await socket.send_str(json.dumps(frame))
    except (aiohttp.ClientError, ConnectionError, RuntimeError):
        return False
    return True
