"""Asking a delivery to stop."""

from __future__ import annotations

from django.utils import timezone

from qqconsole.deliveries.models import Delivery, Status


def request_cancel(delivery_id: int) -> bool:
    """Note the wish on the row; False when the delivery has ended already."""
    alive = Delivery.objects.filter(pk=delivery_id, status__in=[Status.QUEUED, Status.SENDING])
    return bool(alive.update(cancel_requested_at=timezone.now()))
