"""Sessions as lines of a list: who, on which bot, what was said last and how its answer stands."""

from __future__ import annotations

from django.db.models import Max, OuterRef, QuerySet, Subquery

from qqconsole.conversations.models import InboundMessage, Session
from qqconsole.deliveries.models import Delivery, Segment, Status
from qqconsole.live.documents import Document, session_document

PREVIEW = 160
"""Characters of the last text."""


def summaries(sessions: QuerySet[Session]) -> list[Document]:
    """Return each session's document with ``preview`` and ``delivery`` (five queries however many there are).

    ``delivery`` is the one being sent, though newer ones may wait behind it; otherwise the newest.
    """
    messages = InboundMessage.objects.filter(session=OuterRef("pk")).order_by("-id")
    deliveries = Delivery.objects.filter(session=OuterRef("pk")).order_by("-id")
    rows = list(
        sessions.annotate(
            last_message=Subquery(messages.values("pk")[:1]), last_delivery=Subquery(deliveries.values("pk")[:1])
        )
    )
    last_messages = InboundMessage.objects.only("content", "received_at", "attachments").in_bulk(
        [row.last_message for row in rows if row.last_message]
    )
    sending = dict(
        Delivery.objects.filter(status=Status.SENDING, session__in=[row.pk for row in rows]).values_list(
            "session", "pk"
        )
    )
    for row in rows:
        row.last_delivery = sending.get(row.pk, row.last_delivery)
    last_deliveries = Delivery.objects.defer("generated_text", "reasoning_text").in_bulk(
        [row.last_delivery for row in rows if row.last_delivery]
    )
    last_segments = _last_segments(list(last_deliveries))
    return [
        {
            **session_document(row),
            **_preview(last_messages.get(row.last_message), last_deliveries.get(row.last_delivery), last_segments),
        }
        for row in rows
    ]


def _last_segments(delivery_ids: list[int]) -> dict[int, Segment]:
    newest = (
        Segment.objects.filter(attempt__delivery__in=delivery_ids)
        .values("attempt__delivery")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    found = Segment.objects.filter(pk__in=Subquery(newest)).select_related("attempt")
    return {segment.attempt.delivery_id: segment for segment in found}


def _preview(message: InboundMessage | None, delivery: Delivery | None, segments: dict[int, Segment]) -> Document:
    head = None
    if delivery is not None:
        head = {
            "id": delivery.pk,
            "status": delivery.status,
            "kind": delivery.kind,
            "reason": delivery.reason,
            "code": delivery.code,
            "seq": delivery.seq,
        }
        segment = segments.get(delivery.pk)
        if segment is not None and (message is None or segment.opened_at >= message.received_at):
            return {"preview": _of_segment(segment), "delivery": head}
    return {"preview": _of_message(message), "delivery": head}


def _of_segment(segment: Segment) -> Document:
    media = segment.media or {}
    return {
        "from": "bot",
        "text": segment.text[-PREVIEW:] or str(media.get("name") or media.get("url") or ""),
        "segment": segment.pk,
        "end": len(segment.text),
    }


def _of_message(message: InboundMessage | None) -> Document:
    text = "" if message is None else message.content[:PREVIEW]
    return {"from": "user", "text": text, "segment": None, "end": len(text)}
