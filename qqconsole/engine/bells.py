"""Bells: the thread in which the engine rings doorbells. A broker that is away takes its time over each ring: that must
hold up neither the loop nor a question to the database, least of all the renewal of leases.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from celery import current_app

log = logging.getLogger(__name__)

DELIVER = "deliveries.deliver"


class Bells:
    def __init__(self) -> None:
        # One: doorbells keep their order.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bells")
        self._guard = threading.Lock()
        self._waiting: set[tuple[str, int]] = set()

    def ring(self, key: int, task: str = DELIVER) -> None:
        """Hand the task this key. Returns at once, from any thread; what waits to be rung for already waits once."""
        with self._guard:
            if (task, key) in self._waiting:
                return
            self._waiting.add((task, key))
        self._pool.submit(self._ring, task, key)

    def close(self) -> None:
        """Finish the ring that has begun, forget the rest: the rows wait, and the next start rings for them."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ring(self, task: str, key: int) -> None:
        with self._guard:
            # From here on another ring is news.
            self._waiting.discard((task, key))
        try:
            current_app.send_task(task, args=[key])
        except Exception:
            # The row is queued all the same; the sweep rings again.
            log.exception("%s could not be rung for", task, extra={"delivery": key} if task == DELIVER else {})
