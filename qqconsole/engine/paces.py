"""Paces: one for each of QQ's applications, whatever rows name it; shared by all processes where there is Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from adapter.limits import Pace, window_for
from adapter.request import Endpoint
from adapter.shared_permits import SharedRates
from qqconsole.bots.models import Bot

SHOWN = (Endpoint.STREAM, Endpoint.MESSAGE, Endpoint.FILES)
WORKERS_UNHEARD_OF = 4
"""How many workers are taken to share a rate before the database was asked."""

_Application = tuple[str, str]
"""QQ's platform and app id: what QQ counts by (docs/protocol.md 6.2)."""


class Paces:
    """Belongs to the engine's loop."""

    def __init__(self, redis_url: str) -> None:
        """``redis_url``: empty where one process does everything."""
        self.workers = WORKERS_UNHEARD_OF
        """How many processes send; kept by the sweep."""
        self._shared = SharedRates(redis_url, share=lambda: 1 / max(1, self.workers)) if redis_url else None
        self._paces: dict[_Application, Pace] = {}
        self._rates: defaultdict[_Application, dict[int, tuple[float, float]]] = defaultdict(dict)
        self._names: dict[_Application, dict[int, str]] = defaultdict(dict)
        self._applications: dict[int, _Application] = {}

    def of(self, bot: Bot) -> Pace:
        """Return the bot's pace, at its row's rates; where several rows name one application, at the lowest of them.

        A change of rates holds at once, for what runs already too.
        """
        application = bot.api_base.rstrip("/"), bot.app_id
        if self._applications.get(bot.pk, application) != application:
            self._forget(bot.pk)
        self._applications[bot.pk] = application
        rates, mine = self._rates[application], (bot.stream_rate, bot.message_rate)
        self._names[application][bot.pk] = bot.name
        pace = self._paces.get(application)
        if rates.get(bot.pk) == mine and pace is not None:
            return pace
        rates[bot.pk] = mine
        if pace is None:
            stream, message = self._lowest(application)
            permits = self._shared.permits_of(*application) if self._shared is not None else window_for
            pace = self._paces[application] = Pace(stream, message, permits=permits)
        else:
            self._follow(application, pace)
        return pace

    def keep(self, bot_ids: Collection[int]) -> None:
        """Forget the rows that are no more: the others of their application go at their own rates again."""
        for bot_id in self._applications.keys() - set(bot_ids):
            self._forget(bot_id)

    def _forget(self, bot_id: int) -> None:
        """The pace itself stays: what runs yet goes by it, and what left lately still counts at QQ."""
        application = self._applications.pop(bot_id)
        self._rates[application].pop(bot_id, None)
        self._names[application].pop(bot_id, None)
        if self._rates[application]:
            self._follow(application, self._paces[application])

    def _lowest(self, application: _Application) -> tuple[float, float]:
        rates = self._rates[application].values()
        return min(stream for stream, _ in rates), min(message for _, message in rates)

    def _follow(self, application: _Application, pace: Pace) -> None:
        stream, message = self._lowest(application)
        pace.set_rates(stream=stream, message=message)

    def readings(self) -> dict[str, Any]:
        """Return what ``engine.pace_readings`` makes of this process: each bot's paces, and whether Redis is away."""
        bots = {}
        for application, pace in self._paces.items():
            if not self._names[application]:
                continue
            read = pace.readings()
            name = min(self._names[application].items())[1]
            bots[name] = {
                endpoint: [round(read[endpoint].rate, 2), read[endpoint].waiting, read[endpoint].throttles]
                for endpoint in SHOWN
            }
        return {"alone": self._shared is not None and self._shared.away, "bots": bots}

    async def close(self) -> None:
        """End the connection to Redis."""
        if self._shared is not None:
            await self._shared.close()
