"""Gateways: one gateway session for each enabled bot, held by exactly one process, on the engine's loop.

It looks at the bots every two seconds, so that one that was added, changed or switched off is met within five.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapter.events import Event, parse_message
from adapter.gateway import Gateway, GatewayState, ResumePoint
from django.db.models import Q
from django.utils import timezone

from qqconsole.bots.models import Bot, BotConnection, ConnectionState
from qqconsole.conversations import inbox
from qqconsole.engine import beats
from qqconsole.engine.batch import Batch
from qqconsole.engine.engine import Engine
from qqconsole.engine.policies import credentials_of
from qqconsole.engine.writer import Job
from qqconsole.live.documents import bot_event

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
SEEN_EVERY = timedelta(seconds=5)
STALE = timedelta(seconds=15)
"""A holder unseen for longer is gone: another process may take its bots."""


@dataclass(slots=True)
class _Held:
    bot: Bot
    key: Any
    task: asyncio.Task[None]
    qq_id: str = ""


class Gateways:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[int, _Held] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.current_task()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Receive nothing more: every gateway session is left, its bot shown as stopped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for bot_id in list(self._held):
            await self._leave(bot_id)

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # The next look tries again; the bots' seen_at grows old meanwhile and the pages say so.
                log.exception("the bots could not be looked at")
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        owner = self._engine.owner
        wanted = {bot.pk: bot for bot in await self._engine.read(lambda: list(Bot.objects.filter(enabled=True)))}
        for bot_id, held in list(self._held.items()):
            bot = wanted.get(bot_id)
            if bot is None or credentials_of(bot) != held.key or held.task.done():
                await self._leave(bot_id)
            else:
                held.bot = bot
        for bot_id, bot in wanted.items():
            if bot_id not in self._held:
                mine = await self._engine.writer.submit(Job(lambda batch, pk=bot_id: hold(pk, owner)))  # type: ignore[misc]
                if mine is not None:
                    self._enter(bot, mine)
        if self._held:
            ids = list(self._held)
            await self._engine.writer.submit(Job(lambda batch: _seen(ids, owner)))
        await self._engine.writer.submit(Job(lambda batch: beats.beat(owner, "gateway")))

    def _enter(self, bot: Bot, connection: BotConnection) -> None:
        resume = None
        if connection.gateway_session:
            resume = ResumePoint(connection.gateway_session, connection.gateway_seq)
        gateway = Gateway(
            self._engine.clients.of(bot),
            on_event=lambda event: self._received(bot.pk, event),
            on_state=lambda state: self._changed(bot.pk, state),
            resume=resume,
        )
        task = asyncio.create_task(gateway.run(), name=f"gateway {bot.name}")
        self._held[bot.pk] = _Held(bot, credentials_of(bot), task, connection.qq_id)

    async def _leave(self, bot_id: int) -> None:
        held = self._held.pop(bot_id)
        held.task.cancel()
        (ended,) = await asyncio.gather(held.task, return_exceptions=True)
        if isinstance(ended, Exception):
            log.error("bot=%s gateway ended: %s: %s", held.bot.name, type(ended).__name__, ended)
        owner = self._engine.owner
        await self._engine.writer.submit(Job(lambda batch: _stopped(batch, bot_id, owner)))

    # ---- what the gateway says --------------------------------------------------------------------------------

    async def _received(self, bot_id: int, event: Event) -> None:
        held = self._held.get(bot_id)
        message = parse_message(event, held.qq_id if held is not None else "")
        if message is None:
            await self._engine.writer.submit(Job(lambda batch: inbox.keep(bot_id, event)))
            return
        try:
            received = await self._engine.writer.submit(Job(lambda batch: inbox.receive(batch, bot_id, event, message)))
        except Exception:
            log.exception("bot=%s event=%s could not become a message: kept as it came", bot_id, event.id)
            await self._engine.writer.submit(Job(lambda batch: inbox.keep(bot_id, event)))
            return
        if received.delivery_id is not None:
            self._engine.ring(received.delivery_id)

    async def _changed(self, bot_id: int, state: GatewayState) -> None:
        held = self._held.get(bot_id)
        if held is not None and state.bot_id:
            held.qq_id = state.bot_id
        owner = self._engine.owner
        await self._engine.writer.submit(Job(lambda batch: _write_state(batch, bot_id, owner, state)))


def hold(bot_id: int, owner: str) -> BotConnection | None:
    """Become the holder of the bot's gateway session; None while another process that lives holds it."""
    BotConnection.objects.get_or_create(bot_id=bot_id)
    now = timezone.now()
    free = Q(holder__in=["", owner]) | Q(seen_at=None) | Q(seen_at__lt=now - STALE)
    if not BotConnection.objects.filter(free, bot_id=bot_id).update(holder=owner, seen_at=now):
        return None
    return BotConnection.objects.get(bot_id=bot_id)


def _seen(bot_ids: list[int], owner: str) -> None:
    now = timezone.now()
    mine = BotConnection.objects.filter(bot_id__in=bot_ids, holder=owner, seen_at__lt=now - SEEN_EVERY)
    mine.update(seen_at=now)


def _write_state(batch: Batch, bot_id: int, owner: str, state: GatewayState) -> None:
    connection = BotConnection.objects.filter(bot_id=bot_id, holder=owner).first()
    if connection is None:
        return
    now = timezone.now()
    if connection.state != state.name or connection.reason != state.reason:
        connection.since = now
    connection.state, connection.reason, connection.code = state.name, state.reason[:40], state.code
    connection.detail, connection.seen_at = state.detail, now
    connection.gateway_session, connection.gateway_seq = state.session_id or "", state.seq or 0
    if state.bot_id:
        connection.qq_id, connection.qq_name = state.bot_id, (state.bot_name or "")[:120]
    connection.save()
    batch.publish(lambda: bot_event(connection))


def _stopped(batch: Batch, bot_id: int, owner: str) -> None:
    connection = BotConnection.objects.filter(bot_id=bot_id, holder=owner).first()
    if connection is None:
        return
    connection.state, connection.reason, connection.code, connection.detail = ConnectionState.STOPPED, "", None, ""
    connection.holder, connection.since = "", timezone.now()
    connection.save(update_fields=["state", "reason", "code", "detail", "holder", "since"])
    batch.publish(lambda: bot_event(connection))
