"""LeasedClient: nothing leaves once the lease may have ended, though its row was committed in time.

A process that was stopped (SIGSTOP, a paused machine, a swapped-out container) wakes between its commit and its
request, and knows nothing of the time between. The machine's clock went on: it tells, without a question to anybody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from adapter.answers import Answer
from adapter.request import Request
from adapter.sender import Client
from qqconsole.engine import claims
from qqconsole.engine.writer import FenceLost


@dataclass(slots=True)
class Lease:
    until: float
    """The machine's monotonic time, seconds."""

    @classmethod
    def from_now(cls) -> Lease:
        return cls(time.monotonic() + claims.LEASE.total_seconds())

    def renewed(self, at: float) -> None:
        """``at``: when the renewal was asked for, which is no later than the database's own moment."""
        self.until = at + claims.LEASE.total_seconds()


class LeasedClient:
    def __init__(self, client: Client, lease: Lease) -> None:
        self._client, self._lease = client, lease

    async def send(self, request: Request) -> Answer:
        """QQ's answer; raises FenceLost where another process may carry the delivery by now."""
        if time.monotonic() > self._lease.until:
            raise FenceLost("the lease has ended")
        return await self._client.send(request)
