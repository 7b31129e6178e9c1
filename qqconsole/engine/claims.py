"""Claiming work: a conditional UPDATE with an owner, a lease and a fence. Everything here runs in the writer's thread.

The row is the truth, the broker a doorbell: a doorbell rung twice, late or never changes nothing.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from qqconsole.bots.models import BotConnection
from qqconsole.deliveries.models import Attempt, Delivery, Status
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
    recovered: bool
    """Another owner had begun it: the attempt is that owner's, to be closed rather than begun."""


def next_in_turn() -> QuerySet[Delivery]:
    """Queued deliveries with nothing queued or sending before them in their session."""
    before = Q(status=Status.SENDING) | Q(status=Status.QUEUED, pk__lt=OuterRef("pk"))
    others = Delivery.objects.filter(before, session=OuterRef("session"))
    return Delivery.objects.filter(~Exists(others), status=Status.QUEUED)


def claim(batch: Batch, delivery_id: int, owner: str) -> Claim | None:
    """Take a queued delivery; None when it is not to be had: begun, ended, or its session is busy before it."""
    now = timezone.now()
    if not take(delivery_id, owner, now, now + LEASE):
        return None
    delivery = _load(delivery_id)
    # The fence counts the claims: at the first there is no attempt to be counted.
    number = 1 if delivery.fence == 1 else delivery.attempts.count() + 1
    attempt = Attempt(delivery=delivery, number=number, started_at=now)
    batch.create(attempt)
    batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id))
    return Claim(delivery, attempt, recovered=False)


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
        attempt = Attempt(delivery=delivery, number=1, started_at=now)
        batch.create(attempt)
    batch.publish(lambda: delivery_event(delivery, delivery.session.bot_id))
    return Claim(delivery, attempt, recovered=True)


def disown_others(owner: str) -> int:
    """End every lease but our own, and every other hold of a gateway session: only where no other process can be
    alive. Returns how many deliveries there were."""
    BotConnection.objects.exclude(holder=owner).update(holder="")
    others = Delivery.objects.filter(status=Status.SENDING).exclude(owner=owner)
    return others.update(lease_until=None)


def _load(delivery_id: int) -> Delivery:
    return Delivery.objects.select_related("session__bot", "inbound").get(pk=delivery_id)


def renew(batch: Batch, owner: str, delivery_ids: Iterable[int]) -> set[int]:
    """Renew the leases; the ids that are still ours."""
    ids = sorted(delivery_ids)
    ours = Delivery.objects.filter(pk__in=ids, owner=owner, status=Status.SENDING)
    ours.update(lease_until=timezone.now() + LEASE)
    return set(ours.values_list("pk", flat=True))


def next_of_session(session_id: int) -> int | None:
    """The delivery that waits longest in this session."""
    waiting = Delivery.objects.filter(session_id=session_id, status=Status.QUEUED).order_by("pk")
    return waiting.values_list("pk", flat=True).first()
