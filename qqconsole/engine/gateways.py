"""Gateways: one gateway session for each enabled bot, held by exactly one process, on the engine's loop.

It looks at the bots every two seconds, so that one that was added, changed or switched off is met within five.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils import timezone

from adapter.client import QQClient
from adapter.events import MESSAGES, Event, parse_message
from adapter.gateway import Gateway, GatewayState
from adapter.handshake import Phase, ResumePoint
from qqconsole.bots.models import BELIEVED_FOR, Bot, BotConnection
from qqconsole.conversations import inbox
from qqconsole.engine import beats
from qqconsole.engine.batch import Batch
from qqconsole.engine.engine import Engine
from qqconsole.engine.gateway_states import AWAY_FOR, GatewayStates
from qqconsole.engine.writer import Job

log = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_EVERY = 2.0
SEEN_EVERY = timedelta(seconds=5)
LEFT_WITHIN = 5.0
"""Seconds in which the rows are to say that the process has gone."""
MOST_REFUSED = 3
"""Writes of one event that may fail though the database answers: then it is the event."""
AGAIN_AFTER = 600.0
"""Seconds after which a gateway session that came to its end is tried anew, should nobody have mended it by hand."""


@dataclass(slots=True)
class _Held:
    bot_id: int
    client: QQClient
    """A bot whose settings change gets another client, and with it another gateway session."""
    task: asyncio.Task[None]
    qq_id: str = ""
    ended_at: float | None = None


class Gateways:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[int, _Held] = {}
        self._states = GatewayStates(engine)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._watching = asyncio.create_task(self._watch(), name="gateways")

    async def stop(self) -> None:
        """Receive nothing more: every gateway session is left, its bot shown as stopped. Where the database is away,
        that is given up after a few seconds: the rows grow old and say so themselves."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.gather(*(self._end(bot_id) for bot_id in list(self._held)))
        await self._states.finish(LEFT_WITHIN)

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # The next look tries again; the bots' seen_at grows old meanwhile and the pages say so.
                log.exception("the bots could not be looked at")
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        engine, owner = self._engine, self._engine.owner
        wanted = await engine.read(lambda: list(Bot.objects.filter(enabled=True).values_list("pk", flat=True)))
        held = list(self._held)
        mine = await engine.writer.submit(Job(lambda batch: still_held(held, owner)))
        for bot_id in held:
            if bot_id not in wanted or bot_id not in mine:
                await self._leave(bot_id)
        for bot_id in wanted:
            try:
                await self._attend(bot_id)
            except (OperationalError, InterfaceError):
                # The database is away: that is nothing about this bot.
                raise
            except Exception as error:
                # One bot that cannot be read must not keep the others out; its own page says why.
                log.exception("the bot could not be attended to", extra={"bot": bot_id})
                await self._changed(bot_id, GatewayState(Phase.REFUSED, "unreadable", detail=str(error)[:500]))
        await engine.writer.submit(Job(lambda batch: beats.beat(owner, "gateway")))

    async def _attend(self, bot_id: int) -> None:
        """Hold the bot's gateway session as its settings now say, where no other process does."""
        held = self._held.get(bot_id)
        if held is None:
            owner = self._engine.owner
            connection = await self._engine.writer.submit(Job(lambda batch: hold(bot_id, owner)))
            if connection is not None:
                self._enter(await self._engine.read(lambda: Bot.objects.get(pk=bot_id)), connection)
            return
        bot = await self._engine.read(lambda: Bot.objects.get(pk=bot_id))
        if self._engine.clients.of(bot) is not held.client:
            await self._leave(bot_id)
            await self._attend(bot_id)
        elif held.task.done():
            await self._ended(held)

    async def _ended(self, held: _Held) -> None:
        """It ends by itself only where nothing outside can mend it, or through an error of ours."""
        if held.ended_at is None:
            held.ended_at = time.monotonic()
            if error := held.task.exception():
                log.error("the gateway broke", exc_info=error, extra={"bot": held.bot_id})
                detail = f"{type(error).__name__}: {error}"[:500]
                await self._changed(held.bot_id, GatewayState(Phase.REFUSED, "broke", detail=detail))
        elif time.monotonic() - held.ended_at > AGAIN_AFTER:
            await self._leave(held.bot_id)

    def _enter(self, bot: Bot, connection: BotConnection) -> None:
        resume = None
        if connection.gateway_session:
            resume = ResumePoint(connection.gateway_session, connection.gateway_seq)
        client = self._engine.clients.of(bot)
        gateway = Gateway(
            client,
            on_event=lambda event: self._received(bot.pk, event),
            on_state=lambda state: self._changed(bot.pk, state),
            resume=resume,
        )
        task = asyncio.create_task(gateway.run(), name=f"gateway {bot.name}")
        self._held[bot.pk] = _Held(bot.pk, client, task, connection.qq_id)

    async def _leave(self, bot_id: int) -> None:
        """Returns when everybody may take the bot."""
        await self._end(bot_id)
        await self._states.written(bot_id)

    async def _end(self, bot_id: int) -> None:
        held = self._held.pop(bot_id)
        held.task.cancel()
        await asyncio.gather(held.task, return_exceptions=True)
        self._states.leave(bot_id)

    # ---- what the gateway says --------------------------------------------------------------------------------

    async def _received(self, bot_id: int, event: Event) -> None:
        held = self._held.get(bot_id)
        message = parse_message(event, held.qq_id if held is not None else "")
        if message is None:
            if event.type in MESSAGES:
                log.warning(
                    "event %s is no message that can be answered: kept as it came", event.id, extra={"bot": bot_id}
                )
            await self._store(lambda batch: inbox.keep(bot_id, event))
            return
        try:
            received = await self._store(lambda batch: inbox.receive(batch, bot_id, event, message))
        except Exception:
            # Whatever it is about this message, the event must not hold up those behind it; its row tells of it.
            log.exception("event %s could not become a message: kept as it came", event.id, extra={"bot": bot_id})
            await self._engine.writer.submit(Job(lambda batch: inbox.keep(bot_id, event)))
            return
        if received.delivery_id is not None:
            self._engine.ring(received.delivery_id)

    async def _store(self, work: Callable[[Batch], T]) -> T:
        """Write it, however long the database is away: the events behind it wait, and QQ repeats none of them.

        Raises what the write itself raises while the database answers, again and again.
        """
        refused = 0
        while True:
            try:
                return await self._engine.writer.submit(Job(work))
            except (OperationalError, InterfaceError):
                if await self._database_answers():
                    refused += 1
                if refused >= MOST_REFUSED:
                    raise
                await asyncio.sleep(AWAY_FOR)

    async def _database_answers(self) -> bool:
        try:
            await self._engine.read(lambda: BotConnection.objects.exists())
        except (OperationalError, InterfaceError):
            return False
        return True

    async def _changed(self, bot_id: int, state: GatewayState) -> None:
        held = self._held.get(bot_id)
        if held is not None and state.bot_id:
            held.qq_id = state.bot_id
        self._states.tell(bot_id, state)


def hold(bot_id: int, owner: str) -> BotConnection | None:
    """Become the holder of the bot's gateway session; None while another process that lives holds it."""
    BotConnection.objects.get_or_create(bot_id=bot_id)
    now = timezone.now()
    free = Q(holder__in=["", owner]) | Q(seen_at=None) | Q(seen_at__lt=now - BELIEVED_FOR)
    if not BotConnection.objects.filter(free, bot_id=bot_id).update(holder=owner, seen_at=now):
        return None
    return BotConnection.objects.get(bot_id=bot_id)


def still_held(bot_ids: list[int], owner: str) -> set[int]:
    """Say that the holder lives; the bots that are still its own."""
    now = timezone.now()
    mine = BotConnection.objects.filter(bot_id__in=bot_ids, holder=owner)
    mine.filter(seen_at__lt=now - SEEN_EVERY).update(seen_at=now)
    return set(mine.values_list("bot_id", flat=True))
