"""One stretch of a conversation: what came in and what went out, oldest first, with where the older part begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Delivery, Status

STRETCH = 30
"""Messages and deliveries together in one stretch."""


@dataclass(frozen=True, slots=True)
class Timeline:
    messages: list[InboundMessage]
    deliveries: list[Delivery]
    older: datetime | None
    """Pass it as ``before`` for the stretch before this one; None: nothing is before."""

    @property
    def items(self) -> list[InboundMessage | Delivery]:
        """Both kinds in the order of the conversation: an answer never stands above what came before it."""
        return sorted([*self.messages, *self.deliveries], key=happened_at)


def happened_at(item: InboundMessage | Delivery) -> datetime:
    return item.received_at if isinstance(item, InboundMessage) else item.created_at


def timeline(session: Session, before: datetime | None = None) -> Timeline:
    """Read the newest stretch before ``before`` (two queries). What is being sent now is in the newest one always."""
    messages = session.inbound_messages.defer("raw", "raw_content").order_by("-received_at", "-id")
    every = session.deliveries.select_related("item")
    deliveries = every.order_by("-created_at", "-id")
    if before is not None:
        messages = messages.filter(received_at__lt=before)
        deliveries = deliveries.filter(created_at__lt=before)
    found: list[InboundMessage | Delivery] = [*messages[: STRETCH + 1], *deliveries[: STRETCH + 1]]
    found.sort(key=happened_at, reverse=True)
    stretch, rest = found[:STRETCH], found[STRETCH:]
    kept = {item.pk for item in stretch if isinstance(item, Delivery)}
    sending = every.filter(Q(status=Status.SENDING) & ~Q(pk__in=kept)) if before is None else ()
    return Timeline(
        messages=sorted((item for item in stretch if isinstance(item, InboundMessage)), key=happened_at),
        deliveries=[*sending, *sorted((item for item in stretch if isinstance(item, Delivery)), key=happened_at)],
        older=happened_at(stretch[-1]) if rest else None,
    )
