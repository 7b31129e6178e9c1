"""The simulator's clock: real time plus whatever a test has added to it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


@dataclass(slots=True, order=True)
class Timer:
    """One appointment; `cancel()` makes it never happen."""

    due: float
    order: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Seconds since the epoch, moving with real time unless frozen, and movable forward by hand."""

    def __init__(self, *, frozen: bool = False) -> None:
        self._started = time.monotonic()
        self._base = time.time()
        self._frozen_at: float | None = self._base if frozen else None
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._base + time.monotonic() - self._started

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; every timer that falls due on the way fires at its own moment."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        goal = self.now() + seconds
        self._fire_until(goal)
        self._set(goal)

    def call_after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` once, `seconds` from now, by real time or by `advance`."""
        timer = Timer(self.now() + seconds, next(self._order), callback)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._arm()
        return timer

    def stop(self) -> None:
        """Forget every timer."""
        self._timers.clear()
        self._arm()

    def timestamp(self, moment: float | None = None) -> str:
        """Return `moment` (default: now) as QQ writes times: RFC 3339 at +08:00 (sheet 3.3)."""
        return rfc3339(self.now() if moment is None else moment)

    def _set(self, moment: float) -> None:
        self._started = time.monotonic()
        self._base = moment
        if self._frozen_at is not None:
            self._frozen_at = moment
        self._arm()

    def _fire_until(self, goal: float) -> None:
        while self._timers and self._timers[0].due <= goal:
            timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            if timer.due > self.now():
                self._set(timer.due)
            timer.callback()

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        if not self._timers or self._frozen_at is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._alarm = loop.call_later(max(0.0, self._timers[0].due - self.now()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._fire_until(self.now())
        self._arm()


def rfc3339(moment: float) -> str:
    """Return seconds since the epoch as RFC 3339 at +08:00, to the second."""
    return datetime.fromtimestamp(moment, UTC).astimezone(BEIJING).isoformat(timespec="seconds")
