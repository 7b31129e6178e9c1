"""``/ws/live/``: subscribe, snapshot, follow.

Server → viewer: ``hello``, ``snapshot``, ``events`` (many events a frame), ``beat`` every few seconds, ``resync``
(something was missed: ask for a snapshot), ``error``.
Viewer → server: ``{"type":"replay","deliveries":{"12":5}}`` (id → last seq seen), ``{"type":"snapshot"}``,
``{"type":"ping"}``.

``?session=`` follows one session. ``?bot=`` and ``?q=`` narrow the sessions of every snapshot, as in the list's
address; events are of all of them: the viewer knows which it shows.
"""

from __future__ import annotations

import asyncio
import json
import logging
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from qqconsole.conversations.models import Session
from qqconsole.conversations.narrowing import BadNarrowing, Narrowing
from qqconsole.conversations.summaries import summaries
from qqconsole.live import hub, snapshot, viewers, watching
from qqconsole.live.documents import Document
from qqconsole.live.publish import encode, encode_frame

log = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two beats; at each one the right to watch is looked at again."""
LONGEST_QUESTION = 65_536
"""Characters of a viewer's message."""
MOST_REPLAYS = 200
"""Deliveries in one question."""

BAD_QUESTION = 4400
NOT_FOUND = 4404


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    beat_every = BEAT

    async def connect(self) -> None:
        self._beating: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._mailbox: hub.Mailbox | None = None
        self._counted = False
        self._session: Session | None = None
        admitted = await database_sync_to_async(viewers.admit)(handshake_of(self.scope))
        if isinstance(admitted, int):
            await self.close(admitted)
            return
        self._viewer = admitted
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        try:
            self._narrowing = Narrowing.read({name: values[-1] for name, values in query.items()})
        except BadNarrowing:
            await self.close(BAD_QUESTION)
            return
        asked = query.get("session", [""])[-1]
        if asked and not (asked.isdecimal() and len(asked) < 19):
            await self.close(BAD_QUESTION)
            return
        if asked:
            self._session = await Session.objects.filter(pk=int(asked)).afirst()
            if self._session is None:
                await self.close(NOT_FOUND)
                return
        # Joined before the snapshot is read: what is committed in between comes after it and is laid over it.
        self._hub = hub.here()
        self._mailbox = await self._hub.join(self._session.pk if self._session else None)
        await self.accept()
        self._counted = True
        watching.came()
        await self._say(
            {
                "type": "hello",
                "session": self._session and self._session.pk,
                "beat_seconds": self.beat_every,
                "now": timezone.now(),
            }
        )
        await self._send_snapshot()
        self._following = asyncio.get_running_loop().create_task(self._follow(self._mailbox))
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        for task in (self._beating, self._following):
            if task is not None:
                task.cancel()
        if self._counted:
            self._counted = False
            watching.left()
        if self._mailbox is not None:
            mailbox, self._mailbox = self._mailbox, None
            await self._hub.leave(mailbox)

    # From the viewer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            question = parse_question(text_data)
        except ValueError as error:
            await self._say({"type": "error", "code": "bad_message", "message": str(error)})
            return
        match question["type"]:
            case "ping":
                await self._say({"type": "pong"})
            case "snapshot":
                await self._send_snapshot()
            case "replay":
                scope = self._session.pk if self._session else None
                events = await database_sync_to_async(snapshot.replays)(question["deliveries"], scope)
                await self.send(text_data=encode_frame(encode(event) for event in events))

    # Ours

    async def _follow(self, mailbox: hub.Mailbox) -> None:
        while True:
            await self.send(text_data=await mailbox.next())

    async def _send_snapshot(self) -> None:
        self._take_missed()
        await self.send(text_data=await database_sync_to_async(self._encoded_snapshot)())

    def _encoded_snapshot(self) -> str:
        if self._session:
            return encode(snapshot.session_snapshot(self._session))
        whole = snapshot.whole_snapshot()
        if self._narrowing:
            sessions = snapshot.newest_sessions().filter(self._narrowing.condition)
            whole["sessions"] = summaries(sessions[: snapshot.MOST_SESSIONS])
        return encode(whole)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.beat_every)
            try:
                allowed, bots = await database_sync_to_async(look_around)(self._viewer)
            except DatabaseError:
                # No beat: the page says that it is not live, which is true.
                log.exception("a viewer's right could not be looked up")
                continue
            if not allowed:
                await self.close(viewers.NOT_SIGNED_IN)
                return
            if self._hub.deaf:
                # No beat either: nothing would bring what is published now.
                continue
            if self._take_missed():
                await self._say({"type": "resync"})
            # The bots go along: how lately a gateway was seen is no event, and its silence is the news.
            await self._say({"type": "beat", "now": timezone.now(), "bots": bots})

    def _take_missed(self) -> bool:
        mailbox = self._mailbox
        if mailbox is None or not mailbox.missed:
            return False
        mailbox.missed = False
        return True

    async def _say(self, document: Document) -> None:
        await self.send(text_data=encode(document))


def look_around(viewer: viewers.Viewer) -> tuple[bool, list[Document]]:
    """Return whether the viewer may go on watching, and every bot as it stands (a few queries)."""
    return (True, snapshot.bots()) if viewers.may_still_watch(viewer) else (False, [])


class Nowhere(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Any other websocket address: turned away, rather than an error in the log."""

    async def connect(self) -> None:
        await self.close(NOT_FOUND)


def handshake_of(scope: dict[str, Any]) -> viewers.Handshake:
    """Return what the websocket request says of its sender; a header that cannot be read counts as absent."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        cookie = None
    return viewers.Handshake(
        authorization=headers.get("authorization", ""),
        origin=headers.get("origin", ""),
        host=headers.get("host", ""),
        session_key=cookie.value if cookie else "",
    )


def parse_question(text: str | None) -> dict[str, Any]:
    """Return what a viewer asked, checked. Raises ValueError with words for the viewer."""
    if text is None:
        raise ValueError("send text, not bytes")
    if len(text) > LONGEST_QUESTION:
        raise ValueError("the message is too long")
    try:
        question = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the message is not JSON") from None
    if not isinstance(question, dict) or question.get("type") not in ("ping", "snapshot", "replay"):
        raise ValueError("the message's type is one of ping, snapshot, replay")
    if question["type"] == "replay":
        question["deliveries"] = _asked_replays(question.get("deliveries"))
    return question


def _asked_replays(asked: Any) -> dict[int, int]:
    wrong = ValueError(f'"deliveries" maps at most {MOST_REPLAYS} ids to the last seq seen, like {{"12": 5}}')
    if not isinstance(asked, dict) or len(asked) > MOST_REPLAYS:
        raise wrong
    for key, since in asked.items():
        if not (key.isascii() and key.isdecimal() and len(key) < 19):
            raise wrong
        if isinstance(since, bool) or not isinstance(since, int) or not 0 <= since < 2**63:
            raise wrong
    return {int(key): since for key, since in asked.items()}
