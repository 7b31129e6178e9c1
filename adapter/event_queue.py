"""Events between the socket and whoever stores them: in order, one at a time, numbered once they are dealt with.

The socket goes on being read and heartbeats go on being sent while a slow or failing storage is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from adapter.events import Event
from adapter.handshake import ResumePoint

log = logging.getLogger(__name__)

Then = Callable[[], Awaitable[None]]


class EventQueue:
    """``take`` that raises is tried again after each of ``pauses`` (seconds) and then given up."""

    def __init__(
        self, take: Callable[[Event], Awaitable[None]], resume: ResumePoint | None, pauses: Sequence[float]
    ) -> None:
        self._take = take
        self._pauses = pauses
        self._queue: asyncio.Queue[tuple[ResumePoint | None, Event | None, Then | None]] = asyncio.Queue()
        self.point = resume
        """The last event that was dealt with: a crash now makes QQ repeat all after it."""
        self.lost = 0
        """Events given up."""

    def put(self, point: ResumePoint | None, event: Event | None, then: Then | None = None) -> None:
        """Queue an event, or (None) only the number that READY and RESUMED carry; ``then`` must not raise."""
        self._queue.put_nowait((point, event, then))

    async def emptied(self) -> None:
        """Return once everything queued so far was dealt with."""
        await self._queue.join()

    async def run(self) -> None:
        """Hand on, for ever."""
        while True:
            point, event, then = await self._queue.get()
            if event is not None:
                await self._hand_on(event)
            if point is not None:
                self.point = point
            if then is not None:
                await then()
            self._queue.task_done()

    async def _hand_on(self, event: Event) -> None:
        for pause in (*self._pauses, None):
            try:
                await self._take(event)
                return
            except Exception:
                # Whatever failed on the other side must not end the connection; it is logged and counted.
                log.exception("event %s %s could not be taken", event.type, event.id)
            if pause is not None:
                await asyncio.sleep(pause)
        self.lost += 1
        log.error("event %s %s is given up", event.type, event.id)
