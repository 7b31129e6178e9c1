"""Events between the socket and whoever stores them: in order, one at a time, numbered once they are dealt with.

The socket goes on being read while a slow or failing storage is waited for, until so much waits that it is full;
heartbeats go on even then (docs/decisions/0007-a-full-inbox-stops-reading.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from adapter.events import Event
from adapter.handshake import ResumePoint

log = logging.getLogger(__name__)

Then = Callable[[], Awaitable[None]]

MOST_EVENTS = 20_000
MOST_BYTES = 64_000_000
"""Of the frames as they came: read into objects they take a few times as much memory."""


class EventQueue:
    """``take`` that raises is tried again after each of ``pauses`` (seconds) and then given up.

    It is ``full`` from ``most_events`` or ``most_bytes`` on until half of that is dealt with. Nothing put is refused:
    whoever reads the socket looks at ``full`` before it reads.
    """

    def __init__(
        self,
        take: Callable[[Event], Awaitable[None]],
        resume: ResumePoint | None,
        pauses: Sequence[float],
        *,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._take = take
        self._pauses = pauses
        self._most_events, self._most_bytes = most_events, most_bytes
        self._queue: asyncio.Queue[tuple[ResumePoint | None, Event | None, Then | None, int]] = asyncio.Queue()
        self._waiting = self._size = 0
        self._room = asyncio.Event()
        self._room.set()
        self.point = resume
        """The last event that was dealt with: a crash now makes QQ repeat all after it."""
        self.lost = 0
        """Events given up."""

    @property
    def full(self) -> bool:
        """Whether no more should be read now."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Return once it is not full (any more)."""
        await self._room.wait()

    def put(self, point: ResumePoint | None, event: Event | None, then: Then | None = None, *, size: int = 0) -> None:
        """Queue an event, or (None) only the number that READY and RESUMED carry; ``then`` must not raise.

        ``size`` is that of the frame it came in, in bytes.
        """
        self._queue.put_nowait((point, event, then, size))
        self._waiting += 1
        self._size += size
        if self._waiting >= self._most_events or self._size >= self._most_bytes:
            self._room.clear()

    async def emptied(self) -> None:
        """Return once everything queued so far was dealt with."""
        await self._queue.join()

    async def run(self) -> None:
        """Hand on, for ever."""
        while True:
            point, event, then, size = await self._queue.get()
            if event is not None:
                await self._hand_on(event)
            if point is not None:
                self.point = point
            if then is not None:
                await then()
            self._dealt_with(size)

    def _dealt_with(self, size: int) -> None:
        self._queue.task_done()
        self._waiting -= 1
        self._size -= size
        # Half, not one: reading does not stop and start with every event.
        if self._waiting <= self._most_events // 2 and self._size <= self._most_bytes // 2:
            self._room.set()

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
