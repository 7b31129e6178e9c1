"""What Celery's beat asks for now and then, asked for by the console itself where everything is one process."""

from __future__ import annotations

import asyncio
import logging

from celery import current_app
from django.conf import settings

log = logging.getLogger(__name__)

FIRST_AFTER = 300.0
"""Seconds from the start, which has better things to do."""
EVERY = 86_400.0


async def ask_for_chores() -> None:
    """Ring for each task of the beat's schedule, a while after the start and then once a day; runs until cancelled."""
    await asyncio.sleep(FIRST_AFTER)
    while True:
        for entry in settings.CELERY_BEAT_SCHEDULE.values():
            try:
                await asyncio.to_thread(current_app.send_task, entry["task"])
            except OSError:
                log.exception("%s could not be rung for; it is asked for again tomorrow", entry["task"])
        await asyncio.sleep(EVERY)
