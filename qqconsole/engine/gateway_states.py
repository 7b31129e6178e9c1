"""Gateway states: what each gateway says of itself, on its way to the rows. Here it counts at once; the handshake waits
for no database, and what could not be written is written when the database is back, the newest state of each bot."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from adapter.gateway import GatewayState
from adapter.handshake import Phase
from adapter.storable import LONGEST_ID
from qqconsole.bots.models import BotConnection, ConnectionState
from qqconsole.engine.batch import Batch
from qqconsole.engine.engine import Engine
from qqconsole.engine.writer import Job
from qqconsole.live.documents import bot_event

log = logging.getLogger(__name__)

AWAY_FOR = 0.5
"""Seconds to wait for a database that is away, before the next try."""


@dataclass(frozen=True, slots=True)
class _News:
    state: GatewayState | None
    at: datetime
    moved: bool = False
    """It went through another state that was never written: it is new though the row may say the same."""
    left: bool = False
    """The gateway session is held here no more."""


class GatewayStates:
    """Belongs to the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._news: dict[int, _News] = {}
        self._writing: dict[int, asyncio.Task[None]] = {}

    def tell(self, bot_id: int, state: GatewayState) -> None:
        """Take the state, as of now; returns before it is written."""
        now = timezone.now()
        self._engine.gates.gateway_changed(bot_id, state, now)
        old = self._news.get(bot_id)
        moved = old is not None and (old.moved or old.left or not _same(old.state, state))
        self._take(bot_id, _News(state, now, moved))

    def leave(self, bot_id: int) -> None:
        """The bot is given up: shown as stopped, and free for any process, once all before it is written."""
        old = self._news.get(bot_id) or _News(None, timezone.now())
        self._take(bot_id, replace(old, left=True))

    async def written(self, bot_id: int) -> None:
        """Wait until what was told of the bot is written, however long the database is away."""
        if (task := self._writing.get(bot_id)) is not None:
            await asyncio.wait([task])

    async def finish(self, within: float) -> None:
        """Wait until all is written: at most so many seconds, then it is given up."""
        if not self._writing:
            return
        _, late = await asyncio.wait(self._writing.values(), timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("the database is away: the rows of %d bots do not say how they were left", len(late))

    # ---- within -----------------------------------------------------------------------------------------------

    def _take(self, bot_id: int, news: _News) -> None:
        self._news[bot_id] = news
        if bot_id not in self._writing:
            task = asyncio.create_task(self._write(bot_id), name=f"gateway state of bot {bot_id}")
            self._writing[bot_id] = task

    async def _write(self, bot_id: int) -> None:
        try:
            while (news := self._news.get(bot_id)) is not None:
                try:
                    await self._write_once(bot_id, news)
                except (OperationalError, InterfaceError):
                    await asyncio.sleep(AWAY_FOR)
                    continue
                except Exception:
                    # The connection matters more than what is shown of it; the next state is told again.
                    log.exception("the gateway's state could not be written", extra={"bot": bot_id})
                if self._news.get(bot_id) is news:
                    del self._news[bot_id]
        finally:
            # In the same step as the last look at the news: what comes from now on begins another.
            del self._writing[bot_id]

    async def _write_once(self, bot_id: int, news: _News) -> None:
        owner = self._engine.owner
        # First: until it is known that the session is lost, what others send may be dropped.
        await self._engine.gates.write_loss(bot_id)
        await self._engine.writer.submit(Job(lambda batch: _write_state(batch, bot_id, owner, news)))


def _same(one: GatewayState | None, other: GatewayState) -> bool:
    return one is None or (one.name, one.reason) == (other.name, other.reason)


def _write_state(batch: Batch, bot_id: int, owner: str, news: _News) -> None:
    # Locked: another process that takes the bot over now must not have its own name written over.
    connection = BotConnection.objects.select_for_update().filter(bot_id=bot_id, holder=owner).first()
    if connection is None:
        return
    if news.state is not None:
        _show(connection, news.state, news)
    if news.left:
        connection.state, connection.reason, connection.code, connection.detail = ConnectionState.STOPPED, "", None, ""
        connection.holder, connection.since = "", timezone.now()
    connection.save()
    batch.publish(lambda: bot_event(connection))


def _show(connection: BotConnection, state: GatewayState, news: _News) -> None:
    if news.moved or connection.state != state.name or connection.reason != state.reason:
        connection.since = news.at
    connection.state, connection.reason, connection.code = state.name, state.reason[:40], state.code
    connection.detail, connection.seen_at = state.detail, timezone.now()
    if state.session_id or state.name is not Phase.REFUSED:
        # A longer one is not resumed by the next process: it identifies anew.
        connection.gateway_session = state.session_id if len(state.session_id) <= LONGEST_ID else ""
        connection.gateway_seq = state.seq
    if state.bot_id:
        connection.qq_id, connection.qq_name = state.bot_id, (state.bot_name or "")[:120]
