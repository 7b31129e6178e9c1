"""QQ's limits on proactive messages (first form: it records each send and holds nothing back)."""

from __future__ import annotations

from datetime import datetime

from qqconsole.deliveries.models import Delivery, ProactiveSend


def reserve(delivery: Delivery, now: datetime) -> datetime | None:
    """Note the send and return None, or return the moment before which it must not go."""
    session = delivery.session
    ProactiveSend.objects.create(bot_id=session.bot_id, session=session, delivery=delivery, at=now)
    return None
