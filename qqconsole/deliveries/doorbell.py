"""The doorbell: tells the workers that a delivery waits. The row is the truth; a lost ring is made good by the sweep.

By the task's name alone, so that pages and API ring without importing anything that sends.
"""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring_after_commit(delivery_id: int) -> None:
    """Ring once the running transaction is committed (at once, where there is none)."""
    transaction.on_commit(lambda: ring(delivery_id))


def ring(delivery_id: int, task: str = "deliveries.deliver") -> None:
    """Hand the task this key. Never raises: the row waits, and the sweep rings again."""
    try:
        current_app.send_task(task, args=[delivery_id])
    except (OperationalError, OSError):
        log.exception("%s could not be rung for", task, extra={"delivery": delivery_id})
