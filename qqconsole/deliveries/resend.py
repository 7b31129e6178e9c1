"""Sending a delivery again: the one function behind the page, Django admin, the API and the bulk resend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from adapter.storable import storable
from qqconsole.accounts.callers import Caller
from qqconsole.deliveries import audit
from qqconsole.deliveries.doorbell import ring_after_commit
from qqconsole.deliveries.missing import Missing, read_missing
from qqconsole.deliveries.models import Attempt, BulkResend, Delivery, Mode, Status
from qqconsole.deliveries.reasons import in_words
from qqconsole.deliveries.unproven import unproven_message
from qqconsole.live.documents import delivery_event
from qqconsole.live.publish import publish

SENDABLE_AGAIN = (Status.FAILED, Status.UNKNOWN, Status.INTERRUPTED, Status.CANCELLED)
ARRIVED = (Status.DELIVERED, Status.IN_REVIEW)
LONGEST_KEY = 100
LONGEST_WHY = 200
_STANDS = {
    Status.QUEUED: "running",
    Status.SENDING: "running",
    Status.DELIVERED: "already_delivered",
    Status.IN_REVIEW: "in_review",
}
"""Why a delivery of this status is not sent again."""


@dataclass
class ResendRefused(Exception):
    """It is not sent again; ``reason`` is a code word that ``deliveries.reasons`` puts into plain words."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return in_words(self.reason)


def resend(
    delivery_id: int,
    caller: Caller,
    *,
    why: str = "",
    mode: Mode = Mode.RESEND,
    idempotency_key: str = "",
    accept_second_copy: bool = False,
    bulk: BulkResend | None = None,
    due_at: datetime | None = None,
) -> Attempt:
    """Queue one more attempt at what QQ does not have; earlier attempts stay as they are. Returns the new attempt, or
    the one that was asked for under the same ``idempotency_key`` before.

    ``mode`` REPEAT sends the one unproven message under its own (msg_id, msg_seq); ``due_at``: not begun before.
    Raises ResendRefused: not_allowed · not_there · bad_key · key_used_elsewhere · running · already_delivered ·
    in_review · second_copy (QQ may have it, and ``accept_second_copy`` was not given) · nothing_missing · item_gone ·
    message_gone · no_repeat.
    """
    allow(caller)
    idempotency_key = storable(idempotency_key)
    if len(idempotency_key) > LONGEST_KEY:
        raise ResendRefused("bad_key")
    with transaction.atomic():
        delivery = _locked(delivery_id)
        if idempotency_key and (known := delivery.attempts.filter(idempotency_key=idempotency_key).first()):
            if known.mode != mode:
                raise ResendRefused("key_used_elsewhere")
            return known
        left = read_missing(delivery)
        offered = mode == Mode.REPEAT and unproven_message(delivery, left, timezone.now()) is not None
        reason = refusal(delivery, left, repeat=mode == Mode.REPEAT, offered=offered, accepted=accept_second_copy)
        if reason:
            raise ResendRefused(reason)
        attempt = Attempt(
            delivery=delivery,
            mode=mode,
            status=Status.QUEUED,
            requested_by=caller.user,
            requested_name=caller.name[:150],
            why=storable(why).strip()[:LONGEST_WHY],
            idempotency_key=idempotency_key,
            bulk=bulk,
        )
        _queue(delivery, attempt, due_at)
        if bulk is None:
            detail = {"attempt": attempt.number, "mode": str(mode), "why": attempt.why}
            audit.record(caller, audit.RESEND, f"delivery {delivery.pk}", **detail, second_copy=accept_second_copy)
    return attempt


def refusal(delivery: Delivery, left: Missing, *, repeat: bool, offered: bool, accepted: bool) -> str:
    """Return the reason word that forbids it, or "". ``repeat``: the exact repeat is wanted, which is ``offered`` or
    not; ``accepted``: a second copy on the user's screen is."""
    if stands := _stands(delivery):
        return stands
    if repeat:
        return "" if offered else "no_repeat"
    if not left.pieces and not left.anew:
        if left.gone:
            return "item_gone"
        wordless = not delivery.generated_text.strip()
        return "message_gone" if wordless and delivery.inbound_id is None else "nothing_missing"
    return "second_copy" if doubtful(delivery, left) and not accepted else ""


def may_be_sent_again(delivery: Delivery) -> bool:
    """Whether it has ended in a way that leaves something to send."""
    return not _stands(delivery)


def _stands(delivery: Delivery) -> str:
    """Why it is not sent again as it stands; "": it may be. What QQ may have dropped has arrived only perhaps."""
    if delivery.suspect and delivery.status in ARRIVED:
        return ""
    return _STANDS.get(Status(delivery.status), "")


def doubtful(delivery: Delivery, left: Missing) -> bool:
    """Whether the user may see a part of it twice when it is sent again."""
    return left.doubtful or delivery.status == Status.UNKNOWN


def dismiss(delivery_id: int, caller: Caller) -> Delivery:
    """List the delivery no longer among those that failed; dismissed already, nothing changes. Raises ResendRefused
    (not_allowed, not_there, running, already_delivered, in_review)."""
    return _mark(delivery_id, caller, audit.DISMISS, timezone.now())


def undismiss(delivery_id: int, caller: Caller) -> Delivery:
    """Take a dismissal back. Raises as ``dismiss``."""
    return _mark(delivery_id, caller, audit.UNDISMISS, None)


def _mark(delivery_id: int, caller: Caller, action: str, dismissed_at: datetime | None) -> Delivery:
    allow(caller)
    with transaction.atomic():
        delivery = _locked(delivery_id)
        if stands := _stands(delivery):
            raise ResendRefused(stands)
        if (delivery.dismissed_at is None) == (dismissed_at is None):
            return delivery
        delivery.dismissed_at = dismissed_at
        delivery.seq += 1
        delivery.save(update_fields=["dismissed_at", "seq"])
        audit.record(caller, action, f"delivery {delivery.pk}")
        transaction.on_commit(lambda: publish([delivery_event(delivery, delivery.session.bot_id)]))
    return delivery


def allow(caller: Caller) -> None:
    """Raises ResendRefused (not_allowed) unless an admin asks."""
    if not caller.is_admin:
        raise ResendRefused("not_allowed")


def _locked(delivery_id: int) -> Delivery:
    rows = Delivery.objects.select_related("session__bot", "inbound", "item").select_for_update(of=("self",))
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise ResendRefused("not_there")
    return delivery


def _queue(delivery: Delivery, attempt: Attempt, due_at: datetime | None) -> None:
    """Put the delivery back into the queue with its new attempt, in the running transaction."""
    values = {
        "status": Status.QUEUED,
        "reason": "",
        "code": None,
        "detail": "",
        "failed_step": "",
        "due_at": due_at,
        "dismissed_at": None,
        "finished_at": None,
        "cancel_requested_at": None,
        "owner": "",
        "lease_until": None,
    }
    # The fence too: whoever held it before writes no more, and the claim knows that it is not the first.
    ended = Q(status__in=SENDABLE_AGAIN) | Q(status__in=ARRIVED, suspect=True)
    mine = Delivery.objects.filter(ended, pk=delivery.pk)
    if not mine.update(**values, seq=F("seq") + 1, fence=F("fence") + 1):
        raise ResendRefused("running")
    attempt.number = (delivery.attempts.aggregate(highest=Max("number"))["highest"] or 0) + 1
    attempt.save()
    delivery.refresh_from_db(fields=[*values, "seq", "fence"])
    event = delivery_event(delivery, delivery.session.bot_id, attempts=[attempt])
    transaction.on_commit(lambda: publish([event]))
    if due_at is None or due_at <= timezone.now():
        ring_after_commit(delivery.pk)
