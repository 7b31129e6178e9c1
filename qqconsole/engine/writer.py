"""GroupWriter: group commit without a tick. One thread takes all that is queued, one transaction, and again.

An idle process commits at once; a busy one batches by itself. A batch that fails is halved down to the guilty job,
and only its waiter fails. A job that names a delivery and a fence is refused when the fence has moved on: a process
that lost its lease can write nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction

from qqconsole.engine.batch import Batch
from qqconsole.engine.statements import fences_of, lock_sessions
from qqconsole.live.publish import publish

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_JOBS = 500
TRIES = 5
AWAY = 25.0
"""Seconds a database that cannot be reached is waited for; then the waiters are told. Less than a lease: a restart of a
few seconds is no more than a pause, and who has waited longer may have lost its deliveries to another process."""
LOOK_AGAIN = 0.2
"""Seconds between two looks for a database that is away."""
LAZY = 0.01
"""Seconds that a lazy job waits for company: an answer of QQ's is written with the next stream's intent, which halves
the transactions of a busy process."""


class FenceLost(Exception):
    """Another process owns the delivery now; nothing was written."""


@dataclass(slots=True)
class Job(Generic[T]):
    run: Callable[[Batch], T]
    """Runs in the writer's thread inside the transaction; may run again when a batch is halved or retried."""
    delivery_id: int | None = None
    fence: int | None = None
    lazy: bool = False
    """Nobody waits for it to send something: it may stand a moment, to be committed with what comes."""
    claims: int | None = None
    """The delivery that it wants to begin or to take over."""
    future: asyncio.Future[T] | None = None
    """Set by ``submit``."""


Resolution = tuple["asyncio.Future[Any] | None", Any, BaseException | None]


class GroupWriter:
    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.commits = 0
        self.jobs = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Write what is queued, then end; waits at most ``timeout`` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, job: Job[T]) -> asyncio.Future[T]:
        """Queue ``job`` from a running loop; the future is done after the commit. Jobs keep their order."""
        job.future = asyncio.get_running_loop().create_future()
        self._queue.put(job)
        return job.future

    def _run(self) -> None:
        while True:
            jobs = self._take()
            if jobs is None:
                break
            try:
                self._commit(jobs)
            except Exception as error:
                # The thread must outlive it; each waiter gets the error and writes it down.
                log.exception("a batch of %d writes failed", len(jobs))
                _resolve([(job.future, None, error) for job in jobs])
        connection.close()

    def _take(self) -> list[Job[Any]] | None:
        first = self._queue.get()
        if first is None:
            return None
        jobs = [first]
        until = time.monotonic() + LAZY
        while len(jobs) < MOST_JOBS:
            left = until - time.monotonic() if jobs[-1].lazy else 0.0
            try:
                job = self._queue.get(block=left > 0, timeout=max(left, 0.0))
            except queue.Empty:
                break
            if job is None:
                # Said again after these, so that what is queued is written first.
                self._queue.put(None)
                break
            jobs.append(job)
        return jobs

    def _commit(self, jobs: list[Job[Any]], tries: int = TRIES) -> None:
        """Write the jobs and tell those who wait for them."""
        batch = Batch()
        resolutions: list[Resolution] = []
        try:
            with transaction.atomic():
                fences = _fences(jobs)
                _lock_lanes(jobs)
                for job in jobs:
                    if job.fence is not None and fences.get(job.delivery_id) != job.fence:
                        resolutions.append((job.future, None, FenceLost(f"delivery {job.delivery_id}")))
                    else:
                        resolutions.append((job.future, job.run(batch), None))
                batch.flush()
        except (OperationalError, InterfaceError) as error:
            # A deadlock, a lock held too long, a database that restarts: the same jobs may pass the next time.
            if not _until_reachable():
                batch.undo()
                log.warning("the database is away, %d writes are given up: %s", len(jobs), error)
                _resolve([(job.future, None, error) for job in jobs])
                return
            if not batch.landed():
                batch.undo()
                if tries > 1:
                    time.sleep(0.05 * 2 ** (TRIES - tries))
                    self._commit(jobs, tries - 1)
                else:
                    self._halve(jobs, error)
                return
            log.warning("the database went away with the answer to a commit that it had made")
        except Exception as error:  # noqa: BLE001 - the guilty job's waiter gets it, and writes it down
            batch.undo()
            self._halve(jobs, error)
            return
        self.commits += 1
        self.jobs += len(jobs)
        batch.committed()
        # A frame waits for this; its viewers can wait until the frame is on its way.
        _resolve(resolutions)
        _publish(batch)

    def _halve(self, jobs: list[Job[Any]], error: BaseException) -> None:
        if len(jobs) == 1:
            log.warning("a write failed: %s: %s", type(error).__name__, error)
            _resolve([(jobs[0].future, None, error)])
            return
        middle = len(jobs) // 2
        self._commit(jobs[:middle], 1)
        self._commit(jobs[middle:], 1)


def _until_reachable() -> bool:
    """Wait for the database, at most ``AWAY`` seconds; at once where it is there."""
    deadline = time.monotonic() + AWAY
    while True:
        close_old_connections()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return True
        except (OperationalError, InterfaceError):
            connection.close()
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_AGAIN)


def _publish(batch: Batch) -> None:
    try:
        publish(batch.events())
    except Exception:
        # The rows are committed: viewers see the gap and ask for them.
        log.exception("the live events of a batch were lost")


def _fences(jobs: list[Job[Any]]) -> dict[int | None, int]:
    """The fences now in force, their rows locked in key order."""
    ids = sorted({job.delivery_id for job in jobs if job.fence is not None and job.delivery_id is not None})
    return fences_of(ids) if ids else {}


def _lock_lanes(jobs: list[Job[Any]]) -> None:
    """Two processes that claim in the same sessions, each in its own order, would wait for each other, and with them
    every stream of both, until the database finds out."""
    ids = [job.claims for job in jobs if job.claims is not None]
    if len(ids) > 1:
        lock_sessions(ids)


def _resolve(resolutions: list[Resolution]) -> None:
    """Tell the waiters, each loop with one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Resolution]] = defaultdict(list)
    for resolution in resolutions:
        if resolution[0] is not None:
            by_loop[resolution[0].get_loop()].append(resolution)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_tell, mine)
        except RuntimeError:
            log.warning("%d waiters are gone with their loop", len(mine))


def _tell(resolutions: list[Resolution]) -> None:
    for future, result, error in resolutions:
        if future is None or future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
