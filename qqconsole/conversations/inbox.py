"""The inbox: what the gateway pushes becomes rows, once, however often QQ repeats it. Runs in the writer's thread."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from adapter.events import Event, InboundMessage
from adapter.storable import LONGEST_ID
from adapter.targets import Scene
from qqconsole.bots.models import BotConnection
from qqconsole.conversations import models as rows
from qqconsole.deliveries.models import Delivery, Kind
from qqconsole.engine.batch import Batch
from qqconsole.live.documents import delivery_event, inbound_event

TWIN_WITHIN = timedelta(minutes=10)
"""QQ may push one group message as two events; further apart they are two messages."""


@dataclass(frozen=True, slots=True)
class Received:
    inbound_id: int | None
    delivery_id: int | None
    """The reply that is queued now; None where nothing is to be answered (again)."""


def receive(batch: Batch, bot_id: int, event: Event, message: InboundMessage) -> Received:
    """Store a message and, where it speaks to the bot, queue its reply: both or neither, and once."""
    now = timezone.now()
    session = _session(bot_id, message, now)
    known = _known(bot_id, session, message, event.type, now)
    _note_seq(bot_id, event)
    if known is not None:
        return _upgrade(batch, bot_id, known, message)
    inbound = rows.InboundMessage.objects.create(
        bot_id=bot_id,
        session=session,
        qq_id=message.message_id,
        event_id=message.event_id,
        event_type=event.type,
        twin=message.twin,
        author_id=message.author_id,
        author_name=message.author_name[:120],
        content=message.content,
        raw_content=message.raw_content,
        attachments=[_plain(attachment) for attachment in message.attachments],
        addressed=message.addressed,
        sent_at=message.timestamp,
        received_at=now,
        raw=event.data,
    )
    batch.publish(lambda: inbound_event(inbound))
    return Received(inbound.pk, _queue(batch, bot_id, inbound) if message.addressed else None)


def keep(bot_id: int, event: Event) -> None:
    """Store any other event as it came; a repeat of it changes nothing, where it has an id that can be kept."""
    _note_seq(bot_id, event)
    values = {"type": event.type[:60], "data": event.data, "received_at": timezone.now()}
    if 0 < len(event.id) <= LONGEST_ID:
        rows.PlatformEvent.objects.get_or_create(bot_id=bot_id, event_id=event.id, defaults=values)
    else:
        rows.PlatformEvent.objects.create(bot_id=bot_id, **values)


def _note_seq(bot_id: int, event: Event) -> None:
    """In the event's own transaction: after a crash the gateway resumes exactly behind what is stored."""
    if event.seq and 0 < len(event.session_id) <= LONGEST_ID:
        here = BotConnection.objects.filter(bot_id=bot_id)
        here.update(gateway_seq=event.seq, gateway_session=event.session_id)


def _session(bot_id: int, message: InboundMessage, now: datetime) -> rows.Session:
    named = message.author_name if message.scene in (Scene.C2C, Scene.DM) else ""
    # Locked before it is read: the clean-up of empty sessions passes over it, or has removed it for good.
    session, new = rows.Session.objects.select_for_update(no_key=True).get_or_create(
        bot_id=bot_id,
        scene=message.scene,
        target_id=message.target_id,
        defaults={"name": named[:120], "last_at": now},
    )
    if not new:
        session.last_at = now
        if named:
            session.name = named[:120]
        session.save(update_fields=["last_at", "name"])
    return session


def _known(
    bot_id: int, session: rows.Session, message: InboundMessage, event_type: str, now: datetime
) -> rows.InboundMessage | None:
    same = rows.InboundMessage.objects.filter(bot_id=bot_id, qq_id=message.message_id).first()
    if same is not None or not message.twin or message.scene is not Scene.GROUP:
        # Only group messages come as two events (sheet 2.6).
        return same
    twins = rows.InboundMessage.objects.filter(session=session, twin=message.twin)
    return twins.filter(received_at__gte=now - TWIN_WITHIN).exclude(event_type=event_type).first()


def _upgrade(batch: Batch, bot_id: int, known: rows.InboundMessage, message: InboundMessage) -> Received:
    """The first of two events may not show that the message speaks to the bot; the second then does."""
    if known.addressed or not message.addressed:
        return Received(known.pk, None)
    known.addressed = True
    known.content = message.content
    # The reply names the message of the event that addressed the bot.
    known.qq_id = message.message_id
    known.save(update_fields=["addressed", "content", "qq_id"])
    batch.publish(lambda: inbound_event(known))
    return Received(known.pk, _queue(batch, bot_id, known))


def _queue(batch: Batch, bot_id: int, inbound: rows.InboundMessage) -> int:
    delivery = Delivery.objects.create(session_id=inbound.session_id, inbound=inbound, kind=Kind.REPLY, seq=1)
    batch.publish(lambda: delivery_event(delivery, bot_id))
    return delivery.pk


def _plain(attachment: Any) -> Any:
    return asdict(attachment) if is_dataclass(attachment) and not isinstance(attachment, type) else attachment
