"""Loss: the time after QQ closed a gateway session with 4009, in which it may answer 200 and show nobody anything.

Sheet 2.4: for 55 to 150 s, until a gateway session lives again. Only a loss that was noticed counts: a bot that sends
without any gateway of ours is no different from one whose gateway is well. Seconds of a clock all processes share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

LONGEST_HOLD = 180.0
"""Seconds: the sheet saw at most 150. A gateway that never comes back must not keep every answer for ever."""


class AfterLoss(StrEnum):
    """What a bot does with what it has to say meanwhile."""

    HOLD = "hold"
    SUSPECT = "suspect"
    """Send, and mark what QQ accepted."""
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Loss:
    """``live_at``: READY or RESUMED came; None: not yet."""

    lost_at: float
    live_at: float | None = None

    def over_at(self, settle: float) -> float:
        """When what is sent is believed again; infinity while no gateway session lives."""
        return math.inf if self.live_at is None else self.live_at + settle

    def held_until(self, settle: float) -> float:
        """When a bot that holds sends again."""
        return min(self.over_at(settle), self.lost_at + LONGEST_HOLD)

    def touches(self, sent_at: float, answered_at: float, settle: float) -> bool:
        """Whether a request was under way at any time of it."""
        return answered_at >= self.lost_at and sent_at < self.over_at(settle)
