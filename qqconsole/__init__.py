"""The console: Django project, delivery engine and live view."""

# Without this import, delay() called outside a worker goes to Celery's default broker on localhost.
from qqconsole.celery import app as celery_app

__all__ = ["celery_app"]
