"""TypingHints: tells the user that an answer is being written, as long as there is nothing of it to be seen.

Private chats only (sheet 3.2). Each hint uses up an answer (sheet 3.4), so the ledger may deny it; and it is only a
kindness: whatever becomes of one, the reply goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from adapter.answers import Accepted, Answer, Exchange, Unknown
from adapter.dialects import typing_request
from adapter.gate import Gate, OpenGate
from adapter.passive import Denied
from adapter.request import Request
from adapter.targets import Target

log = logging.getLogger(__name__)
SILENCE = 1.0
"""Seconds without a word before the first hint: most answers begin earlier, and need none."""


class Sends(Protocol):
    async def send(self, request: Request) -> Answer: ...


class HintBook(Protocol):
    """The record of one attempt's hints. The row first, as with frames."""

    async def intend(self, seconds: int, build: Callable[[int], Request]) -> tuple[Request, object] | Denied:
        """Use up an answer, write the hint as *sending*; the request, and what the record knows it by."""
        ...

    def settle(self, ticket: object, answer: Answer) -> None:
        """Queue QQ's answer for writing."""
        ...


class TypingHints:
    """For one reply to ``msg_id``. Belongs to one event loop."""

    def __init__(
        self,
        client: Sends,
        book: HintBook,
        target: Target,
        msg_id: str,
        seconds: int,
        *,
        gate: Gate | None = None,
        silence: float = SILENCE,
    ) -> None:
        """``seconds``: for how long QQ shows one hint, at most 60 (sheet 3.2)."""
        self._client, self._book, self._target = client, book, target
        self._msg_id, self._seconds, self._silence = msg_id, seconds, silence
        self._gate = gate or OpenGate()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Hint from now on, whenever nothing has been shown for long enough."""
        self._task = asyncio.create_task(self._hint())

    def stop(self) -> None:
        """The first frame is about to leave: no hint leaves after it."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """``stop``, and wait until nothing of it runs any more."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _hint(self) -> None:
        wait = self._silence
        while True:
            await asyncio.sleep(wait)
            wait = self._seconds
            if not self._gate.enter(self):
                continue
            try:
                if not await self._send_one():
                    return
            except Exception as error:  # noqa: BLE001 - the reply itself meets the same trouble, and its row gets it
                log.warning("no typing hint: %s: %s", type(error).__name__, error)
                return
            finally:
                self._gate.leave(self)

    async def _send_one(self) -> bool:
        """Whether there may be another."""
        intent = await self._book.intend(self._seconds, self._build)
        if isinstance(intent, Denied):
            return False
        request, ticket = intent
        try:
            answer = self._gate.heard(self, request, await self._client.send(request)).answer
        except asyncio.CancelledError:
            self._book.settle(ticket, Unknown("cut short", Exchange(message="the answer began first")))
            raise
        self._book.settle(ticket, answer)
        return isinstance(answer, Accepted)

    def _build(self, msg_seq: int) -> Request:
        return typing_request(self._target, self._msg_id, msg_seq, self._seconds)
