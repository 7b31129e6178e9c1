"""Readers: the threads in which the engine asks the database and rings doorbells, so that neither holds up the loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from qqconsole.engine import claims

log = logging.getLogger(__name__)
T = TypeVar("T")

THREADS = 2


class Readers:
    """SQLite in WAL mode and PostgreSQL let these pass beside the writer."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="reader")
        self._guard = threading.Lock()
        self._connections: list[BaseDatabaseWrapper] = []

    async def ask(self, query: Callable[[], T]) -> T:
        """Return what ``query`` returns; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, functools.partial(self._fresh, query))

    def ring(self, delivery_id: int) -> None:
        """Tell the workers that there is something to do. Returns at once, from any thread."""
        self._pool.submit(_ring, delivery_id)

    def ring_next(self, session_id: int) -> None:
        """The session is free: ring for whose turn it is in it."""
        self._pool.submit(self._ring_next, session_id)

    def close(self) -> None:
        """Finish what has begun, forget the rest, and close the threads' connections, which would outlive them."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _fresh(self, query: Callable[[], T]) -> T:
        """Drop a connection the database closed meanwhile, then ask."""
        for connection in connections.all():
            with self._guard:
                if connection not in self._connections:
                    connection.inc_thread_sharing()
                    self._connections.append(connection)
            # Its age is a matter of web requests: these few threads would connect anew for every question.
            connection.close_at = None
            connection.close_if_unusable_or_obsolete()
        return query()

    def _ring_next(self, session_id: int) -> None:
        try:
            waiting = self._fresh(lambda: claims.next_of_session(session_id))
        except Exception:
            # The row is queued all the same; the sweep rings for it.
            log.exception("it could not be looked at", extra={"session": session_id})
            return
        for delivery_id in waiting:
            _ring(delivery_id)


def _ring(delivery_id: int) -> None:
    from qqconsole.deliveries.tasks import deliver

    try:
        deliver.delay(delivery_id)
    except Exception:
        # The row is queued all the same; the sweep rings again.
        log.exception("it could not be rung for", extra={"delivery": delivery_id})
