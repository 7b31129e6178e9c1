"""QQ's rates, kept from our side: a little under what QQ allows, in any one second (docs/protocol.md 6.2).

Two rules hold together. The log: no more than N requests leave in any window of one second, wherever it
starts. The spacing: they leave evenly, with only a tenth of N allowed at once, because a full burst that the
network delays would meet the next one inside one second at QQ's side.

The steps of an upload in parts keep the log alone, at QQ's own ten: each part's bytes go out before its part_finish,
which spaces them as it is, and one that QQ throttles after all costs a wait and nobody's stream.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from adapter.request import Endpoint

_MARGIN = 0.1
"""Seconds by which the window is kept longer than one, for what connections, the network and a busy machine shift:
with 0.02 s a loaded two-core machine put 51 requests of a rate of 45 into one second at the platform."""

_LONGEST_CLOSED = 60.0
"""Seconds for which an answer may close an endpoint for the whole bot: closing frames wait in the same queue."""

_URGENT_IN_A_ROW = 4
"""Opening and closing frames pass middle ones, but never starve them."""


class Window:
    """When the next request may leave. Pure: the caller says what time it is (seconds, any steady clock)."""

    def __init__(self, rate: float, *, evenly: bool = True) -> None:
        """``rate`` in requests a second; below 1 the window grows instead. Not above 0: ValueError.

        Not ``evenly``: all that one window holds may leave at once.
        """
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate must be above 0 and finite, not {rate}")
        self.count = max(1, math.floor(rate))
        self.span = max(1.0, self.count / rate) + _MARGIN
        self._gap = self.span / self.count
        self._slack = self._gap * (max(1, self.count // 10) - 1 if evenly else self.count)
        self._log: deque[float] = deque(maxlen=self.count)
        self._due = -math.inf
        self._closed_until = -math.inf

    def ready_at(self, now: float) -> float:
        """The moment the next request may leave: ``now`` or later."""
        oldest = self._log[0] + self.span if len(self._log) == self.count else -math.inf
        return max(now, oldest, self._due - self._slack, self._closed_until)

    def take(self, now: float) -> None:
        """Record that a request leaves at ``now``."""
        self._log.append(now)
        self._due = max(self._due, now) + self._gap

    def close(self, until: float) -> None:
        """Nothing leaves before ``until``."""
        self._closed_until = max(self._closed_until, until)


class _Lane:
    """The queue before one window: first come, first served, urgent ones before the others."""

    def __init__(self, rate: float, clock: Callable[[], float], *, evenly: bool = True) -> None:
        self.window = Window(rate, evenly=evenly)
        self._clock = clock
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._plain: deque[asyncio.Future[None]] = deque()
        self._urgent_run = 0
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, urgent: bool) -> None:
        if not self._urgent and not self._plain:
            now = self._clock()
            if self.window.ready_at(now) <= now:
                self.window.take(now)
                return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._plain).append(place)
        self._arm()
        await place

    def rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._urgent or self._plain:
            self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            now = self._clock()
            delay = self.window.ready_at(now) - now
            self._timer = asyncio.get_running_loop().call_later(delay, self._let_through)

    def _let_through(self) -> None:
        self._timer = None
        while self._urgent or self._plain:
            now = self._clock()
            if self.window.ready_at(now) > now:
                self._arm()
                return
            place = self._next()
            if not place.done():
                self.window.take(now)
                place.set_result(None)

    def _next(self) -> asyncio.Future[None]:
        if self._urgent and (not self._plain or self._urgent_run < _URGENT_IN_A_ROW):
            self._urgent_run += 1
            return self._urgent.popleft()
        self._urgent_run = 0
        return self._plain.popleft()


class Pace:
    """One bot's rates, in requests a second for each group of endpoints; ``Endpoint.OTHER`` is not limited.

    Belongs to one event loop. Raises ValueError for a rate that is not above 0.
    """

    def __init__(
        self,
        stream: float = 45.0,
        message: float = 90.0,
        files: float = 45.0,
        prepare: float = 10.0,
        part_finish: float = 10.0,
        recall: float = 9.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lanes = {
            Endpoint.STREAM: _Lane(stream, clock),
            Endpoint.MESSAGE: _Lane(message, clock),
            Endpoint.FILES: _Lane(files, clock),
            Endpoint.PREPARE: _Lane(prepare, clock, evenly=False),
            Endpoint.PART_FINISH: _Lane(part_finish, clock, evenly=False),
            Endpoint.RECALL: _Lane(recall, clock),
        }

    async def wait(self, endpoint: Endpoint, *, urgent: bool = False) -> None:
        """Return when one request may leave, and then it must. ``urgent``: it opens or closes a stream."""
        lane = self._lanes.get(endpoint)
        if lane is not None:
            await lane.wait(urgent)

    def slow_down(self, endpoint: Endpoint, seconds: float) -> None:
        """After a throttle that meant the whole bot: nothing leaves for this endpoint for so many seconds (at most
        a minute)."""
        lane = self._lanes.get(endpoint)
        if lane is not None:
            lane.window.close(self._clock() + min(seconds, _LONGEST_CLOSED))
            lane.rearm()
