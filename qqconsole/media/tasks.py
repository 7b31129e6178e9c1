"""What Celery's beat asks for at night; nothing of the delivery of media hangs on it."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from qqconsole.media.cleaning import clean


@shared_task(name="media.clean", ignore_result=True)  # type: ignore[untyped-decorator]
def clean_media() -> None:
    """Remove old media that nobody needs. Safe to repeat."""
    clean(timedelta(days=settings.MEDIA_KEEP_DAYS))
