"""A Celery worker in a thread of this process: the embedded default, with nothing to install beside it."""

from __future__ import annotations

import threading
from typing import Any

from celery.worker import state

from qqconsole.celery import app

CONCURRENCY = 2000
"""Threads are made as deliveries need them; each waits for the loop and costs little."""


class EmbeddedWorker:
    def __init__(self) -> None:
        self._worker: Any = app.WorkController(
            hostname="embedded@qqconsole",
            pool="threads",
            concurrency=CONCURRENCY,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._thread = threading.Thread(target=self._worker.start, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and state.should_stop in (None, False)

    def stop(self, timeout: float) -> None:
        """Take no more tasks and end; waits at most ``timeout`` seconds."""
        state.should_stop = 0
        self._thread.join(timeout)
