"""The queue before one endpoint's permits: who of the waiting goes next, and who may compose its frame now.

Opening and closing frames (and messages) go before middle ones. A middle frame that waited here would carry old text,
so its stream waits *before* it composes: it takes a turn, first come, first served, and turns are given no faster than
the permits. With more streams than the rate feeds, each one's interval grows by itself to streams / rate.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from adapter.permits import Permits

_URGENT_IN_A_ROW = 4
"""Opening and closing frames pass middle ones, but never starve them."""
_IN_HAND = 0.1
"""Seconds' worth of composed middle frames that may wait here: enough to leave no permit unused while rows are
written, too little for their text to grow old."""
_YIELDING = 10.0
"""While opening and closing frames wait, turns are given so many times more slowly: nobody starves, nobody is late."""

Place = asyncio.Future[None]


class Lane:
    """Belongs to one event loop; ``clock`` counts seconds."""

    def __init__(self, permits: Permits, clock: Callable[[], float]) -> None:
        self.permits = permits
        self.throttles = 0
        """How often QQ throttled the bot here."""
        self._clock = clock
        self._urgent: deque[Place] = deque()
        self._plain: deque[Place] = deque()
        self._turns: deque[Place] = deque()
        self._urgent_run = 0
        self._turns_due = self._last_turn = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many frames and streams wait for this pace."""
        return sum(not place.done() for queue in (self._urgent, self._plain, self._turns) for place in queue)

    @property
    def rate(self) -> float:
        """Requests a second that may leave at present."""
        return 1.0 / self.permits.gap(self._clock())

    async def wait(self, urgent: bool) -> None:
        """Return when one request may leave, and then it must."""
        if not self._urgent and not self._plain:
            now = self._clock()
            if self.permits.ready_at(now) <= now:
                self.permits.take(now)
                return
        place: Place = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._plain).append(place)
        self.look_again()
        await place

    def turn(self) -> Place | None:
        """Return None where a middle frame may be composed now, and else the place in the line of those who want to:
        done when it is time, to be cancelled by who wants no more."""
        now = self._clock()
        if not self._turns and self._turn_at(now) <= now:
            self._note_turn(now)
            return None
        place: Place = asyncio.get_running_loop().create_future()
        self._turns.append(place)
        self.look_again()
        return place

    def look_again(self) -> None:
        """Something changed: let through what may go, and set the clock for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        due = min(self._let_leave(now), self._let_compose(now))
        if due < math.inf:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - now), self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.look_again()

    def _let_leave(self, now: float) -> float:
        """Let those leave whose moment has come; return the next moment to look."""
        while (waiting := len(self._urgent) + len(self._plain)) > 0:
            due = self.permits.ready_at(now, waiting)
            if due > now:
                return due
            place = self._next()
            if not place.done():
                self.permits.take(now)
                place.set_result(None)
        return math.inf

    def _next(self) -> Place:
        if self._urgent and (not self._plain or self._urgent_run < _URGENT_IN_A_ROW):
            self._urgent_run += 1
            return self._urgent.popleft()
        self._urgent_run = 0
        return self._plain.popleft()

    def _let_compose(self, now: float) -> float:
        while self._turns:
            if self._turns[0].done():
                self._turns.popleft()
                continue
            due = self._turn_at(now)
            if due > now:
                return due
            self._note_turn(now)
            self._turns.popleft().set_result(None)
        return math.inf

    def _note_turn(self, now: float) -> None:
        self._last_turn = now
        self._turns_due = max(self._turns_due, now) + self.permits.gap(now)

    def _turn_at(self, now: float) -> float:
        """When the next middle frame may be composed; infinity: not before one of those composed has left."""
        gap = self.permits.gap(now)
        if len(self._plain) >= max(2, math.ceil(_IN_HAND / gap)):
            return math.inf
        if self._urgent:
            return self._last_turn + gap * _YIELDING
        return self._turns_due - _IN_HAND
