"""How many in any one period: a sliding window, with no burst beyond it."""

from collections import deque

ROUNDING = 1e-6  # seconds: sums of floats


class SlidingWindow:
    """At most `limit` events in any `period` seconds; `limit` None lets everything pass."""

    __slots__ = ("_moments", "limit", "period")

    def __init__(self, limit: int | None, period: float) -> None:
        self.limit = limit
        self.period = period
        self._moments: deque[float] = deque()

    def full(self, now: float, times: float = 1) -> bool:
        """Return whether one more at `now` would be one too many; the limit counts `times` over."""
        if self.limit is None:
            return False
        while self._moments and now - self._moments[0] >= self.period - ROUNDING:
            self._moments.popleft()
        return len(self._moments) >= self.limit * times

    def count(self, now: float) -> None:
        """Note one event at `now`."""
        if self.limit is not None:
            self._moments.append(now)

    def admit(self, now: float) -> bool:
        """Note one event at `now` if there is room; return whether there was."""
        if self.full(now):
            return False
        self.count(now)
        return True
