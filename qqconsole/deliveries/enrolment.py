"""Carrying a bulk resend on, in small transactions: each moves the cursor with the rows it enrols, so that a process
that dies between two of them loses nothing and doubles nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Max
from django.utils import timezone

from qqconsole.accounts.callers import Caller
from qqconsole.deliveries.bulk import ACCEPTED, candidates, tell
from qqconsole.deliveries.models import (
    Attempt,
    BulkResend,
    BulkStatus,
    Delivery,
    ProactiveSend,
    Segment,
    SegmentKind,
    SegmentStatus,
    Status,
)
from qqconsole.deliveries.pacing import Pacing
from qqconsole.deliveries.quotas import DAY, limits_of
from qqconsole.deliveries.resend import SENDABLE_AGAIN, ResendRefused, resend
from qqconsole.deliveries.selecting import Filters
from qqconsole.live.documents import delivery_event
from qqconsole.live.publish import publish

BATCH = 20
"""Rows of one transaction: on SQLite nobody else writes meanwhile, and streams must not wait (about 0.1 s)."""
PAUSE = 0.05
"""Seconds between two transactions, so that others get their turn to write."""
BEGUN = (Status.QUEUED, Status.SENDING)


def unfinished() -> list[int]:
    """Return the bulk resends that somebody has to carry on: the sweep rings for them."""
    return list(BulkResend.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True))


def carry_on(bulk_id: int) -> None:
    """Enrol all that is left, or withdraw what was cancelled, and end it where nothing is open any more. Run twice, or
    at the same time, or cut off anywhere, it comes to the same."""
    while enrol(bulk_id):
        time.sleep(PAUSE)
    last = 0
    while (last := withdraw(bulk_id, behind=last)) > 0:
        time.sleep(PAUSE)
    _end(bulk_id)


def enrol(bulk_id: int, batch: int = BATCH) -> bool:
    """Enrol the next deliveries behind the cursor; return whether there may be more."""
    with transaction.atomic():
        bulk = _locked(bulk_id)
        if bulk is None or bulk.status != BulkStatus.RUNNING or bulk.cursor >= bulk.newest_id:
            return False
        now, accepted = timezone.now(), bool(bulk.filters.get(ACCEPTED))
        rows = candidates(Filters.from_json(bulk.filters), accept_second_copy=accepted, ended_by=bulk.created_at)
        rows = rows.filter(pk__gt=bulk.cursor, pk__lte=bulk.newest_id).select_related("session__bot").order_by("pk")
        found = list(rows[: max(0, min(batch, bulk.total - bulk.enrolled))])
        caller, pacing = _asker(bulk), _pacing(found, now)
        for delivery in found:
            session = delivery.session
            due_at = pacing.next_for(session.bot_id, session.pk, limits_of(session.bot, session.scene))
            try:
                with transaction.atomic():
                    resend(
                        delivery.pk,
                        caller,
                        why=bulk.why,
                        idempotency_key=f"bulk resend {bulk.pk}",
                        accept_second_copy=accepted,
                        bulk=bulk,
                        due_at=due_at,
                    )
                bulk.enrolled += 1
            except ResendRefused:
                # It has changed since it was selected: it is counted with the skipped.
                continue
        bulk.cursor = found[-1].pk if len(found) == batch else bulk.newest_id
        if bulk.cursor >= bulk.newest_id:
            bulk.skipped = bulk.total - bulk.enrolled
        bulk.save(update_fields=["cursor", "enrolled", "skipped"])
        tell(bulk)
    return bulk.cursor < bulk.newest_id


def withdraw(bulk_id: int, behind: int = 0, batch: int = BATCH) -> int:
    """Of a cancelled bulk resend, put deliveries that have not begun back to how they stood: those of the attempts with
    keys ``behind`` this one. Returns the last one's key, 0 where there was none."""
    with transaction.atomic():
        bulk = _locked(bulk_id)
        if bulk is None or bulk.status != BulkStatus.CANCELLED:
            return 0
        waiting = Attempt.objects.filter(bulk=bulk, status=Status.QUEUED, pk__gt=behind)
        attempts = list(waiting.select_related("delivery__session", "delivery__item").order_by("pk")[:batch])
        for attempt in attempts:
            _put_back(attempt)
    return attempts[-1].pk if attempts else 0


def _put_back(attempt: Attempt) -> None:
    delivery, now = attempt.delivery, timezone.now()
    former = delivery.attempts.filter(number__lt=attempt.number).order_by("-number").first()
    values = {
        "status": former.status if former is not None and former.status in SENDABLE_AGAIN else Status.CANCELLED,
        "reason": former.reason if former is not None else "cancelled",
        "code": former.code if former is not None else None,
        "failed_step": _failed_step(former),
        "finished_at": former.finished_at if former is not None and former.finished_at is not None else now,
        "due_at": None,
    }
    if not Delivery.objects.filter(pk=delivery.pk, status=Status.QUEUED).update(**values, seq=F("seq") + 1):
        return  # it has begun meanwhile
    attempt.status, attempt.reason, attempt.finished_at = Status.CANCELLED, "cancelled", now
    attempt.save(update_fields=["status", "reason", "finished_at"])
    delivery.refresh_from_db(fields=[*values, "seq"])
    event = delivery_event(delivery, delivery.session.bot_id, attempts=[attempt])
    transaction.on_commit(lambda: publish([event]))


def _failed_step(attempt: Attempt | None) -> str:
    failed = Segment.objects.filter(attempt=attempt, kind=SegmentKind.MEDIA, status=SegmentStatus.FAILED)
    media = failed.order_by("-number").values_list("media", flat=True).first() if attempt is not None else None
    return str((media or {}).get("step", ""))


def _end(bulk_id: int) -> None:
    with transaction.atomic():
        bulk = _locked(bulk_id)
        if bulk is None or bulk.finished_at is not None:
            return
        running = bulk.status == BulkStatus.RUNNING
        is_open = Attempt.objects.filter(bulk=bulk, status__in=BEGUN if running else [Status.QUEUED]).exists()
        if not is_open and (not running or bulk.cursor >= bulk.newest_id):
            bulk.status = BulkStatus.DONE if running else bulk.status
            bulk.finished_at = timezone.now()
            bulk.save(update_fields=["status", "finished_at"])
        tell(bulk)


def _locked(bulk_id: int) -> BulkResend | None:
    rows = BulkResend.objects.select_related("requested_by").select_for_update(of=("self",))
    return rows.filter(pk=bulk_id).first()


def _asker(bulk: BulkResend) -> Caller:
    """Who asked for it; one who is no admin any more sends nothing again. A token was one when it asked."""
    user = bulk.requested_by
    may = user is None or (user.is_active and user.is_admin)
    return Caller(bulk.requested_name, may, user=user)


def _pacing(found: Sequence[Delivery], now: datetime) -> Pacing:
    """What is planned and sent already for the bots and sessions of these (three queries)."""
    sessions = {delivery.session_id for delivery in found}
    bots = {delivery.session.bot_id for delivery in found}
    planned = Delivery.objects.filter(status=Status.QUEUED, due_at__isnull=False)
    by_bot = planned.filter(session__bot__in=bots).values_list("session__bot").annotate(Count("pk"))
    by_session = planned.filter(session__in=sessions).values_list("session").annotate(Max("due_at"), Count("pk"))
    lately = ProactiveSend.objects.filter(session__in=sessions, at__gt=now - DAY)
    within_day = dict(lately.values_list("session").annotate(Count("pk")))
    last_due: dict[int, datetime] = {}
    for session, last, count in by_session:
        last_due[session] = last
        within_day[session] = within_day.get(session, 0) + count
    return Pacing(now, dict(by_bot), last_due, within_day)
