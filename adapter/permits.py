"""When the next request may leave: the seam ``Permits``, and ``Window``, its own for one process.

Two rules hold together in a window. The log: no more than N requests leave in any window of one second, wherever it
starts. The spacing: they leave evenly, with only a tenth of N allowed at once, because a full burst that the
network delays would meet the next one inside one second at QQ's side.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from adapter.easing import Easing

MARGIN = 0.1
"""Seconds by which the window is kept longer than one, for what connections, the network and a busy machine shift:
with 0.02 s a loaded two-core machine put 51 requests of a rate of 45 into one second at the platform."""
_REMEMBERED = 60.0
"""Seconds for which the log is kept, for a lower rate that may be set meanwhile; at a high rate that is hardly used
it would grow for hours else."""


class Permits(Protocol):
    """Says when the next request may leave. The caller says what time it is: seconds of the loop's own clock."""

    def ready_at(self, now: float, wanted: int = 1) -> float:
        """Return the moment the next request may leave: ``now`` or later. ``wanted`` requests wait for one; infinity:
        it is being found out, and whoever made these permits will be told."""
        ...

    def take(self, now: float) -> None:
        """Record that a request leaves at ``now``, which is not before ``ready_at``."""
        ...

    def gap(self, now: float) -> float:
        """Return the seconds between two requests at the present rate."""
        ...

    def set_rate(self, rate: float) -> None:
        """Requests a second from now on. Raises ValueError where it is not above 0 and finite."""
        ...

    def throttled(self, now: float, seconds: float) -> None:
        """QQ throttled the bot: nothing leaves for so many seconds, and less than before for a while."""
        ...


def count_and_span(rate: float) -> tuple[int, float]:
    """Return how many requests may leave in how many seconds; below 1 a second the window grows instead.

    Raises ValueError where ``rate`` is not above 0 and finite.
    """
    if not 0 < rate < math.inf:
        raise ValueError(f"a rate must be above 0 and finite, not {rate}")
    count = max(1, math.floor(rate))
    return count, max(1.0, count / rate)


class Window:
    """One process's permits. Pure."""

    def __init__(self, rate: float, *, evenly: bool = True, after: float = -math.inf) -> None:
        """``rate`` in requests a second; not above 0: ValueError. Not ``evenly``: all that one window holds may leave
        at once. Nothing leaves within one gap ``after`` that moment."""
        self._evenly = evenly
        self._easing = Easing()
        self._log: deque[float] = deque()
        self._closed_until = -math.inf
        self.set_rate(rate)
        self._due = after + self._slack + self._gap

    def set_rate(self, rate: float) -> None:
        self.count, span = count_and_span(rate)
        self.span = span + MARGIN
        self._gap = self.span / self.count
        self._slack = self._gap * (max(1, self.count // 10) - 1 if self._evenly else self.count)
        # What left already counts against the new rate too.
        self._log = deque(self._log, maxlen=self.count)

    def ready_at(self, now: float, wanted: int = 1) -> float:
        oldest = self._log[0] + self.span if len(self._log) == self.count else -math.inf
        return max(now, oldest, self._due - self._slack, self._closed_until)

    def take(self, now: float) -> None:
        self._log.append(now)
        while self._log[0] < now - max(self.span, _REMEMBERED):
            self._log.popleft()
        self._due = max(self._due, now) + self.gap(now)

    def gap(self, now: float) -> float:
        return self._gap / self._easing.share(now)

    def throttled(self, now: float, seconds: float) -> None:
        self._closed_until = max(self._closed_until, now + seconds)
        self._easing.cut(now)
        # What was saved up for a small burst is not granted any more.
        self._due = max(self._due, self._closed_until + self._slack)
