"""The whole console in one process: Daphne in the main thread; the engine's loop, its writer, a Celery worker beside.

Shutting down goes against the stream: no new events, no new claims, closing frames for what is open, then the end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.conf import settings

from qqconsole.engine import engine as engines
from qqconsole.engine.chores import ask_for_chores
from qqconsole.engine.demo import Demo, rest
from qqconsole.engine.gateways import Gateways
from qqconsole.engine.worker import EmbeddedWorker
from qqconsole.live import watching

if TYPE_CHECKING:
    from daphne.server import Server

log = logging.getLogger(__name__)

ENDS_WITHIN = 14.0
"""Seconds from the signal to the end of the process, whatever hangs."""


IMPATIENT_AFTER = 1.0
"""Seconds from which a second signal means that somebody will not wait: before, it is the same wish told twice, to the
process and to its group."""


class Console:
    def __init__(self, *, host: str, port: int, demo: bool, ready: Callable[[int], None]) -> None:
        """``ready`` is called once the pages are served, with the port they are served on."""
        self._host, self._port, self._ready = host, port, ready
        # With Redis other processes may carry deliveries of the same database: then the leases tell.
        self._engine = engines.Engine(recover_all=not settings.REDIS_URL)
        self._gateways = Gateways(self._engine)
        self._worker = EmbeddedWorker()
        self._demo = Demo(watched=watching.anybody) if demo else None
        self._stopping = threading.Event()
        self._told_at = 0.0

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second signal ends at once."""
        server = self._make_server()
        if self._demo is not None:
            self._demo.start()
        else:
            rest()
        engines.install(self._engine)
        self._engine.start()
        self._engine.worker_alive = lambda: self._worker.alive
        self._worker.start()
        asyncio.run_coroutine_threadsafe(self._gateways.start(), self._engine.loop).result(10)
        self._chores = asyncio.run_coroutine_threadsafe(ask_for_chores(), self._engine.loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)
        engines.settle()
        server.run()

    def _make_server(self) -> Server:
        # Importing Daphne installs Twisted's asyncio reactor for the main thread.
        from daphne.endpoints import build_endpoint_description_strings
        from daphne.server import Server

        from qqconsole.asgi import application

        endpoints = build_endpoint_description_strings(host=self._host, port=self._port)
        server: Server = Server(
            application=application,
            endpoints=endpoints,
            signal_handlers=False,
            # Daphne listens before it calls this.
            ready_callable=lambda: self._ready(server.listening_addresses[0][1]),
            server_name="qqconsole",
            verbosity=0,
        )
        return server

    def _told(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            if time.monotonic() - self._told_at > IMPATIENT_AFTER:
                os._exit(1)
            return
        self._told_at = time.monotonic()
        self._stopping.set()
        threading.Thread(target=self._shut_down, name="shutdown").start()

    def _shut_down(self) -> None:
        from twisted.internet import reactor

        running: Any = reactor
        watchdog = threading.Timer(ENDS_WITHIN, _too_late)
        watchdog.daemon = True
        watchdog.start()
        began = time.monotonic()
        try:
            log.warning("stopping: open streams get their closing frames")
            self._engine.refuse_new()
            self._chores.cancel()
            self._leave_gateways()
            left = self._engine.stop(engines.DRAIN - (time.monotonic() - began))
            if left:
                log.warning("%d deliveries did not end in time; the next start closes them", left)
            self._worker.stop(1)
            if self._demo is not None:
                self._demo.stop(1)
        except Exception:
            # Nobody is left to tell, and the process must end all the same.
            log.exception("stopping did not go smoothly; what is open is closed at the next start")
        finally:
            running.callFromThread(running.stop)

    def _leave_gateways(self) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._gateways.stop(), self._engine.loop).result(3)
        except Exception:
            # Not what the open streams should wait for.
            log.exception("the gateway sessions could not be left in order")


def _too_late() -> None:
    log.error("stopping took longer than %.0f s; the next start closes what is open", ENDS_WITHIN)
    os._exit(1)
