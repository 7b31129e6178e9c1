"""One timer for the many waits of one stream.

``asyncio.timeout`` makes and cancels a timer for every wait, which for a model that writes 30 pieces a second costs a
tenth of the reading (docs/decisions/0003-reading-the-model.md). This one looks up only when its time has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """Belongs to one stream, whose waits come one after another; ``close`` it with the stream."""

    __slots__ = ("_expired", "_loop", "_timer", "_until", "_waiting")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._until = 0.0
        self._expired = False

    async def wait(self, awaited: Awaitable[T], until: float) -> T:
        """Return what is awaited. Raises TimeoutError when it is not there at ``until`` (the loop's time, seconds)."""
        self._until = until
        if self._timer is None or until < self._timer.when():
            self._arm()
        # With the loop named it need not ask the operating system for the process it is in, at every piece.
        task = asyncio.current_task(self._loop)
        assert task is not None
        cancelling = task.cancelling()
        self._waiting = task
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._expired and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._until:
            self._arm()
        else:
            self._expired = True
            self._waiting.cancel()
