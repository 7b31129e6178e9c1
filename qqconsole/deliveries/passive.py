"""Passive or proactive: whether something that answers no message by itself goes under the user's last one.

QQ counts proactive messages by the minute and the day, and may forbid them; passive ones it counts by the message
answered. Text goes passively where it can. Media does only where the bot's owner prefers it, and never takes the last
answer there is: that one belongs to words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapter.passive import ANSWERS, Use, may_use
from adapter.targets import Scene
from qqconsole.conversations.models import InboundMessage
from qqconsole.deliveries.models import Attempt, Delivery, Kind, Mode
from qqconsole.deliveries.windows import WINDOWS, open_until


@dataclass(frozen=True, slots=True)
class Passive:
    """The decision and what it rests on. ``why``: passive · uncounted (passive in a guild) · bot_proactive ·
    no_message · window_over · none_left · closed (words: ``deliveries.reasons.PASSIVE``)."""

    why: str
    reference: str | None = None
    """The msg_id it is sent under; None: proactively."""
    until: datetime | None = None
    """When the window of the message looked at ends (or ended)."""
    used: int = 0
    """Messages that answer it already; of what was sent: itself included."""
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
    return _under(inbound, delivery, now, Use.MEDIA if media else Use.TEXT)


def _under(inbound: InboundMessage, delivery: Delivery, now: datetime, use: Use) -> Passive:
    scene, used = Scene(delivery.session.scene), inbound.answers_used
    until, of = open_until(inbound, scene), ANSWERS.get(scene)
    if now >= until:
        return Passive("window_over", None, until, used, of)
    if inbound.answers_closed is not None:
        return Passive("closed", None, until, used, of)
    if not may_use(use, used, of):
        return Passive("none_left", None, until, used, of)
    return Passive("passive", inbound.qq_id, until, used, of)


def _last_message(session_id: int, now: datetime, scene: Scene) -> InboundMessage | None:
    lately = InboundMessage.objects.filter(session_id=session_id, received_at__gt=now - WINDOWS[scene])
    return lately.order_by("-pk").first()
