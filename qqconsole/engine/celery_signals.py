"""The engine's life beside a worker of its own process: ``celery -A qqconsole worker`` starts it and ends it.

Only that command sends ``worker_ready`` and ``worker_shutting_down``: the embedded worker (``engine.worker``) sends
neither, its console does both itself.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

if TYPE_CHECKING:
    from qqconsole.engine.engine import Engine

log = logging.getLogger(__name__)

STOPS_WITHIN = 25.0
"""Seconds for the drain and for what it waits for itself; longer only where something hangs."""


class _Beside:
    """The engine beside this process's worker, and the thread that ends it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # The one thing of threading that a signal handler may touch: everything else may be locked by the very
        # code that the signal interrupted.
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._end, name="engine-end", daemon=True)
        self._thread.start()

    def tell(self) -> None:
        """Take nothing new, close what is open. Returns at once; safe in a signal handler; again is harmless."""
        self._engine.refuse_new()
        self._told.put(None)

    def wait(self) -> None:
        """Until everything is closed and written, at most ``STOPS_WITHIN`` seconds."""
        self._thread.join(STOPS_WITHIN)

    def _end(self) -> None:
        from qqconsole.live.publish import publisher

        self._told.get()
        log.warning("stopping: open streams get their closing frames")
        try:
            left = self._engine.stop()
            if left:
                log.warning("%d deliveries did not end in time; they are closed when their leases end", left)
            publisher.stop()
        except Exception:
            # Nobody is left to tell, and the worker must end all the same.
            log.exception("stopping did not go smoothly; what is open is closed when its lease ends")


_beside: _Beside | None = None


def start(sender: Any, **_: Any) -> None:
    """Start the engine with the worker: it sweeps and gives its sign of life before the first delivery."""
    global _beside
    from qqconsole.engine import engine as engines

    if _beside is not None:
        return
    engine = engines.current()
    # Without its broker a worker hears no doorbell.
    engine.worker_alive = lambda: sender.connection is not None
    _beside = _Beside(engine)
    engines.settle()


def tell(**_: Any) -> None:
    """SIGTERM or SIGINT. The tasks' threads, for which Celery waits, return as their deliveries end."""
    if _beside is not None:
        _beside.tell()


def wait(**_: Any) -> None:
    """Celery is done with its tasks: the process may end once the engine has written everything."""
    if _beside is not None:
        _beside.tell()
        _beside.wait()


worker_ready.connect(start)
worker_shutting_down.connect(tell)
worker_shutdown.connect(wait)
