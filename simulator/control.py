"""The control surface beside QQ's own paths: /_sim/… (JSON in, JSON out)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web

from simulator import inbound
from simulator.bots import Bot
from simulator.control_gateway import command_gateway
from simulator.options import BotAccount
from simulator.platform import Platform
from simulator.truth import Bubble

Handler = Callable[[web.Request, dict[str, Any]], Any]
WATCH_QUEUE = 2000


class Control:
    """Lets a person, a page or a test move the platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def add_routes(self, app: web.Application) -> None:
        """Add every /_sim/ route but the phone page's own."""
        add = app.router.add_route
        for method, path, handler in (
            ("GET", "state", self._state),
            ("POST", "say", self._say),
            ("POST", "event", self._event),
            ("GET", "screen", self._screen),
            ("GET", "screens", self._screens),
            ("GET", "faults", self._list_faults),
            ("PUT", "faults", self._set_faults),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "switches", self._list_switches),
            ("PATCH", "switches", self._patch_switches),
            ("POST", "clock", self._advance),
            ("GET", "requests", self._requests),
            ("GET", "violations", self._violations),
            ("POST", "gateway", self._gateway),
            ("POST", "audit", self._audit),
            ("POST", "bots", self._add_bot),
            ("POST", "reset", self._reset),
        ):
            add(method, f"/_sim/{path}", _json(handler))
        add("GET", "/_sim/watch", self._watch)
        add("GET", "/_sim/media/{id}", self._media)

    def _bot(self, given: dict[str, Any] | Any) -> Bot:
        return self._platform.bot(given.get("bot") or None)

    def _state(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        platform = self._platform
        return {
            "url": platform.url,
            "now": platform.clock.timestamp(),
            "bots": [
                {
                    "app_id": bot.app_id,
                    "name": bot.name,
                    "user_id": bot.user_id,
                    "live": bot.live,
                    "sessions": len(bot.sessions),
                    "identified": bot.starts,
                    "open_streams": len(bot.open_streams),
                    "conversations": [{"scene": scene, "target": target} for scene, target in bot.screens.each()],
                }
                for bot in platform.bots.values()
            ],
            "faults": platform.faults.view(),
            "violations": len(platform.journal.violations()),
        }

    def _say(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        bot = self._bot(body)
        scene, target = body.get("scene", "c2c"), str(body.get("target", ""))
        if isinstance(body.get("raw"), dict):
            return {"msg_id": inbound.push_raw(bot, body["raw"], scene, target)}
        if not target:
            raise ValueError("target: who is speaking, or where?")
        msg_id = inbound.say(
            bot,
            target,
            str(body.get("text", "")),
            scene=scene,
            author=body.get("author"),
            author_name=body.get("author_name"),
            mention=bool(body.get("mention", True)),
            attachments=body.get("attachments") or (),
            repeat=int(body.get("repeat", 1)),
            events=body.get("as"),
            omit=body.get("omit") or (),
        )
        return {"msg_id": msg_id}

    def _event(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        details = body.get("details") or {}
        scene = body.get("scene", "c2c")
        return inbound.happen(self._bot(body), body["type"], scene, str(body["target"]), **details)

    def _screen(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        query = request.query
        bubbles = self._bot(query).screens.bubbles(query.get("scene", "c2c"), query["target"])
        return {"bubbles": bubbles}

    def _screens(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"screens": self._all_screens(self._bot(request.query))}

    def _all_screens(self, bot: Bot) -> list[dict[str, Any]]:
        return [
            {
                "bot": bot.app_id,
                "scene": scene,
                "target": target,
                "bubbles": bot.screens.bubbles(scene, target),
            }
            for scene, target in bot.screens.each()
        ]

    def _list_faults(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"faults": self._platform.faults.view()}

    def _set_faults(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._platform.faults.set(*(body.get("faults") or ()))
        return self._list_faults(request, body)

    def _add_fault(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._platform.faults.add(**body)
        return self._list_faults(request, body)

    def _clear_faults(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        which = request.query.get("id")
        self._platform.faults.clear(int(which) if which else None)
        return self._list_faults(request, body)

    def _list_switches(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return self._platform.switches.as_dict()

    def _patch_switches(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._platform.switches.patch(body)
        return self._platform.switches.as_dict()

    def _advance(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._platform.clock.advance(float(body.get("advance", 0)))
        return {"now": self._platform.clock.timestamp()}

    def _requests(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        since = int(request.query.get("since", 0))
        return {"requests": self._platform.journal.requests(since, request.query.get("path"))}

    def _violations(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"violations": self._platform.journal.violations()}

    def _gateway(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"connections": command_gateway(self._platform, self._bot(body), body)}

    def _audit(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        inbound.decide_audit(self._bot(body), body["audit_id"], passed=bool(body.get("pass", True)))
        return {}

    def _add_bot(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        account = BotAccount(
            str(body["app_id"]), str(body["secret"]), str(body.get("name") or body["app_id"]),
            bool(body.get("verified", True)),
        )  # fmt: skip
        bot = self._platform.register(account)
        return {"app_id": bot.app_id, "user_id": bot.user_id}

    def _reset(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        """Forget conversations, faults, requests and violations; bots, tokens and connections stay."""
        self._platform.reset()
        return {}

    async def _media(self, request: web.Request) -> web.Response:
        for bot in self._platform.bots.values():
            kept = bot.media.content(request.match_info["id"])
            if kept is not None:
                return web.Response(body=kept[0], content_type=kept[1])
        raise web.HTTPNotFound

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Send every screen once, then each bubble as it changes. A reader too slow to follow is cut off."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        changes: asyncio.Queue[str] = asyncio.Queue(WATCH_QUEUE)

        def tell(app_id: str, scene: str, target: str, bubble: Bubble) -> None:
            change = {"bot": app_id, "scene": scene, "target": target, "bubble": bubble.view()}
            try:
                changes.put_nowait(json.dumps(change, ensure_ascii=False))
            except asyncio.QueueFull:
                self._platform.observers.discard(tell)
                if request.transport is not None:
                    request.transport.close()

        self._platform.observers.add(tell)
        screens = [each for bot in self._platform.bots.values() for each in self._all_screens(bot)]
        await socket.send_str(json.dumps({"screens": screens}, ensure_ascii=False))
        writer = asyncio.create_task(_copy(changes, socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self._platform.observers.discard(tell)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket


async def _copy(changes: asyncio.Queue[str], socket: web.WebSocketResponse) -> None:
    while True:
        await socket.send_str(await changes.get())


def _json(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise ValueError("a JSON object, please")
            return web.json_response(handler(request, body))
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return handle
