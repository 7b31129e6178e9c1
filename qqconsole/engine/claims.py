"""Claiming work: a conditional UPDATE with an owner, a lease and a fence. Everything here runs in the writer's thread.

The row is the truth, the broker a doorbell: a doorbell rung twice, late or never changes nothing.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from qqconsole.bots.models import BotConnection, BotGate, GateState
from qqconsole.deliveries import quotas
from qqconsole.deliveries.models import OPEN, Attempt, Delivery, Kind, Status, TypingHint
from qqconsole.deliveries.passive import Passive, passive_choice
from qqconsole.engine.batch import Batch
from qqconsole.engine.statements import take
from qqconsole.live.documents import delivery_event

LEASE = timedelta(seconds=30)
RENEW_EVERY = 10.0
"""Seconds: a third of the lease, whether or not there is something to write."""


def new_owner() -> str:
    """A name no other process ever has."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Claim:
    delivery: Delivery
    attempt: Attempt
    passive: Passive | None
    """How a message that answers nothing by itself goes; None: it answers its own inbound message."""
    recovered: bool
    """Another owner had begun it: the attempt is that owner's, to be closed rather than begun."""


def next_in_turn() -> QuerySet[Delivery]:
    """Queued deliveries that are due, with nothing due or sending before them in their session's lane, of bots that
    are not paused.

    A session has two lanes: what people ask to send keeps its own order, and a large file among it must not keep an
    answer waiting, nor the answer the file.
    """
    due = Q(due_at=None) | Q(due_at__lte=timezone.now())
    before = Q(status=Status.SENDING) | Q(status=Status.QUEUED, pk__lt=OuterRef("pk")) & due
    # The statuses say again what ``before`` says: so the small index of what is open answers it.
    others = Delivery.objects.filter(before, session=OuterRef("session"), status__in=OPEN)
    replies, asked_for = others.filter(kind=Kind.REPLY), others.exclude(kind=Kind.REPLY)
    free = Q(kind=Kind.REPLY) & ~Exists(replies) | ~Q(kind=Kind.REPLY) & ~Exists(asked_for)
    paused = BotGate.objects.filter(bot=OuterRef("session__bot"), state=GateState.PAUSED)
    return Delivery.objects.filter(due, free, ~Exists(paused), status=Status.QUEUED)


def claim(batch: Batch, delivery_id: int, owner: str) -> Claim | None:
    """Take a queued delivery; None when it is not to be had: begun, ended, not due, its lane busy before it, or QQ's
    limit of what answers nothing reached (then it is due later)."""
    now = timezone.now()
    if not take(delivery_id, owner, now, now + LEASE):
        return None
    delivery = _load(delivery_id)
    attempt = _asked_for(delivery) if delivery.fence > 1 or delivery.requested_name else None
    passive = passive_choice(delivery, attempt, now)
    if passive is not None and passive.reference is None and (due_at := quotas.reserve(delivery, now)) is not None:
        _put_off(batch, delivery, due_at)
        return None
    if attempt is None:
        # The fence counts the claims: at the first there is no attempt to be counted.
        number = 1 if delivery.fence == 1 else delivery.attempts.count() + 1
        attempt = _new_attempt(delivery, number, now)
        batch.create(attempt)
    else:
        attempt.status, attempt.started_at = Status.SENDING, now
        attempt.save(update_fields=["status", "started_at"])
    attempts = [attempt]
    batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id, attempts=attempts))
    return Claim(delivery, attempt, passive, recovered=False)


def _asked_for(delivery: Delivery) -> Attempt | None:
    """The attempt that somebody asked for, or that was put back before anything of it had left."""
    return delivery.attempts.filter(status=Status.QUEUED).order_by("number").first()


def _new_attempt(delivery: Delivery, number: int, now: datetime) -> Attempt:
    """An attempt nobody asked for beside the delivery itself: whoever asked for that one asked for this."""
    return Attempt(
        delivery=delivery,
        number=number,
        requested_by_id=delivery.requested_by_id,
        requested_name=delivery.requested_name,
        started_at=now,
    )


def _put_off(batch: Batch, delivery: Delivery, due_at: datetime) -> None:
    delivery.status, delivery.due_at, delivery.owner, delivery.lease_until = Status.QUEUED, due_at, "", None
    delivery.save(update_fields=["status", "due_at", "owner", "lease_until"])
    batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id))


def to_be_had(delivery_id: int) -> bool:
    """Whether nobody owns it: it is queued, or its owner let the lease end."""
    unowned = Q(status=Status.QUEUED) | Q(status=Status.SENDING) & _lease_ended()
    return Delivery.objects.filter(unowned, pk=delivery_id).exists()


def _lease_ended() -> Q:
    return Q(lease_until__lt=timezone.now()) | Q(lease_until=None)


def lost() -> QuerySet[Delivery]:
    """What its owner let go: our own as well, for what runs here is renewed long before."""
    return Delivery.objects.filter(_lease_ended(), status=Status.SENDING)


def take_over(batch: Batch, delivery_id: int, owner: str) -> Claim | None:
    """Take a delivery whose owner let its lease end, be it ourselves; None when it is not to be had."""
    now = timezone.now()
    mine = (
        lost()
        .filter(pk=delivery_id)
        .update(owner=owner, lease_until=now + LEASE, fence=F("fence") + 1, seq=F("seq") + 1)
    )
    if not mine:
        return None
    delivery = _load(delivery_id)
    attempt = delivery.attempts.order_by("-number").first()
    if attempt is None:
        attempt = _new_attempt(delivery, 1, now)
        batch.create(attempt)
    else:
        # A hint is never repeated: nobody will learn what became of one that was on its way.
        TypingHint.objects.filter(attempt=attempt, status="sending").update(status="unknown")
    batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id))
    return Claim(delivery, attempt, passive_choice(delivery, attempt, now), recovered=True)


def disown_others(owner: str) -> int:
    """End every lease but our own, and every other hold of a gateway session: only where no other process can be
    alive. Returns how many deliveries there were."""
    BotConnection.objects.exclude(holder=owner).update(holder="")
    others = Delivery.objects.filter(status=Status.SENDING).exclude(owner=owner)
    return others.update(lease_until=None)


def _load(delivery_id: int) -> Delivery:
    return Delivery.objects.select_related("session__bot", "inbound", "item").get(pk=delivery_id)


def renew(batch: Batch, owner: str, delivery_ids: Iterable[int]) -> set[int]:
    """Renew the leases; the ids that are still ours."""
    ids = sorted(delivery_ids)
    ours = Delivery.objects.filter(pk__in=ids, owner=owner, status=Status.SENDING)
    ours.update(lease_until=timezone.now() + LEASE)
    return set(ours.values_list("pk", flat=True))


def next_of_session(session_id: int) -> list[int]:
    """The deliveries whose turn it is in this session: at most one in each of its lanes."""
    return list(next_in_turn().filter(session_id=session_id).order_by("pk").values_list("pk", flat=True)[:2])
