"""From rows to the adapter's words: what one reply must keep to."""

from __future__ import annotations

import time

from django.utils import timezone

from adapter.dialects import DIALECTS
from adapter.policy import DeadReference, Policy
from adapter.targets import Scene, Target
from qqconsole.conversations.models import Session
from qqconsole.deliveries.models import Delivery
from qqconsole.deliveries.passive import Passive
from qqconsole.deliveries.windows import open_until

PROMPT = (1.0, 2.0, 4.0)
"""Seconds between the tries of a frame while somebody waits for an answer (sheet 4.2.4)."""
PATIENT = (1.0, 2.0, 4.0, 8.0, 16.0)
"""The same for what somebody asked to be sent: two seconds or twenty make no difference to them."""


def target_of(session: Session) -> Target:
    return Target(Scene(session.scene), session.target_id)


def policy_for(delivery: Delivery, passive: Passive | None = None) -> Policy:
    """The policy of the delivery's next attempt; the delivery comes with its session, bot and inbound message.
    ``passive``: how it goes where it does not answer its own message for the first time."""
    session, bot, inbound = delivery.session, delivery.session.bot, delivery.inbound
    scene = Scene(session.scene)
    in_qq = scene in (Scene.C2C, Scene.GROUP)
    reference = inbound.qq_id if inbound is not None else None
    ends = open_until(inbound, scene) if inbound is not None else None
    if passive is not None:
        reference, ends = passive.reference, passive.until if passive.reference else None
    until = None if ends is None else time.monotonic() + (ends - timezone.now()).total_seconds()
    asked_for = passive is not None
    return Policy(
        dialect=DIALECTS[bot.dialect] if scene is Scene.C2C else None,
        reference=reference,
        reference_until=until,
        interval=bot.frame_interval,
        open_after=bot.open_after,
        frame_bytes=bot.frame_bytes,
        markdown=bot.markdown and in_qq,
        # Who asks for it wants it sent, and was told how.
        on_dead_reference=DeadReference.PROACTIVE if asked_for else DeadReference(bot.on_dead_reference),
        notice=bot.notice_text if bot.notice_enabled and not asked_for else "",
        media_passive=bot.media_passive,
        part_silence=min(bot.upload_timeout, 60.0),
        pairs=in_qq,
        uploads=in_qq,
        allow_private=bot.allow_private_urls,
        delays=PATIENT if asked_for else PROMPT,
    )
