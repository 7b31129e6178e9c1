"""One client for each bot: its connections, its token and its pace live as long as the bot's settings stay."""

from __future__ import annotations

import asyncio

from adapter.client import Credentials, QQClient
from qqconsole.bots.models import Bot
from qqconsole.engine.policies import credentials_of, pace_of, timeouts_of

_Key = tuple[Credentials, float, float, float, float]


class Clients:
    """Belongs to the engine's loop."""

    def __init__(self) -> None:
        self._clients: dict[int, tuple[_Key, QQClient]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, bot: Bot) -> QQClient:
        """The bot's client; a new one when its address, secret, time-outs or rates have changed."""
        key = (credentials_of(bot), bot.message_timeout, bot.upload_timeout, bot.stream_rate, bot.message_rate)
        known = self._clients.get(bot.pk)
        if known is not None and known[0] == key:
            return known[1]
        client = QQClient(key[0], pace=pace_of(bot), timeouts=timeouts_of(bot))
        self._clients[bot.pk] = (key, client)
        if known is not None:
            # Streams that began with the old settings end with them; then its connections may go.
            self._retire(known[1])
        return client

    def _retire(self, client: QQClient) -> None:
        async def later() -> None:
            await asyncio.sleep(600)
            await client.close()

        task = asyncio.create_task(later())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        for task in list(self._closing):
            task.cancel()
        for _, client in self._clients.values():
            await client.close()
        self._clients.clear()
