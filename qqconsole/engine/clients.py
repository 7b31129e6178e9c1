"""One client for each bot: its connections and its token live as long as the bot's settings stay, its pace longer."""

from __future__ import annotations

import asyncio

from adapter.client import Credentials, QQClient, Timeouts
from qqconsole.bots.models import Bot
from qqconsole.bots.platform_client import credentials_of, new_client, timeouts_of
from qqconsole.engine.paces import Paces

_Key = tuple[Credentials, Timeouts]
OLD_FOR = 600.0
"""Seconds for which a client outlives its bot's settings: streams that began with it end with it."""


class Clients:
    """Belongs to the engine's loop."""

    def __init__(self, paces: Paces) -> None:
        self._paces = paces
        self._clients: dict[int, tuple[_Key, QQClient]] = {}
        self._closing: dict[asyncio.Task[None], QQClient] = {}

    def of(self, bot: Bot) -> QQClient:
        """The bot's client; a new one when its address, secret or time-outs have changed. New rates hold at once."""
        key = (credentials_of(bot), timeouts_of(bot))
        pace = self._paces.of(bot)
        known = self._clients.get(bot.pk)
        if known is not None and known[0] == key:
            return known[1]
        client = new_client(bot, pace)
        self._clients[bot.pk] = (key, client)
        if known is not None:
            task = asyncio.create_task(_close_later(known[1]))
            self._closing[task] = known[1]
            task.add_done_callback(lambda done: self._closing.pop(done, None))
        return client

    async def close(self) -> None:
        """Close every client, those of old settings too."""
        closing = dict(self._closing)
        for task in closing:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)
        for client in [*closing.values(), *(client for _, client in self._clients.values())]:
            await client.close()
        self._clients.clear()


async def _close_later(client: QQClient) -> None:
    await asyncio.sleep(OLD_FOR)
    await client.close()
