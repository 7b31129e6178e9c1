"""The Celery application. A task takes a primary key: the row is the truth, the broker a doorbell."""

from __future__ import annotations

import os

from celery import Celery

from qqconsole.engine import celery_signals as celery_signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qqconsole.settings")

app = Celery("qqconsole")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
