"""Readers: the threads in which the engine asks the database, so that no question holds up the loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

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

    def tell(self, query: Callable[[], Iterable[T]], hear: Callable[[T], None]) -> None:
        """Give ``hear`` all that ``query`` returns, in a reader's thread. Returns at once; a failure is logged."""
        self._pool.submit(self._tell, query, hear)

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

    def _tell(self, query: Callable[[], Iterable[T]], hear: Callable[[T], None]) -> None:
        try:
            for one in self._fresh(query):
                hear(one)
        except Exception:
            # Whatever it is, its rows wait, and the sweep finds them.
            log.exception("a question came to nothing")
