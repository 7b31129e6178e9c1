"""Many failed deliveries sent again by one click: preview, start, progress, cancel. ``enrolment`` does the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from adapter.storable import storable
from qqconsole.accounts.callers import Caller
from qqconsole.bots.models import Bot
from qqconsole.deliveries import audit
from qqconsole.deliveries.doorbell import ring
from qqconsole.deliveries.missing import DOUBTFUL
from qqconsole.deliveries.models import Attempt, BulkResend, BulkStatus, Delivery, Segment, Status
from qqconsole.deliveries.pacing import gap_of_bot, gap_of_target
from qqconsole.deliveries.quotas import DAY, limits_of
from qqconsole.deliveries.resend import LONGEST_KEY, LONGEST_WHY, SENDABLE_AGAIN, ResendRefused, allow
from qqconsole.deliveries.selecting import Filters
from qqconsole.live.publish import publish

CAP = 10_000
"""Deliveries of one bulk resend at most; the oldest are taken."""
ACCEPTED = "accept_second_copy"
"""Beside the filters in ``BulkResend.filters``: that what QQ may have was to be sent as well."""
ENROL = "deliveries.enrol"
"""The Celery task that enrols, by its name: nothing that pages import sends."""


@dataclass(frozen=True, slots=True)
class Share:
    """One bot's part of a bulk resend."""

    bot_id: int
    name: str
    count: int
    estimate_seconds: int


@dataclass(frozen=True, slots=True)
class Preview:
    count: int
    """How many would be sent again."""
    matching: int
    """How many the filter shows, whatever their status; counted up to ``cap``."""
    matching_capped: bool
    doubtful: int
    """Of those to be sent again by their status, how many are left out because QQ may have them."""
    capped: bool
    cap: int
    newest_id: int
    """Give it to ``start``: what comes later is not in this preview."""
    estimate_seconds: int
    by_bot: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    waiting: int
    """Not enrolled yet."""
    queued: int
    sending: int
    delivered: int
    in_review: int
    failed: int
    """Also what was interrupted."""
    unknown: int
    cancelled: int
    skipped: int
    """Selected, but no longer to be sent again when their turn came."""
    estimate_seconds: int

    @property
    def ended(self) -> int:
        return self.total - self.waiting - self.queued - self.sending


def preview(filters: Filters, caller: Caller, *, accept_second_copy: bool = False) -> Preview:
    """Return what ``start`` would do (five queries, none of which counts a whole table). Raises ResendRefused
    (not_allowed)."""
    allow(caller)
    rows = candidates(filters, accept_second_copy=accept_second_copy)
    picked = list(rows.order_by("pk").values_list("pk", "session__bot", "session", "session__scene")[: CAP + 1])
    capped, picked = len(picked) > CAP, picked[:CAP]
    shares = _shares(Counter(row[1:] for row in picked))
    everything = candidates(filters, accept_second_copy=True)
    if capped:
        # What comes later is looked at by the next one.
        everything = everything.filter(pk__lte=picked[-1][0])
    matching = filters.deliveries().order_by()[: CAP + 1].count()
    return Preview(
        count=len(picked),
        matching=min(matching, CAP),
        matching_capped=matching > CAP,
        doubtful=everything.order_by("pk")[: 2 * CAP].count() - len(picked),
        capped=capped,
        cap=CAP,
        newest_id=picked[-1][0] if picked else 0,
        estimate_seconds=max((share.estimate_seconds for share in shares), default=0),
        by_bot=shares,
    )


def candidates(filters: Filters, *, accept_second_copy: bool, ended_by: datetime | None = None) -> QuerySet[Delivery]:
    """Return what of the selection may be sent again. Without a status in the filter, that is what failed; what was
    dismissed stays so unless it is asked for; ``ended_by``: nothing that ended later."""
    wanted = filters.status or (Status.FAILED,)
    statuses = [status for status in wanted if status in SENDABLE_AGAIN]
    rows = filters.deliveries().filter(status__in=statuses)
    if filters.dismissed is None:
        rows = rows.filter(dismissed_at=None)
    if ended_by is not None:
        rows = rows.filter(Q(finished_at=None) | Q(finished_at__lte=ended_by))
    if accept_second_copy:
        return rows
    if statuses == [Status.UNKNOWN]:
        return rows.none()
    doubtful = Segment.objects.filter(attempt__delivery=OuterRef("pk"), status__in=DOUBTFUL).exclude(purpose="notice")
    return rows.exclude(status=Status.UNKNOWN).filter(~Exists(doubtful))


def _shares(counts: Mapping[tuple[int, int, str], int]) -> tuple[Share, ...]:
    """``counts``: by bot, session and scene."""
    of_bot: Counter[int] = Counter()
    for (bot_id, _, _), count in counts.items():
        of_bot[bot_id] += count
    bots = Bot.objects.in_bulk(of_bot)
    seconds: Counter[int] = Counter()
    for (bot_id, _, scene), count in counts.items():
        limits = limits_of(bots[bot_id], scene)
        by_bot = gap_of_bot(limits) * (of_bot[bot_id] - 1)
        by_session = gap_of_target(limits) * (count - 1)
        days = DAY * ((count - 1) // limits.target_day) if limits is not None else timedelta(0)
        seconds[bot_id] = max(seconds[bot_id], round(max(by_bot, by_session, days).total_seconds()))
    return tuple(Share(pk, bots[pk].name, count, seconds[pk]) for pk, count in of_bot.most_common())


def start(
    filters: Filters,
    caller: Caller,
    *,
    expected_total: int,
    newest_id: int = 0,
    why: str = "",
    idempotency_key: str = "",
    accept_second_copy: bool = False,
) -> BulkResend:
    """Begin it. Returns its row; under an ``idempotency_key`` used before for the same selection, the one there is.
    ``expected_total`` and ``newest_id`` are the preview's: fewer may match by now, more may not.

    Raises ResendRefused: not_allowed · bad_key · key_used_elsewhere · count_changed · nothing_to_resend.
    """
    allow(caller)
    idempotency_key = storable(idempotency_key)
    if len(idempotency_key) > LONGEST_KEY:
        raise ResendRefused("bad_key")
    selection = {**filters.to_json(), **({ACCEPTED: True} if accept_second_copy else {})}
    try:
        with transaction.atomic():
            if (known := _known(idempotency_key, selection)) is not None:
                return known
            rows = candidates(filters, accept_second_copy=accept_second_copy).order_by("pk")
            if newest_id:
                rows = rows.filter(pk__lte=newest_id)
            picked = list(rows.values_list("pk", flat=True)[:CAP])
            if not picked:
                raise ResendRefused("nothing_to_resend")
            if len(picked) > expected_total:
                raise ResendRefused("count_changed")
            bulk = BulkResend.objects.create(
                filters=selection,
                requested_by=caller.user,
                requested_name=caller.name[:150],
                why=storable(why).strip()[:LONGEST_WHY],
                idempotency_key=idempotency_key,
                total=len(picked),
                newest_id=picked[-1],
            )
            detail = {"filters": selection, "total": bulk.total, "why": bulk.why}
            audit.record(caller, audit.BULK_RESEND, f"bulk resend {bulk.pk}", **detail)
            tell(bulk)
            transaction.on_commit(lambda: ring_for(bulk.pk))
    except IntegrityError:
        # Two clicks at once: the other one was first.
        known = _known(idempotency_key, selection)
        if known is None:
            raise
        return known
    return bulk


def _known(key: str, selection: dict[str, Any]) -> BulkResend | None:
    bulk = BulkResend.objects.filter(idempotency_key=key).first() if key else None
    if bulk is not None and bulk.filters != selection:
        raise ResendRefused("key_used_elsewhere")
    return bulk


def cancel(bulk_id: int, caller: Caller) -> BulkResend:
    """Stop it: nothing more is enrolled, and what has not begun goes back to how it stood, in small steps. Ended or
    stopped already, nothing changes. Raises ResendRefused (not_allowed, not_there)."""
    allow(caller)
    with transaction.atomic():
        bulk = BulkResend.objects.select_for_update().filter(pk=bulk_id).first()
        if bulk is None:
            raise ResendRefused("not_there")
        if bulk.status == BulkStatus.RUNNING:
            bulk.status = BulkStatus.CANCELLED
            bulk.save(update_fields=["status"])
            audit.record(caller, audit.BULK_CANCEL, f"bulk resend {bulk.pk}")
            tell(bulk)
            transaction.on_commit(lambda: ring_for(bulk_id))
    return bulk


def progress(bulk: BulkResend) -> Progress:
    """Return how it stands now (two queries)."""
    attempts = Attempt.objects.filter(bulk=bulk)
    by_status = dict(attempts.values_list("status").annotate(Count("pk")))
    last_due = attempts.filter(status=Status.QUEUED).aggregate(last=Max("delivery__due_at"))["last"]
    left = (last_due - timezone.now()).total_seconds() if last_due is not None else 0.0
    enrolled = sum(by_status.values())
    over = bulk.status != BulkStatus.RUNNING or bulk.cursor >= bulk.newest_id
    waiting = 0 if over else max(0, bulk.total - enrolled - bulk.skipped)
    return Progress(
        total=bulk.total,
        waiting=waiting,
        queued=by_status.get(Status.QUEUED, 0),
        sending=by_status.get(Status.SENDING, 0),
        delivered=by_status.get(Status.DELIVERED, 0),
        in_review=by_status.get(Status.IN_REVIEW, 0),
        failed=by_status.get(Status.FAILED, 0) + by_status.get(Status.INTERRUPTED, 0),
        unknown=by_status.get(Status.UNKNOWN, 0),
        cancelled=by_status.get(Status.CANCELLED, 0)
        + (bulk.total - enrolled - bulk.skipped if bulk.status == BulkStatus.CANCELLED else 0),
        skipped=bulk.skipped,
        estimate_seconds=max(0, round(left)),
    )


def tell(bulk: BulkResend) -> None:
    """Publish how it stands, once the running transaction is committed."""
    event = {"type": "bulk", "bulk": bulk.pk, "status": str(bulk.status), **asdict(progress(bulk))}
    transaction.on_commit(lambda: publish([event]))


def ring_for(bulk_id: int) -> None:
    """Ring for the task that carries it on. Never raises; the sweep rings for all ``enrolment.unfinished``."""
    ring(bulk_id, task=ENROL)
