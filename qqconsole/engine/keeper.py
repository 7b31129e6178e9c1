"""Keeper: stores what the models have written since the last intents, for all deliveries of the process together.

One timer, and only deliveries with something new: a model that writes costs a row in a statement of many, a few
times a second; one that is silent costs nothing. What a frame takes along is stored with it and is not due here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from django.db import InterfaceError, OperationalError

from qqconsole.deliveries import tails
from qqconsole.deliveries.tails import TailValues
from qqconsole.engine.writer import GroupWriter, Job

log = logging.getLogger(__name__)

AFTER = 0.15
"""Seconds a new piece of text waits at least: what comes meanwhile goes with it."""
TOGETHER = 0.05
"""Seconds within which those that become due are written by one statement. Both, and a busy writer's turn, stay within
the 250 ms that a crash may cost."""


class Speaking(Protocol):
    """A recorder whose source writes."""

    def tail(self) -> TailValues:
        """What no intent has stored yet."""
        ...


class Keeper:
    """Used on the engine's loop only."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self._due: dict[Speaking, float] = {}
        """In the order they become due."""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self.kept = 0
        """Rows written since the start."""

    def note(self, speaking: Speaking) -> None:
        """It has something new."""
        if speaking not in self._due:
            loop = asyncio.get_running_loop()
            self._due[speaking] = loop.time() + AFTER
            self._arm(loop)

    def forget(self, speaking: Speaking) -> None:
        """All of it is on its way into the database."""
        self._due.pop(speaking, None)

    def keep_now(self, speaking: Speaking) -> None:
        """Store it before whatever is written after this call."""
        self.forget(speaking)
        self._write([speaking])

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._writing is None and self._due:
            self._timer = loop.call_at(next(iter(self._due.values())) + TOGETHER, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        ready = []
        for speaking, due in self._due.items():
            if due > now:
                break
            ready.append(speaking)
        for speaking in ready:
            del self._due[speaking]
        if ready:
            # The next ones wait for it: a database that is slow, or away, is not given a pile of these.
            self._writing = self._write(ready)
            self._writing.add_done_callback(self._written)
        else:
            self._arm(asyncio.get_running_loop())

    def _write(self, speaking: list[Speaking]) -> asyncio.Future[None]:
        values = [one.tail() for one in speaking]
        self.kept += len(values)
        written = self._writer.submit(Job(lambda batch: tails.keep(values)))
        written.add_done_callback(lambda future: self._look(future, speaking))
        return written

    def _written(self, future: asyncio.Future[None]) -> None:
        self._writing = None
        self._arm(future.get_loop())

    def _look(self, future: asyncio.Future[None], speaking: list[Speaking]) -> None:
        if future.cancelled() or (error := future.exception()) is None:
            return
        log.warning("the texts of %d deliveries could not be kept: %s", len(speaking), error)
        if len(speaking) > 1 and not isinstance(error, OperationalError | InterfaceError):
            # One of them is at fault; the others are kept without it.
            for one in speaking:
                self._write([one])
