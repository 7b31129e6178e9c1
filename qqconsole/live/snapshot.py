"""What a viewer starts from, and how it mends a gap: rows read from the database as live documents.

"Stale state + replay = fresh state": an event holds every row that changed after a ``seq``, so it may be laid over
any older state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from qqconsole.bots.models import Bot
from qqconsole.conversations.models import Session
from qqconsole.conversations.summaries import summaries
from qqconsole.conversations.timeline import Timeline, timeline
from qqconsole.deliveries.models import Attempt, Chunk, Delivery, Segment, Status
from qqconsole.live import documents
from qqconsole.live.documents import Document

ACTIVE = (Status.QUEUED, Status.SENDING)
MOST_SESSIONS = 60
MOST_ACTIVE = 1_000
LATEST = 50
"""Ended deliveries in the snapshot of everything."""


def whole(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Return the queryset with all that ``documents.delivery_document`` reads, one query a level."""
    return deliveries.select_related("session", "item", "tail").prefetch_related(
        "attempts__segments__chunks", "attempts__typing_hints"
    )


def replay(delivery_id: int, since: int) -> Document | None:
    """Return one event with every row of the delivery that changed after ``since``; None: no such delivery."""
    delivery = Delivery.objects.select_related("session", "item").filter(pk=delivery_id).first()
    return None if delivery is None else events_of([delivery], since=since)[0]


def replays(asked: dict[int, int], session_id: int | None = None) -> list[Document]:
    """Return an event for each delivery asked for (id → last ``seq`` seen) that exists in the scope."""
    found = Delivery.objects.select_related("session", "item").filter(pk__in=asked)
    if session_id is not None:
        found = found.filter(session=session_id)
    return [events_of([delivery], since=asked[delivery.pk])[0] for delivery in found]


def events_of(deliveries: Sequence[Delivery], since: int = 0, chunks: bool = True) -> list[Document]:
    """Return an event for each delivery with its rows after ``since`` (three queries; load ``session`` and ``item``
    with them). Attempts are few, so each comes along.
    """
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(delivery__in=[delivery.pk for delivery in deliveries]).order_by("number"):
        attempts[attempt.delivery_id].append(attempt)
    segments: defaultdict[int, list[Segment]] = defaultdict(list)
    by_id: dict[int, Segment] = {}
    rows = Segment.objects.filter(attempt__delivery__in=[delivery.pk for delivery in deliveries])
    for segment in rows.select_related("attempt").order_by("pk"):
        segments[segment.attempt.delivery_id].append(segment)
        by_id[segment.pk] = segment
    pairs: defaultdict[int, list[tuple[Segment, Chunk]]] = defaultdict(list)
    if chunks:
        changed = Chunk.objects.filter(segment__in=list(by_id), seq__gt=since).defer("request", "answer")
        for chunk in changed.order_by("pk"):
            segment = by_id[chunk.segment_id]
            pairs[segment.attempt.delivery_id].append((segment, chunk))
    return [
        {
            **documents.delivery_event(
                delivery,
                delivery.session.bot_id,
                [segment for segment in segments[delivery.pk] if segment.seq > since or not since],
                pairs[delivery.pk],
                attempts[delivery.pk],
            ),
            "since": since,
        }
        for delivery in deliveries
    ]


def session_snapshot(session: Session, stretch: Timeline | None = None) -> Document:
    """Return the newest stretch of one conversation with every segment and chunk in it."""
    stretch = stretch or timeline(session)
    for delivery in stretch.deliveries:
        delivery.session = session
    return {
        "type": "snapshot",
        "scope": session.pk,
        "messages": [documents.message_document(message) for message in stretch.messages],
        "deliveries": events_of(stretch.deliveries),
        "sessions": [documents.session_document(session)],
        "bots": bots(),
    }


def whole_snapshot() -> Document:
    """Return what is going on everywhere. Deliveries come without chunks (``"chunks_left_out": true``): a viewer
    that wants those of one asks for its replay from 0.
    """
    rows = Delivery.objects.select_related("session", "item").defer("reasoning_text")
    active = list(rows.filter(status__in=ACTIVE).order_by("-pk")[:MOST_ACTIVE])
    ended = list(rows.exclude(status__in=ACTIVE).order_by("-pk")[:LATEST])
    return {
        "type": "snapshot",
        "scope": None,
        "deliveries": [{**event, "chunks_left_out": True} for event in events_of([*active, *ended], chunks=False)],
        "sessions": summaries(newest_sessions()[:MOST_SESSIONS]),
        "bots": bots(),
    }


def newest_sessions() -> QuerySet[Session]:
    return Session.objects.order_by("-last_at", "-pk")


def bots(of: Iterable[Bot] | None = None) -> list[Document]:
    """Return every bot with its connection, without any secret (one query)."""
    rows = Bot.objects.select_related("connection", "gate").defer("secret", "source_key") if of is None else of
    return [documents.bot_head(bot) for bot in rows]
