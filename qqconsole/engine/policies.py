"""From rows to the adapter's words: what one reply must keep to."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone

from adapter.dialects import DIALECTS
from adapter.policy import DeadReference, Policy
from adapter.targets import Scene, Target
from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Delivery

WINDOWS = {
    Scene.C2C: timedelta(minutes=60),
    Scene.GROUP: timedelta(minutes=5),
    Scene.GUILD: timedelta(minutes=5),
    Scene.DM: timedelta(minutes=5),
}
"""How long a message may be answered passively (sheet 3.4)."""
BELIEVED = timedelta(hours=1)
"""A gateway session lives 30 to 65 minutes (sheet 2.4): what QQ pushes cannot be older than that, so a stamp that says
so comes from a clock that is wrong, and the message counts from when it came in."""
MARGIN = timedelta(seconds=3)
"""Taken off the window: what a request needs to arrive, and clocks that disagree."""


def target_of(session: Session) -> Target:
    return Target(Scene(session.scene), session.target_id)


def policy_for(delivery: Delivery) -> Policy:
    """The policy of the delivery's reply; the delivery comes with its session, bot and inbound message."""
    session, bot, inbound = delivery.session, delivery.session.bot, delivery.inbound
    scene = Scene(session.scene)
    in_qq = scene in (Scene.C2C, Scene.GROUP)
    until = None
    if inbound is not None:
        left = window_began(inbound) + WINDOWS[scene] - MARGIN - timezone.now()
        until = time.monotonic() + left.total_seconds()
    return Policy(
        dialect=DIALECTS[bot.dialect] if scene is Scene.C2C else None,
        reference=inbound.qq_id if inbound is not None else None,
        reference_until=until,
        interval=bot.frame_interval,
        open_after=bot.open_after,
        markdown=bot.markdown and in_qq,
        on_dead_reference=DeadReference(bot.on_dead_reference),
        notice=bot.notice_text if bot.notice_enabled else "",
        pairs=in_qq,
        uploads=in_qq,
        allow_private=bot.allow_private_urls,
    )


def window_began(inbound: InboundMessage) -> datetime:
    """When QQ's window for answering ``inbound`` began: by QQ's stamp, where that can be true."""
    sent, received = inbound.sent_at, inbound.received_at
    believable = sent is not None and received - BELIEVED < sent < received
    return sent if sent is not None and believable else received
