"""How much of a rate is used after QQ said "too fast": less at once, more again slowly. Pure.

What QQ really grants a bot is written nowhere but in its refusals. A throttle takes three tenths of the rate, and
each second gives a fiftieth back: a bot whose grant is smaller than its setting comes to rest a little under it.
"""

from __future__ import annotations

import math

LEAST = 0.1
"""Of the rate: streams must be closed, whatever QQ grants."""
CUT = 0.7
REGAIN = 0.02
"""Of the whole rate, each second."""
ONCE_IN = 1.0
"""Seconds: the throttles of requests that were under way together count as one."""


class Easing:
    """Times are seconds of any one steady clock."""

    def __init__(self) -> None:
        self._full_at = -math.inf
        self._cut_at = -math.inf

    def share(self, now: float) -> float:
        """Return the part of the rate that may be used now: ``LEAST`` to 1."""
        return max(LEAST, 1.0 - REGAIN * max(0.0, self._full_at - now))

    def cut(self, now: float) -> bool:
        """QQ throttled the bot. False: the same throttle as a moment ago, nothing changes."""
        if now < self._cut_at + ONCE_IN:
            return False
        self._cut_at = now
        self._full_at = now + (1.0 - max(LEAST, self.share(now) * CUT)) / REGAIN
        return True

    def full_in(self, now: float) -> float:
        """Return the seconds until the whole rate is used again."""
        return max(0.0, self._full_at - now)

    def learn(self, now: float, full_in: float) -> None:
        """Somebody else saw throttles too: the whole rate is used again in so many seconds."""
        self._full_at = now + full_in
