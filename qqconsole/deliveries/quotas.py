"""QQ's limits of what answers no message (docs/protocol.md 3.6), kept by a ledger of what was sent.

QQ counts by the bot and by the user or group, in a second, a minute and a day. Whether its minutes and days roll or
begin at the full hour nobody says: here they roll, which keeps to either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Scene
from qqconsole.deliveries.models import Delivery, ProactiveSend

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
MARGIN = timedelta(milliseconds=200)
"""Added to each stretch of time: the ledger says when it left here, QQ counts when it came there."""
KEPT = timedelta(days=2)
COUNTED_SCENES = (Scene.C2C, Scene.GROUP)
"""A guild counts on its own, by channel and by day, and tells no numbers that hold for every bot (sheet 3.6)."""


class NewestFirst(Protocol):
    """When something was sent, the newest first; raises IndexError behind the oldest."""

    def __getitem__(self, place: int, /) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Limits:
    bot_second: int
    bot_minute: int
    target_minute: int
    target_day: int


def limits_of(bot: Bot, scene: str) -> Limits | None:
    """Return what QQ grants the bot in this scene; None: nothing is counted there."""
    if scene not in COUNTED_SCENES:
        return None
    return Limits(
        bot.proactive_per_second, bot.proactive_per_minute, bot.proactive_target_minute, bot.proactive_target_day
    )


def free_at(now: datetime, bot_times: NewestFirst, session_times: NewestFirst, limits: Limits) -> datetime:
    """Return the first moment, not before ``now``, at which one more keeps every limit."""
    rules = (
        (bot_times, limits.bot_second, SECOND),
        (bot_times, limits.bot_minute, MINUTE),
        (session_times, limits.target_minute, MINUTE),
        (session_times, limits.target_day, DAY),
    )
    moments = [now]
    for times, most, within in rules:
        try:
            moments.append(times[most - 1] + within + MARGIN)
        except IndexError:
            continue
    return max(moments)


def next_free(delivery: Delivery, now: datetime) -> datetime:
    """Return when the delivery may go out proactively, by what went out before (at most four queries)."""
    session = delivery.session
    limits = limits_of(session.bot, session.scene)
    if limits is None:
        return now
    # A queryset asked for one place fetches that row alone, by the index.
    sent = ProactiveSend.objects.order_by("-at").values_list("at", flat=True)
    return free_at(now, sent.filter(bot=session.bot_id), sent.filter(session=session.pk), limits)


def reserve(delivery: Delivery, now: datetime) -> datetime | None:
    """Take a place for the delivery in the running transaction. None: it may go now; else it may not go before the
    moment returned, and nothing was taken. The delivery comes with its session and bot."""
    session = delivery.session
    if limits_of(session.bot, session.scene) is None:
        return None
    # Two processes that count at once would both find the last place free.
    list(Bot.objects.select_for_update(no_key=True).filter(pk=session.bot_id).values_list("pk"))
    moment = next_free(delivery, now)
    if moment > now:
        return moment
    ProactiveSend.objects.create(bot_id=session.bot_id, session=session, delivery=delivery, at=now)
    return None


def clean() -> int:
    """Delete what no limit looks at any more; return how many rows."""
    return ProactiveSend.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
