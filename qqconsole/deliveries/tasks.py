"""The thin shell Celery puts around a delivery: the work itself runs on the process's one asyncio loop.

The task waits for it, so that a worker that is told to stop knows what it is still doing (a task that merely hands
off loses its deliveries on SIGTERM: measured, docs/architecture.md).
"""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings


@shared_task(name="deliveries.deliver", ignore_result=True)  # type: ignore[untyped-decorator]
def deliver(delivery_id: int) -> None:
    """Send the delivery with this primary key, unless it is not to be had. Ringing twice is harmless."""
    from qqconsole.engine.engine import current

    current().deliver_and_wait(delivery_id)


@shared_task(name="deliveries.enrol", ignore_result=True)  # type: ignore[untyped-decorator]
def enrol(bulk_id: int) -> None:
    """Carry the bulk resend with this primary key on. Ringing twice is harmless."""
    from qqconsole.deliveries.enrolment import carry_on

    carry_on(bulk_id)


@shared_task(name="deliveries.forget_sends", ignore_result=True)  # type: ignore[untyped-decorator]
def forget_sends() -> None:
    """Delete the ledger of proactive sends as far as no limit looks at it any more. Safe to repeat."""
    from qqconsole.deliveries import quotas

    quotas.clean()


@shared_task(name="deliveries.remove_old", ignore_result=True)  # type: ignore[untyped-decorator]
def remove_old() -> None:
    """Remove what is older than QQCONSOLE_KEEP_DAYS; nothing where that is 0. Safe to repeat."""
    from qqconsole.deliveries.retention import remove

    if settings.KEEP_DAYS:
        remove(timedelta(days=settings.KEEP_DAYS))
