"""Whose matter a throttle is: the whole bot's, or one stream's, one user's, one channel's. Pure (docs/protocol.md 6).

QQ has one code, 50002, for two things: the bot's 50 frames a second (6.2) and the 300 ms between two frames of one
stream (4.2.2). Streams keep their 300 ms from our side, so one such answer is taken for the stream's own, which the
network may have squeezed; two to different streams within ``TOGETHER`` seconds are the bot's.
"""

from __future__ import annotations

import math

from adapter.answers import Throttled

_STREAM_RATE = 50002
_OF_OTHERS = frozenset({20028, 1100308, 40034021, 40034100, 100001, 610012, 610013})
"""A guild channel, another stream to the same user, proactive messages (their ledger waits), tokens, permissions."""
TOGETHER = 2.0
SHORTEST = 1.0
"""Seconds a throttled bot is silent where QQ named none: its windows are seconds."""
LONGEST = 60.0
"""Seconds at most that an answer may silence the bot: closing frames wait in the same queue."""


class Throttles:
    """Those of one endpoint of one bot. ``now``: seconds of a steady clock."""

    def __init__(self) -> None:
        self._suspected = ("", -math.inf)

    def silence(self, answer: Throttled, path: str, now: float) -> float | None:
        """Return the seconds for which the bot should be silent after this answer to a request to ``path``; None: it
        says nothing of the bot."""
        if answer.code in _OF_OTHERS:
            return None
        if answer.code == _STREAM_RATE and answer.after is None:
            other, at = self._suspected
            self._suspected = path, now
            if other in ("", path) or now - at > TOGETHER:
                return None
        return min(answer.after or SHORTEST, LONGEST)
