"""Permits that all processes share, on Redis: together they never send more than the bot's rate in any one second.

throttled-py's GCRA keeps one number a key, by Redis's own clock: when the next request would be due if all came evenly.
Its answer says how far ahead that lies. So a permit here is a *reservation*: whoever asks gets the next moments that
are free, first come, first served over all processes, and nobody has to ask twice. A process holds few moments at a
time, uses each by the most urgent frame it has then, and lets go of what it cannot use within ``KEEP``.

Without Redis each process goes on by itself with its share of the rate, a little too slow rather than too fast.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from throttled.asyncio import RedisStore, RedisStoreBackend, per_duration
from throttled.asyncio.rate_limiter.gcra import GCRARateLimiter
from throttled.exceptions import StoreUnavailableError

from adapter.easing import Easing
from adapter.limits import MakePermits
from adapter.permits import Permits, Window, count_and_span
from adapter.request import Endpoint
from adapter.throttles import LONGEST

log = logging.getLogger(__name__)

KEEP = 0.08
"""Seconds a reserved moment may be used late."""
SHIFT = 0.13
"""Seconds the window is kept longer than one: what ``KEEP``, connections and the network may shift together."""
_BLOCK = 0.05
"""Seconds' worth of one's own demand that is asked for at once: a rate far above it costs next to nothing."""
_SHARE_IN_HAND = 0.02
"""Of one second's requests, at most, held by one process."""
PATIENCE = 0.5
"""Seconds Redis may take to answer, and between two tries while it is away."""
SETTLING = 3.0
"""Seconds after Redis came back for which one's own share is kept too: until all others must have seen it."""
_LEARN = 1.0
"""Seconds between two looks at what other processes learned about throttles."""
_PREFIX = "qqconsole-pace"
_WITHOUT_LIMIT = 10**9
"""GCRA's burst: nobody is refused, everybody learns when."""
_PERIOD = 10**6
"""Seconds; throttled-py takes whole ones and whole requests, and together they give any gap."""
_AWAY = (StoreUnavailableError, RedisError, OSError)


class _Backend(RedisStoreBackend):
    """throttled-py's, over a client that is ours to close."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        super().__init__()
        self._ours = client

    def get_client(self) -> Any:
        return self._ours


class _Store(RedisStore):
    def __init__(self, client: redis.asyncio.Redis) -> None:
        super().__init__()
        self._backend = _Backend(client)


class SharedRates:
    """One process's connection to the rates that all share. Belongs to one event loop."""

    def __init__(self, url: str, *, share: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        """``share``: the part of each rate that is this process's own while Redis is away. The URL is never logged."""
        self.clock = clock
        self.share = share
        self.client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self.store = _Store(self.client)
        self.away = False
        """Whether Redis did not answer when it was last asked."""
        self.tasks: set[asyncio.Task[None]] = set()

    def permits_of(self, api_base: str, app_id: str) -> MakePermits:
        """Return what makes the permits of one bot: QQ counts by application, whatever rows name it here."""
        platform = hashlib.sha256(api_base.rstrip("/").encode()).hexdigest()[:12]

        def make(endpoint: Endpoint, rate: float, changed: Callable[[], None]) -> Permits:
            return SharedPermits(self, f"{platform}:{app_id}:{endpoint}", rate, changed)

        return make

    def note(self, *, away: bool) -> None:
        """Say once what changed."""
        if away and not self.away:
            log.warning("Redis is away: each process keeps %.0f %% of every bot's rates", self.share() * 100)
        elif self.away and not away:
            log.info("Redis is back: the bots' rates are shared again")
        self.away = away

    async def close(self) -> None:
        """End the connection; permits give none any more."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.client.aclose()


class SharedPermits:
    """Those of one endpoint of one bot."""

    def __init__(self, shared: SharedRates, key: str, rate: float, changed: Callable[[], None]) -> None:
        self._shared = shared
        self._key = key
        self._changed = changed
        self._easing = Easing()
        self._closed_until = -math.inf
        self._moments: deque[float] = deque()
        self._alone: Window | None = None
        self._settled_at = math.inf
        self._asking = False
        self._ask_at = self._learn_at = self._asked_at = -math.inf
        self._taken = 0
        self._demand = 0.0
        self.set_rate(rate)
        self._limiter = GCRARateLimiter(per_duration(timedelta(seconds=1), 1), shared.store, key_prefix=_PREFIX)

    def set_rate(self, rate: float) -> None:
        count, span = count_and_span(rate)
        at_once = 1 + count // 60
        # In a window of this length: at_once - 1 saved up, and one a gap.
        self._gap = (span + SHIFT) / (count - at_once + 1)
        self._slack = (at_once - 1) * self._gap
        self._most_in_hand = max(2, math.ceil(count * _SHARE_IN_HAND))
        self._rate = rate
        if self._alone is not None:
            self._alone.set_rate(rate * self._shared.share())

    # ---- what the lane asks -----------------------------------------------------------------------------------

    def ready_at(self, now: float, wanted: int = 1) -> float:
        if now < self._closed_until:
            return self._closed_until
        while self._moments and self._moments[0] < now - KEEP:
            self._moments.popleft()
        if now >= self._settled_at:
            self._alone, self._settled_at = None, math.inf
        missing = min(wanted, self._most_in_hand) - len(self._moments)
        if missing > 0 and not self._asking and now >= self._ask_at:
            self._ask_for(missing, now)
        if self._alone is None:
            return max(now, self._moments[0]) if self._moments else math.inf
        alone = self._alone.ready_at(now)
        if self._settled_at == math.inf:
            return alone
        return max(alone, self._moments[0]) if self._moments else math.inf

    def take(self, now: float) -> None:
        self._taken += 1
        if self._moments:
            self._moments.popleft()
        if self._alone is not None:
            self._alone.take(now)

    def gap(self, now: float) -> float:
        if self._alone is not None:
            return self._alone.gap(now)
        return self._gap / self._easing.share(now)

    def throttled(self, now: float, seconds: float) -> None:
        self._closed_until = max(self._closed_until, now + seconds)
        self._moments.clear()
        if self._alone is not None:
            self._alone.throttled(now, seconds)
        if self._easing.cut(now):
            self._start(self._tell(seconds, self._easing.full_in(now)))

    # ---- what Redis is asked ----------------------------------------------------------------------------------

    def _ask_for(self, missing: int, now: float) -> None:
        passed = max(now - self._asked_at, 0.001)
        self._demand = (self._demand + self._taken / passed) / 2
        self._taken, self._asked_at = 0, now
        room = self._most_in_hand - len(self._moments)
        self._asking = True
        self._start(self._ask(min(room, max(missing, round(self._demand * _BLOCK)))))

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._shared.tasks.add(task)
        task.add_done_callback(self._shared.tasks.discard)

    async def _ask(self, count: int) -> None:
        answered = False
        try:
            await self._learn()
            await self._reserve(count)
            answered = True
        except _AWAY:
            # What it was is no news to anybody: the lane goes on without, and ``note`` says so once.
            pass
        finally:
            self._asking = False
            self._found(away=not answered)
            self._changed()

    async def _reserve(self, count: int) -> None:
        gap = self._gap / self._easing.share(self._shared.clock())
        first = await self._ahead_of(count, gap) - self._slack
        now = self._shared.clock()
        if first > 2 * LONGEST + self._most_in_hand * 100 * gap:
            # Redis's clock was set back, or another machine's took its place: nobody waits for the old time.
            await self._shared.client.delete(f"{_PREFIX}:v1:gcra:{self._key}")
            first = 0.0
        self._moments.extend(now + max(0.0, first + number * gap) for number in range(count))

    async def _ahead_of(self, count: int, gap: float) -> float:
        """Reserve so many moments; return in how many seconds the first of them would be without any slack."""
        self._limiter.quota = per_duration(timedelta(seconds=_PERIOD), math.floor(_PERIOD / gap), _WITHOUT_LIMIT)
        result = await self._limiter.limit(self._key, cost=count)
        return result.state.reset_after - count * gap

    async def _learn(self) -> None:
        """How long the whole rate is away, as whoever saw the last throttle left it."""
        now = self._shared.clock()
        if now >= self._learn_at:
            self._learn_at = now + _LEARN
            left = await self._shared.client.pttl(f"{_PREFIX}:{self._key}:slowed")
            self._easing.learn(now, max(0, left) / 1000)

    async def _tell(self, seconds: float, full_in: float) -> None:
        """Close for everybody, by reserving the time itself; of those who saw the same throttle one is enough."""
        client = self._shared.client
        try:
            if await client.set(f"{_PREFIX}:{self._key}:throttled", 1, nx=True, px=max(1, round(seconds * 1000))):
                await client.set(f"{_PREFIX}:{self._key}:slowed", 1, px=max(1, round(full_in * 1000)))
                await self._ahead_of(math.ceil(seconds / self._gap), self._gap)
        except _AWAY:
            self._found(away=True)

    # ---- Redis away and back ----------------------------------------------------------------------------------

    def _found(self, *, away: bool) -> None:
        now = self._shared.clock()
        self._shared.note(away=away)
        if away:
            rate = self._rate * self._shared.share()
            if self._alone is None:
                self._alone = Window(rate, after=now)
                if now < self._closed_until:
                    self._alone.throttled(now, self._closed_until - now)
            else:
                self._alone.set_rate(rate)
            self._moments.clear()
            self._settled_at = math.inf
            self._ask_at = now + PATIENCE
        elif self._alone is not None and self._settled_at == math.inf:
            # Others may not have seen it yet and still spend their share: both counts hold until they must have.
            self._settled_at = now + SETTLING
