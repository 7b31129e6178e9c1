"""A stream's place in the line of those that want to compose a middle frame (``adapter.lanes`` keeps the line)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from adapter.request import Endpoint


class Turns(Protocol):
    def turn(self, endpoint: Endpoint) -> asyncio.Future[None] | None:
        """None: compose now; else a future that is done when it is time, to be cancelled by who wants no more."""
        ...


class Line:
    """One stream's. Without ``turns`` it is always this stream's turn; ``wake`` is called when it comes."""

    def __init__(self, turns: Turns | None, endpoint: Endpoint, wake: Callable[[], None]) -> None:
        self._turns = turns
        self._endpoint = endpoint
        self._wake = wake
        self._place: asyncio.Future[None] | None = None
        self._mine = turns is None

    @property
    def mine(self) -> bool:
        """Whether it is this stream's turn."""
        if self._place is not None and self._place.done():
            self._place = None
            self._mine = True
        return self._mine

    def join(self) -> bool:
        """Get into the line, if not in it. True: it is this stream's turn at once."""
        if self.mine or self._turns is None:
            return True
        if self._place is None:
            self._place = self._turns.turn(self._endpoint)
            if self._place is None:
                self._mine = True
            else:
                self._place.add_done_callback(self._called)
        return self._mine

    def used(self) -> None:
        """The frame is composed: the next one needs a turn of its own."""
        self._mine = self._turns is None

    def leave(self) -> None:
        """Something else comes first; a turn that came already is kept."""
        if not self.mine and self._place is not None:
            self._place.cancel()
            self._place = None

    def _called(self, place: asyncio.Future[None]) -> None:
        if not place.cancelled():
            self._wake()
