"""When each of many resends is due: spread so that QQ's limits are kept without anybody having to wait in line. Pure.

The ledger (``deliveries.quotas``) has the last word when its turn comes; this only keeps thousands from asking at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from qqconsole.deliveries.quotas import DAY, MINUTE, SECOND, Limits

SHARE = 0.9
"""Of QQ's pace: the rest stays free for what people and models send meanwhile."""
UNCOUNTED = timedelta(milliseconds=250)
"""Between two to one target where QQ counts otherwise: a guild channel takes five a second (sheet 3.1)."""


def gap_of_bot(limits: Limits | None) -> timedelta:
    """Return the time between two sends of one bot."""
    if limits is None:
        return timedelta(0)
    return max(SECOND / limits.bot_second, MINUTE / limits.bot_minute) / SHARE


def gap_of_target(limits: Limits | None) -> timedelta:
    """Return the time between two sends to one user or group, within a day's number."""
    return UNCOUNTED if limits is None else MINUTE / limits.target_minute / SHARE


@dataclass(slots=True)
class Pacing:
    """Goes on behind what is planned already: how many sends of each bot wait, when each session's last one is due,
    and how many of each session were sent or planned within the day."""

    now: datetime
    waiting: dict[int, int] = field(default_factory=dict)
    """By bot."""
    last_due: dict[int, datetime] = field(default_factory=dict)
    """By session."""
    within_day: dict[int, int] = field(default_factory=dict)
    """By session."""

    def next_for(self, bot_id: int, session_id: int, limits: Limits | None) -> datetime:
        """Return when the next one to this session is due, and count it."""
        before = self.waiting.get(bot_id, 0)
        due = self.now + gap_of_bot(limits) * before
        planned, last = self.within_day.get(session_id, 0), self.last_due.get(session_id)
        if last is not None:
            due = max(due, last + gap_of_target(limits))
        if limits is not None and planned >= limits.target_day and (last is None or planned % limits.target_day == 0):
            # The day's number is used up: a day behind the last of it.
            due = max(due, (last or self.now) + DAY)
        # The bot's place is taken, even where its session has to wait longer: the others go meanwhile.
        self.waiting[bot_id] = before + 1
        self.last_due[session_id] = due
        self.within_day[session_id] = planned + 1
        return due
