"""Asking a delivery to stop."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from qqconsole.deliveries.models import Attempt, Delivery, Status
from qqconsole.engine import wishes
from qqconsole.live.documents import delivery_event
from qqconsole.live.publish import publish


def request_cancel(delivery_id: int) -> bool:
    """Note the wish on the row; False when the delivery has ended already.

    One that is still queued ends here; one that is being sent is closed by its owner, which hears of it at once.
    """
    now = timezone.now()
    queued = Delivery.objects.filter(pk=delivery_id, status=Status.QUEUED)
    with transaction.atomic():
        if queued.update(status=Status.CANCELLED, reason="cancelled", finished_at=now, seq=F("seq") + 1):
            Attempt.objects.filter(delivery_id=delivery_id, status=Status.QUEUED).update(
                status=Status.CANCELLED, reason="cancelled", finished_at=now
            )
            delivery = Delivery.objects.select_related("session").get(pk=delivery_id)
            transaction.on_commit(lambda: publish([delivery_event(delivery, delivery.session.bot_id)]))
            return True
    sending = Delivery.objects.filter(pk=delivery_id, status=Status.SENDING)
    if not sending.update(cancel_requested_at=now):
        return False
    transaction.on_commit(lambda: wishes.tell(delivery_id))
    return True
