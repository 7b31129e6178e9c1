"""Removing what is old: deliveries that ended long ago, what came in as long ago, sessions of which nothing is left.

In small steps with pauses, so that nobody who sends waits for it: on SQLite nobody else writes during a step. A
delivery goes whole, with every attempt, segment, chunk and pair of the ledger, or not at all. Pairs of a message that
may still be answered stay by themselves: what used them ended less than a day ago, and no age here is shorter.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from qqconsole.accounts.callers import Caller
from qqconsole.conversations.models import InboundMessage, PlatformEvent, Session
from qqconsole.deliveries import audit
from qqconsole.deliveries.models import OPEN, Attempt, Chunk, Delivery, PassivePair, Segment

log = logging.getLogger(__name__)

MOST_ROWS = 1_000
"""Rows of one transaction; only a single delivery that has more goes alone."""
STEP = 200
"""Rows of one kind looked at in one step."""
PAUSE = 0.05
"""Seconds between two steps."""
SHORTEST = timedelta(days=1)
"""Longer than any of QQ's windows (docs/protocol.md 3.4)."""

Removed = Counter[str]
"""How many rows of each kind went, by the model's name ("delivery", "chunk" …)."""


def remove(older_than: timedelta, *, dry_run: bool = False, pause: float = PAUSE) -> Removed:
    """Remove what ended or came in longer ago than that; return what was (``dry_run``: would be) removed.

    Safe to repeat, to stop anywhere and to run twice at a time. Writes a log line and an audit line where something
    went. Raises ValueError for less than a day.
    """
    if older_than < SHORTEST:
        raise ValueError("nothing younger than a day is removed")
    before = timezone.now() - older_than
    if dry_run:
        return _count(before)
    removed: Removed = Counter()
    try:
        for step in (_deliveries, _messages, _events, _sessions):
            for gone in step(before):
                removed += gone
                time.sleep(pause)
    finally:
        # Also of a run that is stopped: what is gone is gone.
        if removed:
            _tell(removed, before)
    return removed


def ended(before: datetime) -> QuerySet[Delivery]:
    """Deliveries that were asked for and ended before then, whichever attempt was the last."""
    over = Q(finished_at=None) | Q(finished_at__lt=before)
    return Delivery.objects.filter(over, created_at__lt=before).exclude(status__in=OPEN)


def unanswered(before: datetime) -> QuerySet[InboundMessage]:
    """Messages received before then that no delivery answers, or none any more."""
    return InboundMessage.objects.filter(received_at__lt=before, deliveries=None)


def empty(before: datetime) -> QuerySet[Session]:
    """Sessions without a message and a delivery, quiet since then."""
    return Session.objects.filter(last_at__lt=before, inbound_messages=None, deliveries=None)


def _deliveries(before: datetime) -> Iterator[Removed]:
    for keys in _oldest_first(Delivery.objects.all(), "created_at", before):
        sizes = dict(
            Delivery.objects.filter(pk__in=keys)
            .annotate(size=Count("attempts__segments__chunks"))
            .values_list("pk", "size")
        )
        while keys:
            rows = few = 0
            for key in keys:
                # Beside its chunks a delivery has an attempt, a segment, a pair …
                rows += sizes.get(key, 0) + 6
                if few and rows > MOST_ROWS:
                    break
                few += 1
            yield _whole(keys[:few], before)
            keys = keys[few:]


def _whole(keys: list[int], before: datetime) -> Removed:
    with transaction.atomic():
        # Asked again under the rows' locks: somebody may be sending one of them again.
        mine = [row.pk for row in ended(before).filter(pk__in=keys).order_by("pk").select_for_update()]
        segments = list(Segment.objects.filter(attempt__delivery__in=mine).values_list("pk", flat=True))
        gone: Removed = Counter()
        # From the leaves up, so that Django need not fetch what it is to delete.
        gone += _delete(Chunk.objects.filter(segment__in=segments))
        gone += _delete(PassivePair.objects.filter(segment__in=segments))
        gone += _delete(Segment.objects.filter(pk__in=segments))
        gone += _delete(Attempt.objects.filter(delivery__in=mine))
        return gone + _delete(Delivery.objects.filter(pk__in=mine))


def _messages(before: datetime) -> Iterator[Removed]:
    for keys in _oldest_first(InboundMessage.objects.all(), "received_at", before):
        with transaction.atomic():
            gone = _delete(unanswered(before).filter(pk__in=keys))
        yield gone


def _events(before: datetime) -> Iterator[Removed]:
    for keys in _oldest_first(PlatformEvent.objects.all(), "received_at", before):
        with transaction.atomic():
            gone = _delete(PlatformEvent.objects.filter(pk__in=keys, received_at__lt=before))
        yield gone


def _sessions(before: datetime) -> Iterator[Removed]:
    last = 0
    while keys := list(empty(before).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP]):
        last = keys[-1]
        try:
            with transaction.atomic():
                # What the inbox holds is passed over: a message is just coming in.
                held = Session.objects.filter(pk__in=keys).order_by("pk").select_for_update(skip_locked=True)
                gone = _delete(empty(before).filter(pk__in=[row.pk for row in held]))
        except IntegrityError:
            # Somebody sends something in one of them this moment: the next clean-up finds the others.
            continue
        yield gone


def _oldest_first(rows: QuerySet[Any], field: str, before: datetime) -> Iterator[list[int]]:
    """Keys in small steps, from the first on, until a step holds nothing that old: keys follow time, so what lies
    behind need not be looked through."""
    last = 0
    while True:
        step = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", field)[:STEP])
        old = [key for key, at in step if at < before]
        if not old:
            return
        yield old
        last = step[-1][0]


def _delete(rows: QuerySet[Any]) -> Removed:
    _, by_label = rows.delete()
    return Counter({label.rpartition(".")[2].lower(): count for label, count in by_label.items() if count})


def _count(before: datetime) -> Removed:
    old = ended(before)
    counted: dict[str, QuerySet[Any]] = {
        "chunk": Chunk.objects.filter(segment__attempt__delivery__in=old),
        "passivepair": PassivePair.objects.filter(segment__attempt__delivery__in=old),
        "segment": Segment.objects.filter(attempt__delivery__in=old),
        "attempt": Attempt.objects.filter(delivery__in=old),
        "delivery": old,
        "inboundmessage": InboundMessage.objects.filter(received_at__lt=before).exclude(
            pk__in=Delivery.objects.exclude(pk__in=old).exclude(inbound=None).values("inbound")
        ),
        "platformevent": PlatformEvent.objects.filter(received_at__lt=before),
    }
    return +Counter({name: rows.count() for name, rows in counted.items()})


def _tell(removed: Removed, before: datetime) -> None:
    said = ", ".join(f"{name}={count}" for name, count in sorted(removed.items()))
    log.info("removed what was older than %s: %s", before.isoformat(timespec="seconds"), said)
    nobody = Caller("qqconsole", False)
    audit.record(nobody, audit.RETENTION, "old deliveries", before=before.isoformat(timespec="seconds"), **removed)
