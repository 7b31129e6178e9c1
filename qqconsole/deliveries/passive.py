"""Passive or proactive: whether something that answers no message by itself goes under the user's last one.

QQ counts proactive messages by the minute and the day, and may forbid them; passive ones it counts by the message
answered. Text goes passively where it can. Media does only where the bot's owner prefers it, and never takes the last
answer there is: that one belongs to words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapter.targets import Scene
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.models import Attempt, Delivery, Kind, Mode, PassivePair
from qqconsole.deliveries.windows import REPLIES, WINDOWS, open_until


@dataclass(frozen=True, slots=True)
class Passive:
    """The decision and what it rests on. ``why``: passive · with_answer (media within an answer, under the
    same message) · bot_proactive · no_message · window_over · none_left (words: ``deliveries.reasons.PASSIVE``)."""

    why: str
    reference: str | None = None
    """The msg_id it is sent under; None: proactively."""
    until: datetime | None = None
    """When the window of the message looked at ends (or ended)."""
    used: int = 0
    """Messages that answer it already."""
    of: int | None = None

    def document(self) -> dict[str, Any]:
        """For the record and the page."""
        return {
            "why": self.why,
            "passive": self.reference is not None,
            "until": self.until.isoformat() if self.until else None,
            "used": self.used,
            "of": self.of,
        }


def passive_choice(delivery: Delivery, attempt: Attempt | None, now: datetime) -> Passive | None:
    """How the delivery's next attempt goes; None: as an answer's first attempt or an exact repeat, under its own
    message. The delivery comes with its session, bot and inbound message."""
    session = delivery.session
    mode = attempt.mode if attempt is not None else Mode.FIRST
    if mode == Mode.REPEAT or (delivery.kind == Kind.REPLY and mode == Mode.FIRST):
        return None
    media = delivery.kind == Kind.MEDIA
    if media and not session.bot.media_passive:
        return Passive("bot_proactive")
    inbound = delivery.inbound or _last_message(session.pk, now, Scene(session.scene))
    if inbound is None:
        return Passive("no_message")
    return _under(inbound, delivery, now, spare=1 if media else 0)


def _under(inbound: InboundMessage, delivery: Delivery, now: datetime, *, spare: int) -> Passive:
    session, scene = delivery.session, Scene(delivery.session.scene)
    until, of = open_until(inbound, scene), REPLIES.get(scene)
    pairs = PassivePair.objects.filter(bot_id=session.bot_id, target_id=session.target_id, msg_id=inbound.qq_id)
    used = pairs.values("segment").distinct().count()
    if now >= until:
        return Passive("window_over", None, until, used, of)
    if of is not None and used + spare >= of:
        return Passive("none_left", None, until, used, of)
    return Passive("passive", inbound.qq_id, until, used, of)


def _last_message(session_id: int, now: datetime, scene: Scene) -> InboundMessage | None:
    lately = InboundMessage.objects.filter(session_id=session_id, received_at__gt=now - WINDOWS[scene])
    return lately.order_by("-pk").first()
