"""HTTP in, HTTP out: who calls, which fault strikes, what is answered, what is written down (sheet 1.5, 8.1, 8.10)."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from aiohttp import web

from simulator.bots import Bot
from simulator.call import Answer, Call, frame_kind, parsed
from simulator.codes import NOT_SUPPORTED, TOO_OFTEN, Refusal
from simulator.faults import AFTER, BEFORE, COMMIT, FaultRule, Occasion
from simulator.journal import RequestRecord, keepable
from simulator.platform import Platform
from simulator.spoilt import HTML_413, spoilt_answer

Result = Answer | dict[str, Any] | None
Work = Callable[[Call], Result | Awaitable[Result]]
Caller = Callable[[Platform, web.Request, dict[str, Any]], Bot]

FOREVER = 3600.0  # seconds; clients give up long before


class Unanswered(Exception):
    """The connection was cut: there is nobody to answer."""


class Exchange:
    """Turns the platform's work into aiohttp handlers."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let go of every request that hangs on purpose."""
        self._closing.set()

    def handler(
        self, work: Work, *endpoints: str, scene: str | None = None, caller: Caller | None = None
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler that does `work` for the bot that `caller` finds (default: by its token)."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, work, endpoints, scene, caller or by_token)

        return handle

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer a path or method the platform does not have: 404 or 405 (sheet 1.1, 4.2.2 r18)."""
        allowed: set[str] = set()
        for resource in request.app.router.resources():
            if resource.canonical != "/{tail}":
                allowed |= (await resource.resolve(request))[1]
        record = self._platform.journal.open(time.monotonic(), request.transport, request.method, request.path)
        refusal = Refusal(None, NOT_SUPPORTED, status=405 if allowed else 404)
        return self._respond(record, _refused(refusal, record))

    async def _handle(
        self,
        request: web.Request,
        work: Work,
        endpoints: tuple[str, ...],
        scene: str | None,
        caller: Caller,
    ) -> web.StreamResponse:
        arrived = time.monotonic()
        record = self._platform.journal.open(arrived, request.transport, request.method, request.path)
        record.trace_id = uuid.uuid4().hex
        raw = b"" if "part" in endpoints else await request.read()
        try:
            if len(raw) > self._platform.switches.body_max_bytes:
                return self._respond(record, Answer(413, HTML_413, "text/html"))
            answer = await self._answer(request, record, raw, work, endpoints, scene, caller)
        except Refusal as refusal:
            if refusal.code == 11241:
                self._platform.journal.violate("token_missing", "", record.n, request.path)
            answer = storage_error(refusal, record) if "part" in endpoints else _refused(refusal, record)
        except Unanswered:
            return web.Response(status=500)
        finally:
            record.seconds = time.monotonic() - arrived
        await _drained(request)
        return self._respond(record, answer)

    async def _answer(
        self,
        request: web.Request,
        record: RequestRecord,
        raw: bytes,
        work: Work,
        endpoints: tuple[str, ...],
        scene: str | None,
        caller: Caller,
    ) -> Answer:
        platform = self._platform
        if caller is by_token:
            bot = by_token(platform, request, {})
            body = parsed(raw, request.content_type)
        else:
            body = {} if "part" in endpoints else parsed(raw, request.content_type)
            bot = caller(platform, request, body)
        app_id = record.bot = bot.app_id
        record.body = keepable(body)
        frame = frame_kind(endpoints, body)
        endpoints = (*endpoints, *also(endpoints, frame, body))
        target = request.match_info.get("target", "")
        if "part" in endpoints:
            # Its address names no target; the upload it belongs to does.
            upload = bot.uploads[request.match_info["upload"]]
            scene, target = upload.scene, upload.target
        occasion = Occasion(endpoints, scene, frame, app_id, target, repeats=bot.ledger.has(body))
        call = Call(
            platform=platform,
            bot=bot,
            n=record.n,
            endpoints=endpoints,
            scene=scene,
            target=target,
            params=request.match_info,
            query=request.query,
            body=body,
            raw=raw,
            content_type=request.headers.get("Content-Type", ""),
            now=platform.clock.now(),
            incoming=request.content if "part" in endpoints else None,
            frame=frame,
        )
        self._hold_rate(call)
        flying = frame is not None and scene == "c2c"
        if flying:
            if target in bot.in_flight:
                raise Refusal(40034021)  # sheet 4.2.2 r9: a concurrent frame
            bot.in_flight.add(target)
        try:
            answer = await self._committed(request, record, call, work, occasion)
        finally:
            if flying:
                bot.in_flight.discard(target)
        rule = platform.faults.strike(occasion, AFTER)
        if rule is None:
            return answer
        if call.stream is not None and not call.stream.open:
            call.stream.closing_lost = True
        return await self._strike(rule, request, record, call, answer) or answer

    async def _committed(
        self, request: web.Request, record: RequestRecord, call: Call, work: Work, occasion: Occasion
    ) -> Answer:
        faults = self._platform.faults
        rule = faults.strike(occasion, BEFORE)
        if rule is not None:
            spoilt = await self._strike(rule, request, record, call, None)
            if spoilt is not None:
                return spoilt
            call.now = self._platform.clock.now()  # a slow one arrives later
        rule = faults.strike(occasion, COMMIT)
        if rule is not None:
            call.hidden = True
        try:
            outcome = work(call)
            result = await outcome if isawaitable(outcome) else outcome
        except Refusal:
            if call.pair is not None and self._platform.switches.burn_on_refusal:
                inbound, seq = call.pair
                inbound.pairs.setdefault(seq, "")
            raise
        answer = result if isinstance(result, Answer) else Answer(200 if result is not None else 204, result)
        if answer.status < 300:
            undelivered = rule is not None and rule.fault == "undelivered"
            record.unseen = undelivered or call.bot.dropping
            record.held = rule is not None and not undelivered
        if rule is not None:
            rule.fired += 1
            record.fault = rule.fault
            return spoilt_answer(rule, call, answer, record.trace_id or "") or answer
        return answer

    async def _strike(
        self,
        rule: FaultRule,
        request: web.Request,
        record: RequestRecord,
        call: Call,
        answer: Answer | None,
    ) -> Answer | None:
        """Do what the rule says; return the answer it dictates, or None to go on as if nothing were."""
        rule.fired += 1
        record.fault = rule.fault
        if rule.fault == "slow":
            await self._wait(1.0 if rule.seconds is None else rule.seconds)
            return None
        if rule.fault == "hang":
            await self._wait(FOREVER if rule.seconds is None else rule.seconds)
        if rule.fault in ("hang", "reset"):
            _cut(request.transport)
            raise Unanswered
        return spoilt_answer(rule, call, answer, record.trace_id or "")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _hold_rate(self, call: Call) -> None:
        kind = call.endpoints[0]
        rate = call.bot.rates.get(kind)
        if rate is None or call.scene in ("guild", "dm") or rate.admit(call.now):
            return
        raise Refusal(50002 if kind == "stream" else 1100100, TOO_OFTEN, status=429)

    def _respond(self, record: RequestRecord, answer: Answer) -> web.Response:
        trace_id = record.trace_id = record.trace_id or uuid.uuid4().hex
        record.status = answer.status
        body = answer.body
        record.answer = body.decode(errors="replace") if isinstance(body, bytes) else keepable(body)
        headers = {"Server": "TAPISIX/2.2.2"} | answer.headers
        if answer.content_type != "text/html":  # the front door's own pages carry no trace id (sheet 1.5)
            headers["X-Tps-trace-ID"] = trace_id
        if answer.status == 204:
            return web.Response(status=204, headers=headers)
        headers["Content-Type"] = answer.content_type
        return web.Response(status=answer.status, body=answer.payload(), headers=headers)


def by_token(platform: Platform, request: web.Request, body: dict[str, Any]) -> Bot:
    """Return the bot whose token the request carries; raises 11241 and its kin, 11298 (sheet 1.4)."""
    bot = platform.bots[platform.tokens.owner(request.headers.get("Authorization"))]
    if platform.switches.ip_refused:
        raise Refusal(11298)
    return bot


def also(endpoints: tuple[str, ...], frame: str | None, body: dict[str, Any]) -> tuple[str, ...]:
    """Return the finer names a rule may use for what came to these endpoints, from its body."""
    if "message" in endpoints and frame is not None:
        return ("stream",)
    if "message" in endpoints and body.get("msg_type") == 7:
        return ("media",)
    if "files" in endpoints and body.get("upload_id"):
        return ("merge",)
    return ()


async def _drained(request: web.Request) -> None:
    """Take what is left of a body nobody wants, so that its sender gets to read the answer."""
    while not request.content.at_eof():
        await request.content.readany()


def storage_error(refusal: Refusal, record: RequestRecord) -> Answer:
    """Return how the object storage behind presigned addresses says no: in XML, without QQ's codes (sheet 5.3)."""
    if refusal.code is not None:
        return _refused(refusal, record)  # a fault that was asked for
    said = f"<Error><Code>{refusal.text}</Code><RequestId>{record.trace_id}</RequestId></Error>"
    return Answer(refusal.status, said.encode(), "application/xml")


def _refused(refusal: Refusal, record: RequestRecord) -> Answer:
    record.trace_id = record.trace_id or uuid.uuid4().hex
    return Answer(refusal.status, refusal.body(record.trace_id))


def _cut(transport: asyncio.BaseTransport | None) -> None:
    """Reset the connection: the client sees ECONNRESET, not an orderly end."""
    if not isinstance(transport, asyncio.Transport):
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
