"""Asking a delivery to stop."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from qqconsole.deliveries.models import Delivery, Status


def request_cancel(delivery_id: int) -> bool:
    """Note the wish on the row; False when the delivery has ended already.

    One that is still queued ends here; one that is being sent is closed by its owner, which looks once a second.
    """
    now = timezone.now()
    queued = Delivery.objects.filter(pk=delivery_id, status=Status.QUEUED)
    if queued.update(status=Status.CANCELLED, reason="cancelled", finished_at=now, seq=F("seq") + 1):
        return True
    sending = Delivery.objects.filter(pk=delivery_id, status=Status.SENDING)
    return bool(sending.update(cancel_requested_at=now))
