"""What Celery's beat asks for now and then; nothing of the delivery of replies hangs on it."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command


@shared_task(name="accounts.clear_sessions", ignore_result=True)  # type: ignore[untyped-decorator]
def clear_sessions() -> None:
    """Delete the rows of sign-ins that have expired. Safe to repeat."""
    call_command("clearsessions")
